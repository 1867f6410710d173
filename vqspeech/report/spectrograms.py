"""Spectrograms of several recordings in one picture, below each other on the same axes.

Equal colours mean equal levels in every panel: 0 dB is a sine of full scale, whatever else is in
the picture. T is samples, N columns, F frequencies.
"""

import os
import warnings
from collections.abc import Sequence
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vqspeech.files import atomic_path

WINDOW_SECONDS = 0.025
FLOOR_DB, CEILING_DB = -80.0, -30.0  # a component of speech is seldom above -30 dB
DPI = 100
WIDTH = 10.0  # inches: 1000 pixels
PANEL, GAP, TOP, BOTTOM = 1.12, 0.27, 0.3, 0.5  # inches; a title stands in the gap above its panel
LEFT, RIGHT = 0.55, 0.8  # inches: for the labels of kHz, and for the scale of dB
COLUMNS = round((WIDTH - LEFT - RIGHT) * DPI)  # a column of the spectrogram for each pixel


class Panel(NamedTuple):
    """One recording of the picture."""

    title: str
    waveform: np.ndarray  # (T,) float


def spectrogram(waveform: np.ndarray, sample_rate: int, hop: int) -> np.ndarray:
    """Levels of Hann windows of 25 ms, one centred each `hop` samples from the first.

    Args:
        waveform: (T,) float in [-1, 1].
        sample_rate: Hz.
        hop: samples from a window to the next.

    Returns:
        (F, N) float32 in dB, from 0 to half the rate, N = ceil(T / hop); a sine of amplitude 1 is
        at 0 dB, and nothing is below -80 dB.
    """
    window = np.hanning(round(WINDOW_SECONDS * sample_rate) + 2)[1:-1]
    size = len(window)
    padded = np.pad(waveform, (size // 2, size))
    starts = np.arange(0, len(waveform), hop)
    frames = padded[starts[:, None] + np.arange(size)] * window  # (N, window)
    num_bins = 1 << (2 * size - 1).bit_length()  # between two bins a sine loses next to nothing
    amplitude = np.abs(np.fft.rfft(frames, num_bins)) * 2 / window.sum()  # (N, F)
    floor = 10 ** (FLOOR_DB / 20)
    return (20 * np.log10(np.maximum(amplitude, floor))).T.astype(np.float32)


def draw_spectrograms(path: str | os.PathLike, panels: Sequence[Panel], sample_rate: int) -> None:
    """Write a PNG of 1000 pixels' width; the same recordings make the same bytes.

    The axes of time end with the longest recording; a shorter one leaves its rest at the floor.

    Args:
        panels: at least one, the first on top.
        sample_rate: Hz, of all of them.

    Raises:
        ValueError: no panels, or a recording without samples.
        WriteError: the file cannot be written.
    """
    if not panels or min(len(panel.waveform) for panel in panels) < 1:
        raise ValueError("recordings with samples are wanted, one a panel")
    longest = max(len(panel.waveform) for panel in panels)
    hop = -(-longest // COLUMNS)
    # Neither the reader's matplotlibrc nor a missing letter of a font is a matter of the picture.
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({"font.size": 8, "axes.linewidth": 0.6})
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        height = TOP + len(panels) * PANEL + (len(panels) - 1) * GAP + BOTTOM
        figure = Figure((WIDTH, height), dpi=DPI, facecolor="white")
        canvas = FigureCanvasAgg(figure)
        for number, panel in enumerate(panels):
            top = TOP + number * (PANEL + GAP)
            place = (LEFT, height - top - PANEL, WIDTH - LEFT - RIGHT, PANEL)
            axes = figure.add_axes(_share(place, height))
            padded = np.pad(panel.waveform, (0, longest - len(panel.waveform)))
            levels = spectrogram(padded, sample_rate, hop)
            image = _draw_panel(axes, panel.title, levels, hop, sample_rate)
            is_last = number == len(panels) - 1
            axes.tick_params(labelbottom=is_last)
            axes.set_xlim(0, longest / sample_rate)
            if is_last:
                axes.set_xlabel("seconds")
        scale = (WIDTH - RIGHT + 0.15, BOTTOM, 0.12, height - TOP - BOTTOM)
        bar = figure.colorbar(image, cax=figure.add_axes(_share(scale, height)))
        bar.set_label("dB of full scale")
        bar.outline.set_visible(False)
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            canvas.print_png(file, metadata={"Software": None})


def _share(place: tuple[float, float, float, float], height: float) -> tuple[float, ...]:
    """(left, bottom, width, height) in inches as shares of the picture."""
    left, bottom, wide, high = place
    return left / WIDTH, bottom / height, wide / WIDTH, high / height


def _draw_panel(axes: Axes, title: str, levels: np.ndarray, hop: int, sample_rate: int):
    """One spectrogram (F, N) with its title; the image is returned for the scale of colours."""
    # A column is centred on its window, a row on its frequency.
    half_column, half_row = hop / 2 / sample_rate, sample_rate / 4000 / (len(levels) - 1)
    right = levels.shape[1] * hop / sample_rate - half_column
    image = axes.imshow(
        levels,
        origin="lower",
        aspect="auto",
        # Levels are averaged, not colours; steps of 2 dB make the file a third smaller.
        interpolation_stage="data",
        cmap=matplotlib.colormaps["magma"].resampled(round((CEILING_DB - FLOOR_DB) / 2)),
        vmin=FLOOR_DB,
        vmax=CEILING_DB,
        extent=(-half_column, right, -half_row, sample_rate / 2000 + half_row),
    )
    axes.set_ylim(0, sample_rate / 2000)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.set_ylabel("kHz")
    axes.tick_params(length=2.5, width=0.6)
    # A speaker's name may hold a dollar sign, which would begin a formula.
    axes.set_title(title, loc="left", fontsize=9, pad=3, parse_math=False)
    return image
