"""Whose voice conversions have: the mean similarity of each target's conversions with each speaker.

On the page it is an SVG among others, for a README a PNG of the same. T targets, S speakers.
"""

import os
import warnings
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from vqspeech.files import atomic_path
from vqspeech.report.drawing import SMALL, add_axes, canvas, color, finish
from vqspeech.report.page import Picture

COLORS = "viridis"  # equal steps of similarity are equal steps for the eye, on paper of any colour
MOST_NUMBERS = 12  # rows or columns up to which each cell has its number
LEFT, TOP, RIGHT, BOTTOM = 76, 66, 64, 8  # pixels around the cells
GAP = 0.35  # cells between women and men
DPI = 144  # of the PNG: two pixels for one
_NAMES = {"ink": "#1b2430", "muted": "#56616e", "line": "#d5d9d6"}  # the page's, in the light
_WHITE, _BLACK = "#ffffff", "#101010"  # of numbers: they lie on the cells, not on the page


class Similarities(NamedTuple):
    """Rows are the voices that were wanted, columns those that there are."""

    targets: tuple[str, ...]
    speakers: tuple[str, ...]
    values: np.ndarray  # (T, S)
    genders: Mapping[str, str]  # f or m, of those of whom it is known


def draw_similarity(name: str, title: str, found: Similarities) -> Picture:
    """The matrix as a picture of the page.

    Args:
        name: of the picture.
        title: above it.
        found: at least one target and one speaker.
    """
    found = _sorted(found)
    with canvas(*_size(found)) as figure:
        _draw(figure, found, {name: color(name) for name in _NAMES})
        rows = [("target", *found.speakers)]
        rows += [
            (target, *map(float, row))
            for target, row in zip(found.targets, found.values, strict=True)
        ]
        told = describe_similarity(found)
        alt = (
            f"Matrix of the similarity of conversions to {len(found.targets)} targets, a row each, "
            f"with the voices of {len(found.speakers)} speakers, a column each. {told}"
        )
        caption = (
            "A row is a target: how much its conversions have the voice of each speaker, by the "
            f"cosine of speaker embeddings. Framed is the target itself. {told}"
        )
        return finish(figure, name, title, alt, rows, caption)


def write_similarity(path: str | os.PathLike, found: Similarities) -> None:
    """Write the matrix as a PNG on white; the same numbers make the same bytes.

    Raises:
        WriteError: the file cannot be written.
    """
    found = _sorted(found)
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        settings = {"font.size": SMALL, "text.parse_math": False, "text.color": _NAMES["ink"]}
        matplotlib.rcParams.update(settings)
        width, height = _size(found)
        figure = Figure((width / 72, height / 72), dpi=DPI, facecolor="white")
        drawn = FigureCanvasAgg(figure)
        _draw(figure, found, _NAMES)
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            drawn.print_png(file, metadata={"Software": None})


def describe_similarity(found: Similarities) -> str:
    """Means of the targets' own voices and of others', and in how many rows the own is on top."""
    own, others, nearest = [], [], 0
    for target, row in zip(found.targets, found.values, strict=True):
        if target not in found.speakers:
            continue
        place = found.speakers.index(target)
        own.append(row[place])
        others += np.delete(row, place).tolist()
        nearest += int(row.argmax() == place)
    if not own:
        return ""
    told = f"With the target's own voice {np.mean(own):.2f} on average"
    if others:
        told += f", with others {np.mean(others):.2f}"
    return f"{told}; the own voice is the nearest in {nearest} of {len(own)} rows."


def _sorted(found: Similarities) -> Similarities:
    """Women, men, the others; targets stand before voices that nobody was given."""

    def order(names: Sequence[str]) -> list[int]:
        group = [_group(found, name) for name in names]
        return sorted(range(len(names)), key=lambda i: (group[i], names[i] not in found.targets, i))

    rows, columns = order(found.targets), order(found.speakers)
    return Similarities(
        tuple(found.targets[i] for i in rows),
        tuple(found.speakers[j] for j in columns),
        np.asarray(found.values, np.float64)[np.ix_(rows, columns)],
        found.genders,
    )


def _group(found: Similarities, name: str) -> int:
    return {"f": 0, "m": 1}.get(found.genders.get(name, ""), 2)


def _cell(found: Similarities) -> int:
    """Pixels of a cell's side."""
    return 32 if max(found.values.shape) <= MOST_NUMBERS else 20


def _places(found: Similarities, names: Sequence[str]) -> list[float]:
    """Where each row or column begins, in cells; groups stand a little apart."""
    groups = [_group(found, name) for name in names]
    ranks = {group: rank for rank, group in enumerate(sorted(set(groups)))}
    return [i + GAP * ranks[group] for i, group in enumerate(groups)]


def _size(found: Similarities) -> tuple[int, int]:
    """Pixels of the picture."""
    cell = _cell(found)
    wide, high = (_places(found, n)[-1] + 1 for n in (found.speakers, found.targets))
    return round(LEFT + wide * cell + RIGHT), round(TOP + max(high * cell, 60) + BOTTOM)


def _draw(figure: Figure, found: Similarities, colors: Mapping[str, str]) -> None:
    axes = add_axes(figure, LEFT, BOTTOM, RIGHT, TOP)
    rows, columns = _places(found, found.targets), _places(found, found.speakers)
    low = np.floor(found.values.min() * 20) / 20
    high = max(np.ceil(found.values.max() * 20) / 20, low + 0.05)
    scale = matplotlib.colors.Normalize(low, high)
    shades = matplotlib.colormaps[COLORS](scale(found.values))  # (T, S, 4)
    has_numbers = _cell(found) > 20
    for i, target in enumerate(found.targets):
        for j, speaker in enumerate(found.speakers):
            shade = matplotlib.colors.to_hex(shades[i, j])
            axes.add_patch(Rectangle((columns[j], rows[i]), 0.96, 0.96, facecolor=shade, lw=0))
            is_own = target == speaker
            if has_numbers:
                axes.text(
                    columns[j] + 0.48,
                    rows[i] + 0.5,
                    f"{found.values[i, j]:.2f}".replace("0.", ".", 1),
                    ha="center",
                    va="center",
                    fontsize=9,
                    fontweight="bold" if is_own else "normal",
                    color=_BLACK if _is_light(shades[i, j]) else _WHITE,
                )
            if is_own:
                frame = Rectangle((columns[j] - 0.02, rows[i] - 0.02), 1, 1, fill=False, zorder=3)
                frame.set(edgecolor=colors["ink"], linewidth=2.2)
                axes.add_patch(frame)
    axes.set_xlim(-0.06, columns[-1] + 1.06)
    axes.set_ylim(rows[-1] + 1.06, -0.06)
    _name(axes, found, rows, columns, colors)
    _draw_scale(figure, axes, scale, colors)


def _name(
    axes: Axes,
    found: Similarities,
    rows: Sequence[float],
    columns: Sequence[float],
    colors: Mapping[str, str],
) -> None:
    """The speakers with their gender, and what rows and columns are."""
    labels = [
        [f"{name} {found.genders.get(name, '')}".strip() for name in names]
        for names in (found.targets, found.speakers)
    ]
    axes.set_yticks([place + 0.48 for place in rows], labels[0])
    axes.set_xticks([place + 0.48 for place in columns], labels[1], rotation=90)
    axes.tick_params(
        length=0, pad=3, labeltop=True, labelbottom=False, labelcolor=colors["ink"], labelsize=SMALL
    )
    axes.set_ylabel("converted to", color=colors["muted"], labelpad=4, fontsize=SMALL)
    axes.set_xlabel("voice of", color=colors["muted"], labelpad=5, fontsize=SMALL)
    axes.xaxis.set_label_position("top")
    axes.spines[:].set_visible(False)
    axes.set_facecolor("none")


def _draw_scale(
    figure: Figure, axes: Axes, scale: matplotlib.colors.Normalize, colors: Mapping[str, str]
) -> None:
    """A bar of colours with numbers, to the right of the matrix."""
    box, (width, height) = axes.get_position(), figure.get_size_inches() * 72
    tall = min(140 / height, box.height)
    bar = figure.add_axes((box.x1 + 14 / width, box.y1 - tall, 10 / width, tall))
    steps = np.linspace(scale.vmin, scale.vmax, 65)
    shades = matplotlib.colormaps[COLORS](scale(steps[::-1]))[:, None]
    bar.imshow(
        (shades * 255).round().astype(np.uint8),
        aspect="auto",
        interpolation="none",
        extent=(0, 1, scale.vmin, scale.vmax),
    )
    bar.set_xticks([])
    bar.yaxis.tick_right()
    bar.tick_params(length=0, pad=3, labelcolor=colors["muted"], labelsize=SMALL)
    bar.yaxis.set_major_locator(matplotlib.ticker.MaxNLocator(5, steps=[1, 2, 5, 10]))
    bar.yaxis.set_major_formatter(lambda value, _: f"{value:.2f}".replace("0.", ".", 1))
    bar.yaxis.set_label_position("right")
    bar.set_ylabel("similarity", color=colors["muted"], labelpad=4, fontsize=SMALL)
    bar.spines[:].set_visible(False)


def _is_light(shade: np.ndarray) -> bool:
    """Whether black is read more easily than white on it (WCAG's relative luminance)."""
    linear = np.where(shade[:3] <= 0.04045, shade[:3] / 12.92, ((shade[:3] + 0.055) / 1.055) ** 2.4)
    return bool(linear @ (0.2126, 0.7152, 0.0722) > 0.179)
