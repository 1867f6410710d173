"""Which tokens an ABX test compares: pools of alike tokens, and cells of three pools.

A pool is all tokens of one phone, context and speaker, or as many as were drawn. A cell is a pool
of A, one of B and one of X: all triples of their tokens. Tokens are drawn once for a pool, so that
a distance serves every cell that it occurs in. M tokens, P pools, C cells.
"""

from typing import NamedTuple

import numpy as np


class Pools(NamedTuple):
    """P pools, sorted by context, speaker and phone."""

    context: np.ndarray
    speaker: np.ndarray
    phone: np.ndarray
    start: np.ndarray  # of each in `members`
    size: np.ndarray
    members: np.ndarray  # indices of tokens, pool after pool


class Cells(NamedTuple):
    """(C,) indices of the pools of A, B and X; those of A and X are one within speakers."""

    a: np.ndarray
    b: np.ndarray
    x: np.ndarray


def token_frames(
    start_seconds: np.ndarray, end_seconds: np.ndarray, rate: float
) -> tuple[np.ndarray, np.ndarray]:
    """The frames whose centre lies within each token, both ends included.

    Args:
        start_seconds: (M,).
        end_seconds: (M,).
        rate: frames a second.

    Returns:
        (M,) the first frame, and how many there are: 0 or less where no centre lies within.
    """
    slack = 1e-6  # frames: times have four decimals, which binary fractions only come close to
    first = np.ceil(np.asarray(start_seconds) * rate - 0.5 - slack).astype(np.int64)
    last = np.floor(np.asarray(end_seconds) * rate - 0.5 + slack).astype(np.int64)
    return first, last - first + 1


def make_pools(
    phone: np.ndarray,
    context: np.ndarray,
    speaker: np.ndarray,
    most: int | None,
    rng: np.random.Generator,
) -> Pools:
    """Put alike tokens together.

    Args:
        phone: (M,) integers.
        context: (M,) integers.
        speaker: (M,) integers.
        most: tokens of a pool, drawn at random; None for all.
        rng: of the draw.
    """
    shuffled = rng.permutation(len(phone))
    keys = [np.asarray(key)[shuffled] for key in (phone, speaker, context)]
    order = np.lexsort(keys)
    phone, speaker, context = (key[order] for key in keys)
    start = _starts(context, speaker, phone)
    size = np.diff(start, append=len(order))
    if most is not None:
        rank = np.arange(len(order)) - np.repeat(start, size)
        order = order[rank < most]
        kept = np.minimum(size, most)
    else:
        kept = size
    return Pools(
        context[start],
        speaker[start],
        phone[start],
        np.cumsum(kept) - kept,
        kept,
        shuffled[order],
    )


def within_speakers(pools: Pools, most: int | None, rng: np.random.Generator) -> tuple[Cells, int]:
    """A, B and X by one speaker: A and X share a pool, which must have two tokens.

    Args:
        pools: of all tokens.
        most: cells, drawn at random; None for all.
        rng: of the draw.

    Returns:
        The cells, and how many there are to draw from.
    """
    a, b = _ordered_pairs(_group(pools.context, pools.speaker))
    kept = np.flatnonzero(pools.size[a] > 1)
    found = len(kept)
    kept = _some(kept, found if most is None else most, rng)
    return Cells(a[kept], b[kept], a[kept]), found


def across_speakers(
    pools: Pools, most_speakers: int | None, most: int | None, rng: np.random.Generator
) -> tuple[Cells, int]:
    """A and B by one speaker, X by another.

    Args:
        pools: of all tokens.
        most_speakers: of X for each pool of A and B, drawn at random; None for all.
        most: cells, about; pairs of A and B are drawn at random, with all their X; None for all.
        rng: of the draws.

    Returns:
        The cells, and how many there are to draw from.
    """
    order = np.lexsort((pools.speaker, pools.phone, pools.context))
    start, size = np.empty((2, len(order)), np.int64)  # of the phone and context of each pool
    start[order], size[order] = _group(pools.context[order], pools.phone[order])
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    limit = len(order) if most_speakers is None else most_speakers
    a, b = _ordered_pairs(_group(pools.context, pools.speaker))
    found = int(np.minimum(size[a] - 1, limit).sum())
    if most is not None and found > most:
        chosen = _some(np.arange(len(a)), max(1, len(a) * most // found), rng)
        a, b = a[chosen], b[chosen]
    others = size[a] - 1
    taken = np.minimum(others, limit)
    pair, pick = np.repeat(np.arange(len(a)), taken), count_up(taken)
    if (others > taken).any():
        drawn = _draw(others[others > taken], limit, rng)
        pick[np.repeat(others > taken, taken)] = drawn.ravel()
    pick += pick >= (place - start)[a][pair]  # past the speaker of A and B
    return Cells(a[pair], b[pair], order[start[a][pair] + pick]), found


def count_up(sizes: np.ndarray) -> np.ndarray:
    """0 .. sizes[0] - 1, 0 .. sizes[1] - 1, and so on."""
    return np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)


def _starts(*sorted_keys: np.ndarray) -> np.ndarray:
    """Where a run of equal keys begins."""
    changed = np.zeros(len(sorted_keys[0]), bool)
    changed[:1] = True
    for key in sorted_keys:
        changed[1:] |= key[1:] != key[:-1]
    return np.flatnonzero(changed)


def _group(*sorted_keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(P,) where the group of each begins, and how many it has."""
    start = _starts(*sorted_keys)
    size = np.diff(start, append=len(sorted_keys[0]))
    return np.repeat(start, size), np.repeat(size, size)


def _ordered_pairs(groups: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of different members of one group, in both orders."""
    start, size = groups
    first = np.repeat(np.arange(len(start)), size)
    second = start[first] + count_up(size)
    different = first != second
    return first[different], second[different]


def _some(indices: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """At most so many of `indices`, in order."""
    if len(indices) <= most:
        return indices
    return np.sort(rng.choice(indices, most, replace=False))


def _draw(numbers: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """(n, count) different ones of 0 .. numbers - 1 in each row: Floyd's algorithm."""
    chosen = np.full((len(numbers), count), -1)
    for column in range(count):
        last = numbers - count + column
        drawn = rng.integers(0, last + 1)
        again = (chosen[:, :column] == drawn[:, None]).any(axis=1)
        chosen[:, column] = np.where(again, last, drawn)
    return chosen
