"""ABX against numbers worked by hand, plain loops over the definition, and fastabx."""

import importlib.util
import json
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from vqspeech.analysis.abx import abx_error
from vqspeech.analysis.abx_cells import across_speakers, make_pools, token_frames
from vqspeech.analysis.dtw import angular_table, dtw_distance, edit_distance
from vqspeech.data.item_file import read_items

FIXTURE = Path(__file__).parents[1] / "data" / "abx"


def from_matrix(matrix):
    matrix = np.asarray(matrix, float)
    return lambda x, y: matrix[x, y]


def lay_end_to_end(tokens):
    """Codes, first frames and lengths of tokens given as lists."""
    length = np.array([len(token) for token in tokens])
    return np.concatenate(tokens), np.cumsum(length) - length, length


def measure(phone, context, speaker, distance, across, **limits):
    limits = {"max_per_class": None, "max_x_speakers": None, "max_cells": None} | limits
    keys = (np.asarray(key) for key in (phone, context, speaker))
    return abx_error(*keys, distance, across=across, **limits)


def test_an_angle_is_counted_in_half_turns():
    table = angular_table(np.array([[2.0, 0], [0, 3], [-1, 0], [5, 5], [0, 0]]))
    by_hand = [
        [0, 0.5, 1, 0.25, 1],
        [0.5, 0, 0.5, 0.25, 1],
        [1, 0.5, 0, 0.75, 1],
        [0.25, 0.25, 0.75, 0, 1],
        [1, 1, 1, 1, 0],
    ]
    np.testing.assert_allclose(table, by_hand, atol=2**-24)


def test_warping_takes_the_mean_along_the_cheapest_path():
    table = np.abs(np.arange(3)[:, None] - np.arange(3))
    # Costs [[0, 1, 2], [2, 1, 0]]: 0, 1, 0 along three steps.
    distance = dtw_distance(*lay_end_to_end([[0, 2], [0, 1, 2]]), table)
    assert distance(np.array([0, 1, 0]), np.array([1, 0, 0])) == pytest.approx([1 / 3, 1 / 3, 0])


def test_of_paths_that_cost_the_same_the_straight_one_counts():
    # Costs [[1, 1], [0, 1]]: 1 + 1 in two steps, or 1 + 0 + 1 in three.
    table = np.array([[1, 1, 1, 1], [1, 1, 0, 1], [1, 0, 1, 1], [1, 1, 1, 1]])
    distance = dtw_distance(*lay_end_to_end([[0, 1], [2, 3]]), table)
    assert distance(np.array([0]), np.array([1])) == [1.0]


def warp_slowly(costs):
    """The mean cost along the path that is found going back from the end."""
    total = np.full(np.shape(costs), np.inf)
    for i, j in np.ndindex(*np.shape(costs)):
        before = [total[i - 1, j]] if i else []
        before += [total[i, j - 1]] if j else []
        before += [total[i - 1, j - 1]] if i and j else []
        total[i, j] = costs[i][j] + min(before, default=0)
    i, j = np.array(np.shape(costs)) - 1
    steps = 1
    while i or j:
        options = [(i - 1, j - 1)] if i and j else []
        options += [(i, j - 1)] if j else []
        options += [(i - 1, j)] if i else []
        i, j = min(options, key=lambda place: total[place])  # the first of equal ones
        steps += 1
    return total[-1, -1] / steps


@pytest.mark.parametrize("values", [3, 10**6])  # many ties, and none
def test_warping_many_pairs_at_once_equals_one_by_one(values):
    rng = np.random.default_rng(0)
    table = rng.integers(0, values, (7, 7)) / values
    tokens = [rng.integers(0, 7, n) for n in (1, 1, 2, 3, 9, 15, 66)]
    distance = dtw_distance(*lay_end_to_end(tokens), table)
    x, y = np.divmod(np.arange(len(tokens) ** 2), len(tokens))
    slowly = [warp_slowly(table[np.ix_(tokens[i], tokens[j])]) for i, j in zip(x, y, strict=True)]
    np.testing.assert_allclose(distance(x, y), slowly, rtol=1e-12)


def test_a_repeated_code_is_exactly_as_far_as_the_code_itself():
    table = angular_table(np.random.default_rng(0).normal(size=(2, 5)))
    distance = dtw_distance(*lay_end_to_end([[0], [1], [1] * 3, [1] * 7]), table)
    assert len(set(distance(np.zeros(3, int), np.array([1, 2, 3])))) == 1


def test_edits_are_counted_over_the_longer_token():
    codes = lay_end_to_end([[1, 1, 2, 3], [1, 2, 2, 4], [7]])
    pairs = np.array([0, 0, 2]), np.array([1, 2, 2])
    # 123 to 124 is one of three, 123 to 7 three of three; 1123 to 1224 two of four.
    assert edit_distance(*codes, merge_runs=True)(*pairs) == pytest.approx([1 / 3, 1, 0])
    assert edit_distance(*codes, merge_runs=False)(*pairs) == pytest.approx([2 / 4, 1, 0])


def test_more_codes_than_letters_below_the_surrogates_are_compared():
    codes = lay_end_to_end([[0, 70_000], [60_000, 70_000]])
    assert edit_distance(*codes, merge_runs=True)(np.array([0]), np.array([1])) == [0.5]


def test_tokens_outside_the_codes_are_a_mistake():
    one = np.ones(1, int)
    with pytest.raises(ValueError, match="within 1 codes"):
        dtw_distance(np.zeros(1, int), one, one, np.zeros((1, 1)))
    with pytest.raises(ValueError, match="tokens of 0 frames"):
        edit_distance(np.zeros(1, int), 0 * one, 0 * one, merge_runs=True)
    with pytest.raises(ValueError, match="table of 1"):
        dtw_distance(one, 0 * one, one, np.zeros((1, 1)))


def test_a_token_has_the_frames_whose_centre_it_holds():
    # Centres at 25 Hz: .02, .06, .10, .14; both ends count, whatever binary fractions make of them.
    first, count = token_frames([0.02, 0.0, 0.021, 0.03, 0.0], [0.06, 0.13, 0.1, 0.05, 0.019], 25)
    assert first.tolist()[:3] == [0, 0, 1]
    assert np.maximum(count, 0).tolist() == [2, 3, 2, 0, 0]
    centres = np.round((np.arange(5000) + 0.5) / 12.5, 4)
    first, count = token_frames(centres, centres, 12.5)
    assert first.tolist() == list(range(5000))
    assert set(count.tolist()) == {1}


def test_a_wrong_triple_and_a_tie_of_two_are_three_quarters():
    # A and X are tokens 0 and 1, B is 2: d(1, 0) = 3 > d(2, 0) = 2, and d(0, 1) = 3 = d(2, 1).
    distance = from_matrix([[0, 3, 2], [3, 0, 3], [2, 3, 0]])
    found = measure([0, 0, 1], [0, 0, 0], [0, 0, 0], distance, across=False)
    assert found.error == 0.75
    assert (found.cells, found.triples, found.contexts, found.speakers) == (1, 2, 1, 1)
    assert found.pairs.tolist() == [[0, 1]]  # one token of the other phone is no A and X


def test_across_speakers_x_is_said_by_another():
    # Speaker 0 says phones 0 and 1 (tokens 0 and 1), speaker 1 says phone 0 (token 2): one triple,
    # A = 0, B = 1, X = 2. Within speakers there is none.
    phone, context, speaker = [0, 1, 0], [0, 0, 0], [0, 0, 1]
    for near, error in ((1, 0), (2, 0.5), (3, 1)):
        distance = from_matrix([[0, 0, 9], [0, 0, 9], [near, 2, 0]])  # rows are X
        found = measure(phone, context, speaker, distance, across=True)
        assert (found.error, found.cells, found.triples, found.speakers) == (error, 1, 1, 2)
    assert measure(phone, context, speaker, distance, across=False) is None


def test_tokens_of_different_contexts_are_not_compared():
    distance = from_matrix(np.zeros((3, 3)))
    assert measure([0, 0, 1], [0, 0, 1], [0, 0, 0], distance, across=False) is None


def test_separated_classes_have_no_errors_and_equal_distances_half():
    rng = np.random.default_rng(0)
    phone, context, speaker = rng.integers(0, 4, 400), rng.integers(0, 3, 400), np.arange(400) % 5
    apart = from_matrix(phone[:, None] != phone)
    by_chance = from_matrix(rng.random((400, 400)))
    for across in (False, True):
        keys = (phone, context, speaker)
        assert measure(*keys, apart, across).error == 0
        assert measure(*keys, from_matrix(1 - (phone[:, None] != phone)), across).error == 1
        assert measure(*keys, from_matrix(np.ones((400, 400))), across).error == 0.5
        assert measure(*keys, by_chance, across).error == pytest.approx(0.5, abs=0.03)


def test_contexts_are_averaged_before_speakers_and_speakers_before_pairs():
    # Phones 0 and 1: speaker 0 is right in context 0 and wrong in context 1, speaker 1 wrong in
    # context 0: ((0 + 1) / 2 + 1) / 2. Phones 2 and 3 are right: 0. Only the first have two tokens.
    phone = [0, 0, 1] * 3 + [2, 2, 3]
    context = [0, 0, 0, 1, 1, 1, 0, 0, 0, 2, 2, 2]
    speaker = [0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0]
    to_a = np.array([1, 1, 1, 3, 3, 3, 3, 3, 3, 1, 1, 1])
    same = np.equal.outer(phone, phone)
    found = measure(phone, context, speaker, from_matrix(np.where(same, to_a, 2)), across=False)
    assert found.pair_errors.tolist() == [0.75, 0]
    assert found.error == 0.375


def slowly(phone, context, speaker, matrix, across):
    """The definition in loops."""
    cells = {}
    for a, b, x in permutations(range(len(phone)), 3):
        alike = context[a] == context[b] == context[x] and speaker[a] == speaker[b]
        others = (speaker[x] != speaker[a]) == across
        if alike and others and phone[a] == phone[x] != phone[b]:
            wrong = (1 + np.sign(matrix[x, a] - matrix[x, b])) / 2
            key = (phone[a], phone[b], speaker[a], context[a], speaker[x])
            cells.setdefault(key, []).append(wrong)
    cells = {key: np.mean(wrong) for key, wrong in cells.items()}
    for level in (3, 2):
        coarser = {}
        for key, mean in cells.items():
            coarser.setdefault(key[:level], []).append(mean)
        cells = {key: np.mean(means) for key, means in coarser.items()}
    return np.mean(list(cells.values()))


@pytest.mark.parametrize("across", [False, True])
def test_the_error_is_that_of_loops_over_the_definition(across, monkeypatch):
    monkeypatch.setattr("vqspeech.analysis.abx.CHUNK_TRIPLES", 50)
    rng = np.random.default_rng(1)
    phone, context, speaker = rng.integers(0, [[3], [2], [3]], (3, 50))
    matrix = rng.integers(0, 6, (50, 50)) / 6
    found = measure(phone, context, speaker, from_matrix(matrix), across)
    assert found.error == pytest.approx(slowly(phone, context, speaker, matrix, across), rel=1e-12)


def test_what_is_drawn_is_as_much_as_allowed_and_the_same_for_a_seed():
    rng = np.random.default_rng(2)
    # One context, 2 phones, 6 speakers, 4 tokens of each.
    phone, speaker = np.tile([0, 0, 0, 0, 1, 1, 1, 1], 6), np.repeat(np.arange(6), 8)
    keys = (phone, np.zeros(48, int), speaker, from_matrix(rng.random((48, 48))))
    assert measure(*keys, across=False).triples == 12 * 4 * 4 * 3
    assert measure(*keys, across=False, max_per_class=3).triples == 12 * 3 * 3 * 2
    assert measure(*keys, across=True).cells == 12 * 5
    limits = {"max_per_class": 2, "max_x_speakers": 3}
    drawn = measure(*keys, across=True, **limits)
    assert (drawn.cells, drawn.cells_found, drawn.triples) == (36, 36, 36 * 8)
    few = measure(*keys, across=True, **limits, max_cells=18)
    assert (few.cells, few.cells_found) == (18, 36)
    assert measure(*keys, across=False, max_cells=5).cells == 5
    assert measure(*keys, across=True, **limits).error == drawn.error
    others = {measure(*keys, across=True, **limits, seed=seed).error for seed in range(1, 6)}
    assert others != {drawn.error}
    # Drawn without bias: the mean over seeds is the error of all.
    means = [measure(*keys, across=True, **limits, seed=seed).error for seed in range(100)]
    assert np.mean(means) == pytest.approx(measure(*keys, across=True).error, abs=0.015)


def test_no_speaker_of_x_is_drawn_twice_nor_that_of_a_and_b():
    phone, speaker = np.tile([0, 1], 9), np.repeat(np.arange(9), 2)
    pools = make_pools(phone, 0 * phone, speaker, None, np.random.default_rng(0))
    cells, found = across_speakers(pools, 4, None, np.random.default_rng(0))
    assert found == len(cells.a) == len(set(zip(*map(tuple, cells), strict=True))) == 18 * 4
    said_by = [pools.speaker[pool] for pool in cells]
    assert (said_by[0] == said_by[1]).all()
    assert (said_by[0] != said_by[2]).all()
    assert set(said_by[2].tolist()) == set(range(9))


def test_the_interval_is_over_speakers_and_only_where_there_are_ten():
    rng = np.random.default_rng(3)

    def corpus(speakers, noise):
        speaker = np.repeat(np.arange(speakers), 8)
        phone = np.tile([0, 0, 0, 0, 1, 1, 1, 1], speakers)
        points = phone + noise[speaker] * rng.normal(size=len(phone))
        return phone, 0 * phone, speaker, from_matrix(np.abs(points[:, None] - points))

    for across in (False, True):
        assert measure(*corpus(9, np.ones(9)), across).interval is None
        assert measure(*corpus(12, np.zeros(12)), across).interval == (0, 0)
        found = measure(*corpus(12, np.linspace(0, 3, 12)), across)
        low, high = found.interval
        assert 0 < low < found.error < high < 0.5


def test_speakers_of_x_are_resampled_too():
    # Whether a triple is right is up to the speaker of X alone.
    phone, speaker = np.tile([0, 1], 12), np.repeat(np.arange(12), 2)
    near = np.where(speaker % 2, 1, 3)[:, None]
    matrix = np.where(np.equal.outer(phone, phone), near, 2)
    low, high = measure(phone, 0 * phone, speaker, from_matrix(matrix), across=True).interval
    assert low < 0.35 < 0.65 < high


def test_an_interval_covers_the_error_of_all_speakers_about_as_often_as_it_says():
    rng, covered = np.random.default_rng(4), 0
    for trial in range(30):
        # A speaker's error is wholly his own: right or wrong with even odds, so the truth is .5.
        is_wrong = np.repeat(rng.integers(0, 2, 20), 3)
        phone, speaker = np.tile([0, 0, 1], 20), np.repeat(np.arange(20), 3)
        matrix = np.where(np.equal.outer(phone, phone), np.where(is_wrong, 3, 1), 2)
        found = measure(
            phone, 0 * phone, speaker, from_matrix(matrix), False, seed=trial, resamples=100
        )
        covered += found.interval[0] <= 0.5 <= found.interval[1]
    assert 24 <= covered <= 30


def test_a_caller_is_told_of_limits_that_leave_nothing():
    one, distance = np.zeros(1, int), from_matrix([[0]])
    with pytest.raises(ValueError, match="A and X are two"):
        abx_error(one, one, one, distance, across=False, max_per_class=1)
    with pytest.raises(ValueError, match="0 speakers of X"):
        abx_error(one, one, one, distance, across=True, max_x_speakers=0)
    with pytest.raises(ValueError, match="2 contexts"):
        abx_error(one, np.zeros(2), one, distance, across=True)


def number(names):
    return np.unique(names, return_inverse=True)[1]


def measure_items(items, latents, codes, starts, rate):
    """ABX errors as the fixture has them."""
    first, length = token_frames(*zip(*((i.start_seconds, i.end_seconds) for i in items)), rate)  # noqa: B905
    first = first + [starts[item.utterance] for item in items]
    distances = {
        "angular": dtw_distance(np.arange(len(codes)), first, length, angular_table(latents)),
        "identical": dtw_distance(codes, first, length, 1 - np.eye(codes.max() + 1)),
    }
    phone, before, after, speaker = (
        number(column) for column in list(zip(*items, strict=True))[3:]
    )
    return {
        name: {
            mode: measure(phone, before * 99 + after, speaker, distance, mode == "across").error
            for mode in ("within", "across")
        }
        for name, distance in distances.items()
    }


def test_the_error_is_that_of_fastabx():
    values = json.loads((FIXTURE / "fastabx.json").read_text())
    arrays = np.load(FIXTURE / "features.npz")
    starts = np.cumsum(arrays["counts"]) - arrays["counts"]
    starts = dict(zip(arrays["utterances"].tolist(), starts.tolist(), strict=True))
    items = read_items(FIXTURE / "tokens.item")
    found = measure_items(items, arrays["latents"], arrays["codes"], starts, values["rate"])
    for distance in ("angular", "identical"):
        assert found[distance] == pytest.approx(values[distance], abs=1e-6)


def test_the_error_is_that_of_fastabx_run_now(tmp_path):
    pytest.importorskip("fastabx", reason="fastabx needs Python 3.12")
    spec = importlib.util.spec_from_file_location("make_fixture", FIXTURE / "make_fixture.py")
    fixture = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fixture)
    text, frames = fixture.make_tokens(np.random.default_rng(11))
    (tmp_path / "tokens.item").write_text(text)
    starts = np.cumsum([0] + [len(codes) for _, codes in frames.values()]).tolist()
    latents, codes = (np.concatenate(parts) for parts in zip(*frames.values(), strict=True))
    items = read_items(tmp_path / "tokens.item")
    starts = dict(zip(frames, starts, strict=False))
    found = measure_items(items, latents, codes, starts, fixture.RATE)
    for distance in ("angular", "identical"):
        value = fixture.measure(tmp_path / "tokens.item", frames, distance)
        assert found[distance] == pytest.approx(value, abs=1e-6)
