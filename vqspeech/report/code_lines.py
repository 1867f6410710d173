"""The codes of a whole recording under its waveform, line below line as text is written.

T samples, L frames, G groups; x is in seconds from the beginning of the recording.
"""

import numpy as np
from matplotlib.figure import Figure

from vqspeech.report.drawing import canvas, finish
from vqspeech.report.lanes import (
    GAP,
    LANE,
    WIDTH,
    add_lane,
    draw_spans,
    draw_wave,
    name_lane,
    show_seconds,
)
from vqspeech.report.page import Picture
from vqspeech.report.phone_classes import OTHER
from vqspeech.report.utterances import code_runs

LINE_SECONDS = 2.5  # of a line: a code that lasts 40 ms has room for its number at 50 a second
WAVE, AXIS, LABEL = 44, 22, 16  # pixels: the waveform, the seconds under a line, and their name


def draw_code_lines(
    name: str,
    codes: np.ndarray,
    rate: float,
    waveform: np.ndarray,
    sample_rate: int,
) -> Picture:
    """Runs of equal codes as bars with their numbers; a lane for each group.

    Args:
        name: of the picture, unique in the page.
        codes: (L,) or (L, G), L > 0.
        rate: frames a second.
        waveform: (T,) float.
        sample_rate: Hz.

    Raises:
        ValueError: no codes.
    """
    if not len(codes):
        raise ValueError("codes are wanted, at least one")
    grouped = codes.reshape(len(codes), -1)  # (L, G)
    lanes = [f"codes {g}" for g in range(1, grouped.shape[1] + 1)] if codes.ndim > 1 else ["codes"]
    per_line = max(1, round(LINE_SECONDS * rate))
    firsts = range(0, len(codes), per_line)
    line = WAVE + GAP + len(lanes) * (LANE + GAP) + AXIS
    height = len(firsts) * line + LABEL
    with canvas(WIDTH, height) as figure:
        for number, first in enumerate(firsts):
            part = slice(first, first + per_line)
            start, seconds = first / rate, per_line / rate
            samples = waveform[round(start * sample_rate) :]
            axes = add_lane(figure, height - number * line, WAVE, seconds)
            draw_wave(axes, samples, sample_rate, seconds)
            axes.set_ylim(*_limits(waveform))
            top = height - number * line - WAVE - GAP
            for lane, row in zip(lanes, grouped[part].T, strict=True):
                axes = _draw_lane(figure, top, lane, row, rate, start, seconds)
                top -= LANE + GAP
            show_seconds(axes)
            if first + per_line < len(codes):
                axes.set_xlabel("")
        runs = len(code_runs([tuple(row) for row in grouped.tolist()], rate, np.inf))
        length = len(waveform) / sample_rate
        alt = f"{length:.2f} s of speech as {len(codes)} codes in {runs} runs."
        rows = [("start_seconds", *lanes)]
        rows += [(i / rate, *row) for i, row in enumerate(grouped.tolist())]
        return finish(figure, name, "Codes", alt, rows)


def _draw_lane(
    figure: Figure,
    top: float,
    lane: str,
    codes: np.ndarray,
    rate: float,
    start: float,
    seconds: float,
):
    """The runs of one group in one line; the axes are returned."""
    axes = add_lane(figure, top, LANE, seconds)
    name_lane(axes, lane)
    spans = [
        (start + begin, start + end, label)
        for begin, end, label in code_runs(codes.tolist(), rate, seconds)
    ]
    draw_spans(axes, spans, [OTHER] * len(spans), seconds, is_small=True)
    axes.set_xlim(start, start + seconds)
    return axes


def _limits(waveform: np.ndarray) -> tuple[float, float]:
    """The same for all lines, so that what is loud looks loud."""
    limit = max(float(np.abs(waveform).max(initial=0)), 1e-3) * 1.02
    return -limit, limit
