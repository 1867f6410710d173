"""What a prior over codes expects of an utterance, frame by frame.

L frames. The entropy is that of what the prior expects before a frame, the surprisal is -log2 p of
the codes that came; of a prior that is right about its own doubt the two have the same mean.
"""

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from vqspeech.report.drawing import canvas, color, finish, rule
from vqspeech.report.lanes import (
    GAP,
    LANE,
    WAVE,
    WIDTH,
    add_lane,
    draw_spans,
    draw_wave,
    name_lane,
    show_seconds,
)
from vqspeech.report.page import Picture
from vqspeech.report.phone_classes import class_of
from vqspeech.report.utterances import Utterance, frame_phones

BITS = 110  # pixels of the lane of bits
ENTROPY, SURPRISAL = "series-1", "series-2"


def draw_expectations(
    name: str,
    utterance: Utterance,
    entropy: np.ndarray,
    surprisal: np.ndarray,
    most_bits: float,
    most_seconds: float = 4.0,
) -> Picture:
    """What the prior expects of an utterance, frame by frame, under its waveform.

    Args:
        utterance: the same frames or more.
        entropy: (L,) bits of what is expected of each frame, given those before it.
        surprisal: (L,) bits of the codes that came.
        most_bits: of a frame: those of the uniform prior.
        most_seconds: shown.
    """
    seconds = min(len(entropy) / utterance.rate, most_seconds)
    frames = int(np.ceil(seconds * utterance.rate - 1e-9))
    entropy, surprisal = entropy[:frames], surprisal[:frames]
    spans = [(s, min(e, seconds), p) for s, e, p in utterance.phones if s < seconds]
    has_wave = utterance.waveform is not None
    height = 62 + BITS + (WAVE + GAP if has_wave else 0) + (LANE + GAP if spans else 0)
    with canvas(WIDTH, height) as figure:
        top = height - 24
        figure.legend(
            handles=_keys(),
            loc="upper right",
            bbox_to_anchor=(1 - 10 / WIDTH, 1 - 2 / height),
            ncols=3,
            borderpad=0,
            borderaxespad=0,
            columnspacing=1.6,
        )
        if has_wave:
            axes = add_lane(figure, top, WAVE, seconds)
            draw_wave(axes, utterance.waveform, utterance.sample_rate, seconds)
            top -= WAVE + GAP
        axes = add_lane(figure, top, BITS, seconds)
        _draw_bits(axes, entropy, surprisal, utterance.rate, most_bits)
        for start, _, _ in spans:
            axes.axvline(start, color=color("line"), linewidth=0.8, zorder=0)
        top -= BITS + GAP
        if spans:
            axes = add_lane(figure, top, LANE, seconds)
            name_lane(axes, "spoken")
            draw_spans(axes, spans, [class_of(phone) for _, _, phone in spans], seconds)
        show_seconds(axes)
        means = f"{surprisal.mean():.2f} bits a frame, {entropy.mean():.2f} expected"
        title = f"{utterance.name}, {utterance.speaker}: {means}"
        worst = int(surprisal.argmax())
        alt = (
            f"What the prior expects of {seconds:.2f} s of {utterance.name}: {means};"
            f" most surprised at {worst / utterance.rate:.2f} s, {surprisal[worst]:.1f} bits."
        )
        spoken = frame_phones(utterance.phones, frames, utterance.rate)
        rows: list[tuple[object, ...]] = [
            ("start_seconds", "entropy_bits", "surprisal_bits", "spoken")
        ]
        rows += [
            (i / utterance.rate, float(entropy[i]), float(surprisal[i]), spoken[i])
            for i in range(frames)
        ]
        return finish(figure, name, title, alt, rows, utterance.text)


def _draw_bits(
    axes: Axes, entropy: np.ndarray, surprisal: np.ndarray, rate: float, most_bits: float
) -> None:
    edges = np.arange(len(entropy) + 1) / rate
    axes.stairs(surprisal, edges, fill=True, color=color(SURPRISAL), alpha=0.38, linewidth=0)
    axes.stairs(entropy, edges, color=color(ENTROPY), linewidth=1.5, baseline=None)
    axes.axhline(most_bits, color=color("muted"), linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    axes.set_ylim(0, max(most_bits, float(surprisal.max())) * 1.06)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.set_ylabel("bits", labelpad=2)
    rule(axes)


def _keys() -> list[Artist]:
    """What the lane of bits shows, for its legend."""
    dashes = {"color": color("muted"), "linewidth": 1, "linestyle": (0, (4, 3))}
    return [
        Line2D([], [], color=color(ENTROPY), label="entropy before the code"),
        Patch(color=color(SURPRISAL), alpha=0.38, linewidth=0, label="surprisal at the code"),
        Line2D([], [], **dashes, label="uniform prior"),
    ]
