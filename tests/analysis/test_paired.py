"""Paired differences: against scipy's bootstrap, Student's interval, arithmetic, and the truth."""

import numpy as np
import pytest
from scipy import stats

from vqspeech.analysis.paired import (
    Sums,
    draw_units,
    expanded_level,
    paired_difference,
)


def means(values):
    return Sums(np.asarray(values, float), np.ones(len(values)))


def alone(number, **settings):
    """Resamples of so many utterances of speakers of their own, or of one speaker below 10."""
    names = [f"u{i}" for i in range(number)]
    return draw_units(names, names, **settings)


def test_rates_are_of_sums_and_votes_of_utterances():
    # 3 of 30 words wrong and then 4 of 10, against 6 of 30 and 1 of 10: 7 and 7 of 40 in all.
    a = Sums(np.array([3.0, 4.0]), np.array([30.0, 10.0]))
    b = Sums(np.array([6.0, 1.0]), np.array([30.0, 10.0]))
    found = paired_difference(a, b, alone(2))
    assert (found.a, found.b, found.difference) == (7 / 40, 7 / 40, 0)
    assert (found.higher, found.lower, found.count) == (1, 1, 2)


def test_a_vote_is_of_rates_where_the_wholes_differ():
    # 3 of 30 against 4 of 80: more errors, and yet the lower rate.
    a, b = (Sums(np.array([p]), np.array([w])) for p, w in ((3.0, 30.0), (4.0, 80.0)))
    found = paired_difference(a, b, alone(1))
    assert (found.higher, found.lower, found.difference) == (0, 1, pytest.approx(-0.05))


def test_the_interval_is_that_of_scipy_on_the_same_pairs():
    rng = np.random.default_rng(3)
    words = rng.integers(4, 15, 40).astype(float)
    a, b = (rng.binomial(words.astype(int), p).astype(float) for p in (0.3, 0.2))

    def rate_difference(a, b, words, axis=-1):
        return (b.sum(axis) - a.sum(axis)) / words.sum(axis)

    theirs = stats.bootstrap(
        (a, b, words),
        rate_difference,
        paired=True,
        method="percentile",
        confidence_level=expanded_level(40),
        n_resamples=20_000,
        rng=1,
    ).confidence_interval
    found = paired_difference(Sums(a, words), Sums(b, words), alone(40, count=20_000))
    assert (found.low, found.high) == pytest.approx(tuple(theirs), abs=0.004)


def test_the_interval_of_a_mean_of_few_is_about_as_wide_as_students():
    rng = np.random.default_rng(0)
    difference = rng.normal(0.3, 1, 12)
    a = rng.normal(0, 50, 12)  # what both have in common is no matter
    found = paired_difference(means(a), means(a + difference), alone(12, count=20_000))
    students = stats.t.interval(0.95, 11, difference.mean(), stats.sem(difference))
    assert found.high - found.low == pytest.approx(students[1] - students[0], rel=0.12)


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    # Twelve speakers, each better or worse off by B, and five utterances of each. 1000 trials have
    # a standard error of 0.7 %; percentiles as they are hold the truth in 91 %.
    rng, hits, trials = np.random.default_rng(5), 0, 1000
    speaker = np.repeat(np.arange(12), 5)
    names = [f"u{i}" for i in range(60)]
    drawn = draw_units(names, [f"s{s}" for s in speaker], count=400)
    for _ in range(trials):
        a = rng.normal(0, 3, 60)
        b = a + 0.5 + rng.normal(0, 1, 12)[speaker] + rng.normal(0, 1, 60)
        found = paired_difference(means(a), means(b), drawn)
        hits += found.low <= 0.5 <= found.high
    assert 0.93 <= hits / trials <= 0.97


def test_ten_speakers_are_drawn_and_of_fewer_their_utterances():
    names = [f"u{i}" for i in range(30)]
    ten = draw_units(names, [f"s{i % 10}" for i in range(30)], count=20)
    assert (ten.what, ten.weights.shape) == ("speakers", (20, 10))
    nine = draw_units(names, [f"s{i % 9}" for i in range(30)], count=20)
    assert (nine.what, nine.weights.shape) == ("utterances", (20, 30))


def test_what_comes_of_one_utterance_is_drawn_together():
    drawn = draw_units(["b", "a", "b", "c"], ["s"] * 4, count=50)
    sums = drawn.resampled(np.eye(4, dtype=int))
    np.testing.assert_array_equal(sums[:, 0], sums[:, 2])
    assert (sums[:, 0] != sums[:, 1]).any()


def test_a_difference_is_shown_by_an_interval_without_zero_and_never_by_five():
    a, b = means(np.zeros(8)), means(np.arange(1.0, 9))
    assert paired_difference(a, b, alone(8)).sign == 1
    assert paired_difference(b, a, alone(8)).sign == -1
    assert paired_difference(a, means([1, -1] * 4), alone(8)).sign == 0
    five = paired_difference(means(np.zeros(5)), means(np.arange(1.0, 6)), alone(5))
    assert (five.low, five.high, five.sign) == (None, None, 0)


def test_the_share_between_the_ends_is_students():
    # Of six units t ends at 2.5706, and sqrt(6 / 5) further out lies 99.5 % of a normal.
    assert expanded_level(6) == pytest.approx(0.99514, abs=1e-4)
    assert expanded_level(100_000) == pytest.approx(0.95, abs=1e-4)


def test_what_is_not_paired_is_a_mistake():
    with pytest.raises(ValueError, match="same utterances"):
        paired_difference(means([1, 2]), means([1]), alone(2))
    with pytest.raises(ValueError, match="above 0"):
        paired_difference(Sums(np.ones(2), np.array([1.0, 0.0])), means([1, 2]), alone(2))
