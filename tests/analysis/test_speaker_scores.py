"""Equal error rates worked by hand, and what voices of recordings are compared with."""

import numpy as np
import pytest

from vqspeech.analysis.speaker_scores import (
    equal_error_rate,
    scale_of_similarity,
    speaker_centre,
)


def test_targets_above_all_others_are_never_mistaken():
    similarities = np.array([[0.9, 0.1, 0.2], [0.3, 0.8, 0.1]])
    assert equal_error_rate(similarities, np.array([0, 1])) == 0


def test_targets_below_all_others_always_are():
    assert equal_error_rate(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([0, 1])) == 1


def test_one_of_three_mistaken_is_a_third():
    # At a threshold of 0.5 one of three genuine trials (0.4) is refused, and one of three
    # impostors (0.5) let in.
    similarities = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.5]])
    assert equal_error_rate(similarities, np.array([0, 1, 0])) == pytest.approx(1 / 3)


def test_between_two_thresholds_the_rate_lies_on_the_line():
    # Genuine 0.9 and 0.5, impostors 0.6, 0.3, 0.2, 0.1. Above 0.5: half refused, 1 of 4 let in;
    # at 0.5: none refused, 1 of 4 let in. The line crosses where both are a quarter.
    similarities = np.array([[0.9, 0.3, 0.2], [0.5, 0.6, 0.1]])
    assert equal_error_rate(similarities, np.array([0, 0])) == pytest.approx(1 / 4)


def test_scores_that_tell_nothing_give_a_half():
    assert equal_error_rate(np.full((4, 5), 0.7), np.arange(4)) == pytest.approx(1 / 2)


def test_a_weight_counts_a_recording_as_often_as_repeating_it():
    rng = np.random.default_rng(0)
    similarities, targets = rng.random((6, 4)), rng.integers(0, 4, 6)
    weights = rng.multinomial(6, np.full(6, 1 / 6), size=5)
    repeated = [
        equal_error_rate(np.repeat(similarities, w, axis=0), np.repeat(targets, w)) for w in weights
    ]
    found = equal_error_rate(similarities, targets, weights)
    np.testing.assert_allclose(found, repeated, rtol=1e-12)


def test_a_voice_is_the_mean_direction():
    np.testing.assert_allclose(
        speaker_centre([np.array([1.0, 0.0]), np.array([0.0, 1.0])]), [0.5**0.5, 0.5**0.5]
    )
    with pytest.raises(ValueError, match="no recordings"):
        speaker_centre([])


def test_the_scale_compares_a_recording_with_the_others_of_its_speaker_and_with_strangers():
    one, other = np.array([[1.0, 0.0], [0.6, 0.8]]), np.array([[0.0, 1.0], [0.0, 1.0]])
    same, strangers = scale_of_similarity([one, other])
    assert same == pytest.approx((0.6 + 0.6 + 1 + 1) / 4)
    centre = np.array([1.6, 0.8]) / np.hypot(1.6, 0.8)
    assert strangers == pytest.approx((0.0 + 0.8 + centre[1] + centre[1]) / 4)
