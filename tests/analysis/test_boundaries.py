"""Boundaries: matched as well as brute force matches them, scored as worked by hand."""

import itertools

import numpy as np
import pytest

from vqspeech.analysis.aligned_codes import LEFT_OUT, AlignedCodes
from vqspeech.analysis.boundaries import (
    Boundaries,
    boundary_scores,
    code_boundaries,
    every_frame_boundaries,
    match_boundaries,
    phone_boundaries,
)


def boundaries(*utterances, is_scored=None):
    seconds = np.array(list(itertools.chain(*utterances)), float)
    starts = np.cumsum([0, *map(len, utterances)])
    scored = np.ones(len(seconds), bool) if is_scored is None else np.array(is_scored)
    return Boundaries(seconds, starts, scored)


def counts(predicted, reference, **options):
    return [side.tolist() for side in match_boundaries(predicted, reference, **options)]


def reference_of(phones, seconds, phone_starts):
    utterances = len(phone_starts) - 1
    return AlignedCodes(
        utterances=tuple(map(str, range(utterances))),
        speakers=("s",),
        speaker=np.zeros(utterances, np.int32),
        codes=np.zeros(0, np.int32),
        labels=np.zeros(0, np.int16),
        frame_starts=np.zeros(utterances + 1, np.int64),
        phones=np.array(phones, np.int16),
        phone_seconds=np.array(seconds, float).reshape(-1, 2),
        phone_starts=np.array(phone_starts),
        num_codes=1,
        phone_names=("a", "b", "c"),
        rate=25.0,
    )


def most_hits(p, r, tolerance):
    """The largest one-to-one matching, by trying every choice for each reference boundary."""
    if not r:
        return 0
    best = most_hits(p, r[1:], tolerance)
    for i, time in enumerate(p):
        if abs(time - r[0]) <= tolerance:
            best = max(best, 1 + most_hits(p[:i] + p[i + 1 :], r[1:], tolerance))
    return best


def test_no_matching_hits_more():
    rng = np.random.default_rng(0)
    # Whole milliseconds, crowded, so that windows overlap and tolerances are met exactly.
    pairs = [
        (sorted(rng.choice(60, n, replace=False)), sorted(rng.choice(60, m, replace=False)))
        for n, m in rng.integers(0, 7, (300, 2))
    ]
    found = match_boundaries(
        boundaries(*[np.array(p) / 1000 for p, _ in pairs]),
        boundaries(*[np.array(r) / 1000 for _, r in pairs]),
        tolerance=0.009,
    )
    assert found[0].tolist() == [most_hits(list(p), list(r), 9) for p, r in pairs]
    assert found[1].tolist() == [len(p) for p, _ in pairs]
    assert found[2].tolist() == [len(r) for _, r in pairs]


def test_each_boundary_is_used_once():
    one, two = boundaries([0.10]), boundaries([0.09, 0.11])
    assert counts(one, two) == [[1], [1], [2]]
    assert counts(two, one) == [[1], [2], [1]]


def test_twenty_milliseconds_are_in_reach_and_twenty_one_are_not():
    # 0.3 - 0.28 is more than 0.02 in floating point; 0.1 + 0.2 is more than 0.3.
    assert counts(boundaries([0.28, 0.6]), boundaries([0.3, 0.1 + 0.52]))[0] == [2]
    assert counts(boundaries([0.28, 0.6]), boundaries([0.301, 0.621]))[0] == [0]
    # Grids of thirds of a second, written with six digits.
    assert counts(boundaries([1 / 3]), boundaries([0.353334]))[0] == [1]


def test_utterances_do_not_reach_into_each_other():
    assert counts(boundaries([0.5], []), boundaries([], [0.0]))[0] == [0, 0]
    assert counts(boundaries([], [], [0.2]), boundaries([], [], [0.2]))[0] == [0, 0, 1]


def test_without_boundaries_nothing_is_hit():
    assert counts(boundaries([]), boundaries([0.1])) == [[0], [0], [1]]
    assert counts(boundaries([0.1]), boundaries([])) == [[0], [1], [0]]


def test_a_change_within_silence_is_no_mistake_but_may_hit():
    predicted = boundaries([0.10, 0.20, 0.30], is_scored=[True, False, False])
    assert counts(predicted, boundaries([0.10])) == [[1], [1], [1]]
    assert counts(predicted, boundaries([0.21])) == [[1], [2], [1]]


def test_unsorted_times_and_other_numbers_of_utterances_are_mistakes():
    with pytest.raises(ValueError, match="sorted"):
        match_boundaries(boundaries([0.2, 0.1]), boundaries([0.1]))
    with pytest.raises(ValueError, match="1 and 2 utterances"):
        match_boundaries(boundaries([0.2]), boundaries([0.1], []))


def test_codes_change_within_utterances_only():
    codes, starts = np.array([5, 5, 7, 7, 5, 5, 5, 9]), np.array([0, 4, 4, 7, 8])
    found = code_boundaries(codes, starts, 25.0)
    np.testing.assert_allclose(found.seconds, [0.08])  # 7 to 5 and 5 to 9 are between utterances
    assert found.starts.tolist() == [0, 1, 1, 1, 1]


def test_times_count_from_the_start_of_the_utterance():
    found = code_boundaries(np.array([1, 2, 1, 1, 2]), np.array([0, 2, 5]), 50.0)
    np.testing.assert_allclose(found.seconds, [0.02, 0.04])
    assert found.starts.tolist() == [0, 1, 2]


def test_changes_between_two_left_out_frames_are_not_scored():
    labels = np.array([0, LEFT_OUT, LEFT_OUT, 1])
    found = code_boundaries(np.array([1, 2, 3, 4]), np.array([0, 4]), 25.0, labels)
    assert found.is_scored.tolist() == [True, False, True]


@pytest.mark.parametrize("frames", [0, 1])
def test_a_single_frame_has_no_boundary(frames):
    starts = np.array([0, frames])
    assert len(code_boundaries(np.zeros(frames, int), starts, 25.0).seconds) == 0
    assert len(every_frame_boundaries(starts, 25.0).seconds) == 0


def test_starts_that_do_not_end_with_the_frames_are_a_mistake():
    with pytest.raises(ValueError, match="number of frames, 3"):
        code_boundaries(np.array([1, 2, 3]), np.array([0, 2]), 25.0)


def test_every_frame_has_a_boundary_but_the_first():
    found = every_frame_boundaries(np.array([0, 3, 5]), 25.0)
    np.testing.assert_allclose(found.seconds, [0.04, 0.08, 0.04])
    assert found.starts.tolist() == [0, 2, 3]


def test_phones_change_within_utterances_and_between_labels():
    seconds = [[0, 0.1], [0.1, 0.3], [0.3, 0.4], [0, 0.2], [0.2, 0.5]]
    found = phone_boundaries(reference_of([0, 0, 1, 2, 1], seconds, [0, 3, 3, 5]))
    np.testing.assert_allclose(found.seconds, [0.3, 0.2])
    assert found.starts.tolist() == [0, 1, 1, 2]


def test_a_gap_has_a_boundary_on_both_sides_and_silence_one_towards_each_phone():
    seconds = [[0, 0.1], [0.2, 0.3], [0.3, 0.5], [0.5, 0.6], [0.6, 0.7]]
    corpus = reference_of([0, 0, LEFT_OUT, LEFT_OUT, 1], seconds, [0, 5])
    np.testing.assert_allclose(phone_boundaries(corpus).seconds, [0.1, 0.2, 0.3, 0.6])
    # From left-out segment to gap and back nothing changes.
    seconds = [[0, 0.1], [0.2, 0.3], [0.4, 0.5]]
    corpus = reference_of([LEFT_OUT, 0, LEFT_OUT], seconds, [0, 3])
    np.testing.assert_allclose(phone_boundaries(corpus).seconds, [0.2, 0.3])


def test_a_gap_of_rounding_is_none():
    corpus = reference_of([0, 1], [[0, 0.0995], [0.1005, 0.2]], [0, 2])
    np.testing.assert_allclose(phone_boundaries(corpus).seconds, [0.1005])


def test_scores_are_those_worked_by_hand():
    # 6 hits of 12 predictions and 8 boundaries: P = .5, R = .75, F1 = .6, OS = .5,
    # r1 = sqrt(.0625 + .25) = .559017, r2 = (-.25 - .5) / sqrt 2 = -.530330, R-value = .455327.
    scores = boundary_scores(6, 12, 8)
    np.testing.assert_allclose(scores, [0.5, 0.75, 0.6, 0.5, 0.455327], atol=1e-6)


def test_a_perfect_segmentation_scores_one():
    np.testing.assert_allclose(boundary_scores(7, 7, 7), [1, 1, 1, 0, 1])


@pytest.mark.filterwarnings("error")
def test_without_hits_over_segmentation_still_counts_and_nothing_warns():
    precision, recall, f1, over, _ = boundary_scores(0, 4, 8)
    assert (precision, recall, f1, over) == (0, 0, 0, -0.5)
    assert np.isnan(boundary_scores(0, 0, 8).precision)
    assert np.isnan(boundary_scores(0, 3, 0).over_segmentation)


def test_resamples_are_scored_one_by_one():
    scores = boundary_scores(np.array([6, 7]), np.array([12, 7]), np.array([8, 7]))
    np.testing.assert_allclose(scores.f1, [0.6, 1.0])
    np.testing.assert_allclose(scores.r_value, [0.455327, 1.0], atol=1e-6)
