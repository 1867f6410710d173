"""Runs: maximal, in order, and never across two utterances."""

import itertools

import numpy as np
import pytest

from vqspeech.analysis.runs import merge_runs


def test_equal_neighbours_are_one_run():
    runs = merge_runs(np.array([5, 5, 2, 5, 5, 5]), np.array([0, 6]))
    assert runs.symbols.tolist() == [5, 2, 5]
    assert runs.lengths.tolist() == [2, 1, 3]
    assert runs.first.tolist() == [0, 2, 3]
    assert runs.starts.tolist() == [0, 3]


def test_a_run_ends_with_its_utterance():
    runs = merge_runs(np.array([7, 7, 7, 7, 1]), np.array([0, 2, 5]))
    assert runs.symbols.tolist() == [7, 7, 1]
    assert runs.lengths.tolist() == [2, 2, 1]
    assert runs.starts.tolist() == [0, 1, 3]


def test_empty_utterances_have_no_runs():
    runs = merge_runs(np.array([3, 3, 3]), np.array([0, 0, 1, 1, 3, 3]))
    assert runs.lengths.tolist() == [1, 2]
    assert runs.starts.tolist() == [0, 0, 1, 1, 2, 2]
    nothing = merge_runs(np.array([], dtype=np.int32), np.array([0, 0]))
    assert [len(part) for part in nothing] == [0, 0, 0, 2]


def test_many_utterances_merge_as_each_alone():
    rng = np.random.default_rng(0)
    sizes = rng.integers(0, 9, size=200)
    starts = np.concatenate(([0], np.cumsum(sizes)))
    symbols = rng.integers(0, 3, size=starts[-1])
    runs = merge_runs(symbols, starts)
    for u in range(len(sizes)):
        alone = [
            (symbol, len(list(group)))
            for symbol, group in itertools.groupby(symbols[starts[u] : starts[u + 1]])
        ]
        part = slice(runs.starts[u], runs.starts[u + 1])
        assert list(zip(runs.symbols[part], runs.lengths[part], strict=True)) == alone
    assert np.array_equal(np.repeat(runs.symbols, runs.lengths), symbols)


def test_symbols_keep_their_type():
    assert merge_runs(np.array([1, 1], dtype=np.int16), np.array([0, 2])).symbols.dtype == np.int16


@pytest.mark.parametrize("starts", [[0, 2], [1, 3], [0, 2, 1, 3], [], [[0, 3]]])
def test_starts_that_do_not_cover_the_frames_are_refused(starts):
    with pytest.raises(ValueError, match="rise from 0 to the number of frames, 3"):
        merge_runs(np.array([1, 2, 3]), np.array(starts, dtype=np.int64))
