"""Distortions of spectra that differ by a known curve; warping against all paths there are."""

import numpy as np
import pytest

from vqspeech.analysis.cepstral_distortion import (
    framewise_distortion,
    is_heard,
    mel_cepstra,
    warped_distortion,
)

BANDS = np.arange(40)


def spectra(frames, seed=0):
    """(frames, 40) logarithms of power, about equally loud."""
    return np.random.default_rng(seed).normal(0, 1, (frames, 40))


def cosine(order, amplitude_db):
    """(40,) a curve over the bands, as a logarithm of power."""
    return amplitude_db * np.cos(np.pi * order * (BANDS + 0.5) / 40) * np.log(10) / 10


def test_a_cosine_of_3_db_over_the_bands_is_a_distortion_of_its_root_mean_square():
    mel = spectra(20)
    assert framewise_distortion(mel, mel + cosine(5, 3.0)) == pytest.approx(3 / np.sqrt(2))
    both = mel + cosine(2, 3.0) + cosine(13, 4.0)
    assert framewise_distortion(mel, both) == pytest.approx(5 / np.sqrt(2))


def test_neither_loudness_nor_fine_structure_counts():
    mel = spectra(20)
    assert framewise_distortion(mel, mel + 2.0) == pytest.approx(0, abs=1e-9)
    assert framewise_distortion(mel, mel + cosine(14, 3.0)) == pytest.approx(0, abs=1e-9)


def test_silent_frames_are_left_out():
    mel = spectra(6)
    mel[2:4] -= 12  # 52 dB
    np.testing.assert_array_equal(is_heard(mel), [True, True, False, False, True, True])
    assert len(mel_cepstra(mel)) == 4
    changed = mel.copy()
    changed[2:4] = spectra(2, seed=1)
    assert framewise_distortion(mel, changed) == pytest.approx(0, abs=1e-9)


def paths(rows, columns):
    """Every way from the first cell to the last, one step on in either direction or in both."""
    if (rows, columns) == (1, 1):
        yield [(0, 0)]
        return
    for back in ((1, 1), (1, 0), (0, 1)):
        if rows > back[0] and columns > back[1]:
            for path in paths(rows - back[0], columns - back[1]):
                yield [*path, (rows - 1, columns - 1)]


@pytest.mark.parametrize("sizes", [(1, 1), (1, 5), (4, 2), (5, 5)])
def test_warping_takes_the_path_of_the_least_sum(sizes):
    a, b = (mel_cepstra(spectra(size, seed)) for seed, size in enumerate(sizes))
    costs = 10 / np.log(10) * np.sqrt(2) * np.linalg.norm(a[:, None] - b[None], axis=-1)
    best = min(paths(*sizes), key=lambda path: sum(costs[cell] for cell in path))
    wanted = np.mean([costs[cell] for cell in best])
    assert warped_distortion(a, b) == pytest.approx(wanted)


def test_a_recording_said_slower_is_no_distortion():
    cepstra = mel_cepstra(spectra(12))
    assert warped_distortion(cepstra, np.repeat(cepstra, 3, axis=0)) == 0
    assert np.isnan(warped_distortion(cepstra, cepstra[:0]))
