"""A recording to look at: its spectrogram as a small picture, levels in dB of full scale."""

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
    """The levels of 64 equal bands from 0 Hz to half the rate.

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
            extent=(0, levels.shape[1] * hop / sample_rate, 0, sample_rate / 2000),
        )
        axes.set_xlim(0, seconds)
        axes.set_yticks(range(0, sample_rate // 2000 + 1, 2))
        axes.set_ylabel("kHz", labelpad=1)
        axes.set_xlabel("seconds", labelpad=1)
        axes.spines[:].set_visible(False)
        middles = (np.arange(BANDS) + 0.5) * sample_rate / 2 / BANDS
        rows = [("seconds", *(f"{hz:.0f} Hz" for hz in middles))]
        rounded = np.round(levels).astype(int).T.tolist()
        rows += [(f"{i * hop / sample_rate:.3f}", *row) for i, row in enumerate(rounded)]
        length = len(waveform) / sample_rate
        loud = levels.max(axis=0).mean()
        alt = (
            f"Spectrogram of {title}: {length:.2f} s, 0 to {sample_rate / 2000:g} kHz,"
            f" loudest band {loud:.0f} dB on average."
        )
        return finish(figure, name, title, alt, rows)


def band_levels(waveform: np.ndarray, sample_rate: int, hop: int) -> np.ndarray:
    """(64, N) dB: the mean power of the bins in each band, N = ceil(T / hop)."""
    power = 10 ** (spectrogram(waveform, sample_rate, hop) / 10)  # (F, N)
    edges = np.linspace(0, len(power), BANDS, endpoint=False).astype(int)
    widths = np.diff(np.append(edges, len(power)))
    mean = np.add.reduceat(power, edges, axis=0) / widths[:, None]
    return (10 * np.log10(mean)).astype(np.float32)
