"""A recording to look at: its mel spectrogram as a small picture, levels in dB of full scale."""

import matplotlib
import numpy as np

from vqspeech.report.drawing import add_axes, canvas, finish
from vqspeech.report.page import Picture
from vqspeech.report.spectrograms import CEILING_DB, FLOOR_DB, spectrogram

WIDTH, HEIGHT = 400, 170
COLUMNS, BANDS = 320, 64  # more would not be seen, and its numbers go into the page


def draw_recording(
    name: str, title: str, waveform: np.ndarray, sample_rate: int, seconds: float
) -> Picture:
    """The levels of 64 bands from 0 Hz to half the rate, equally wide in mel.

    Args:
        waveform: (T,) float, T > 0.
        sample_rate: Hz.
        seconds: that the axis shows, the same for recordings to be compared.

    Raises:
        ValueError: no samples.
    """
    if not len(waveform):
        raise ValueError(f"{title}: a recording with samples is wanted")
    hop = max(1, -(-round(seconds * sample_rate) // COLUMNS))
    levels = band_levels(waveform, sample_rate, hop)  # (BANDS, N)
    colors = matplotlib.colormaps["magma"].resampled(25)
    scaled = (levels - FLOOR_DB) / (CEILING_DB - FLOOR_DB)
    with canvas(WIDTH, HEIGHT) as figure:
        axes = add_axes(figure, 24, 30, 8, 6)
        axes.imshow(
            (colors(np.clip(scaled, 0, 1)) * 255).round().astype(np.uint8),
            origin="lower",
            aspect="auto",
            interpolation="none",
            extent=(0, levels.shape[1] * hop / sample_rate, 0, _mel(sample_rate / 2)),
        )
        axes.set_xlim(0, seconds)
        ticks = [khz for khz in (0, 0.5, 1, 2, 4, 8, 16) if khz * 2000 <= sample_rate]
        axes.set_yticks([_mel(khz * 1000) for khz in ticks], [f"{khz:g}" for khz in ticks])
        axes.set_ylabel("kHz", labelpad=1)
        axes.set_xlabel("seconds", labelpad=1)
        axes.spines[:].set_visible(False)
        edges = band_edges(sample_rate)
        middles = (edges[1:] + edges[:-1]) / 2
        rows = [("seconds", *(f"{hz:.0f} Hz" for hz in middles))]
        rounded = np.round(levels).astype(int).T.tolist()
        rows += [(f"{i * hop / sample_rate:.3f}", *row) for i, row in enumerate(rounded)]
        length = len(waveform) / sample_rate
        loud = levels.max(axis=0).mean()
        alt = (
            f"Mel spectrogram of {title}: {length:.2f} s, 0 to {sample_rate / 2000:g} kHz,"
            f" loudest band {loud:.0f} dB on average."
        )
        return finish(figure, name, title, alt, rows)


def band_levels(waveform: np.ndarray, sample_rate: int, hop: int) -> np.ndarray:
    """(64, N) dB: the mean power of the bins in each band, N = ceil(T / hop)."""
    power = 10 ** (spectrogram(waveform, sample_rate, hop) / 10)  # (F, N)
    edges = np.rint(band_edges(sample_rate) / (sample_rate / 2) * (len(power) - 1)).astype(int)
    firsts, ends = edges[:-1], np.maximum(edges[1:], edges[:-1] + 1)  # a band has a bin at least
    before = np.concatenate([np.zeros_like(power[:1]), np.cumsum(power, axis=0)])
    mean = (before[ends] - before[firsts]) / (ends - firsts)[:, None]
    return (10 * np.log10(np.maximum(mean, 10 ** (FLOOR_DB / 10)))).astype(np.float32)


def band_edges(sample_rate: int) -> np.ndarray:
    """(65,) Hz, from 0 to half the rate at equal steps of mel (O'Shaughnessy's formula)."""
    return 700 * (10 ** (np.linspace(0, _mel(sample_rate / 2), BANDS + 1) / 2595) - 1)


def _mel(hz: float) -> float:
    return 2595 * np.log10(1 + hz / 700)
