"""Pictures of recordings: levels in the right band and column."""

import csv
import io

import librosa
import numpy as np
import pytest

from vqspeech.report.listening import BANDS, band_levels, draw_recording

RATE = 16000


def tone(hz, samples=8000):
    return np.sin(2 * np.pi * hz * np.arange(samples) / RATE).astype(np.float32)


def test_a_sine_is_in_the_band_of_its_frequency():
    edges = librosa.mel_to_hz(np.linspace(0, librosa.hz_to_mel(8000, htk=True), 65), htk=True)
    for hz in (130, 1010, 3060, 7500):
        levels = band_levels(tone(hz), RATE, 160)
        assert levels.shape == (BANDS, 50)
        assert (levels[:, 5:45].argmax(axis=0) == np.searchsorted(edges, hz) - 1).all()


def test_the_numbers_of_the_picture_are_its_levels():
    picture = draw_recording("r", "a tone", tone(1000), RATE, 0.5)
    rows = list(csv.reader(io.StringIO(picture.csv)))
    assert len(rows[0]) == 1 + BANDS
    assert len(rows) == 1 + 320  # 8000 samples in columns of 25
    assert "a tone: 0.50 s" in picture.alt


def test_nothing_cannot_be_drawn():
    with pytest.raises(ValueError, match="samples"):
        draw_recording("r", "t", np.zeros(0, np.float32), RATE, 1.0)
