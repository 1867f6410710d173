import pickle
from collections import Counter

import numpy as np
import pytest
import soundfile
import torch
from hand_made import LENGTHS, TABLES, write_by_hand

from vqspeech.data.crops import CropBatches, validation_windows
from vqspeech.data.data_dir import DataDir
from vqspeech.errors import InputError

CROP = 1500
SPEAKERS = ("b", "a")  # the order is the model's, not the alphabet's


@pytest.fixture
def data_dir(data_path):
    return DataDir.read(data_path)


def batches_of(data_dir, **changes):
    settings = {"batch_size": 2, "crop": CROP, "seed": 0, "speakers": SPEAKERS, **changes}
    return CropBatches(data_dir, **settings)


def starts(batch):
    return (batch.waveform[:, 0] * 32768).long().tolist()  # the samples of an utterance count up


def test_a_crop_is_a_stretch_of_its_utterance_with_its_speaker(data_dir):
    batch = batches_of(data_dir, batch_size=6).batch(0)
    assert batch.waveform.shape == (6, CROP)
    assert batch.waveform.dtype == torch.float32
    for row, (utterance, start) in enumerate(zip(batch.utterances, starts(batch), strict=True)):
        length = min(CROP, LENGTHS[utterance])
        assert 0 <= start <= LENGTHS[utterance] - length
        expected = torch.zeros(CROP)
        expected[:length] = torch.arange(start, start + length) / 32768
        assert torch.equal(batch.waveform[row], expected)
        assert batch.length[row] == length
        assert SPEAKERS[batch.speaker[row]] == utterance[0]


def test_an_epoch_visits_each_utterance_once_for_every_crop_of_its_length(data_dir):
    batches = batches_of(data_dir)
    assert batches.order.crops_per_epoch == 1 + 2 + 3
    for epoch in range(3):
        steps = range(3 * epoch, 3 * epoch + 3)
        assert {batches.order.epoch(step) for step in steps} == {epoch}
        visits = Counter(u for step in steps for u in batches.batch(step).utterances)
        assert visits == {"a-1": 1, "a-2": 2, "b-1": 3}


def test_a_batch_depends_on_the_step_and_not_on_what_was_asked_before(data_dir):
    forwards = batches_of(data_dir)
    expected = [forwards.batch(step) for step in range(12)]
    backwards = batches_of(data_dir)
    for step in (11, 0, 11, 5, 3):
        again = backwards.batch(step)
        assert again.utterances == expected[step].utterances
        assert torch.equal(again.waveform, expected[step].waveform)


def test_a_position_does_not_depend_on_the_other_utterances(data_dir, tmp_path):
    def positions(batches, utterance):
        found = set()
        for step in range(batches.order.crops_per_epoch):
            batch = batches.batch(step)
            if batch.utterances == (utterance,):
                found.add(starts(batch)[0])
        return found

    tables = {name: content.split("b")[0] for name, content in TABLES.items() if name != "text"}
    tables |= {"spk2utt": "a a-1 a-2\n", "spk2gender": "a f\n", "spk2accent": "a x\n"}
    alone = DataDir.read(write_by_hand(tmp_path / "alone", tables))
    expected = positions(batches_of(data_dir, batch_size=1), "a-2")
    assert positions(batches_of(alone, batch_size=1), "a-2") == expected


def test_seeds_and_epochs_give_other_crops(data_dir):
    def epoch(seed, number):
        batch = batches_of(data_dir, batch_size=6, seed=seed).batch(number)
        return list(zip(batch.utterances, starts(batch), strict=True))

    def order(number):
        return [utterance for utterance, _ in epoch(0, number)]

    assert epoch(0, 0) != epoch(1, 0)
    assert len({tuple(order(number)) for number in range(10)}) > 5
    assert sorted(epoch(0, 0)) != sorted(epoch(0, 1))


def test_positions_cover_the_whole_utterance_evenly(data_dir):
    batches = batches_of(data_dir, batch_size=6)
    found = []
    for step in range(100):
        batch = batches.batch(step)
        pairs = zip(batch.utterances, starts(batch), strict=True)
        found += [start for utterance, start in pairs if utterance == "b-1"]
    room = LENGTHS["b-1"] - CROP
    histogram, _ = np.histogram(found, bins=5, range=(0, room))
    assert histogram.sum() == 300
    assert histogram.min() > 35  # 60 each are expected, with a standard deviation of 7
    assert histogram.max() < 85


def test_batches_may_be_sent_to_another_process(data_dir):
    batches = batches_of(data_dir)
    batches.batch(0)
    again = pickle.loads(pickle.dumps(batches))
    assert torch.equal(again.batch(7).waveform, batches.batch(7).waveform)


def test_batches_may_span_two_epochs(data_dir):
    batches = batches_of(data_dir, batch_size=4)
    visits = Counter(u for step in range(3) for u in batches.batch(step).utterances)
    assert visits == {"a-1": 2, "a-2": 4, "b-1": 6}


def test_segments_are_cut_from_their_recordings(data_path):
    (data_path / "segments").write_text("a-1 a-1 0 .05\na-2 a-2 .05 .1\nb-1 b-1 .1 .2\n")
    batches = batches_of(DataDir.read(data_path), batch_size=3, crop=800)
    for step in range(10):
        batch = batches.batch(step)
        for utterance, start in zip(batch.utterances, starts(batch), strict=True):
            low, high = {"a-1": (0, 800), "a-2": (800, 1600), "b-1": (1600, 3200)}[utterance]
            assert low <= start <= high - 800


def test_several_directories_are_one_corpus_and_share_no_utterance(data_dir, tmp_path):
    tables = {"wav.scp": "b-2 audio/b-2.wav\n", "utt2spk": "b-2 b\n"}
    more = DataDir.read(write_by_hand(tmp_path / "more", tables, {"b-2": 500}))
    assert batches_of([data_dir, more]).order.crops_per_epoch == 7
    with pytest.raises(InputError, match="a-1 is in another data directory too"):
        batches_of([data_dir, data_dir])


def test_unprepared_audio_and_unknown_speakers_are_refused_before_the_first_step(data_dir):
    with pytest.raises(InputError, match="b-1 is of b, who is none of the model's 1 speakers"):
        batches_of(data_dir, speakers=("a",))
    audio = data_dir["a-2"].audio
    soundfile.write(audio, np.zeros(2000), 8000)
    with pytest.raises(InputError, match="8000 Hz, 1 channels; 16000 Hz mono was wanted"):
        batches_of(data_dir)
    soundfile.write(audio, np.zeros((2000, 2)), 16000)
    with pytest.raises(InputError, match=r"2 channels; .* run 'vqspeech prepare'"):
        batches_of(data_dir)
    soundfile.write(audio, np.zeros(0), 16000)
    with pytest.raises(InputError, match="a-2 has 0 samples"):
        batches_of(data_dir)


def test_windows_tile_every_utterance(data_dir):
    parts: dict[str, list] = {}
    for batch in validation_windows(data_dir, CROP, 2, SPEAKERS):
        assert batch.waveform.shape[0] <= 2
        for row, utterance in enumerate(batch.utterances):
            length = batch.length[row]
            parts.setdefault(utterance, []).append(batch.waveform[row, :length])
            assert not batch.waveform[row, length:].any()
            assert SPEAKERS[batch.speaker[row]] == utterance[0]
    for utterance, length in LENGTHS.items():
        assert torch.equal(torch.cat(parts[utterance]) * 32768, torch.arange(length).float())


def test_neighbouring_windows_are_of_different_utterances_while_there_are_several(data_dir):
    batches = list(validation_windows(data_dir, CROP, 2, SPEAKERS))
    assert [batch.utterances for batch in batches] == [("a-1", "a-2"), ("b-1", "a-2"), ("b-1",) * 2]
