"""Codes read as phones, and how far the reading is from the reference: phone error rates.

Runs of one predicted phone are merged, the result is compared with the reference segments by
Levenshtein's distance, and errors are summed over utterances before they are divided, as for word
error rates. PER = errors / reference phones; insertions can carry it beyond 1. U utterances, N
frames, K codes, P phones.
"""

import numpy as np
from rapidfuzz.distance import Levenshtein
from scipy.optimize import linear_sum_assignment

from vqspeech.analysis.aligned_codes import LEFT_OUT, AlignedCodes
from vqspeech.analysis.runs import merge_runs

_BREAK = -2  # stands for frames that are not scored: it ends a run and is in no sequence


def edit_distances(
    hypotheses: np.ndarray, hyp_starts: np.ndarray, references: np.ndarray, ref_starts: np.ndarray
) -> np.ndarray:
    """Least numbers of insertions, deletions and substitutions between pairs of sequences.

    Args:
        hypotheses: flat integers, from 0.
        hyp_starts: (U + 1,); sequence u is hypotheses[hyp_starts[u] : hyp_starts[u + 1]].
        references: flat integers, from 0.
        ref_starts: (U + 1,), as `hyp_starts`.

    Returns:
        (U,) int64.

    Raises:
        ValueError: not as many hypotheses as references.
    """
    if len(hyp_starts) != len(ref_starts):
        raise ValueError(f"{len(hyp_starts) - 1} hypotheses, {len(ref_starts) - 1} references")
    found, wanted = np.asarray(hypotheses).tolist(), np.asarray(references).tolist()
    h, r = np.asarray(hyp_starts).tolist(), np.asarray(ref_starts).tolist()
    return np.array(
        [
            Levenshtein.distance(found[h[u] : h[u + 1]], wanted[r[u] : r[u + 1]])
            for u in range(len(h) - 1)
        ],
        np.int64,
    )


def phone_errors(predicted: np.ndarray, aligned: AlignedCodes) -> tuple[np.ndarray, np.ndarray]:
    """Errors of the phones that codes are read as, utterance by utterance.

    Frames that the reference leaves out are left out here, and end a run: one phone before and
    after them is two. Frames predicted as `LEFT_OUT`, of codes that mean no phone, are deleted and
    end no run. Equal neighbours among the reference segments stay two.

    Args:
        predicted: (N,) int, the phone that each frame's code is read as, or `LEFT_OUT`.
        aligned: the frames and the reference; its codes are not looked at.

    Returns:
        errors: (U,) int64.
        lengths: (U,) int64, reference phones that are scored.

    Raises:
        ValueError: another number of frames.
    """
    if predicted.shape != aligned.labels.shape:
        raise ValueError(f"{predicted.shape} predicted phones for {aligned.labels.shape} frames")
    symbols = np.where(aligned.labels == LEFT_OUT, _BREAK, predicted)
    symbols, starts = _taken_out(symbols, aligned.frame_starts, LEFT_OUT)
    runs = merge_runs(symbols, starts)
    found, found_starts = _taken_out(runs.symbols, runs.starts, _BREAK)
    wanted, wanted_starts = _taken_out(aligned.phones, aligned.phone_starts, LEFT_OUT)
    errors = edit_distances(found, found_starts, wanted, wanted_starts)
    return errors, np.diff(wanted_starts)


def one_to_one_mapping(counts: np.ndarray) -> np.ndarray:
    """The phone of each code when no two codes may share one: the Hungarian assignment.

    It maximises the frames that agree, sum_k n[k, m(k)]. With more codes than phones most codes
    have none and are deleted from what is read; a pair that never occurs together is none either.

    Args:
        counts: (K, P) int, frames of each code under each phone.

    Returns:
        (K,) int16, a phone or `LEFT_OUT`.
    """
    codes, phones = linear_sum_assignment(counts, maximize=True)
    mapping = np.full(len(counts), LEFT_OUT, np.int16)
    mapping[codes] = np.where(counts[codes, phones] > 0, phones, LEFT_OUT)
    return mapping


def _taken_out(
    symbols: np.ndarray, starts: np.ndarray, symbol: int
) -> tuple[np.ndarray, np.ndarray]:
    """Flat sequences without one symbol, and where they start now."""
    is_kept = symbols != symbol
    kept_before = np.concatenate([[0], np.cumsum(is_kept)])
    return symbols[is_kept], kept_before[starts]
