"""Where codes change and where phones change: precision, recall, R-value within a tolerance.

Boundaries are matched one to one, each used once, within 20 ms to either side. Frames that the
reference leaves out, silence for example, are not held against the codes: a change of code between
two such frames may hit a boundary, but counts for nothing if it hits none. U utterances, N frames,
M segments, B boundaries.

R-value: Räsänen, Laine, Altosaar, "An improved speech segmentation quality measure: the R-value",
Interspeech 2009.
"""

from typing import NamedTuple

import numpy as np

from vqspeech.analysis.aligned_codes import LEFT_OUT, AlignedCodes
from vqspeech.analysis.runs import check_starts

TOLERANCE_SECONDS = 0.020
_TICK = 1e-7  # seconds; times become whole ticks, so that rounding decides no match
_SLACK = 10  # ticks; times on grids that meet exactly may differ by so much


class Boundaries(NamedTuple):
    """Times of boundaries within utterances, sorted, utterance after utterance."""

    seconds: np.ndarray  # (B,) float64, since the start of the utterance
    starts: np.ndarray  # (U + 1,) int64; those of utterance u are starts[u] to starts[u + 1] - 1
    is_scored: np.ndarray  # (B,) bool; False: no mistake where it hits nothing


class BoundaryScores(NamedTuple):
    """Scores of one count of boundaries each, or of arrays of counts; NaN where undefined."""

    precision: np.ndarray  # hits / predicted
    recall: np.ndarray  # hits / reference
    f1: np.ndarray  # 2 P R / (P + R)
    over_segmentation: np.ndarray  # R / P - 1 = predicted / reference - 1
    r_value: np.ndarray  # 1 at its best; below 0 with far too many boundaries


def code_boundaries(
    codes: np.ndarray, frame_starts: np.ndarray, rate: float, labels: np.ndarray | None = None
) -> Boundaries:
    """Where the code changes, never the start or the end of an utterance.

    Args:
        codes: (N,) int; or the phones that they are read as.
        frame_starts: (U + 1,), as in `AlignedCodes`.
        rate: frames a second.
        labels: (N,), the phone of each frame or `LEFT_OUT`; without it all frames are scored.

    Raises:
        ValueError: `frame_starts` does not rise from 0 to N.
    """
    frame_starts = check_starts(frame_starts, len(codes))
    return _frame_boundaries(np.not_equal(codes[1:], codes[:-1]), frame_starts, rate, labels)


def every_frame_boundaries(
    frame_starts: np.ndarray, rate: float, labels: np.ndarray | None = None
) -> Boundaries:
    """A boundary between any two frames: what has to be beaten, because much is hit by it."""
    frame_starts = check_starts(frame_starts, int(frame_starts[-1]))
    changes = np.ones(max(int(frame_starts[-1]) - 1, 0), bool)
    return _frame_boundaries(changes, frame_starts, rate, labels)


def phone_boundaries(aligned: AlignedCodes) -> Boundaries:
    """Where one reference segment ends and the next, of another phone, begins.

    Left-out segments have no boundaries among themselves, but one towards each phone. A gap that
    no segment fills counts as left out.
    """
    owner = aligned.phone_owners()
    follows = owner[1:] == owner[:-1]
    ends, begins = aligned.phone_seconds[:-1, 1], aligned.phone_seconds[1:, 0]
    before, after = aligned.phones[:-1], aligned.phones[1:]
    # Starts and ends are rounded each on its own: what is shorter than 5 ms is no gap.
    has_gap = follows & (begins - ends > 0.005)
    at_end = has_gap & (before != LEFT_OUT)
    at_begin = np.where(has_gap, after != LEFT_OUT, follows & (before != after))
    seconds = np.stack([ends, begins], axis=1)[np.stack([at_end, at_begin], axis=1)]
    counts = np.bincount(
        owner[1:], weights=at_end + at_begin.astype(float), minlength=len(aligned.utterances)
    )
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Boundaries(seconds, starts, np.ones(len(seconds), bool))


def match_boundaries(
    predicted: Boundaries, reference: Boundaries, tolerance: float = TOLERANCE_SECONDS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Match as many boundaries as can be matched one to one.

    From left to right each reference boundary takes the first prediction in reach that none before
    it took. All windows being equally wide, no other choice hits more.

    Args:
        tolerance: seconds, inclusive.

    Returns:
        hits: (U,) int64.
        predicted: (U,) int64, predictions that are scored or hit.
        reference: (U,) int64.

    Raises:
        ValueError: other numbers of utterances.
    """
    utterances = len(predicted.starts) - 1
    if len(reference.starts) - 1 != utterances:
        raise ValueError(f"{utterances} and {len(reference.starts) - 1} utterances")
    reach = round(tolerance / _TICK) + _SLACK
    p, p_owner, r, r_owner = _on_one_axis(predicted, reference, reach)
    first = np.searchsorted(p, r - reach)  # the predictions in reach of each reference boundary,
    last = np.searchsorted(p, r + reach, side="right") - 1  # from first to last, perhaps none
    # Neighbours that share no prediction do not wait for each other: chains of those that do are
    # walked side by side, one link at a time.
    begins = np.flatnonzero(np.concatenate([[True], first[1:] > last[:-1]])[: len(r)])
    place = np.arange(len(r)) - np.repeat(begins, np.diff(begins, append=len(r)))
    order = np.argsort(place, kind="stable")
    edges = np.concatenate([[0], np.cumsum(np.bincount(place))])
    taken = np.full(len(r), -1)  # the latest prediction that is taken, by this one or before
    is_hit = np.zeros(len(r), bool)
    for number in range(len(edges) - 1):
        links = order[edges[number] : edges[number + 1]]
        before = taken[links - 1] if number else -1
        choice = np.maximum(first[links], before + 1)
        is_hit[links] = choice <= last[links]
        taken[links] = np.where(is_hit[links], choice, before)
    counted = predicted.is_scored.copy()
    counted[taken[is_hit]] = True
    return (
        np.bincount(r_owner[is_hit], minlength=utterances),
        np.bincount(p_owner[counted], minlength=utterances),
        np.diff(reference.starts),
    )


def boundary_scores(
    hits: np.ndarray, predicted: np.ndarray, reference: np.ndarray
) -> BoundaryScores:
    """Scores of counts that are sums over utterances, or of arrays of them, such as resamples.

    Without predictions the precision is NaN, without reference boundaries all that divides by them.
    """
    hits, predicted, reference = (np.asarray(a, np.float64) for a in (hits, predicted, reference))
    with np.errstate(divide="ignore", invalid="ignore"):
        precision, recall = hits / predicted, hits / reference
        f1 = 2 * hits / (predicted + reference)
        # R / P without the division by hits, of which there may be none.
        over = np.where(reference > 0, predicted / reference, np.nan)[()] - 1
        r1 = np.hypot(1 - recall, over)
        r2 = (recall - 1 - over) / np.sqrt(2)
    return BoundaryScores(precision, recall, f1, over, 1 - (np.abs(r1) + np.abs(r2)) / 2)


def _frame_boundaries(
    changes: np.ndarray, frame_starts: np.ndarray, rate: float, labels: np.ndarray | None
) -> Boundaries:
    """`changes` (N - 1,) says after which frames one lies; those between utterances are dropped."""
    changes = np.concatenate([[False], changes, [False]])  # one before each frame, one at the end
    changes[frame_starts] = False
    at = np.flatnonzero(changes)
    starts = np.searchsorted(at, frame_starts)
    origins = np.repeat(frame_starts[:-1], np.diff(starts))
    is_scored = np.ones(len(at), bool)
    if labels is not None:
        is_scored = (labels[at] != LEFT_OUT) | (labels[at - 1] != LEFT_OUT)
    return Boundaries((at - origins) / rate, starts, is_scored)


def _on_one_axis(
    predicted: Boundaries, reference: Boundaries, reach: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Both as ticks on one axis, utterances too far apart to reach each other; and their owners."""
    longest = max(
        (float(side.seconds.max()) for side in (predicted, reference) if len(side.seconds)),
        default=0.0,
    )
    stride = round(longest / _TICK) + 2 * reach + 1
    axis = []
    for side in (predicted, reference):
        owner = np.repeat(np.arange(len(side.starts) - 1), np.diff(side.starts))
        ticks = np.rint(side.seconds / _TICK).astype(np.int64) + owner * stride
        if (ticks[1:] < ticks[:-1]).any():
            raise ValueError("boundaries of an utterance must be sorted by time")
        axis += [ticks, owner]
    return axis[0], axis[1], axis[2], axis[3]
