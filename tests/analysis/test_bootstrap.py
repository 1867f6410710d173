"""Resamples: whole speakers are drawn, sums are exact, and intervals cover as often as they say."""

import numpy as np
import pytest

from vqspeech.analysis import bootstrap
from vqspeech.analysis.bootstrap import Resamples, draw_resamples, interval, ratio

TWELVE = np.repeat(np.arange(12), 3)  # twelve speakers of three utterances


def test_ten_speakers_are_drawn_as_a_whole():
    resamples = draw_resamples(TWELVE, count=50)
    assert resamples.what == "speakers"
    assert resamples.weights.shape == (50, 12)
    assert (resamples.weights.sum(axis=1) == 12).all()
    # The three utterances of a speaker come together: what each adds is seen equally often.
    sums = resamples.resampled(np.eye(36, dtype=int))
    np.testing.assert_array_equal(sums[:, 0::3], sums[:, 2::3])
    assert sums.max() > 1


def test_of_few_speakers_utterances_are_drawn_and_each_speaker_keeps_their_number():
    speaker = np.array([4, 4, 4, 7, 7, 7, 7, 7, 4])
    resamples = draw_resamples(speaker, count=200)
    assert resamples.what == "utterances within speakers"
    of_four = resamples.resampled((speaker == 4).astype(int))
    np.testing.assert_array_equal(of_four, 4)
    np.testing.assert_array_equal(resamples.weights.sum(axis=1), 9)
    assert len(np.unique(resamples.weights, axis=0)) > 150


def test_a_speaker_is_drawn_once_on_average_and_often_not_at_all():
    weights = draw_resamples(np.arange(20), count=4000).weights
    np.testing.assert_allclose(weights.mean(axis=0), 1, atol=0.08)
    # Of 20 draws none hits it with a chance of (19 / 20) ** 20.
    assert (weights == 0).mean() == pytest.approx(0.95**20, abs=0.01)


def test_the_seed_decides():
    a, b, c = (draw_resamples(TWELVE, count=9, seed=seed).weights for seed in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()


def test_totals_are_sums_by_unit_in_whatever_order_utterances_come():
    resamples = Resamples(np.array([1, 0, 1, 2]), np.array([[2, 0, 1], [1, 1, 1]]), "speakers")
    statistics = np.array([[1, 10], [2, 20], [4, 40], [8, 80]])
    np.testing.assert_array_equal(resamples.total(statistics), [[2, 20], [5, 50], [8, 80]])
    # 2 * 2 + 0 * 5 + 1 * 8, then once each.
    np.testing.assert_array_equal(resamples.resampled(statistics), [[12, 120], [15, 150]])
    assert resamples.resampled(statistics).dtype == np.int64
    np.testing.assert_allclose(resamples.resampled(statistics[:, 0] / 10), [1.2, 1.5])


def test_booleans_are_counted():
    resamples = Resamples(np.array([0, 0]), np.array([[3]]), "speakers")
    np.testing.assert_array_equal(resamples.resampled(np.array([True, True])), [6])


def test_statistics_of_other_utterances_are_a_mistake():
    with pytest.raises(ValueError, match="3 statistics for 36"):
        draw_resamples(TWELVE).total(np.zeros(3))
    with pytest.raises(ValueError, match="no utterances"):
        draw_resamples(np.zeros(0, int))


@pytest.mark.parametrize("dense", [0, 1 << 25])
def test_tables_equal_those_counted_frame_by_frame(monkeypatch, dense):
    monkeypatch.setattr(bootstrap, "_DENSE", dense)  # 0 counts every table sparse
    monkeypatch.setattr(bootstrap, "_BLOCK", 40)  # several blocks of resamples
    rng = np.random.default_rng(0)
    owners = np.sort(rng.integers(0, 36, 500))
    cells = rng.integers(0, 7, 500)
    resamples = draw_resamples(TWELVE, count=11)
    tables = list(resamples.resampled_counts(owners, cells, 7))
    assert len(tables) > 1
    expected = [
        np.bincount(np.repeat(cells, row[TWELVE[owners]]), minlength=7) for row in resamples.weights
    ]
    np.testing.assert_array_equal(np.concatenate(tables), expected)


def test_a_cell_outside_the_table_is_a_mistake():
    with pytest.raises(ValueError, match="table of 4"):
        next(draw_resamples(TWELVE).resampled_counts(np.array([0]), np.array([4]), 4))


def test_an_interval_leaves_out_as_much_on_both_sides():
    low, high = interval(np.arange(1001.0), level=0.9)
    assert (low, high) == pytest.approx((50, 950))
    low, high = interval(np.stack([np.arange(1001.0), np.full(1001, 3.0)], axis=1))
    np.testing.assert_allclose(low, [25, 3])
    np.testing.assert_allclose(high, [975, 3])


@pytest.mark.filterwarnings("error")
def test_undefined_resamples_are_passed_over():
    values = np.array([[1.0, np.nan], [np.nan, np.nan], [3.0, np.nan]])
    low, high = interval(values, level=1.0)
    np.testing.assert_array_equal(low, [1, np.nan])
    np.testing.assert_array_equal(high, [3, np.nan])


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    # Speakers have accuracies around 0.5; frames of one speaker are alike. Drawing frames would
    # give an interval a sixth as wide, which misses most of the time.
    rng = np.random.default_rng(1)
    hits, trials = 0, 120
    for _ in range(trials):
        accuracy = rng.normal(0.5, 0.1, 30)
        correct = rng.binomial(1000, accuracy.clip(0, 1))
        sums = draw_resamples(np.arange(30), count=200).resampled(
            np.stack([correct, np.full(30, 1000)], axis=1)
        )
        low, high = interval(sums[:, 0] / sums[:, 1])
        hits += low <= 0.5 <= high
    assert 0.86 <= hits / trials <= 0.99


def test_a_ratio_has_the_interval_of_its_resamples():
    drawn = draw_resamples(np.arange(12), count=500, seed=0)
    parts, wholes = np.arange(12.0), np.full(12, 2.0)
    value, low, high = ratio(parts, wholes, drawn)
    assert value == pytest.approx(66 / 24)
    # The mean of 12 numbers from 0 to 11, halved, has a standard error of 3.45 / sqrt(12) / 2.
    assert high - low == pytest.approx(2 * 1.96 * 0.498, rel=0.15)
    assert ratio(wholes, wholes, drawn) == (1, 1, 1)
