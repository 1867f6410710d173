"""Runs of equal symbols: what is left of codes when repetition is merged.

A code that lasts ten frames is one unit of speech, not ten; edit distances, bit rates and
boundaries are counted on runs. N frames, U utterances, R runs.
"""

from typing import NamedTuple

import numpy as np


class Runs(NamedTuple):
    """Maximal runs of one symbol, none across the border of two utterances."""

    symbols: np.ndarray  # (R,), as the frames had them
    lengths: np.ndarray  # (R,) int64, frames
    first: np.ndarray  # (R,) int64, index of the first frame of each
    starts: np.ndarray  # (U + 1,) int64; runs of utterance u are starts[u] to starts[u + 1] - 1


def merge_runs(symbols: np.ndarray, starts: np.ndarray) -> Runs:
    """Merge neighbouring frames of one symbol, utterance by utterance.

    Args:
        symbols: (N,) integers, all utterances end to end.
        starts: (U + 1,) int64; frames of utterance u are starts[u] to starts[u + 1] - 1. An
            utterance may be empty.

    Raises:
        ValueError: `starts` does not rise from 0 to N.
    """
    symbols, starts = np.asarray(symbols), check_starts(starts, len(symbols))
    begins = np.ones(len(symbols), dtype=bool)
    np.not_equal(symbols[1:], symbols[:-1], out=begins[1:])
    # The start of an empty utterance at the very end is no frame.
    begins[starts[:-1][starts[:-1] < len(symbols)]] = True
    first = np.flatnonzero(begins)
    return Runs(
        symbols=symbols[first],
        lengths=np.diff(first, append=len(symbols)),
        first=first,
        starts=np.searchsorted(first, starts),
    )


def check_starts(starts: np.ndarray, frames: int) -> np.ndarray:
    """`starts` as (U + 1,) int64.

    Raises:
        ValueError: it does not rise from 0 to `frames`.
    """
    starts = np.asarray(starts, dtype=np.int64)
    if (
        starts.ndim != 1
        or not len(starts)
        or starts[0] != 0
        or starts[-1] != frames
        or (np.diff(starts) < 0).any()
    ):
        raise ValueError(f"starts of utterances must rise from 0 to the number of frames, {frames}")
    return starts
