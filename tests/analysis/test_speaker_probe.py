"""The speaker in the codes: found where it is, not found where it is not."""

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from vqspeech.analysis import speaker_probe
from vqspeech.analysis.speaker_probe import measure_speaker_information, probe_speakers

SPEAKER = np.repeat(np.arange(12), 8)  # twelve speakers of eight utterances
STARTS = np.arange(0, 97 * 50, 50)  # of fifty frames each


def noise(num_codes=16, seed=0):
    return np.random.default_rng(seed).integers(0, num_codes, STARTS[-1])


def marked(share, seed=0):
    """Random codes, a share of which is the number of the speaker."""
    is_marked = np.random.default_rng(seed + 1).random(STARTS[-1]) < share
    return np.where(is_marked, np.repeat(SPEAKER, 50), noise(seed=seed))


def test_speakers_who_mark_their_codes_are_told_apart():
    probe = probe_speakers(marked(0.3), STARTS, SPEAKER)
    assert probe.accuracy > 0.9
    assert probe.low <= probe.accuracy <= probe.high
    assert (probe.speakers, probe.utterances, probe.folds) == (12, 96, 5)
    assert probe.chance == probe.uniform == pytest.approx(1 / 12)
    assert probe.resampled == "speakers"


def test_codes_without_a_speaker_are_guessed_at_chance():
    # Each utterance is guessed by a classifier that has not heard it: fitted on what it guesses,
    # one would be right nearly always here. The binomial deviation is sqrt(11 / 96) / 12 = .028.
    found = [probe_speakers(noise(seed=seed), STARTS, SPEAKER).accuracy for seed in range(4)]
    assert np.mean(found) == pytest.approx(1 / 12, abs=0.05)


def test_the_probe_hears_histograms_and_not_lengths():
    # Utterances twice as long with the same shares of codes are the same to the probe.
    codes, once = marked(0.15), probe_speakers(marked(0.15), STARTS, SPEAKER)
    twice = np.concatenate([codes[a : a + 50].repeat(1 + i % 2) for i, a in enumerate(STARTS[:-1])])
    starts = np.cumsum([0, *(50 * (1 + i % 2) for i in range(96))])
    assert probe_speakers(twice, starts, SPEAKER).accuracy == once.accuracy


def test_speakers_of_one_utterance_are_left_out_and_counted():
    speaker = SPEAKER.copy()
    speaker[:8] = [0, 20, 21, 22, 0, 0, 0, 0]
    probe = probe_speakers(marked(0.3), STARTS, speaker)
    assert (probe.speakers, probe.too_few, probe.speakers_in_all) == (12, 3, 15)
    assert probe.utterances == 93
    assert probe.chance == pytest.approx(8 / 93)


def test_without_two_utterances_a_speaker_there_is_no_probe():
    codes, starts = np.arange(6), np.array([0, 2, 4, 6])
    assert probe_speakers(codes, starts, np.array([0, 1, 2])) is None
    assert probe_speakers(codes, starts, np.array([0, 0, 1])) is None


def test_utterances_without_frames_are_not_probed():
    starts = np.append(STARTS, [STARTS[-1]] * 2)
    probe = probe_speakers(marked(0.3), starts, np.append(SPEAKER, [0, 30]))
    assert (probe.utterances, probe.speakers) == (96, 12)


def test_of_many_speakers_and_utterances_a_part_is_probed(monkeypatch):
    monkeypatch.setattr(speaker_probe, "MOST_SPEAKERS", 4)
    monkeypatch.setattr(speaker_probe, "MOST_UTTERANCES", 20)
    probe = probe_speakers(marked(0.5), STARTS, SPEAKER)
    assert (probe.speakers, probe.utterances, probe.speakers_in_all) == (4, 20, 12)
    assert probe.uniform == 0.25
    again = probe_speakers(marked(0.5), STARTS, SPEAKER)
    assert again == probe


def test_rare_codes_beyond_a_bound_share_one_number(monkeypatch):
    # Speakers differ only in codes 16 to 27, which are rarer than the others.
    is_marked = np.random.default_rng(5).random(STARTS[-1]) < 0.3
    codes = np.where(is_marked, 16 + np.repeat(SPEAKER, 50), noise())
    assert probe_speakers(codes, STARTS, SPEAKER).accuracy > 0.9
    monkeypatch.setattr(speaker_probe, "MOST_CODES", 17)
    assert probe_speakers(codes, STARTS, SPEAKER).accuracy < 0.2


@pytest.mark.parametrize("measure", [probe_speakers, measure_speaker_information])
def test_one_speaker_is_a_mistake(measure):
    with pytest.raises(ValueError, match="1 speakers"):
        measure(noise(), STARTS, np.zeros(96, int))


@pytest.mark.parametrize("dense", [0, 1 << 24])
def test_information_is_that_of_scikit_learn(monkeypatch, dense):
    monkeypatch.setattr(speaker_probe, "_DENSE", dense)
    codes = marked(0.2)
    found = measure_speaker_information(codes, STARTS, SPEAKER)
    expected = mutual_info_score(np.repeat(SPEAKER, 50), codes) / np.log(2)
    assert found.bits == pytest.approx(expected)
    assert found.entropy_bits == pytest.approx(np.log2(12))
    assert found.share == pytest.approx(expected / np.log2(12))
    assert found.excess == pytest.approx(found.share - found.shuffled)


def test_a_code_for_each_speaker_tells_all():
    found = measure_speaker_information(np.repeat(SPEAKER, 50), STARTS, SPEAKER)
    assert found.share == pytest.approx(1.0)
    assert found.shuffled < 0.5


def test_speakers_shuffled_over_utterances_explain_what_random_codes_seem_to_tell():
    found = measure_speaker_information(noise(num_codes=200), STARTS, SPEAKER)
    assert found.share > 0.05  # 12 x 200 cells, 4800 frames
    assert abs(found.excess) < 0.005


def test_shuffling_keeps_utterances_whole():
    # Each utterance has a code of its own: whoever it is given to, the codes tell all of it. Frames
    # shuffled one by one would tell little.
    found = measure_speaker_information(np.repeat(np.arange(96), 50), STARTS, SPEAKER)
    assert (found.share, found.shuffled) == (pytest.approx(1), pytest.approx(1))
