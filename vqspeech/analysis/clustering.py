"""Codes as clusters of frames, measured against phones: purities and shares of information.

All of them come from one table of counts, so that a bootstrap is a table of tables: counts are
(..., K, P), the leading axes being resamples, and a measure is (...). K codes, P phones, N frames;
information is in nats. These are figures of the frames that were counted: with few frames a code,
random codes score high too (see `phoneme_mapping.py` for what is fitted and scored apart).
"""

import numpy as np
from scipy.special import entr

from vqspeech.analysis.aligned_codes import LEFT_OUT


def count_pairs(
    codes: np.ndarray, labels: np.ndarray, num_codes: int, num_phones: int
) -> np.ndarray:
    """How often each code meets each phone: (K, P) int64.

    Args:
        codes: (N,) from 0 to K - 1.
        labels: (N,) from 0 to P - 1, or `LEFT_OUT`, which is not counted.
        num_codes: K.
        num_phones: P.

    Raises:
        ValueError: different numbers of frames, or a code or a label out of range.
    """
    if codes.shape != labels.shape:
        raise ValueError(f"{codes.shape} codes for {labels.shape} labels")
    scored = labels != LEFT_OUT
    codes, labels = codes[scored], labels[scored]
    for what, values, limit in (("code", codes, num_codes), ("label", labels, num_phones)):
        if len(values) and not 0 <= values.min() <= values.max() < limit:
            raise ValueError(f"{what}s from {values.min()} to {values.max()}, of {limit}")
    joint = codes.astype(np.int64) * num_phones + labels
    return np.bincount(joint, minlength=num_codes * num_phones).reshape(num_codes, num_phones)


def phone_purity(counts: np.ndarray) -> np.ndarray:
    """sum_k q(k) max_p q(p | k): accuracy of the likeliest phone of each code, fitted here."""
    return counts.max(axis=-1).sum(axis=-1) / _total(counts)


def cluster_purity(counts: np.ndarray) -> np.ndarray:
    """sum_p q(p) max_k q(k | p): how much of each phone lies in one code."""
    return counts.max(axis=-2).sum(axis=-1) / _total(counts)


def phone_entropy(counts: np.ndarray) -> np.ndarray:
    """H(p) in nats."""
    return _entropy(counts.sum(axis=-2), _total(counts))


def code_entropy(counts: np.ndarray) -> np.ndarray:
    """H(c) in nats."""
    return _entropy(counts.sum(axis=-1), _total(counts))


def mutual_information(counts: np.ndarray) -> np.ndarray:
    """I(p; c) in nats; never below 0."""
    joint = _entropy(counts.reshape(*counts.shape[:-2], -1), _total(counts))
    # The sum of entropies may miss 0 by rounding.
    return np.maximum(phone_entropy(counts) + code_entropy(counts) - joint, 0.0)


def pnmi(counts: np.ndarray) -> np.ndarray:
    """I(p; c) / H(p), phone-normalised: what share of the phone the code tells.

    With a single phone there is nothing to tell and it is 1, as scikit-learn's homogeneity is.
    """
    return _share(mutual_information(counts), phone_entropy(counts))


def nmi(counts: np.ndarray) -> np.ndarray:
    """2 I(p; c) / (H(p) + H(c)): normalised by the arithmetic mean, scikit-learn's default.

    1 where both entropies are 0: one phone, one code.
    """
    entropies = phone_entropy(counts) + code_entropy(counts)
    return _share(2 * mutual_information(counts), entropies)


def v_measure(counts: np.ndarray, beta: float = 1.0) -> np.ndarray:
    """(1 + beta) h c / (beta h + c) of homogeneity h = I / H(p) and completeness c = I / H(c).

    For beta = 1 it equals `nmi` (Rosenberg and Hirschberg 2007); a larger one weighs completeness
    more. 0 where both are 0.
    """
    information = mutual_information(counts)
    homogeneity = _share(information, phone_entropy(counts))
    completeness = _share(information, code_entropy(counts))
    below = beta * homogeneity + completeness
    above = (1 + beta) * homogeneity * completeness
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


def confusion(predicted: np.ndarray, labels: np.ndarray, num_phones: int) -> np.ndarray:
    """How often each phone is taken for each: (P, P) int64, rows the reference.

    Args:
        predicted: (N,) from 0 to P - 1.
        labels: (N,) the reference; `LEFT_OUT` is not counted.
        num_phones: P.

    Raises:
        ValueError: different numbers of frames, or a value out of range.
    """
    return count_pairs(predicted, labels, num_phones, num_phones).T


def per_phone_accuracy(predicted: np.ndarray, labels: np.ndarray, num_phones: int) -> np.ndarray:
    """Share of each phone's frames that are predicted as it, (P,); NaN where it has no frame.

    Takes what `confusion` takes.
    """
    table = confusion(predicted, labels, num_phones)
    frames = table.sum(axis=1)
    unknown = np.full(num_phones, np.nan)
    return np.divide(table.diagonal(), frames, out=unknown, where=frames > 0)


def _total(counts: np.ndarray) -> np.ndarray:
    total = counts.sum(axis=(-2, -1))
    if not np.all(total > 0):
        raise ValueError("no scored frames in the table of counts")
    return total


def _entropy(counts: np.ndarray, total: np.ndarray) -> np.ndarray:
    return entr(counts / total[..., None]).sum(axis=-1)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    # Where there is nothing to know, all of it is known.
    return np.divide(part, whole, out=np.ones_like(part), where=whole > 0)
