"""Unit edit distance: worked by hand, and as far apart as other utterances are."""

import numpy as np
import pytest

from vqspeech.analysis.stability import (
    pair_with_others,
    summarize_distances,
    unit_edit_distances,
)


def test_codes_are_merged_before_they_are_compared():
    # 1 1 2 3 3 -> 1 2 3 against 1 2 2 -> 1 2: one deletion of three. 4 4 -> 4 against 4: none.
    distances, lengths = unit_edit_distances(
        np.array([1, 1, 2, 3, 3, 4, 4]),
        np.array([0, 5, 7]),
        np.array([1, 2, 2, 4]),
        np.array([0, 3, 4]),
    )
    assert (distances.tolist(), lengths.tolist()) == ([1, 0], [3, 1])


def test_the_first_gives_the_length():
    one, starts = np.array([1]), np.array([0, 1])
    many, many_starts = np.array([1, 2, 1, 2]), np.array([0, 4])
    assert [x.tolist() for x in unit_edit_distances(one, starts, many, many_starts)] == [[3], [1]]
    assert [x.tolist() for x in unit_edit_distances(many, many_starts, one, starts)] == [[3], [4]]


def test_long_utterances_count_for_more():
    found = summarize_distances(np.array([1, 0]), np.array([10, 30]))
    assert found.ued == pytest.approx(1 / 40)
    assert found.utterances == 2


def test_the_interval_reaches_from_the_steadiest_to_the_least_steady_draw():
    found = summarize_distances(np.array([0, 10]), np.array([10, 10]))
    assert (found.low, found.high) == (0.0, 1.0)  # a quarter of the draws is one of them twice
    same = summarize_distances(np.full(9, 3), np.full(9, 10))
    assert same.low == same.high == pytest.approx(0.3)


@pytest.mark.filterwarnings("error")
def test_an_utterance_without_codes_leaves_no_draw_undefined():
    found = summarize_distances(np.array([0, 1]), np.array([0, 4]))
    assert (found.low, found.high) == (0.25, 0.25)
    with pytest.raises(ValueError, match="no codes"):
        summarize_distances(np.array([0]), np.array([0]))


def test_everybody_meets_another_and_nobody_meets_himself():
    starts = np.array([0, 3, 5, 9, 10])
    codes = np.repeat(np.arange(4), np.diff(starts)) * 10 + np.arange(10)  # who * 10 + where
    for seed in range(5):
        first, first_starts, second, second_starts = pair_with_others(codes, starts, seed=seed)
        np.testing.assert_array_equal(first_starts, second_starts)
        partners = set()
        for u in range(4):
            a, b = (x[first_starts[u] : first_starts[u + 1]] for x in (first, second))
            other = next(v for v in range(4) if b[0] == codes[starts[v]])
            assert other != u
            partners.add(other)
            np.testing.assert_array_equal(a, codes[starts[u] :][: len(a)])
            np.testing.assert_array_equal(b, codes[starts[other] :][: len(a)])
            assert len(a) == min(starts[u + 1] - starts[u], starts[other + 1] - starts[other])
        assert len(partners) == 4


def test_one_utterance_has_nobody_to_meet():
    with pytest.raises(ValueError, match="two are wanted"):
        pair_with_others(np.array([1]), np.array([0, 1]))
