"""The codebook in pictures: how often codes are used, how long they last, how they lie.

K codes, D dimensions of a code. Usage and durations are counted over a whole corpus, never over a
batch.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from vqspeech.report.drawing import SERIES, add_axes, canvas, color, finish, rule
from vqspeech.report.page import Picture
from vqspeech.report.phone_classes import CLASSES, MARKERS, OTHER, class_of

WIDTH, HEIGHT = 440, 250
NAMED = 150  # codes of the plane, the most used; more names would cover each other
LONGEST_RUN = 12  # frames; longer runs are counted in the last bar


def draw_usage(counts: Mapping[str, np.ndarray]) -> Picture:
    """Share of frames of each code, the most used first, on a scale of logarithms.

    Args:
        counts: (K,) frames by code, for each part of the data.
    """
    with canvas(WIDTH, HEIGHT) as figure:
        axes = add_axes(figure, 52, 34, 14, 24)
        shares, told = {}, []
        for number, (name, array) in enumerate(counts.items()):
            share = np.sort(array)[::-1] / max(array.sum(), 1)
            shares[name] = share
            used = int((share > 0).sum())
            told.append(
                f"{name}: {used} of {len(share)} codes used, top one {100 * share[0]:.2f} %"
            )
            axes.step(
                np.arange(1, used + 1),
                share[:used],
                where="mid",
                color=color(SERIES[number % len(SERIES)]),
                label=name,
            )
        most = max(map(len, shares.values()))
        axes.axhline(1 / most, color=color("muted"), linewidth=1, linestyle=(0, (2, 2)))
        axes.annotate(
            "all codes alike",
            (1, 1 / most),
            xycoords=("axes fraction", "data"),
            xytext=(0, 3),
            textcoords="offset points",
            ha="right",
            color=color("muted"),
        )
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator())
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
        axes.set_xlim(0, most * 1.02)
        axes.set_xlabel("codes, by how often they are used")
        rule(axes)
        _legend(axes, len(shares))
        rows = [("rank", *shares)]
        for rank in range(most):
            row = [float(s[rank]) if rank < len(s) else None for s in shares.values()]
            rows.append((rank + 1, *row))
        alt = f"Share of frames of each code, sorted. {'; '.join(told)}."
        return finish(figure, "usage", "Share of frames of each code", alt, rows)


def draw_durations(runs: Mapping[str, np.ndarray], rate: float) -> Picture:
    """How many frames in a row have the same code.

    Args:
        runs: (R,) frames of each run, for each part of the data.
        rate: frames a second.
    """
    lengths = np.arange(1, LONGEST_RUN + 1)
    with canvas(WIDTH, HEIGHT) as figure:
        axes = add_axes(figure, 44, 34, 14, 24)
        shares, told, wide = {}, [], 0.8 / max(len(runs), 1)
        for number, (name, array) in enumerate(runs.items()):
            counted = np.bincount(np.minimum(array, LONGEST_RUN), minlength=LONGEST_RUN + 1)
            shares[name] = counted[1:] / max(len(array), 1)
            told.append(
                f"{name}: mean {array.mean():.2f} frames, {100 * shares[name][0]:.0f} % of one"
            )
            place = lengths + (number - (len(runs) - 1) / 2) * wide
            tone = color(SERIES[number % len(SERIES)])
            label = f"{name}, mean {1000 * array.mean() / rate:.0f} ms"
            axes.bar(place, shares[name], width=wide * 0.92, color=tone, label=label)
        axes.set_xticks(lengths, [*map(str, lengths[:-1]), f"{LONGEST_RUN}+"])
        axes.tick_params(axis="x", length=0)
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
        axes.set_xlabel(f"frames of {1000 / rate:g} ms")
        rule(axes)
        axes.legend(loc="upper right", borderpad=0, handlelength=0.8)
        rows = [("frames", "seconds", *shares)]
        rows += [
            (f"{n}{'+' * (n == LONGEST_RUN)}", float(n / rate), *map(float, values))
            for n, *values in zip(lengths.tolist(), *shares.values(), strict=True)
        ]
        alt = f"Histogram of the lengths of runs of equal codes. {'; '.join(told)}."
        title = "How long a code lasts, share of runs"
        return finish(figure, "durations", title, alt, rows)


def principal_axes(codebook: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two directions in which the codes in use differ most.

    Args:
        codebook: (K, D) float.
        weights: (K,) how often each is used; one that is not used does not count.

    Returns:
        (K, 2) places of the codes along them, and (2,) their shares of the variance. The sign is
        such that the code farthest out lies on the positive side.
    """
    vectors = codebook.astype(np.float64)
    weights = weights / max(weights.sum(), 1e-12)
    centred = vectors - weights @ vectors
    _, values, directions = np.linalg.svd(centred * np.sqrt(weights)[:, None], full_matrices=False)
    places = np.zeros((len(vectors), 2))
    found = centred @ directions[:2].T  # (K, <= 2)
    farthest = found[np.abs(found).argmax(axis=0), np.arange(found.shape[1])]
    places[:, : found.shape[1]] = found * np.where(farthest < 0, -1, 1)
    shares = np.zeros(2)
    power = values[:2] ** 2 / max((values**2).sum(), 1e-300)
    shares[: len(power)] = power
    return places, shares


def draw_codebook(
    codebook: np.ndarray, counts: np.ndarray, phones: Sequence[str] | None
) -> Picture:
    """The codes in the plane in which they differ most, each as large as it is used.

    Args:
        codebook: (K, D).
        counts: (K,) frames by code; those of 0 are left out.
        phones: the likeliest phone of each code; without it all look alike.
    """
    places, shares = principal_axes(codebook, counts)
    used = counts > 0
    classes = [OTHER] * len(counts) if phones is None else [class_of(p) for p in phones]
    sizes = 30 + 500 * counts / max(counts.sum(), 1)
    with canvas(820, 520) as figure:
        axes = add_axes(figure, 20, 34, 130 if phones is not None else 14, 10)
        axes.axhline(0, color=color("line"), linewidth=0.8)
        axes.axvline(0, color=color("line"), linewidth=0.8)
        for name in (*CLASSES, OTHER):
            chosen = used & np.array([one == name for one in classes])
            if chosen.any():
                axes.scatter(
                    *places[chosen].T,
                    s=np.minimum(sizes[chosen], 150),
                    marker=MARKERS[name],
                    color=color(name),
                    edgecolor=color("paper"),
                    linewidth=0.6,
                    label=f"{name} ({chosen.sum()})",
                )
        if phones is not None:
            for code in np.argsort(-counts, kind="stable")[: min(NAMED, int(used.sum()))]:
                axes.annotate(
                    phones[code],
                    places[code],
                    xytext=(5, -3),
                    textcoords="offset points",
                    fontsize=7,
                    color=color("muted"),
                )
            legend = axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), labelspacing=0.7)
            for handle in legend.legend_handles:
                handle.set_sizes([36])
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        axes.set_xlabel(
            f"first principal component, {100 * shares[0]:.0f} % of the variance;"
            f" upwards the second, {100 * shares[1]:.0f} %"
        )
        rows = [("code", "x", "y", "frames", "phone", "class")]
        for code, (x, y) in enumerate(places.tolist()):
            phone = None if phones is None else phones[code]
            kind = None if phones is None else classes[code]
            rows.append((code, x, y, int(counts[code]), phone, kind))
        told = ", ".join(
            f"{name} {count}"
            for name in CLASSES
            if (count := sum(c == name and u for c, u in zip(classes, used, strict=True)))
        )
        alt = f"{int(used.sum())} codes in use along two principal components of the codebook" + (
            f"; codes by class of their phone: {told}." if told else "."
        )
        caption = "A mark is a code, as large as it is used" + (
            ", named by its likeliest phone." if phones is not None else "."
        )
        return finish(figure, "codebook-plane", "Where codes lie", alt, rows, caption)


def _legend(axes, count: int) -> None:
    if count > 1:
        axes.legend(
            loc="lower right",
            bbox_to_anchor=(1.0, 0.99),
            ncols=count,
            borderpad=0,
            columnspacing=1.2,
            handletextpad=0.5,
        )
