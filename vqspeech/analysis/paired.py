"""Paired differences: two systems on the same utterances, and how sure their difference is.

An utterance that is hard for one system is hard for the other, so the difference within utterances
is far better known than either figure. Systems are drawn again together: a resample holds the same
utterances of both. U utterances (or pairs of source and target), G units that are drawn, R
resamples.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from vqspeech.analysis.bootstrap import FEWEST_SPEAKERS, Resamples, draw_resamples, interval

# Of five units that all lean to one side a fair coin makes two in 32: no 95 % can be shown.
FEWEST_UNITS = 6
LEVEL = 0.95


class Sums(NamedTuple):
    """A measure of U utterances as what adds up: errors and words, nats and samples, scores and 1.

    The measure of several utterances is the sum of their parts over the sum of their wholes.
    """

    parts: np.ndarray  # (U,)
    wholes: np.ndarray  # (U,), above 0


class Difference(NamedTuple):
    """Two systems by one measure. `low` and `high` are None where units are too few to tell."""

    a: float
    b: float
    difference: float  # b - a
    low: float | None
    high: float | None
    higher: int  # utterances in which b's measure is the higher one
    lower: int
    count: int  # U
    units: int  # G
    resampled: str  # what the units are

    @property
    def sign(self) -> int:
        """1 or -1 where b is shown to be higher or lower; 0 where neither is shown."""
        if self.low is None or self.high is None:
            return 0
        return int(self.low > 0) - int(self.high < 0)


def draw_units(
    utterance: Sequence[str], speaker: Sequence[str], *, count: int = 2000, seed: int = 0
) -> Resamples:
    """Draw whole speakers where there are at least 10, else utterances, whoever says them.

    Args:
        utterance: U names; what has the same name comes together, as do the conversions of one
            recording into several voices.
        speaker: U names.
        count: R.
        seed: of the draws.

    Raises:
        ValueError: no utterances.
    """
    owner = np.unique(np.asarray(speaker, str), return_inverse=True)[1]
    if len(set(speaker)) >= FEWEST_SPEAKERS:
        return draw_resamples(owner, count=count, seed=seed)
    names, unit = np.unique(np.asarray(utterance, str), return_inverse=True)
    # As if one speaker had said all: then nobody's number of utterances is held fast, which would
    # leave no chance at all to speakers of a single one.
    drawn = draw_resamples(np.zeros(len(names), int), count=count, seed=seed)
    return Resamples(unit, drawn.weights, "utterances")


def paired_difference(a: Sums, b: Sums, drawn: Resamples) -> Difference:
    """The measure of `b` less that of `a`, with the interval of the resamples.

    Percentiles of few units are too narrow (a mean of G units varies by (G - 1) / G of what it
    should, and has the tails of Student's t), so theirs are taken further out, as Hesterberg
    ("What Teachers Should Know About the Bootstrap", 2015, section 3.3) proposes.

    Args:
        a: of the first system.
        b: of the second, of the same utterances in the same order.
        drawn: resamples of these utterances.

    Raises:
        ValueError: not as many utterances, or a whole that is not above 0.
    """
    if not len(a.parts) == len(a.wholes) == len(b.parts) == len(b.wholes):
        raise ValueError("the same utterances of both systems are wanted")
    if min(a.wholes.min(), b.wholes.min()) <= 0:
        raise ValueError("wholes above 0 are wanted")
    value_a, value_b = (float(one.parts.sum() / one.wholes.sum()) for one in (a, b))
    units = drawn.weights.shape[1]
    low = high = None
    if units >= FEWEST_UNITS:
        ratio_a, ratio_b = (
            drawn.resampled(one.parts) / drawn.resampled(one.wholes) for one in (a, b)
        )
        ends = interval(ratio_b - ratio_a, expanded_level(units))
        low, high = map(float, ends)
    # Rates of the utterance itself: by how much it counts among the others is no matter here.
    each = b.parts * a.wholes - a.parts * b.wholes
    return Difference(
        value_a,
        value_b,
        value_b - value_a,
        low,
        high,
        int((each > 0).sum()),
        int((each < 0).sum()),
        len(each),
        units,
        drawn.what,
    )


def expanded_level(units: int, level: float = LEVEL) -> float:
    """The share of resamples between the ends of an interval that is to hold the truth in `level`.

    sqrt(G / (G - 1)) t is where Student's interval of G units ends, in the standard deviations of
    a resampled mean; this is the share of a normal distribution within it.
    """
    end = stats.t.ppf((1 + level) / 2, units - 1) * math.sqrt(units / (units - 1))
    return float(2 * stats.norm.cdf(end) - 1)
