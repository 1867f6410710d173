"""How far apart two short stretches of codes are: warped in time, or edited into each other.

Many pairs at once: a step of the recurrence is one array operation over all pairs of a batch. The
distance of two codes is looked up in a table, so that vectors are compared once per pair of codes
and not once per pair of frames. N codes end to end, M tokens (stretches of them), n pairs of
tokens, K codes, D dimensions of a codebook vector.

Warping and its normalisation are those of fastabx and torchdtw: the mean cost along the cheapest
path from both first frames to both last ones; where paths cost the same, a step back along both
goes before one along y, and that before one along x.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

BATCH_PAIRS = 1 << 14  # a batch of pairs stays in the cache
LENGTH_STEPS = (*range(1, 9), 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 64)  # lengths are padded to

STEP = 2.0**-24  # of angles

# Distances (n,) of the tokens x (n,) from the tokens y (n,), both indices.
TokenDistance = Callable[[np.ndarray, np.ndarray], np.ndarray]


def angular_table(vectors: np.ndarray) -> np.ndarray:
    """The angle between any two vectors over pi: 0 for one direction, 1 for opposite ones.

    What the benchmarks of ZeroSpeech call cosine.

    Args:
        vectors: (K, D), such as a codebook.

    Returns:
        (K, K) float64, symmetric, in steps of 6e-8; a zero vector is 1 away from all others.
    """
    vectors = np.asarray(vectors, np.float64)
    lengths = np.linalg.norm(vectors, axis=1)
    units = vectors / np.where(lengths > 0, lengths, 1.0)[:, None]
    table = np.arccos(np.clip(units @ units.T, -1.0, 1.0)) / np.pi
    table[lengths == 0] = table[:, lengths == 0] = 1.0
    np.fill_diagonal(table, 0.0)
    # Codes repeat themselves, so that ties are frequent. In whole steps sums are exact in any
    # order, and equal directions, whose angle an arc cosine knows to 1e-8, are no way apart.
    return np.round((table + table.T) / 2 / STEP) * STEP


def dtw_distance(
    codes: np.ndarray, first: np.ndarray, length: np.ndarray, table: np.ndarray
) -> TokenDistance:
    """The distance of tokens under dynamic time warping.

    Args:
        codes: (N,) integers below K.
        first: (M,) index of the first frame of each token.
        length: (M,) frames of each, 1 or more.
        table: (K, K) distance of two codes.

    Raises:
        ValueError: an empty token, one that passes the end of the codes, or codes beyond the table.
    """
    codes, first, length = _checked(codes, first, length)
    if codes.size and not 0 <= codes.min() <= codes.max() < len(table):
        raise ValueError(f"codes {codes.min()} to {codes.max()} in a table of {len(table)}")
    flat, num_codes = np.ascontiguousarray(table, np.float64).ravel(), len(table)

    def distance(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        distances = np.empty(len(x))
        for chosen, rows, columns in _batches(length[x], length[y]):
            frames_x = _frames(codes, first, length, x[chosen], rows)
            frames_y = _frames(codes, first, length, y[chosen], columns)
            last_x, last_y = length[x[chosen]] - 1, length[y[chosen]] - 1
            distances[chosen] = _warp(flat, frames_x * num_codes, frames_y, last_x, last_y)
        return distances

    return distance


def edit_distance(
    codes: np.ndarray, first: np.ndarray, length: np.ndarray, *, merge_runs: bool
) -> TokenDistance:
    """The Levenshtein distance of tokens over the length of the longer: 0 to 1.

    Args:
        codes: (N,) integers from 0.
        first: (M,) index of the first frame of each token.
        length: (M,) frames of each, 1 or more.
        merge_runs: whether equal neighbours count as one, as they do in a transcript.

    Raises:
        ValueError: an empty token, or one that passes the end of the codes.
    """
    from rapidfuzz.distance import Levenshtein
    from rapidfuzz.process import cpdist

    codes, first, length = _checked(codes, first, length)
    # The library compares strings fastest; letters need not be printable.
    text = "".join(map(chr, np.unique(codes, return_inverse=True)[1].tolist()))
    spans = zip(first.tolist(), (first + length).tolist(), strict=True)
    tokens = [text[start:end] for start, end in spans]
    if merge_runs:
        tokens = [_merge(token) for token in tokens]
    words = np.array(tokens, dtype=object)

    def distance(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        scorer = Levenshtein.normalized_distance
        return cpdist(words[x], words[y], scorer=scorer, dtype=np.float64)

    return distance


def _checked(*arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    codes, first, length = (np.asarray(array).astype(np.int64) for array in arrays)
    if len(first) and (length.min() < 1 or first.min() < 0 or (first + length).max() > len(codes)):
        raise ValueError(f"tokens of {length.min()} frames or more within {len(codes)} codes")
    return codes, first, length


def _merge(token: str) -> str:
    return token[0] + "".join(b for a, b in pairwise(token) if a != b)


def _batches(length_x: np.ndarray, length_y: np.ndarray) -> Iterator[tuple[np.ndarray, int, int]]:
    """Indices of pairs of about the same size, and the size (rows, columns) that holds them."""
    steps = np.array(LENGTH_STEPS)
    longest = max(length_x.max(initial=1), length_y.max(initial=1))
    if longest > steps[-1]:
        steps = np.append(steps, np.arange(96, longest + 32, 32))
    rows, columns = np.searchsorted(steps, length_x), np.searchsorted(steps, length_y)
    size = rows * len(steps) + columns
    order = np.argsort(size, kind="stable")
    edges = np.flatnonzero(np.diff(size[order], prepend=-1, append=-1))
    for start, end in pairwise(edges.tolist()):
        row, column = divmod(int(size[order[start]]), len(steps))
        for begin in range(start, end, BATCH_PAIRS):
            yield order[begin : min(begin + BATCH_PAIRS, end)], int(steps[row]), int(steps[column])


def _frames(codes, first, length, tokens, count: int) -> np.ndarray:
    """(count, n) the codes of tokens, padded with the last one."""
    offsets = np.minimum(np.arange(count)[:, None], length[tokens] - 1)
    return codes[first[tokens] + offsets]


def _warp(
    flat: np.ndarray, rows: np.ndarray, columns: np.ndarray, last_x: np.ndarray, last_y: np.ndarray
) -> np.ndarray:
    """Mean cost along the cheapest path, of n pairs.

    Padding does no harm: what is reached by a path never depends on frames behind it.

    Args:
        flat: the table of costs, row after row.
        rows: (X, n) where the row of each frame of x begins in `flat`.
        columns: (Y, n) the column of each frame of y.
        last_x: (n,) index of the last frame of x that counts.
        last_y: (n,) of y.
    """
    pairs = np.arange(rows.shape[1])
    result = np.empty(len(pairs))
    costs, steps = np.empty((2, len(columns), len(pairs)))  # of the row above, up to each column
    for i, row in enumerate(rows):
        diagonal = diagonal_steps = None
        for j, column in enumerate(columns):
            cost = flat[row + column]
            above, above_steps = costs[j].copy(), steps[j].copy()
            if i == 0 and j == 0:
                before = before_steps = 0.0
            elif i == 0:
                before, before_steps = costs[j - 1], steps[j - 1]
            elif j == 0:
                before, before_steps = above, above_steps
            else:
                left = costs[j - 1]
                sideways = left <= above
                before = np.minimum(left, above)
                before_steps = np.where(sideways, steps[j - 1], above_steps)
                straight = diagonal <= before
                before = np.minimum(diagonal, before)
                before_steps = np.where(straight, diagonal_steps, before_steps)
            costs[j], steps[j] = cost + before, before_steps + 1.0
            diagonal, diagonal_steps = above, above_steps
        ends = pairs[last_x == i]
        result[ends] = costs[last_y[ends], ends] / steps[last_y[ends], ends]
    return result
