"""N-grams of codes as sorted tables of numbers: counting them, and finding them again.

Tables hold what occurs and nothing else, so that thousands of codes and millions of n-grams are no
matter. A key is a number whose digits, to the base V + 2, are the symbols of an n-gram: the row of
each in the table of those that were seen, V for one that was not, V + 1 for the begin of an
utterance, of which as many stand before it as an n-gram can reach.

N codes, U utterances, V symbols seen, M n-grams, C contexts, Q queries.
"""

from typing import NamedTuple

import numpy as np


class Level(NamedTuple):
    """What one order of n-grams counted."""

    keys: np.ndarray  # (M,) int64, sorted
    counts: np.ndarray  # (M,) int64; below the highest order, how many different symbols precede
    contexts: np.ndarray  # (C,) int64, sorted: the keys without their last symbols
    first: np.ndarray  # (C + 1,) int64; n-grams of context i are first[i] to first[i + 1] - 1
    totals: np.ndarray  # (C,) int64, sums of counts
    types: np.ndarray  # (C, 3) int64: n-grams with a count of 1, 2, and 3 or more


class Seen(NamedTuple):
    """What one level says of each query."""

    counts: np.ndarray  # (Q,) of the n-gram; 0 where it was not seen
    totals: np.ndarray  # (Q,) of its context; 0 where that was not seen
    types: np.ndarray  # (Q, 3)


def count_levels(keys: np.ndarray, order: int, base: int) -> tuple[Level, ...]:
    """The levels of orders 1, 2, ... of Kneser and Ney.

    The highest order counts how often an n-gram occurs; a lower one how many different symbols
    stand before it, for there it is asked only about what the higher one has not seen.

    Args:
        keys: (N,) n-grams, as `number_ngrams` gives them.
        order: symbols of each.
        base: V + 2.
    """
    levels = [_make_level(*np.unique(keys, return_counts=True), base)]
    for length in range(order - 1, 0, -1):
        higher = levels[0]
        shorter = higher.keys % base**length
        # No symbol stands before a begin, so an n-gram that begins there has no other count.
        begins = shorter // base ** (length - 1) == base - 1
        keys, where = np.unique(shorter, return_inverse=True)
        counts = np.bincount(where, np.where(begins, higher.counts, 1)).astype(np.int64)
        levels.insert(0, _make_level(keys, counts, base))
    return tuple(levels)


def look_up(levels: tuple[Level, ...], keys: np.ndarray, base: int) -> list[Seen]:
    """What each level says of (Q,) n-grams of the highest order."""
    seen = []
    for order, level in enumerate(levels, start=1):
        part = keys % base**order
        row, is_seen = find(level.keys, part)
        context, is_known = find(level.contexts, part // base)
        seen.append(
            Seen(
                np.where(is_seen, level.counts[row], 0),
                np.where(is_known, level.totals[context], 0),
                np.where(is_known[:, None], level.types[context], 0),
            )
        )
    return seen


def number_ngrams(rows: np.ndarray, starts: np.ndarray, order: int, base: int) -> np.ndarray:
    """(N,) int64, the key of the n-gram that ends with each code.

    Args:
        rows: (N,) of the symbols, see `rows_of`.
        starts: (U + 1,) int64; codes of utterance u are starts[u] to starts[u + 1] - 1.
    """
    before = np.arange(len(rows)) - np.repeat(starts[:-1], np.diff(starts))  # codes, (N,)
    keys = rows.astype(np.int64)
    for back in range(1, order):
        previous = np.where(before >= back, np.roll(rows, back), base - 1)
        keys = keys + previous * base**back
    return keys


def begin_context(order: int, base: int) -> int:
    """The key of the context of the first code of an utterance."""
    return sum((base - 1) * base**place for place in range(order - 1))


def rows_of(symbols: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """The row of each code in `symbols` (V,); V for those that are not there."""
    rows, is_known = find(symbols, codes)
    return np.where(is_known, rows, len(symbols))


def find(table: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each value is in a sorted table, and whether it is there."""
    rows = np.minimum(np.searchsorted(table, values), len(table) - 1)
    return rows, table[rows] == values


def _make_level(keys: np.ndarray, counts: np.ndarray, base: int) -> Level:
    contexts, first = np.unique(keys // base, return_index=True)
    buckets = np.minimum(counts, 3)
    types = [np.add.reduceat(buckets == b, first, dtype=np.int64) for b in (1, 2, 3)]
    totals = np.add.reduceat(counts, first)
    return Level(
        keys, counts, contexts, np.append(first, len(keys)), totals, np.stack(types, axis=-1)
    )
