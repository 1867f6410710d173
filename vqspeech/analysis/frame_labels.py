"""Which phone each frame of codes is scored as: the phone at its centre, or the one that fills it.

At 25 Hz a frame lasts 40 ms, as long as a short phone, so the choice moves the accuracy and has to
be printed beside it. U utterances, N frames, M segments.
"""

from typing import Literal, NamedTuple, get_args

import numpy as np

from vqspeech.analysis.runs import check_starts

Method = Literal["centre", "majority"]
ROUNDING_SECONDS = 0.0015  # starts and durations of a table are rounded, each on its own
# Times are whole microseconds: a frame's centre is on the grid of many aligners (10 ms), and in
# floating point 0.1 + 0.2 would put the end of a phone behind the centre that it meets.
_TICKS = 1_000_000
_PLACES = 1 << 20  # more pieces than a frame can have
_BLOCK = 1 << 18  # frames whose pieces are held in memory at once


class _Cover(NamedTuple):
    """All of the corpus as pieces of one label, in order; some last no time."""

    edges: np.ndarray  # (2 M + U + 1,) int64 ticks, rising: where each begins, and the end
    labels: np.ndarray  # (2 M + U,) int16


def label_frames(
    starts: np.ndarray,
    ends: np.ndarray,
    labels: np.ndarray,
    frames: int,
    rate: float,
    *,
    method: Method = "centre",
    gap: int,
) -> np.ndarray:
    """The label of each frame of one utterance; `label_corpus_frames` tells how.

    Args:
        starts: (M,) seconds.
        ends: (M,) seconds.
        labels: (M,) integers.
        frames: how many there are.
        rate: frames a second.
        method: by the centre of the frame, or by what fills most of it.
        gap: label where no segment lies.

    Returns:
        (frames,) int16.

    Raises:
        ValueError: as `label_corpus_frames`.
    """
    seconds = np.stack([starts, ends], axis=-1)
    return label_corpus_frames(
        labels,
        seconds,
        np.array([0, len(seconds)]),
        np.array([0, frames]),
        rate,
        method=method,
        gap=gap,
    )


def label_corpus_frames(
    phones: np.ndarray,
    phone_seconds: np.ndarray,
    phone_starts: np.ndarray,
    frame_starts: np.ndarray,
    rate: float,
    *,
    method: Method = "centre",
    gap: int,
) -> np.ndarray:
    """The label of each frame of all utterances.

    By the centre: the segment with start <= (i + 1/2) / rate < end. By majority: the label that
    fills most of [i / rate, (i + 1) / rate), counting all its parts and the gaps as well; of equal
    ones the earlier. Neighbours whose end and start differ by no more than rounding meet at the
    start of the later one.

    Args:
        phones: (M,) labels of the segments.
        phone_seconds: (M, 2) start and end of each within its utterance, sorted; what lies beyond
            the frames is cut off.
        phone_starts: (U + 1,) segments of utterance u are phone_starts[u] to
            phone_starts[u + 1] - 1.
        frame_starts: (U + 1,) the same for frames.
        rate: frames a second.
        method: by the centre of the frame, or by what fills most of it.
        gap: label where no segment lies: that of silence, or `LEFT_OUT`.

    Returns:
        (N,) int16.

    Raises:
        ValueError: no such method or rate; tables that do not fit together; segments that are not
            finite, unsorted, end before they start, or overlap by more than `ROUNDING_SECONDS`.
    """
    if method not in get_args(Method):
        raise ValueError(f"method {method!r}; there are {' and '.join(get_args(Method))}")
    if not (np.isfinite(rate) and rate > 0):
        raise ValueError(f"{rate} frames a second")
    phones = np.asarray(phones)
    seconds = np.asarray(phone_seconds, dtype=np.float64).reshape(-1, 2)
    phone_starts = check_starts(phone_starts, len(phones))
    frame_starts = check_starts(frame_starts, int(frame_starts[-1]))
    if len(seconds) != len(phones) or len(phone_starts) != len(frame_starts):
        raise ValueError(
            f"{len(phones)} phones with {len(seconds)} times, {len(phone_starts) - 1} utterances "
            f"of phones and {len(frame_starts) - 1} of frames"
        )
    sizes = np.diff(frame_starts)
    lengths = _ticks(sizes, rate)
    offsets = np.concatenate(([0], np.cumsum(lengths)))  # (U + 1,) ticks, where utterances begin
    cover = _cover(phones, seconds, phone_starts, lengths, offsets, gap)
    shift = np.repeat(offsets[:-1], sizes)  # (N,)
    inside = np.arange(frame_starts[-1]) - np.repeat(frame_starts[:-1], sizes)
    if method == "centre":
        at_centre = np.searchsorted(cover.edges, _ticks(inside + 0.5, rate) + shift, side="right")
        return cover.labels[at_centre - 1]
    begins, ends = _ticks(inside, rate) + shift, _ticks(inside + 1, rate) + shift
    blocks = range(0, len(begins), _BLOCK)
    parts = [_majority(cover, begins[i : i + _BLOCK], ends[i : i + _BLOCK]) for i in blocks]
    return np.concatenate([np.empty(0, dtype=np.int16), *parts])


def _ticks(frames: np.ndarray, rate: float) -> np.ndarray:
    return np.rint(frames * (_TICKS / rate)).astype(np.int64)


def _cover(
    phones: np.ndarray,
    seconds: np.ndarray,
    phone_starts: np.ndarray,
    lengths: np.ndarray,
    offsets: np.ndarray,
    gap: int,
) -> _Cover:
    owners = np.repeat(np.arange(len(lengths)), np.diff(phone_starts))  # (M,)
    _check_segments(seconds, owners)
    ticks = np.rint(seconds * _TICKS).astype(np.int64)
    begins, ends = ticks[:, 0], ticks[:, 1]
    meets = owners[1:] == owners[:-1]
    meets &= np.abs(begins[1:] - ends[:-1]) <= round(ROUNDING_SECONDS * _TICKS)
    ends[:-1] = np.where(meets, begins[1:], ends[:-1])
    # Each utterance begins with a gap, and one follows each segment; most of them last no time.
    edges = np.empty(2 * len(phones) + len(lengths) + 1, dtype=np.int64)
    labels = np.full(len(edges) - 1, gap, dtype=np.int16)
    place = 2 * np.arange(len(phones)) + owners + 1
    edges[2 * phone_starts[:-1] + np.arange(len(lengths))] = offsets[:-1]
    edges[-1] = offsets[-1]
    longest, shift = lengths[owners], offsets[owners]
    edges[place] = np.clip(begins, 0, longest) + shift
    edges[place + 1] = np.clip(ends, 0, longest) + shift
    labels[place] = phones
    return _Cover(edges, labels)


def _check_segments(seconds: np.ndarray, owners: np.ndarray) -> None:
    if not np.isfinite(seconds).all():
        raise ValueError("a segment's time is not finite")
    if (seconds[:, 1] < seconds[:, 0]).any():
        raise ValueError("a segment ends before it starts")
    together = owners[1:] == owners[:-1]
    if (together & (seconds[1:, 0] < seconds[:-1, 0])).any():
        raise ValueError("segments are not sorted by their start")
    overlap = seconds[:-1, 1] - seconds[1:, 0]
    if (together & (overlap > ROUNDING_SECONDS + 1 / _TICKS)).any():
        raise ValueError("segments overlap")


def _majority(cover: _Cover, begins: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """The label that fills most of each window; begins and ends are (N,) ticks."""
    first = np.searchsorted(cover.edges, begins, side="right") - 1
    last = np.searchsorted(cover.edges, ends, side="left") - 1
    chosen = cover.labels[first]
    mixed = np.flatnonzero(last > first)  # only these see more than one piece
    if not len(mixed):
        return chosen
    counts = last[mixed] - first[mixed] + 1
    starts = np.cumsum(counts) - counts
    window = np.repeat(np.arange(len(mixed)), counts)
    order = np.arange(len(window)) - starts[window]  # of the piece within its window
    piece = first[mixed][window] + order
    filled = np.minimum(cover.edges[piece + 1], ends[mixed][window])
    filled -= np.maximum(cover.edges[piece], begins[mixed][window])
    # A label may come twice in a window: its parts are added up at its first place.
    lowest = int(cover.labels.min())
    key = window * (int(cover.labels.max()) - lowest + 1) + (cover.labels[piece] - lowest)
    by_key = np.argsort(key, kind="stable")
    heads = np.flatnonzero(np.diff(key[by_key], prepend=-1))
    filled = np.add.reduceat(filled[by_key], heads)
    order = order[by_key][heads]
    # The longest wins, of equals the earlier; as one number, both in one pass.
    rank = filled * _PLACES + (_PLACES - 1 - order)
    best = np.maximum.reduceat(rank, np.flatnonzero(np.diff(window[by_key][heads], prepend=-1)))
    chosen[mixed] = cover.labels[first[mixed] + (_PLACES - 1 - best % _PLACES)]
    return chosen
