"""How a prior over codes learnt, and how it gets to know an utterance: curves in bits.

L frames. Entropy and surprisal are those of `report/expectations.py`.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, FixedLocator, MaxNLocator, NullLocator

from vqspeech.report.curves import Marks
from vqspeech.report.drawing import SMALL, add_axes, canvas, color, finish, rule
from vqspeech.report.expectations import ENTROPY, SURPRISAL
from vqspeech.report.page import Picture

NGRAMS = ("uniform", "unigram", "bigram", "trigram")
SMALL_WIDTH, SMALL_HEIGHT = 440, 270
NAMES = 78  # pixels for the names at the ends of lines


def draw_prior_training(
    log: Sequence[Mapping[str, Any]], ngrams: Mapping[str, float], marks: Marks
) -> Picture | None:
    """Training and validation in bits a code, over lines of the n-grams; None of an empty log.

    Args:
        log: the lines of log.jsonl in order; `nll` is in nats a code.
        ngrams: bits a code of the same validation, by the names in `NGRAMS`.
        marks: where the run was resumed.
    """
    train = [
        (entry["step"], entry["nll"] / math.log(2))
        for entry in log
        if "valid" not in entry and "nll" in entry
    ]
    valid = [(e["step"], e["valid"]["bits"]) for e in log if "bits" in e.get("valid", {})]
    curves = [("training", "series-2", train), ("validation", "series-1", valid)]
    curves = [curve for curve in curves if curve[2]]
    if not curves:
        return None
    levels = [(name, ngrams[name]) for name in NGRAMS if name in ngrams]
    with canvas(SMALL_WIDTH, SMALL_HEIGHT) as figure:
        axes = add_axes(figure, 40, 34, NAMES + 8, 16)
        names = []
        for name, value in levels:
            axes.axhline(value, color=color("muted"), linewidth=1, linestyle=(0, (4, 3)), zorder=1)
            names.append((value, f"{name} {value:.2f}", "muted"))
        for name, tone, points in curves:
            steps, values = zip(*points, strict=True)
            marker = "o" if len(steps) <= 40 else None
            axes.plot(steps, values, color=color(tone), marker=marker, markersize=3, zorder=3)
            names.append((values[-1], f"{name} {values[-1]:.2f}", tone))
        axes.yaxis.set_major_locator(MaxNLocator(6))
        rule(axes)
        axes.margins(x=0.02, y=0.06)
        axes.set_xlim(left=0)
        for step in marks.resumed:
            axes.axvline(step, color=color("muted"), linewidth=1, linestyle=(0, (2, 2)), zorder=1)
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.set_xlabel("steps")
        _name_ends(axes, names)
        title = "The prior, bits a code"
        told = [
            f"{name} goes from {points[0][1]:.2f} at step {points[0][0]} to {points[-1][1]:.2f} at"
            f" step {points[-1][0]}"
            for name, _, points in curves
        ]
        told += [f"{name} {value:.2f}" for name, value in levels]
        caption = "Less is better."
        if levels:
            caption += " Dashed: n-grams, fitted on the same codes, of the validation."
        if marks.resumed:
            caption += " Dotted: where the run was resumed."
        alt = f"{title}: {'; '.join(told)}."
        return finish(figure, "prior-training", title, alt, _training_rows(curves, levels), caption)


def draw_positions(
    entropy: np.ndarray, surprisal: np.ndarray, counts: np.ndarray, rate: float, source: str
) -> Picture:
    """How the means change along utterances: over the number of the frame, on a log axis.

    Args:
        entropy: (L,) mean bits at each frame.
        surprisal: (L,) the same of the codes that came.
        counts: (L,) utterances that have this frame, all above 0.
        rate: frames a second.
        source: what the utterances are called.
    """
    firsts, middles = _octave_bins(len(counts))
    weights = np.add.reduceat(counts, firsts).astype(float)
    lines = [
        (label, tone, np.add.reduceat(values * counts, firsts) / weights)
        for label, tone, values in (
            ("entropy", ENTROPY, entropy),
            ("surprisal", SURPRISAL, surprisal),
        )
    ]
    with canvas(SMALL_WIDTH, SMALL_HEIGHT) as figure:
        axes = add_axes(figure, 40, 34, NAMES + 8, 16)
        for _, tone, values in lines:
            axes.plot(middles, values, color=color(tone), marker="o", markersize=3)
        axes.set_xscale("log")
        ticks = [2**i for i in range(int(math.log2(len(counts))) + 1)]
        axes.xaxis.set_major_locator(FixedLocator(ticks[:: 1 + len(ticks) // 8]))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.yaxis.set_major_locator(MaxNLocator(6))
        rule(axes)
        axes.margins(x=0.04, y=0.1)
        axes.set_xlabel(f"frame of the utterance, {rate:g} a second")
        _name_ends(axes, [(v[-1], f"{label} {v[-1]:.2f}", tone) for label, tone, v in lines])
        title = "Along an utterance, bits a frame"
        told = "; ".join(
            f"{label} {v[0]:.2f} at the first frame, {v[-1]:.2f} at frame {middles[-1]:.0f}"
            for label, _, v in lines
        )
        rows: list[tuple[object, ...]] = [
            ("first_frame", "utterances_x_frames", "entropy_bits", "surprisal_bits")
        ]
        rows += [
            (int(first) + 1, int(weight), float(expected), float(came))
            for first, weight, expected, came in zip(
                firsts, weights, lines[0][2], lines[1][2], strict=True
            )
        ]
        caption = (
            f"How soon the prior knows what is going on: means over {int(counts[0])} utterances of"
            f" {source}. Where the surprisal is above the entropy, it was too sure."
        )
        return finish(figure, "prior-positions", title, f"{title}: {told}.", rows, caption)


def _octave_bins(frames: int) -> tuple[np.ndarray, np.ndarray]:
    """First frames (from 0) of bins of half an octave, and the middles of the bins from 1 on."""
    halves = np.arange(math.floor(2 * math.log2(frames)) + 1)
    edges = np.unique(np.rint(2 ** (halves / 2)).astype(int))  # 1, 2, 3, 4, 6, 8, 11, ...
    edges = edges[edges <= frames]
    ends = np.append(edges[1:], frames + 1)
    return edges - 1, np.sqrt(edges * (ends - 1.0))


def _name_ends(axes: Axes, names: Sequence[tuple[float, str, str]]) -> None:
    """Names to the right of the axes at their heights, moved apart where they would overlap.

    Args:
        names: height in data, text, colour.
    """
    ordered = sorted(names)
    to_pixels, height = axes.transData, axes.bbox.height
    wanted = [to_pixels.transform((1, value))[1] - axes.bbox.y0 for value, _, _ in ordered]
    for (_, text, tone), y in zip(ordered, _spread(wanted, 12.5, height), strict=True):
        axes.annotate(
            text,
            (1, y / height),
            xycoords="axes fraction",
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=SMALL,
            color=color(tone),
        )


def _spread(wanted: Sequence[float], gap: float, top: float) -> list[float]:
    """Ascending heights at least `gap` apart and, if they fit, at most `top`: near the wanted."""
    placed: list[float] = []
    for y in wanted:
        placed.append(max(y, placed[-1] + gap) if placed else y)
    limit = top
    for i in reversed(range(len(placed))):
        placed[i] = min(placed[i], limit)
        limit = placed[i] - gap
    return placed


def _training_rows(
    curves: Sequence[tuple[str, str, list[tuple[int, float]]]],
    levels: Sequence[tuple[str, float]],
) -> list[tuple[object, ...]]:
    columns = [dict(points) for _, _, points in curves]
    steps = sorted({step for column in columns for step in column})
    rows: list[tuple[object, ...]] = [
        ("step", *(name for name, _, _ in curves), *(name for name, _ in levels))
    ]
    constant = [value for _, value in levels]
    rows += [(step, *(column.get(step) for column in columns), *constant) for step in steps]
    return rows
