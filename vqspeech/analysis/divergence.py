"""How far the phones of one body of speech are from those of another, in bits.

The Jensen-Shannon divergence of two tables of counts: 0 where the shares are the same, 1 where
nothing is in both. Counts of few seconds differ by chance even where both are the same speech, and
the more so the larger the table: of two samples of n counts each from one source with m cells that
are in use, it is about (m - 1) / (8 n ln 2) * 2. So a figure means nothing by itself; beside it
stands that of other real speech of the same length, compared with the same reference.

N frames, U utterances, R runs, P phones.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import entr

from vqspeech.analysis.runs import merge_runs


class PhoneCounts(NamedTuple):
    """What is counted of phones; runs of one phone are one."""

    phones: np.ndarray  # (P,) int64, runs
    bigrams: np.ndarray  # (P, P) int64, neighbouring runs: [first, second]
    frames: np.ndarray  # (P,) int64


def count_phones(phones: np.ndarray, starts: np.ndarray, num_phones: int) -> PhoneCounts:
    """Runs, pairs of neighbouring runs within an utterance, and frames, by phone.

    Args:
        phones: (N,) from 0 to P - 1, the phone of each frame, all utterances end to end.
        starts: (U + 1,) int64; frames of utterance u are starts[u] to starts[u + 1] - 1.
        num_phones: P.

    Raises:
        ValueError: a phone out of range, or `starts` that do not rise from 0 to N.
    """
    phones = np.asarray(phones)
    if phones.size and not 0 <= phones.min() <= phones.max() < num_phones:
        raise ValueError(f"phones from {phones.min()} to {phones.max()}, of {num_phones}")
    runs = merge_runs(phones, starts)
    symbols = runs.symbols.astype(np.int64)
    utterance = np.repeat(np.arange(len(runs.starts) - 1), np.diff(runs.starts))  # (R,)
    goes_on = utterance[1:] == utterance[:-1]
    pairs = (symbols[:-1] * num_phones + symbols[1:])[goes_on]
    return PhoneCounts(
        np.bincount(symbols, minlength=num_phones),
        np.bincount(pairs, minlength=num_phones**2).reshape(num_phones, num_phones),
        np.bincount(phones, minlength=num_phones),
    )


def jensen_shannon(counts: np.ndarray, others: np.ndarray) -> float:
    """H((p + q) / 2) - (H(p) + H(q)) / 2 in bits, of the shares p and q; from 0 to 1 (Lin 1991).

    Args:
        counts: of any shape, not negative.
        others: of the same shape.

    Raises:
        ValueError: other shapes, a negative count, or a table without any.
    """
    counts, others = np.asarray(counts, np.float64), np.asarray(others, np.float64)
    if counts.shape != others.shape:
        raise ValueError(f"counts {counts.shape} and {others.shape} are of other things")
    for table in (counts, others):
        if table.size and table.min() < 0:
            raise ValueError(f"a count of {table.min():g}")
        if not table.sum() > 0:
            raise ValueError("nothing was counted")
    p, q = counts / counts.sum(), others / others.sum()
    nats = entr((p + q) / 2).sum() - (entr(p).sum() + entr(q).sum()) / 2
    # The difference of entropies may miss its bounds by rounding.
    return float(np.clip(nats / np.log(2), 0.0, 1.0))


def new_share(counts: np.ndarray, known: np.ndarray) -> float:
    """Of the different things that `counts` has, the share that `known` never has; nan for none.

    Args:
        counts: of any shape.
        known: of the same shape.
    """
    there = np.asarray(counts) > 0
    if not there.any():
        return float("nan")
    return float(np.count_nonzero(there & (np.asarray(known) == 0)) / np.count_nonzero(there))
