"""Codes and phones in pictures: which phone a code means, which phones are taken for others.

K codes, P phones. Phones are sorted by class (see phone_classes.py) and codes by their phone.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from vqspeech.report.drawing import SMALL, add_axes, canvas, color, finish, rule
from vqspeech.report.page import Picture
from vqspeech.report.phone_classes import class_of, class_order

# A hue that is seen on white and on black alike; how much of it there is says how much.
HUE = (16, 84, 158)
GAMMA = 0.7  # small shares are lifted, as the scale beside the picture shows
ROW = 13  # pixels of a phone's line


def draw_code_phones(
    name: str, title: str, counts: np.ndarray, phones: Sequence[str], code_phones: Sequence[str]
) -> Picture:
    """P(phone given code), a column a code.

    Args:
        name: of the picture.
        title: says the accuracy and its baselines.
        counts: (K, P) frames.
        phones: P names.
        code_phones: K names, the phone each code is read as.
    """
    order = class_order(phones)
    total = counts.sum(axis=1)
    shares = counts / np.maximum(total, 1)[:, None]  # (K, P)
    place = {phones[p]: rank for rank, p in enumerate(order)}
    codes = [k for k in range(len(counts)) if total[k]]
    own = {phone: p for p, phone in enumerate(phones)}
    codes.sort(
        key=lambda k: (
            place.get(code_phones[k], len(phones)),
            -shares[k, own[code_phones[k]]] if code_phones[k] in own else 0.0,
            k,
        )
    )
    shown = shares[np.ix_(codes, order)].T  # (P, K')
    width = 960
    with canvas(width, 62 + ROW * len(phones)) as figure:
        axes = add_axes(figure, 44, 40, 62, 22)
        _draw_matrix(axes, shown)
        _name_phones(axes, [phones[p] for p in order], "y")
        read_as = [code_phones[k] for k in codes]
        _name_runs(axes, read_as)
        axes.set_xlabel(f"{len(codes)} codes in use, by the phone that each is read as")
        _draw_scale(figure, axes)
        rows = [("code", "read as", "frames", *(phones[p] for p in order))]
        rows += [
            (k, code_phones[k], int(total[k]), *(float(v) for v in shares[k, order])) for k in codes
        ]
        alt = (
            f"Matrix of P(phone given code), {len(phones)} phones by {len(codes)} codes. {title}."
            " Codes are sorted by their phone, so that a good code is a dark cell on the diagonal."
        )
        caption = (
            "A column is a code: how its frames are spread over phones. Phones go from vowels to"
            " silence, codes stand in the order of their phones."
        )
        return finish(figure, name, title, alt, rows, caption)


def draw_confusion(name: str, confusion: np.ndarray, phones: Sequence[str]) -> Picture:
    """Which phone the frames of a phone are taken for.

    Args:
        confusion: (P, P) frames, a row a reference phone.
    """
    order = class_order(phones)
    total = confusion.sum(axis=1)
    order = [p for p in order if total[p] or confusion[:, p].sum()]
    shares = (confusion / np.maximum(total, 1)[:, None])[np.ix_(order, order)]
    side = max(ROW * len(order), 60)
    with canvas(side + 120, side + 66) as figure:
        axes = add_axes(figure, 44, 20, 76, 46)
        _draw_matrix(axes, shares)
        names = [phones[p] for p in order]
        _name_phones(axes, names, "y")
        _name_phones(axes, names, "x")
        axes.set_ylabel("spoken")
        axes.set_xlabel("read from the codes")
        axes.xaxis.set_label_position("top")
        _draw_scale(figure, axes)
        rows = [("spoken", "frames", *names)]
        rows += [
            (names[i], int(total[p]), *(float(v) for v in shares[i])) for i, p in enumerate(order)
        ]
        wrong = shares - np.diag(np.diag(shares))
        worst = np.dstack(np.unravel_index(np.argsort(-wrong, axis=None)[:3], wrong.shape))[0]
        told = "; ".join(
            f"{names[i]} as {names[j]} {100 * shares[i, j]:.0f} %" for i, j in worst.tolist()
        )
        alt = f"Confusion of {len(order)} phones, rows spoken, columns read. Most often: {told}."
        caption = "A row is a phone: what its frames are read as. A row adds up to 1."
        return finish(figure, name, "Which phones are taken for which", alt, rows, caption)


def draw_phone_accuracy(
    name: str, phones: Sequence[str], accuracy: Sequence[float], frames: Sequence[int]
) -> Picture:
    """Share of frames that are read right, a bar a phone, sorted by class.

    Args:
        accuracy: of each phone, 0 to 1.
        frames: of each phone; those of 0 are left out.
    """
    order = [p for p in class_order(phones) if frames[p]]
    with canvas(960, 240) as figure:
        axes = add_axes(figure, 44, 48, 14, 10)
        places = np.arange(len(order))
        axes.bar(
            places,
            [accuracy[p] for p in order],
            width=0.78,
            color=[color(class_of(phones[p])) for p in order],
        )
        _name_phones(axes, [phones[p] for p in order], "x", bottom=True)
        axes.set_xlim(-0.8, len(order) - 0.2)
        axes.set_ylim(0, 1)
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
        rule(axes)
        _name_classes(axes, [class_of(phones[p]) for p in order])
        rows = [("phone", "class", "frames", "accuracy")]
        rows += [
            (phones[p], class_of(phones[p]), int(frames[p]), float(accuracy[p])) for p in order
        ]
        best = sorted(order, key=lambda p: -accuracy[p])
        told = [f"{phones[p]} {100 * accuracy[p]:.0f} %" for p in best]
        alt = f"Accuracy of each phone. Best: {', '.join(told[:4])}. Worst: {', '.join(told[-4:])}."
        title = "Frames read right, phone by phone"
        return finish(figure, name, title, alt, rows)


def _draw_matrix(axes: Axes, shares: np.ndarray) -> None:
    """Shares from 0 to 1 as more or less of a hue, on whatever the page has as background."""
    pixels = np.empty((*shares.shape, 4), np.uint8)
    pixels[..., :3] = HUE
    pixels[..., 3] = np.round(255 * np.clip(shares, 0, 1) ** GAMMA)
    axes.imshow(pixels, aspect="auto", interpolation="none")
    axes.tick_params(length=0, pad=2)
    axes.spines[:].set_visible(True)


def _draw_scale(figure, axes: Axes) -> None:
    box = axes.get_position()
    width, height = figure.get_size_inches() * 72
    scale = figure.add_axes((box.x1 + 12 / width, box.y1 - 130 / height, 10 / width, 130 / height))
    _draw_matrix(scale, np.linspace(1, 0, 64)[:, None])
    scale.set_xticks([])
    scale.set_yticks([0, 15.75, 31.5, 47.25, 63], ["1", ".75", ".5", ".25", "0"])
    scale.yaxis.tick_right()
    scale.tick_params(length=0, pad=3)


def _name_phones(axes: Axes, names: Sequence[str], side: str, bottom: bool = False) -> None:
    labels = (axes.yaxis if side == "y" else axes.xaxis).set_ticks(
        range(len(names)), names, fontsize=8
    )
    if side == "x":
        axes.tick_params(
            axis="x", labeltop=not bottom, labelbottom=bottom, rotation=90, length=0, pad=2
        )
    which = axes.get_yticklabels() if side == "y" else axes.get_xticklabels()
    for label, name in zip(which, names, strict=True):
        label.set_color(color(class_of(name)))
    del labels


def _name_runs(axes: Axes, names: Sequence[str]) -> None:
    """The name of each run of equal names at its middle, and a line between two runs."""
    starts = [i for i in range(len(names)) if not i or names[i] != names[i - 1]]
    middles, labels = [], []
    last = -1e9
    for start, end in zip(starts, [*starts[1:], len(names)], strict=True):
        if start:
            axes.axvline(start - 0.5, color=color("line"), linewidth=0.6)
        middle = (start + end - 1) / 2
        # A label is about 14 pixels wide, and the axes some 850.
        if middle - last >= 10 * len(names) / 850:
            middles.append(middle)
            labels.append(names[start])
            last = middle
    axes.set_xticks(middles, labels, fontsize=7.5, rotation=90)
    for label, name in zip(axes.get_xticklabels(), labels, strict=True):
        label.set_color(color(class_of(name)))


def _name_classes(axes: Axes, classes: Sequence[str]) -> None:
    starts = [i for i in range(len(classes)) if not i or classes[i] != classes[i - 1]]
    for start, end in zip(starts, [*starts[1:], len(classes)], strict=True):
        axes.annotate(
            classes[start],
            ((start + end - 1) / 2, 0),
            xycoords=axes.get_xaxis_transform(),
            xytext=(0, -36),
            textcoords="offset points",
            ha="center",
            fontsize=SMALL if end - start > 3 else 7.5,
            color=color("muted"),
            annotation_clip=False,
        )
