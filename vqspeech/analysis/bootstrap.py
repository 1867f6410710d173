"""Confidence intervals by drawing speakers again, with replacement (Efron's percentile bootstrap).

Frames of one utterance, and utterances of one speaker, are alike: intervals over frames would be
far too narrow. With few speakers there is nothing to draw among, so utterances are drawn within
each speaker, and the result says so: such an interval tells nothing of other speakers. U
utterances, N frames, G units that are drawn, R resamples, C cells of a table.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import sparse

FEWEST_SPEAKERS = 10  # below it utterances are drawn within speakers
_BLOCK = 1 << 22  # elements of a block in memory: 32 MB as float64
_DENSE = 1 << 25  # cells of all units: a dense product is faster, as long as 256 MB hold it


@dataclass(frozen=True, eq=False)
class Resamples:
    """Which unit each utterance belongs to, and how often each unit is drawn.

    A measure is resampled through its statistics, which add up over utterances: sums of hits and of
    trials for example, whose ratio is formed afterwards.

    Attributes:
        groups: (U,) int64, the unit of each utterance.
        weights: (R, G) int32, how often each unit is drawn; a row sums to what was drawn in all.
        what: "speakers" or "utterances within speakers".
    """

    groups: np.ndarray
    weights: np.ndarray
    what: str

    def total(self, statistics: np.ndarray) -> np.ndarray:
        """Sums over the utterances of each unit.

        Args:
            statistics: (U, ...), numbers of each utterance.

        Returns:
            (G, ...) int64, or float64 for floats.
        """
        statistics = np.asarray(statistics)
        if len(statistics) != len(self.groups):
            raise ValueError(f"{len(statistics)} statistics for {len(self.groups)} utterances")
        kind = np.float64 if np.issubdtype(statistics.dtype, np.floating) else np.int64
        groups = self.groups
        if (groups[1:] < groups[:-1]).any():
            order = np.argsort(groups, kind="stable")
            statistics, groups = statistics[order], groups[order]
        firsts = np.flatnonzero(np.diff(groups, prepend=-1))  # every unit has an utterance
        return np.add.reduceat(statistics, firsts, axis=0, dtype=kind)

    def resampled(self, statistics: np.ndarray) -> np.ndarray:
        """Sums over the utterances of each resample.

        Args:
            statistics: (U, ...), numbers of each utterance.

        Returns:
            (R, ...) int64, or float64 for floats; integers are exact up to 2**53.
        """
        totals = self.total(statistics)  # (G, ...)
        flat = totals.reshape(len(totals), -1).astype(np.float64)
        sums = np.concatenate([block @ flat for block in self._weight_blocks()])
        if totals.dtype == np.int64:
            sums = np.rint(sums).astype(np.int64)
        return sums.reshape(-1, *totals.shape[1:])

    def resampled_counts(
        self, owners: np.ndarray, cells: np.ndarray, num_cells: int
    ) -> Iterator[np.ndarray]:
        """Tables of counts, such as code by phone, of a few resamples at a time.

        Args:
            owners: (N,) utterance of each frame that is counted.
            cells: (N,) flat index of the cell that it counts in.
            num_cells: C, such as K * P.

        Yields:
            (r, C) float64 whole numbers, in the order of the resamples; r changes.

        Raises:
            ValueError: a cell outside the table.
        """
        if len(cells) and not 0 <= cells.min() <= cells.max() < num_cells:
            raise ValueError(f"cells from {cells.min()} to {cells.max()} in a table of {num_cells}")
        units = self.groups[owners]
        size = self.weights.shape[1] * num_cells
        if size <= _DENSE:
            table = np.bincount(units * num_cells + cells, minlength=size)
            table = table.reshape(-1, num_cells).astype(np.float64)  # (G, C)
        else:
            ones = np.ones(len(cells))
            table = sparse.csr_array((ones, (units, cells)), (self.weights.shape[1], num_cells))
        del units
        for block in self._weight_blocks(num_cells):
            yield block @ table

    def _weight_blocks(self, width: int = 1) -> Iterator[np.ndarray]:
        """`weights` as float64, in blocks of rows; a product of `width` columns stays small too."""
        rows = max(1, _BLOCK // max(self.weights.shape[1], width))
        for first in range(0, len(self.weights), rows):
            yield self.weights[first : first + rows].astype(np.float64)


class Measure(NamedTuple):
    """A figure and its interval; NaN where it is undefined, None where it has no interval."""

    value: float
    low: float | None = None
    high: float | None = None


def draw_resamples(speaker: np.ndarray, *, count: int = 1000, seed: int = 0) -> Resamples:
    """Draw speakers with replacement; utterances within each of fewer than 10 speakers.

    Args:
        speaker: (U,) int, whose each utterance is.
        count: R.
        seed: of the draws.

    Raises:
        ValueError: no utterances.
    """
    speaker = np.asarray(speaker)
    if not len(speaker):
        raise ValueError("no utterances to draw from")
    rng = np.random.default_rng(seed)
    names, index = np.unique(speaker, return_inverse=True)
    if len(names) >= FEWEST_SPEAKERS:
        weights = _draw(rng, len(names), count)
        return Resamples(index.astype(np.int64), weights, "speakers")
    weights = np.empty((count, len(speaker)), np.int32)
    for number in range(len(names)):
        own = np.flatnonzero(index == number)
        weights[:, own] = _draw(rng, len(own), count)
    return Resamples(np.arange(len(speaker)), weights, "utterances within speakers")


def draw_items(number: int, what: str, *, count: int = 1000, seed: int = 0) -> Resamples:
    """Draw single things with replacement, such as the pairs of a list of conversions.

    For things that are a sample by themselves; utterances of few speakers are not, see
    `draw_resamples`.

    Args:
        number: U, of the things.
        what: their name.
        count: R.
        seed: of the draws.

    Raises:
        ValueError: nothing to draw from.
    """
    if number < 1:
        raise ValueError(f"no {what} to draw from")
    return Resamples(np.arange(number), _draw(np.random.default_rng(seed), number, count), what)


def interval(values: np.ndarray, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Percentile interval of a measure over its resamples.

    Args:
        values: (R, ...); NaN, where a resample left the measure undefined, is passed over.
        level: share of the resamples between the ends.

    Returns:
        low and high, (...); NaN where all are NaN.
    """
    values = np.asarray(values, np.float64)
    is_known = ~np.isnan(values).all(axis=0)
    # What is all NaN is put aside, because numpy would warn of it.
    known = np.where(is_known, values, 0.0)
    tail = (1 - level) / 2
    low, high = np.nanquantile(known, (tail, 1 - tail), axis=0)
    return np.where(is_known, low, np.nan)[()], np.where(is_known, high, np.nan)[()]


def ratio(parts: np.ndarray, wholes: np.ndarray, resamples: Resamples) -> Measure:
    """Sum of `parts` over sum of `wholes`, both (U,)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.float64(parts.sum()) / wholes.sum()
        drawn = resamples.resampled(parts) / resamples.resampled(wholes)
    return centered(value, drawn)


def centered(value: float, drawn: np.ndarray) -> Measure:
    """The interval of the resamples (R,), moved so that its median is the value.

    A resample repeats utterances, so what is counted over pairs of code and phone, such as PNMI,
    comes out higher in every one of them than in the corpus.
    """
    low, high = interval(drawn)
    middle, _ = interval(drawn, level=0.0)
    return Measure(float(value), float(value + low - middle), float(value + high - middle))


def _draw(rng: np.random.Generator, size: int, count: int) -> np.ndarray:
    """(count, size) int32: how often each of `size` things is drawn in `size` draws."""
    weights = np.empty((count, size), np.int32)
    rows = max(1, _BLOCK // size)
    for first in range(0, count, rows):
        part = weights[first : first + rows]
        drawn = rng.integers(0, size, part.shape) + size * np.arange(len(part))[:, None]
        part[:] = np.bincount(drawn.ravel(), minlength=part.size).reshape(part.shape)
    return weights
