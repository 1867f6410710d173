"""Rhythm: what must agree agrees, what must not does not, and silence decides nothing."""

import numpy as np
import pytest

from vqspeech.analysis.rhythm import energy_correlation, frame_energy

RATE = 16000


def bursts(starts, seconds=4.0, length=0.25, seed=0):
    """Noise of 250 ms from each of the starts, silence between."""
    rng = np.random.default_rng(seed)
    waveform = np.zeros(round(seconds * RATE))
    for start in starts:
        part = waveform[round(start * RATE) : round((start + length) * RATE)]
        part[:] = 0.1 * rng.normal(size=part.size)
    return waveform


STARTS = (0.3, 0.9, 1.2, 2.0, 2.9, 3.3)


def test_the_energy_of_a_sine_is_half_its_squared_amplitude():
    tone = 0.1 * np.sin(2 * np.pi * 100 * np.arange(RATE) / RATE)  # whole periods in each window
    energy = frame_energy(tone, RATE)
    np.testing.assert_allclose(energy, 10 * np.log10(0.1**2 / 2), atol=1e-9)
    assert len(energy) == 49  # windows of 640 each 320 samples: (16000 - 640) / 320 + 1


def test_windows_stand_where_they_should():
    click = np.zeros(1600)
    click[1000] = 1.0  # in the windows that begin at 640 and 960, and at no other multiple of 320
    assert np.flatnonzero(np.isfinite(frame_energy(click, RATE))).tolist() == [2, 3]


@pytest.mark.parametrize(("samples", "windows"), [(0, 0), (639, 0), (640, 1), (959, 1), (960, 2)])
def test_only_whole_windows_count(samples, windows):
    assert frame_energy(np.ones(samples), RATE).shape == (windows,)


def test_a_recording_agrees_with_itself_and_with_other_noise_at_the_same_times():
    a = bursts(STARTS)
    assert energy_correlation(a, a, RATE) == pytest.approx(1.0)
    assert energy_correlation(a, bursts(STARTS, seed=1), RATE) > 0.98


def test_bursts_at_other_times_do_not_agree():
    a = bursts(STARTS)
    assert abs(energy_correlation(a, np.roll(a, round(0.45 * RATE)), RATE)) < 0.5
    steady = 0.1 * np.random.default_rng(2).normal(size=len(a))
    assert abs(energy_correlation(a, steady, RATE)) < 0.3


def test_gain_does_not_matter():
    a, b = bursts(STARTS), bursts(STARTS, seed=1) + 1e-3 * bursts((0.0, 0.6), seed=2)
    expected = energy_correlation(a, b, RATE)
    assert energy_correlation(a * 1e-6, b, RATE) == pytest.approx(expected)
    assert energy_correlation(a, b * 0.01, RATE) == pytest.approx(expected)


def test_how_silent_silence_is_does_not_decide():
    a, b = bursts(STARTS), bursts(STARTS, seed=1)
    # Pauses 80 dB below the bursts, then digital silence: both count as 60 dB below.
    hiss = np.random.default_rng(3).normal(size=len(a)) * (np.arange(len(a)) < len(a) / 2)
    assert energy_correlation(a, b + 1e-5 * hiss, RATE) > 0.98
    assert energy_correlation(a + 1e-5 * hiss, b, RATE) > 0.98


def test_the_longer_recording_is_cut_to_the_shorter():
    a = bursts(STARTS)
    longer = np.concatenate([bursts(STARTS, seed=1), bursts((0.0, 1.0), seed=4)])
    expected = energy_correlation(a, longer[: len(a)], RATE)
    assert energy_correlation(a, longer, RATE) == pytest.approx(expected)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("flat", [np.zeros(8000), np.full(8000, 0.5), np.zeros(700), np.zeros(0)])
def test_without_rhythm_there_is_no_correlation(flat):
    assert np.isnan(energy_correlation(flat, bursts(STARTS), RATE))
