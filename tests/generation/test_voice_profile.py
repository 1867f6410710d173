"""Profiles of voices: measured as by hand, kept to by what is spoken, and read back from JSON."""

import json

import pytest
import torch

from vqspeech.errors import InputError
from vqspeech.generation.voice_profile import (
    MEAN_SHARE,
    SHARP_FROM,
    VoiceProfile,
    keep_to_voice,
    measure_profile,
    profile_from_json,
    profiles_of,
    sharpened,
)
from vqspeech.models.acoustics import AcousticHead, Acoustics

BANDS = 12


@pytest.fixture
def head():
    return AcousticHead(4, 160, 8000, BANDS)


def buzz(hz, seconds=1.5):
    time = torch.arange(round(8000 * seconds)) / 8000
    return 0.05 * sum(torch.cos(2 * torch.pi * k * hz * time) for k in range(1, int(4000 / hz)))


def told(frames=60, seed=0, octaves=0.5, voicing=5.0):
    generator = torch.Generator().manual_seed(seed)
    envelope = torch.randn(1, BANDS, frames, generator=generator)
    pitch = octaves + 0.1 * torch.randn(1, frames, generator=generator)
    return Acoustics(envelope, pitch, torch.full((1, frames), voicing))


def profile(octaves=-0.5):
    generator = torch.Generator().manual_seed(9)
    return VoiceProfile(torch.randn(BANDS, generator=generator), torch.full((BANDS,), 1.2), octaves)


def test_a_profile_is_that_of_the_voiced_frames(head):
    waveforms = [buzz(120.0), buzz(120.0, 1.7)]
    found = measure_profile(head, waveforms)
    measured = [head.measure(w[: len(w) // 80 * 80][None]) for w in waveforms]
    frames = torch.cat([m.envelope[0][:, m.hz[0] > 0] for m in measured], 1)
    torch.testing.assert_close(found.mean, frames.mean(1))
    torch.testing.assert_close(found.std, frames.std(1))
    assert abs(150 * 2**found.octaves / 120 - 1) < 0.02
    # A tail that fills no frame, and rests without a voice, change nothing.
    padded = [torch.cat([waveforms[0], torch.zeros(37)]), waveforms[1], torch.zeros(4000)]
    assert torch.equal(measure_profile(head, padded).mean, found.mean)


def test_of_a_whisper_there_is_none(head):
    noise = 0.1 * torch.randn(24000, generator=torch.Generator().manual_seed(0))
    assert measure_profile(head, [noise]) is None
    assert measure_profile(head, [buzz(120.0, 1.0)]) is None  # too little
    assert measure_profile(head, []) is None


def test_pitch_and_mean_go_to_the_voice_and_loudness_stays(head):
    spoken, wanted = told(), profile()
    envelope, hz, voiced = keep_to_voice(spoken, wanted)
    assert voiced.min() > 0.99
    assert abs(float((hz / 150).log2().median()) - wanted.octaves) < 1e-4
    plain, _, _ = keep_to_voice(spoken, None)
    # Of the mean the share that is not words arrives; sharpening is linear, so it may be undone.
    before = spoken.envelope[0].mean(1)
    move = wanted.mean - before
    expected = sharpened((before + MEAN_SHARE * (move - move.mean()))[:, None])[:, 0]
    torch.testing.assert_close(envelope.mean(1), expected, rtol=0, atol=1e-4)
    torch.testing.assert_close(envelope.mean(), plain.mean(), rtol=0, atol=1e-4)


def test_each_band_moves_as_much_as_the_voice_does_within_bounds():
    spoken = told()
    std = spoken.envelope[0].std(1)
    for factor, found in [(1.3, 1.3), (0.5, 0.8), (3.0, 1.6)]:
        wanted = VoiceProfile(spoken.envelope[0].mean(1), factor * std, 0.5)
        envelope, _, _ = keep_to_voice(spoken, wanted)
        unsharpened = sharpened(envelope, 1 / 1.5)
        torch.testing.assert_close(unsharpened.std(1), found * std, rtol=1e-3, atol=1e-4)


def test_without_a_voice_nothing_is_touched():
    whisper = told(voicing=-5.0)
    envelope, hz, voiced = keep_to_voice(whisper, profile())
    assert torch.equal(envelope, whisper.envelope[0])
    torch.testing.assert_close(hz, whisper.hz[0])
    assert voiced.max() < 0.01
    few = told(frames=5)
    a, b = keep_to_voice(few, profile()), keep_to_voice(few, None)
    assert all(map(torch.equal, a, b))


def test_sharpening_deepens_ripples_and_leaves_the_slope():
    bands = torch.arange(40.0)
    for order in range(8):
        wave = torch.cos(torch.pi * order * (bands + 0.5) / 40)[:, None]  # of the cosine transform
        factor = 1.5 if order >= SHARP_FROM else 1.0
        torch.testing.assert_close(sharpened(wave), factor * wave, rtol=0, atol=1e-5)


def test_json_gives_it_back_and_other_json_is_refused(head):
    first = profile()
    again = profile_from_json(json.loads(json.dumps(first.to_json())), BANDS)
    torch.testing.assert_close(again.mean, first.mean, rtol=0, atol=1e-4)
    assert abs(again.octaves - first.octaves) < 1e-3
    config = {
        "speaker_information": {"p901": {"profile": first.to_json()}, "p902": {"gender": "f"}}
    }
    assert list(profiles_of(config, head, "config.json")) == ["p901"]
    assert profiles_of({}, head, "config.json") == {}
    assert profiles_of(config, None, "config.json") == {}
    for broken in (
        {"profile": {"pitch_hz": 1}},
        {"profile": {**first.to_json(), "envelope_std": [1.0] * 3}},
        {"profile": {**first.to_json(), "pitch_hz": -3}},
    ):
        with pytest.raises(InputError, match=r"config\.json: .*copy the folder again"):
            profiles_of({"speaker_information": {"p901": broken}}, head, "config.json")
