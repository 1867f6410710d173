"""Pitch tracks compared: NumPy is the referee of the correlation, arithmetic of the rest."""

import numpy as np
import pytest

from vqspeech.analysis.pitch_agreement import median_hz, pitch_correlation, semitones_between


def test_the_correlation_is_of_the_logarithms_where_both_are_voiced():
    rng = np.random.default_rng(0)
    a, b = rng.uniform(80, 300, 60), rng.uniform(80, 300, 70)
    a[::3], b[::4] = np.nan, np.nan
    known = ~np.isnan(a) & ~np.isnan(b[:60])
    wanted = np.corrcoef(np.log(a[known]), np.log(b[:60][known]))[0, 1]
    assert pitch_correlation(a, b) == pytest.approx(wanted)


def test_another_register_keeps_the_melody():
    a = 120 * 2 ** np.sin(np.arange(40) / 5)
    assert pitch_correlation(a, a * 1.7) == pytest.approx(1)


def test_too_little_is_no_correlation():
    track = np.linspace(100, 200, 20)
    assert np.isnan(pitch_correlation(track[:9], track[:9]))
    assert np.isnan(pitch_correlation(track, np.full(20, 150.0)))
    assert np.isnan(median_hz(np.full(5, np.nan)))


def test_an_octave_is_twelve_semitones_either_way():
    assert semitones_between(220, 110) == semitones_between(110, 220) == pytest.approx(12)
    assert np.isnan(semitones_between(np.nan, 110))
    assert median_hz(np.array([np.nan, 100.0, 300.0, 110.0])) == 110
