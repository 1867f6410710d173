"""A recording heard three times: the conversion is that of convert, the stand-in the likeliest."""

import numpy as np
import pytest
import torch

from vqspeech.audio.waveform import Header, read_waveform, write_waveform
from vqspeech.errors import InputError, UsageError
from vqspeech.generation.voice import Voice
from vqspeech.models.utterance_likelihood import waveform_nats
from vqspeech.stages import hear_conversion as module
from vqspeech.stages.convert import convert_files
from vqspeech.stages.hear_conversion import hear_conversion, likeliest_voice, read_beginning

SPEAKERS = ("p901", "p905", "p907", "p909")


@pytest.fixture
def voice(make_model):
    return Voice(make_model(SPEAKERS))


@pytest.fixture
def recording(tmp_path):
    """An eighth of a second, the last frame not whole."""
    path = tmp_path / "hum.wav"
    write_waveform(path, (0.4 * np.sin(np.arange(2001) / 20)).astype(np.float32), 16000)
    return path


def test_the_conversion_is_that_of_convert_with_the_same_seed(voice, recording, tmp_path):
    options = {"seed": 5, "temperature": 0.9}
    heard = hear_conversion(voice, recording, "p907", ["p905"], **options)
    for name, samples in (("p907", heard.conversion), ("p905", heard.reconstruction)):
        convert_files(voice, [recording], [name], tmp_path / f"{name}.wav", **options)
        write_waveform(tmp_path / "heard.wav", samples, 16000)
        alone = (tmp_path / f"{name}.wav").read_bytes()
        assert (tmp_path / "heard.wav").read_bytes() == alone
    assert not np.array_equal(heard.conversion, heard.reconstruction)
    np.testing.assert_array_equal(heard.source, read_waveform(recording).samples)
    np.testing.assert_array_equal(heard.codes, voice.encode(heard.source))


def test_the_stand_in_is_the_voice_under_which_the_loudest_second_costs_the_fewest_nats(
    voice, monkeypatch
):
    with torch.no_grad():  # voices that differ as much as they can
        voice.model.decoder.speaker.weight.mul_(30)
    monkeypatch.setattr(module, "PROBE_SECONDS", 0.1)
    rng = np.random.default_rng(0)
    samples = rng.normal(size=4000).astype(np.float32) * 0.02
    samples[1600:3200] *= 10
    loudest = torch.from_numpy(samples[1600:3200])
    codes = torch.from_numpy(voice.encode(loudest))
    nats = [float(waveform_nats(voice.model, loudest, codes, row).sum()) for row in range(4)]
    by_nats = sorted(zip(nats, SPEAKERS, strict=True))
    assert min(np.diff(sorted(nats))) > 1
    told = []
    assert likeliest_voice(voice, samples, SPEAKERS, lambda *n: told.append(n)) == by_nats[0][1]
    assert told == [(n, 4) for n in range(1, 5)]
    rest = [name for _, name in by_nats[1:]]
    assert likeliest_voice(voice, samples, rest) == by_nats[1][1]


def test_a_voice_that_reconstructs_what_it_converts_speaks_once(voice, recording):
    heard = hear_conversion(voice, recording, "p905", ["p905"])
    np.testing.assert_array_equal(heard.conversion, heard.reconstruction)
    assert heard.spoken_seconds == heard.seconds == 2001 / 16000
    assert heard.bits_a_second == 1000 * 4  # a frame is 16 samples, and there are 16 codes


@pytest.mark.parametrize("rate", [16000, 8000])
def test_of_a_long_recording_the_beginning_is_taken_and_that_is_said(tmp_path, monkeypatch, rate):
    monkeypatch.setattr(module, "MOST_SECONDS", 0.25)
    path = tmp_path / "long.wav"
    ramp = np.linspace(0, 0.5, rate).astype(np.float32)
    write_waveform(path, ramp, rate)
    samples, notes = read_beginning(path, 16000)
    whole = read_waveform(path).samples
    assert len(samples) == 4000
    np.testing.assert_allclose(samples[:3900], whole[:3900], atol=1e-4)
    assert notes[-1] == f"{path}: longer than 0.25 s; the first 0.25 s of it are taken"
    write_waveform(path, ramp[: rate // 4], rate)
    samples, notes = read_beginning(path, 16000)
    assert (len(samples), len(notes)) == (4000, int(rate != 16000))


def test_a_header_that_promises_too_little_changes_nothing_of_that(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_SECONDS", 0.25)
    monkeypatch.setattr(module, "read_header", lambda path: Header(100, 16000, 1))
    write_waveform(tmp_path / "long.wav", np.full(16000, 0.5, np.float32), 16000)
    samples, notes = read_beginning(tmp_path / "long.wav", 16000)
    assert (len(samples), len(notes)) == (4000, 1)


@pytest.mark.parametrize(
    ("samples", "complaint"),
    [
        (np.zeros(16000), "silence; check the microphone"),
        (np.full(800, 0.5), r"0\.05 s of audio, at least 0\.1 s were wanted; record"),
    ],
)
def test_what_no_speech_is_in_is_refused(tmp_path, samples, complaint):
    write_waveform(tmp_path / "a.wav", samples.astype(np.float32), 16000)
    with pytest.raises(InputError, match=complaint):
        read_beginning(tmp_path / "a.wav", 16000)


def test_an_unknown_voice_is_refused_by_name(voice, recording):
    with pytest.raises(UsageError, match="p999"):
        hear_conversion(voice, recording, "p901", ["p999"])
