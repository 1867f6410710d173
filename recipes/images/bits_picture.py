"""Bars of bits per dimension: what the latents cost, what the pixels cost given them."""

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from recipes.images.bits_table import is_papers_data, ordered_systems, paper_figure
from vqspeech.report.drawing import TEXT, add_axes, canvas, color, finish
from vqspeech.report.page import Picture

WIDTH, ROW = 760, 34  # pixels
LEFT, RIGHT, TOP, BOTTOM = 236, 96, 30, 38
LATENTS, PIXELS, WHOLE = "series-2", "series-1", "series-3"


def draw_bits(facts: Mapping[str, Any]) -> Picture:
    """A bar for each system, in the paper's order; errors over sources; entropy of histograms.

    The paper's figures are marked where these are its data.
    """
    names = ordered_systems(facts)
    height = TOP + BOTTOM + ROW * len(names)
    with canvas(WIDTH, height) as figure:
        axes = add_axes(figure, LEFT, BOTTOM, RIGHT, TOP)
        ends = [_draw_bar(axes, y, facts["systems"][name]) for y, name in enumerate(names)]
        entropy = facts["histogram_bits"]
        axes.axvline(entropy, color=color("muted"), linewidth=1, linestyle=(0, (4, 3)))
        figures = {y: paper_figure(name) for y, name in enumerate(names)}
        marks = {y: bits for y, bits in figures.items() if bits and is_papers_data(facts)}
        axes.plot([*marks.values()], [*marks], "D", color=color("ink"), markersize=5)
        axes.set_yticks(range(len(names)), names, fontsize=TEXT, color=color("ink"))
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_xlim(0, max([*ends, entropy, *marks.values()]) * 1.02)
        axes.set_xlabel("bits/dim, on pictures held out")
        axes.grid(axis="x", color=color("line"), linewidth=0.8)
        axes.spines["left"].set_visible(False)
        for y, name in enumerate(names):
            axes.annotate(
                _told(facts["systems"][name]),
                (1, y),
                xycoords=axes.get_yaxis_transform(),
                xytext=(8, 0),
                textcoords="offset points",
                va="center",
                fontsize=TEXT,
            )
        axes.legend(
            handles=_legend(facts, bool(marks)),
            loc="lower left",
            bbox_to_anchor=(-LEFT / (WIDTH - LEFT - RIGHT), 1),  # from the figure's left edge
            ncols=5,
            borderpad=0,
            borderaxespad=0.6,
            columnspacing=1.4,
            handletextpad=0.5,
        )
        title = f"Bits per dimension, {facts['data']}"
        caption = "Shorter is better. Whiskers are one standard error over sources."
        return finish(figure, "bits", title, _alt(facts, names), _rows(facts, names), caption)


def _draw_bar(axes: Axes, y: int, entry: Mapping[str, Any]) -> float:
    """A bar, in two parts where they are apart; where it ends with its error."""
    total, latents = entry["bits_per_dim"], entry["latent_bits"]
    if latents is None:
        axes.barh(y, total, height=0.56, color=color(WHOLE))
    else:
        axes.barh(y, latents, height=0.56, color=color(LATENTS))
        axes.barh(y, total - latents, left=latents, height=0.56, color=color(PIXELS))
    error = entry["standard_error"] or 0
    if error:
        whisker = {"color": color("ink"), "linewidth": 1.2, "solid_capstyle": "butt"}
        axes.plot([total - error, total + error], [y, y], **whisker)
    return total + error


def _legend(facts: Mapping[str, Any], is_marked: bool) -> list[Patch | Line2D]:
    parts = [entry["latent_bits"] is not None for entry in facts["systems"].values()]
    handles: list[Patch | Line2D] = []
    if any(parts):
        handles.append(Patch(color=color(LATENTS), label="latents"))
        handles.append(Patch(color=color(PIXELS), label="pixels, given the latents"))
    if not all(parts):
        handles.append(Patch(color=color(WHOLE), label="not apart"))
    dashes = Line2D([], [], color=color("muted"), linewidth=1, linestyle=(0, (4, 3)))
    dashes.set_label("entropy of colour histograms")
    handles.append(dashes)
    if is_marked:
        diamond = Line2D([], [], color=color("ink"), marker="D", linestyle="", markersize=5)
        diamond.set_label("the paper")
        handles.append(diamond)
    return handles


def _told(entry: Mapping[str, Any]) -> str:
    error = entry["standard_error"]
    return f"{entry['bits_per_dim']:.3f}" + ("" if error is None else f" ± {error:.3f}")


def _alt(facts: Mapping[str, Any], names: list[str]) -> str:
    told = [f"{name} {_told(facts['systems'][name])}" for name in names]
    return (
        f"Bits per dimension of {facts['data']}: {'; '.join(told)}; entropy of the colours' "
        f"histograms {facts['histogram_bits']:.3f}."
    )


def _rows(facts: Mapping[str, Any], names: list[str]) -> list[tuple[object, ...]]:
    keys = ("bits_per_dim", "standard_error", "latent_bits", "pixel_bits")
    rows: list[tuple[object, ...]] = [("system", *keys)]
    return rows + [(name, *(facts["systems"][name][key] for key in keys)) for name in names]
