"""Lanes over one axis of time: what the pictures of an utterance are put together from.

T samples; x is in seconds.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vqspeech.report.drawing import SMALL, add_axes, color

WIDTH, LEFT, RIGHT = 1000, 66, 10
LANE, GAP, WAVE = 22, 5, 84  # pixels


def add_lane(figure: Figure, top: float, size: float, seconds: float) -> Axes:
    """Bare axes of `size` pixels below `top`, a height in pixels above the figure's lower edge."""
    height = figure.get_size_inches()[1] * 72
    axes = add_axes(figure, LEFT, top - size, RIGHT, height - top)
    axes.set_xlim(0, seconds)
    axes.spines[:].set_visible(False)
    axes.xaxis.set_visible(False)
    axes.set_yticks([])
    return axes


def name_lane(axes: Axes, text: str) -> None:
    """The name of a lane, to its left."""
    axes.annotate(
        text,
        (0, 0.5),
        xycoords="axes fraction",
        xytext=(-8, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        color=color("muted"),
        fontsize=SMALL,
    )


def show_seconds(axes: Axes) -> None:
    """The axis of time, below the lowest lane."""
    axes.xaxis.set_visible(True)
    axes.xaxis.set_major_locator(MaxNLocator(8))
    axes.tick_params(axis="x", length=3)
    axes.set_xlabel("seconds", labelpad=1)


def draw_wave(axes: Axes, waveform: np.ndarray, sample_rate: int, seconds: float) -> None:
    """Lowest and highest sample (T,) of each pixel: what a longer line would be drawn as."""
    samples = waveform[: round(seconds * sample_rate)]
    columns = min(WIDTH - LEFT - RIGHT, len(samples))
    if columns:
        edges = np.linspace(0, len(samples), columns, endpoint=False).astype(int)
        low, high = np.minimum.reduceat(samples, edges), np.maximum.reduceat(samples, edges)
        axes.fill_between(
            edges / sample_rate, low, high, color=color("ink"), linewidth=0.5, step="post"
        )
        limit = max(float(np.abs(samples).max()), 1e-3) * 1.02
        axes.set_ylim(-limit, limit)


def draw_spans(
    axes: Axes,
    spans: Sequence[tuple[float, float, str]],
    classes: Sequence[str],
    seconds: float,
    is_small: bool = False,
) -> None:
    """Bars with their labels, where these have room.

    Args:
        spans: start, end and label.
        classes: the colour of each.
        seconds: that the lane shows.
        is_small: whether the letters are.
    """
    axes.set_ylim(0, 1)
    pixel = seconds / (WIDTH - LEFT - RIGHT)
    size = 7.0 if is_small else 8.5
    for name in sorted(set(classes)):
        # A pixel of the page between neighbours.
        bars = [
            (start, max(end - start - pixel, 0.0))
            for (start, end, _), one in zip(spans, classes, strict=True)
            if one == name
        ]
        axes.broken_barh(bars, (0, 1), color=color(name), alpha=0.34, linewidth=0, zorder=1)
    axes.set_xlim(0, seconds)
    for start, end, label in spans:
        if (end - start) / pixel >= len(label) * size * 0.66 + 3:
            axes.text(
                (start + end) / 2, 0.46, label, ha="center", va="center", fontsize=size, zorder=2
            )
