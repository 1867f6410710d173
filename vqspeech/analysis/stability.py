"""How much the codes change when the sound changes and the words do not: unit edit distance.

UED is the edit distance of the merged codes of x and of a disturbed x, over the length of the
first; it needs no labels. Gat et al., "Augmentation invariant discrete representation for
generative spoken language modeling", IWSLT 2023. U utterances.
"""

from dataclasses import dataclass

import numpy as np

from vqspeech.analysis.bootstrap import draw_resamples, interval
from vqspeech.analysis.runs import merge_runs
from vqspeech.analysis.sequences import edit_distances


@dataclass(frozen=True)
class UnitEditDistance:
    """UED over a set of utterances.

    Attributes:
        ued: sum of distances over sum of lengths; above 1 where codes are inserted.
        low: of the 95 % interval over utterances.
        high: of the interval.
        utterances: how many.
    """

    ued: float
    low: float
    high: float
    utterances: int


def unit_edit_distances(
    first: np.ndarray, first_starts: np.ndarray, second: np.ndarray, second_starts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Edit distance of merged codes, utterance by utterance.

    Args:
        first: flat codes of the utterances as they are.
        first_starts: (U + 1,), where each starts.
        second: flat codes of the same utterances, disturbed.
        second_starts: (U + 1,).

    Returns:
        distances: (U,) int64.
        lengths: (U,) int64, runs of the first.

    Raises:
        ValueError: other numbers of utterances, or starts that do not fit the codes.
    """
    before, after = merge_runs(first, first_starts), merge_runs(second, second_starts)
    distances = edit_distances(before.symbols, before.starts, after.symbols, after.starts)
    return distances, np.diff(before.starts)


def summarize_distances(
    distances: np.ndarray, lengths: np.ndarray, *, seed: int = 0
) -> UnitEditDistance:
    """UED of all utterances together, with an interval by drawing utterances again.

    Args:
        distances: (U,) of `unit_edit_distances`.
        lengths: (U,).
        seed: of the draws.

    Raises:
        ValueError: no codes at all.
    """
    if not np.sum(lengths):
        raise ValueError("no codes to compare")
    # Every utterance is a unit of one speaker: utterances are drawn whoever says them.
    resamples = draw_resamples(np.zeros(len(lengths), np.int64), seed=seed)
    sums = resamples.resampled(np.stack([distances, lengths], axis=1)).astype(np.float64)
    sums[sums[:, 1] == 0] = np.nan
    low, high = interval(sums[:, 0] / sums[:, 1])
    return UnitEditDistance(
        float(np.sum(distances) / np.sum(lengths)), float(low), float(high), len(lengths)
    )


def pair_with_others(
    codes: np.ndarray, starts: np.ndarray, *, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Each utterance beside another one, both cut to the frames of the shorter.

    The UED of such pairs is what no disturbance should reach: that of other words.

    Args:
        codes: flat codes.
        starts: (U + 1,).
        seed: of who meets whom; nobody meets himself.

    Returns:
        What `unit_edit_distances` takes.

    Raises:
        ValueError: fewer than two utterances.
    """
    count = len(starts) - 1
    if count < 2:
        raise ValueError(f"{count} utterances; two are wanted for a pair")
    order = np.random.default_rng(seed).permutation(count)
    partner = np.empty(count, np.int64)
    partner[order] = np.roll(order, 1)
    lengths = np.diff(starts)
    lengths = np.minimum(lengths, lengths[partner])
    cut_starts = np.concatenate([[0], np.cumsum(lengths)])
    within = np.arange(cut_starts[-1]) - np.repeat(cut_starts[:-1], lengths)
    first = codes[np.repeat(starts[:-1], lengths) + within]
    second = codes[np.repeat(starts[:-1][partner], lengths) + within]
    return first, cut_starts, second, cut_starts
