"""Pitch of tones whose pitch is known, and of what has none."""

import numpy as np
import pytest

from vqspeech.audio.pitch import median_pitch


def harmonic(hz, rate, seconds=0.6):
    """Ten harmonics that fall by 6 dB an octave, as the source of a voice does."""
    time = np.arange(round(seconds * rate)) / rate
    return 0.1 * sum(
        np.sin(2 * np.pi * hz * k * time) / k for k in range(1, 11) if hz * k < rate / 2
    )


@pytest.mark.parametrize(("hz", "rate"), [(95, 16000), (147, 16000), (290, 16000), (210, 22050)])
def test_a_harmonic_tone_has_its_pitch(hz, rate):
    found = median_pitch(harmonic(hz, rate).astype(np.float32), rate)
    assert found.median_hz == pytest.approx(hz, rel=0.03)
    assert found.voiced_share > 0.9


def test_the_voiced_share_is_that_of_the_tone():
    tone = harmonic(150, 16000, seconds=1.0)
    found = median_pitch(np.concatenate([tone, np.zeros(3 * len(tone))]), 16000)
    assert found.voiced_share == pytest.approx(0.25, abs=0.05)
    assert found.median_hz == pytest.approx(150, rel=0.03)


@pytest.mark.parametrize("kind", ["noise", "silence"])
def test_what_has_no_pitch_has_none(kind):
    noise = 0.1 * np.random.default_rng(0).normal(size=16000)
    waveform = {"noise": noise, "silence": np.zeros(16000)}[kind]
    found = median_pitch(waveform, 16000)
    assert found.voiced_share < 0.1
    assert np.isnan(found.median_hz) or found.voiced_share > 0


def test_nothing_is_no_waveform():
    with pytest.raises(ValueError, match="0 samples"):
        median_pitch(np.zeros(0), 16000)
