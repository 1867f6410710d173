"""How a training went: one small picture a quantity, over the steps.

Source: log.jsonl of a run, whose lines hold the means of the losses over the last steps, or a
validation. The likelihood is shown in bits a sample, everything else as it is logged.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, NullLocator
from matplotlib.transforms import Bbox, BboxTransformTo, TransformedBbox

from vqspeech.report.drawing import SERIES, SMALL, add_axes, canvas, color, finish, rule
from vqspeech.report.page import Picture

WIDTH, HEIGHT = 440, 250
APART = ("step", "learning_rate", "skipped", "nll", "gradient_norm", "valid")
LABELS = {
    "loss": "total",
    "codebook": "codebook",
    "commitment": "commitment",
    "guide": "spectrum guide",
}


class Series(NamedTuple):
    """A line: its name and values over steps."""

    label: str
    steps: list[float]
    values: list[float]


class Marks(NamedTuple):
    """What happened at which step."""

    resumed: tuple[int, ...] = ()  # the run went on from here
    guide_steps: int = 0  # the first so many steps had no likelihood


def draw_training(log: Sequence[dict[str, Any]], marks: Marks) -> list[Picture]:
    """Likelihood, loss terms, swap gap, perplexity, gradient and learning rate, as far as logged.

    Args:
        log: the lines of log.jsonl in order.
        marks: drawn into each picture.
    """
    train = [entry for entry in log if "valid" not in entry]
    valid = [{"step": entry["step"], **entry["valid"]} for entry in log if "valid" in entry]
    # Before its first step with a likelihood a decoder knows nothing: 8 bits of 256 levels.
    learnt = [entry for entry in valid if entry["step"] > marks.guide_steps]
    terms = sorted({key for entry in train for key in entry} - set(APART))
    terms.sort(key=lambda key: key != "loss")
    panels = [
        (
            "likelihood",
            "Likelihood, bits a sample",
            [
                _series("training", train, "nll", 1 / math.log(2)),
                _series("validation", learnt, "bits"),
            ],
            False,
        ),
        (
            "losses",
            "Loss terms, as they are minimised",
            [_series(LABELS.get(key, key), train, key) for key in terms],
            True,
        ),
        ("swap-gap", "Swap gap, nats a sample", [_series("validation", valid, "swap_gap")], False),
        (
            "perplexity",
            "Codes in use on the validation set",
            [
                _series("codes used", valid, "codes_used"),
                _series("perplexity", valid, "perplexity"),
            ],
            False,
        ),
        ("rate", "Learning rate", [_series("learning rate", train, "learning_rate")], False),
        ("gradient", "Norm of the gradient", [_series("norm", train, "gradient_norm")], True),
    ]
    captions = {
        "swap-gap": "What the decoder loses when it is given the codes of another utterance."
        " Near 0 it does not listen to them.",
        "losses": "Each term before its weight; the total is weighted.",
        "perplexity": "Perplexity is the number of codes that, used equally often, would have the"
        " same entropy.",
    }
    pictures = []
    for name, title, series, is_log in panels:
        shown = [line for line in series if any(math.isfinite(v) and v for v in line.values)]
        if shown:
            pictures.append(draw_curves(name, title, shown, marks, is_log, captions.get(name, "")))
    return pictures


def draw_curves(
    name: str,
    title: str,
    series: Sequence[Series],
    marks: Marks,
    is_log: bool = False,
    caption: str = "",
) -> Picture:
    """Lines over training steps, each named at its end or in a legend."""
    with canvas(WIDTH, HEIGHT) as figure:
        is_marked = bool(marks.resumed or marks.guide_steps)
        axes = add_axes(figure, 50, 34, 14, 36 if is_marked else 24)
        for number, line in enumerate(series):
            tone = color(SERIES[number % len(SERIES)])
            is_sparse = len(line.steps) <= 40
            axes.plot(
                line.steps,
                line.values,
                color=tone,
                label=line.label,
                linestyle="-" if number < len(SERIES) else "--",
                marker="o" if is_sparse else None,
                markersize=3,
            )
        if is_log:
            _log_scale(axes)
        else:
            axes.yaxis.set_major_locator(MaxNLocator(5))
        rule(axes)
        axes.margins(x=0.02)
        axes.set_xlim(left=0)
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.set_xlabel("steps")
        _draw_marks(axes, marks)
        if len(series) > 1:
            axes.legend(
                loc="upper right",
                # In pixels from the top: above the names of marks.
                bbox_to_anchor=(1.0, (HEIGHT - 4) / HEIGHT),
                bbox_transform=BboxTransformTo(
                    TransformedBbox(
                        Bbox([[0, 0], [1 - 14 / WIDTH, 1]]), BboxTransformTo(figure.bbox)
                    )
                ),
                ncols=min(len(series), 4),
                borderpad=0,
                columnspacing=1.2,
                handletextpad=0.5,
            )
        return finish(figure, name, title, _alt(title, series, marks), _rows(series), caption)


def _series(label: str, entries: Sequence[dict[str, Any]], key: str, factor: float = 1) -> Series:
    there = [entry for entry in entries if isinstance(entry.get(key), int | float)]
    return Series(label, [e["step"] for e in there], [e[key] * factor for e in there])


def _log_scale(axes: Axes) -> None:
    axes.set_yscale("log", nonpositive="mask")
    low, high = axes.get_ylim()
    is_narrow = high / max(low, 1e-300) < 30
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if is_narrow else (1,)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")


def _draw_marks(axes: Axes, marks: Marks) -> None:
    end = axes.get_xlim()[1]
    if 0 < marks.guide_steps < end:
        axes.axvspan(0, marks.guide_steps, color=color("wash"), linewidth=0, zorder=0)
        _mark(axes, 0, "guide phase")
    for number, step in enumerate(marks.resumed):
        axes.axvline(step, color=color("muted"), linewidth=1, linestyle=(0, (2, 2)), zorder=1)
        if number == 0 and step < end:
            _mark(axes, step, "resumed")


def _mark(axes: Axes, step: float, text: str) -> None:
    axes.annotate(
        text,
        (step, 1),
        xycoords=axes.get_xaxis_transform(),
        xytext=(0, 4),
        textcoords="offset points",
        fontsize=SMALL,
        color=color("muted"),
    )


def _alt(title: str, series: Sequence[Series], marks: Marks) -> str:
    told = [
        f"{line.label} goes from {line.values[0]:.3g} at step {line.steps[0]:g}"
        f" to {line.values[-1]:.3g} at step {line.steps[-1]:g}"
        for line in series
    ]
    if marks.resumed:
        told.append("resumed at step " + ", ".join(map(str, marks.resumed)))
    return f"{title}: {'; '.join(told)}."


def _rows(series: Sequence[Series]) -> list[tuple[object, ...]]:
    steps = np.unique(np.concatenate([np.asarray(line.steps) for line in series]))
    columns = [dict(zip(line.steps, line.values, strict=True)) for line in series]
    rows: list[tuple[object, ...]] = [("step", *(line.label for line in series))]
    rows += [(int(step), *(column.get(step) for column in columns)) for step in steps]
    return rows
