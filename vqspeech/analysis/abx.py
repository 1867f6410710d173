"""ABX discriminability: is a token closer to another of its class than to one of another class?

The error is the share of triples (A, B, X) with d(A, X) > d(B, X), ties half, where A and X are
tokens of one phone, B of another, and all three stand in one context. Within speakers all are said
by one; across speakers X is said by another than A and B. The definition, and the order in which
shares are averaged, are those of ZeroSpeech 2021 and fastabx:

    cell      all triples of one pair of phones (a, b), context, speaker of A and B, speaker of X
    speaker   mean of the cells of (a, b, speaker of A and B): of contexts and speakers of X
    pair      mean of the speakers of (a, b)
    error     mean of the pairs

M tokens, C cells, S speakers, Q ordered pairs of phones.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from vqspeech.analysis.abx_cells import (
    Cells,
    Pools,
    across_speakers,
    count_up,
    make_pools,
    within_speakers,
)
from vqspeech.analysis.dtw import TokenDistance

CHUNK_TRIPLES = 1 << 20  # compared at once: some 100 MB
MAX_CELLS = 500_000
RESAMPLES = 200
FEWEST_SPEAKERS = 10  # to resample; an interval from fewer would say more than it knows


@dataclass(frozen=True)
class AbxError:
    """The ABX error of a corpus and what it was counted from.

    Attributes:
        error: 0 for perfectly separated classes, .5 for chance.
        interval: of 95 %, by resampling speakers; None below `FEWEST_SPEAKERS`.
        cells: how many were averaged.
        cells_found: how many there are, with so many speakers of X.
        triples: compared, after drawing.
        contexts: in how many contexts.
        speakers: how many said A, B or X.
        pairs: (Q, 2) the phones a and b of each pair.
        pair_errors: (Q,) the error of each.
    """

    error: float
    interval: tuple[float, float] | None
    cells: int
    cells_found: int
    triples: int
    contexts: int
    speakers: int
    pairs: np.ndarray
    pair_errors: np.ndarray


def abx_error(
    phone: np.ndarray,
    context: np.ndarray,
    speaker: np.ndarray,
    distance: TokenDistance,
    *,
    across: bool,
    max_per_class: int | None = 10,
    max_x_speakers: int | None = 5,
    max_cells: int | None = MAX_CELLS,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> AbxError | None:
    """The ABX error of tokens.

    Args:
        phone: (M,) integers, the class of each token.
        context: (M,) integers, such as one for each pair of neighbours.
        speaker: (M,) integers.
        distance: of tokens, given their indices.
        across: whether X is said by another speaker than A and B.
        max_per_class: tokens of a pool, drawn at random; None for all.
        max_x_speakers: whose X are compared with one speaker's A and B, drawn at random; None for
            all. Of no effect within speakers.
        max_cells: about so many are compared, drawn at random; None for all.
        seed: of the draws.
        resamples: of the speakers, for the interval.

    Returns:
        The error; None where no triple can be made.

    Raises:
        ValueError: arrays of different lengths, or limits below 2 and 1.
    """
    if not len(phone) == len(context) == len(speaker):
        raise ValueError(f"{len(phone)} phones, {len(context)} contexts, {len(speaker)} speakers")
    if max_per_class is not None and max_per_class < 2:
        raise ValueError(f"{max_per_class} tokens a class; A and X are two of one")
    if max_x_speakers is not None and max_x_speakers < 1:
        raise ValueError(f"{max_x_speakers} speakers of X")
    rng = np.random.default_rng(seed)
    pools = make_pools(phone, context, speaker, max_per_class, rng)
    if across:
        cells, found = across_speakers(pools, max_x_speakers, max_cells, rng)
    else:
        cells, found = within_speakers(pools, max_cells, rng)
    if not len(cells.a):
        return None
    errors, triples = _score(pools, cells, distance)
    rows = _Rows(pools, cells, errors)
    pair_errors = rows.average(np.ones(rows.num_speakers))
    return AbxError(
        float(pair_errors.mean()),
        _interval(rows, rng, resamples),
        len(errors),
        found,
        triples,
        len(np.unique(pools.context[cells.a])),
        rows.num_speakers,
        rows.pairs,
        pair_errors,
    )


class _Rows:
    """The cells of a corpus, by pair of phones, speaker of A and B, and speaker of X."""

    def __init__(self, pools: Pools, cells: Cells, errors: np.ndarray):
        speakers = np.unique(pools.speaker[np.concatenate((cells.a, cells.x))])
        self.num_speakers = len(speakers)
        by_a, by_x = (np.searchsorted(speakers, pools.speaker[pool]) for pool in (cells.a, cells.x))
        phones, phone = np.unique(pools.phone, return_inverse=True)
        pairs = phone[cells.a] * len(phones) + phone[cells.b]
        pairs, pair = np.unique(pairs, return_inverse=True)
        self.pairs = phones[np.stack(np.divmod(pairs, len(phones)), axis=1)]
        keys = (pair * self.num_speakers + by_a) * self.num_speakers + by_x
        keys, group = np.unique(keys, return_inverse=True)  # what weights cannot tell apart
        self._sums, self._counts = np.bincount(group, errors), np.bincount(group)
        keys, self._by_x = np.divmod(keys, self.num_speakers)
        rows, self._row = np.unique(keys, return_inverse=True)
        self._pair, self._by_a = np.divmod(rows, self.num_speakers)
        self._across = not np.array_equal(cells.a, cells.x)

    def average(self, weights: np.ndarray) -> np.ndarray:
        """(Q,) the error of each pair of phones; nan for one that no weight is left of.

        Args:
            weights: (S,) how often each speaker counts, as A and B and, across speakers, as X.
        """
        by_x = weights[self._by_x] if self._across else np.ones(len(self._by_x))
        with np.errstate(invalid="ignore"):  # 0 / 0 where no speaker of X is left
            means = np.bincount(self._row, by_x * self._sums) / np.bincount(
                self._row, by_x * self._counts
            )
            by_a = np.where(np.isnan(means), 0.0, weights[self._by_a])
            total = np.bincount(self._pair, by_a * np.nan_to_num(means))
            return total / np.bincount(self._pair, by_a)


def _interval(rows: _Rows, rng: np.random.Generator, resamples: int) -> tuple[float, float] | None:
    """Of 95 %, by drawing as many speakers with replacement; the corpus and its draws stay."""
    if rows.num_speakers < FEWEST_SPEAKERS or not resamples:
        return None
    share = np.full(rows.num_speakers, 1 / rows.num_speakers)
    draws = rng.multinomial(rows.num_speakers, share, size=resamples).astype(np.float64)
    means = [np.nanmean(rows.average(weights)) for weights in draws]
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def _score(pools: Pools, cells: Cells, distance: TokenDistance) -> tuple[np.ndarray, int]:
    """(C,) the error of each cell, and how many triples there were."""
    errors, triples = np.empty(len(cells.a)), 0
    for chunk in _chunks(pools.size[cells.a] * pools.size[cells.b] * pools.size[cells.x]):
        part = Cells(*(pool[chunk] for pool in cells))
        to_a, to_b = _block_distances(pools, part, distance)
        wrong, counted = _compare(pools, part, to_a, to_b)
        errors[chunk] = wrong / counted
        triples += counted.sum()
    return errors, int(triples)


def _chunks(work: np.ndarray) -> Iterator[slice]:
    total = np.cumsum(work)
    start = 0
    while start < len(work):
        done = total[start - 1] if start else 0
        end = max(start + 1, int(np.searchsorted(total, done + CHUNK_TRIPLES, side="right")))
        yield slice(start, end)
        start = end


class _Blocks(NamedTuple):
    """Distances of X from the tokens of another pool, a block a cell, in one flat array."""

    flat: np.ndarray
    start: np.ndarray  # (C,)


def _block_distances(
    pools: Pools, cells: Cells, distance: TokenDistance
) -> tuple[_Blocks, _Blocks]:
    """Each block once, though the same X and A meet many B."""
    x, other = np.concatenate((cells.x, cells.x)), np.concatenate((cells.a, cells.b))
    keys, block = np.unique(x * len(pools.size) + other, return_inverse=True)
    x, other = np.divmod(keys, len(pools.size))
    rows, columns = pools.size[x], pools.size[other]
    size = rows * columns
    owner, place = np.repeat(np.arange(len(keys)), size), count_up(size)
    row, column = np.divmod(place, columns[owner])
    token_x = pools.members[pools.start[x][owner] + row]
    token_other = pools.members[pools.start[other][owner] + column]
    flat = distance(token_x, token_other)
    start = (np.cumsum(size) - size)[block]
    return _Blocks(flat, start[: len(cells.a)]), _Blocks(flat, start[len(cells.a) :])


def _compare(
    pools: Pools, cells: Cells, to_a: _Blocks, to_b: _Blocks
) -> tuple[np.ndarray, np.ndarray]:
    """(C,) triples that are wrong, ties half, and all triples of each cell."""
    num_a, num_b, num_x = (pools.size[pool] for pool in cells)
    work = num_a * num_b * num_x
    cell = np.repeat(np.arange(len(work)), work)
    x_and_a, b = np.divmod(count_up(work), num_b[cell])
    x, a = np.divmod(x_and_a, num_a[cell])
    near = to_a.flat[to_a.start[cell] + x_and_a]
    far = to_b.flat[to_b.start[cell] + x * num_b[cell] + b]
    wrong = (near > far) + 0.5 * (near == far)
    itself = (cells.a == cells.x)[cell] & (x == a)
    wrong[itself] = 0.0
    num_itself = np.where(cells.a == cells.x, num_a * num_b, 0)
    return np.bincount(cell, wrong, len(work)), work - num_itself
