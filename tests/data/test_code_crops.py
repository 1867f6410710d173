from collections import Counter

import numpy as np
import pytest
import torch

from vqspeech.data.code_crops import CodeCrops, spread_utterances, whole_utterances
from vqspeech.data.codes import read_code_dir
from vqspeech.errors import InputError

LENGTHS = {"a_1": 3, "a_2": 9, "b_1": 20, "c_1": 0}


def counting(key, groups=1):
    """Codes that tell where they are: 0, 1, 2, ... behind the utterance's own hundred."""
    first = 100 * list(LENGTHS).index(key)
    codes = first + np.arange(LENGTHS[key])
    return codes if groups == 1 else np.stack([codes + 1000 * g for g in range(groups)], 1)


@pytest.fixture
def codes(code_dir):
    def write(name="codes", groups=1, **facts):
        rows = {key: (key[0], counting(key, groups)) for key in LENGTHS}
        return read_code_dir(code_dir(name, rows, groups=groups, num_codes=4000, **facts))

    return write


@pytest.mark.parametrize("groups", [1, 2])
def test_a_crop_is_a_stretch_of_its_utterance_with_its_speaker_and_length(codes, groups):
    crops = CodeCrops([codes(groups=groups)], 7, 5, seed=1, speakers=("b", "a"))
    for step in range(4):
        batch = crops.batch(step)
        assert batch.codes.shape == ((7, 5) if groups == 1 else (7, 5, 2))
        assert batch.codes.dtype == torch.int64
        for row, key in enumerate(batch.utterances):
            length = int(batch.length[row])
            assert length == min(5, LENGTHS[key])
            start = int(batch.codes[row].flatten()[0]) % 100
            expected = counting(key, groups)[start : start + 5]
            assert np.array_equal(batch.codes[row, :length], expected)
            assert not batch.codes[row, length:].any()
            assert batch.speaker[row] == ("b", "a").index(key[0])


def test_every_step_can_be_had_alone(codes):
    crops, again = (CodeCrops([codes("codes")], 3, 4, seed=5) for _ in range(2))
    for step in (9, 2, 30, 2):
        assert torch.equal(crops.batch(step).codes, again.batch(step).codes)
    other = CodeCrops([codes("codes")], 3, 4, seed=6)
    assert any(not torch.equal(crops.batch(s).codes, other.batch(s).codes) for s in range(5))


def test_beginnings_and_ends_are_seen_half_as_often_as_the_middle_or_more(codes):
    crops = CodeCrops([codes()], 8, 4, seed=0)
    seen, first = Counter(), 0
    for step in range(300):
        batch = crops.batch(step)
        for row, key in enumerate(batch.utterances):
            if key == "b_1":
                seen.update((batch.codes[row] - 200).tolist())
                first += int(batch.codes[row, 0]) == 200
    counts = np.array([seen[i] for i in range(20)])
    assert counts.min() > 0.5 * counts.mean()
    assert first > 0.1 * counts.sum() / 4  # of its crops, where chance alone gives 1 in 17


def test_strangers_have_the_row_behind_the_speakers(codes):
    batches = list(whole_utterances(codes(), 2, speakers=("b",)))
    assert [batch.utterances for batch in batches] == [("a_1", "a_2"), ("b_1",)]
    assert [batch.speaker.tolist() for batch in batches] == [[1, 1], [0]]
    assert batches[0].length.tolist() == [3, 9]
    assert batches[0].codes.shape == (2, 9)


def test_some_utterances_stand_for_all(codes):
    mine = codes()  # 0.64 s in all
    assert spread_utterances(mine, 10) == ["a_1", "a_2", "b_1"]
    assert spread_utterances(mine, 0.32) == ["a_2"]
    assert spread_utterances(mine, 0.001) == ["b_1"]
    (batch,) = whole_utterances(mine, 8, keys=["b_1", "c_1", "a_1"])
    assert batch.utterances == ("a_1", "b_1")


def test_codes_that_cannot_be_joined_are_refused(codes, code_dir):
    mine = codes()
    with pytest.raises(InputError, match=r"a_1 is in .*codes too"):
        CodeCrops([mine, mine], 1, 4, seed=0)
    with pytest.raises(InputError, match=r"model_hash beef, .*codes has 5eed; encode both"):
        CodeCrops([mine, codes("other", model_hash="beef")], 1, 4, seed=0)
    empty = read_code_dir(code_dir("empty", {"a_1": ("a", np.zeros(0, int))}))
    with pytest.raises(InputError, match="empty: holds no codes"):
        CodeCrops([empty], 1, 4, seed=0)
