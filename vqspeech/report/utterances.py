"""One utterance on one axis of time: its waveform, its codes, the phones they are read as, and the
phones that were spoken.

T samples, L frames.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vqspeech.report.drawing import canvas, finish
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
from vqspeech.report.phone_classes import OTHER, class_of


@dataclass(frozen=True, eq=False)
class Utterance:
    """What is known of an utterance; the codes are, the rest may not be."""

    name: str
    speaker: str
    codes: np.ndarray  # (L,)
    rate: float  # frames a second
    waveform: np.ndarray | None = None  # (T,) float in [-1, 1]
    sample_rate: int = 16000
    phones: Sequence[tuple[float, float, str]] = ()  # start and end in seconds, and the phone
    text: str = ""


def draw_utterance(
    name: str, utterance: Utterance, code_phones: Sequence[str] | None, most_seconds: float = 4.0
) -> Picture:
    """The lanes of an utterance, of its first seconds where it is long.

    Args:
        code_phones: the phone of each code; without it that lane is left out.
        most_seconds: shown.
    """
    seconds = min(len(utterance.codes) / utterance.rate, most_seconds)
    frames = int(np.ceil(seconds * utterance.rate - 1e-9))
    codes = utterance.codes[:frames]
    lanes = ["codes"]
    if code_phones is not None:
        lanes.append("read as")
    if utterance.phones:
        lanes.append("spoken")
    has_wave = utterance.waveform is not None
    height = 40 + len(lanes) * (LANE + GAP) + (WAVE + GAP if has_wave else 0)
    with canvas(WIDTH, height) as figure:
        top = height - 6
        if has_wave:
            axes = add_lane(figure, top, WAVE, seconds)
            draw_wave(axes, utterance.waveform, utterance.sample_rate, seconds)
            top -= WAVE + GAP
        for lane in lanes:
            axes = add_lane(figure, top, LANE, seconds)
            name_lane(axes, lane)
            if lane == "spoken":
                spans = [(s, min(e, seconds), p) for s, e, p in utterance.phones if s < seconds]
                classes = [class_of(p) for _, _, p in spans]
            else:
                named = codes if lane == "codes" else [code_phones[k] for k in codes]
                spans = code_runs(named, utterance.rate, seconds)
                classes = [
                    OTHER if code_phones is None else class_of(_phone(label, lane, code_phones))
                    for _, _, label in spans
                ]
            draw_spans(axes, spans, classes, seconds, is_small=lane == "codes")
            top -= LANE + GAP
        show_seconds(axes)
        alt, score = _describe(utterance, codes, code_phones, seconds)
        title = f"{utterance.name}, {utterance.speaker}{score}"
        rows = _rows(utterance, codes, code_phones)
        return finish(figure, name, title, alt, rows, utterance.text)


def frame_phones(
    phones: Sequence[tuple[float, float, str]], frames: int, rate: float
) -> list[str | None]:
    """The phone at the centre of each frame; None in a gap.

    Args:
        phones: start and end in seconds, and the phone, in order.
    """
    if not phones:
        return [None] * frames
    centres = (np.arange(frames) + 0.5) / rate
    index = np.searchsorted([start for start, _, _ in phones], centres, side="right") - 1
    return [
        phones[i][2] if i >= 0 and centre < phones[i][1] else None
        for i, centre in zip(index.tolist(), centres.tolist(), strict=True)
    ]


def code_runs(
    names: Sequence[object], rate: float, seconds: float
) -> list[tuple[float, float, str]]:
    """Start and end in seconds, at most `seconds`, and the name of each run of equal ones."""
    spans, start = [], 0
    for i in range(1, len(names) + 1):
        if i == len(names) or names[i] != names[start]:
            spans.append((start / rate, min(i / rate, seconds), str(names[start])))
            start = i
    return spans


def _phone(label: object, lane: str, code_phones: Sequence[str]) -> str:
    return code_phones[int(label)] if lane == "codes" else str(label)


def _describe(
    utterance: Utterance, codes: np.ndarray, code_phones: Sequence[str] | None, seconds: float
) -> tuple[str, str]:
    alt = f"{seconds:.2f} s of {utterance.name}: {len(codes)} codes in"
    alt += f" {1 + int((codes[1:] != codes[:-1]).sum())} runs."
    spoken = [p for s, _, p in utterance.phones if s < seconds]
    if spoken:
        alt += f" Spoken: {' '.join(spoken)}."
    score = ""
    if code_phones is not None:
        read = [code_phones[k] for k in codes]
        alt += f" Read: {' '.join(label for _, _, label in code_runs(read, 1.0, 1e9))}."
        truth = frame_phones(utterance.phones, len(codes), utterance.rate)
        known = [i for i, phone in enumerate(truth) if phone is not None]
        if known:
            right = sum(read[i] == truth[i] for i in known) / len(known)
            score = f": {100 * right:.0f} % of these frames right"
    return alt, score


def _rows(
    utterance: Utterance, codes: np.ndarray, code_phones: Sequence[str] | None
) -> list[tuple[object, ...]]:
    truth = frame_phones(utterance.phones, len(codes), utterance.rate)
    rows: list[tuple[object, ...]] = [("start_seconds", "code", "read as", "spoken")]
    rows += [
        (i / utterance.rate, code, None if code_phones is None else code_phones[code], truth[i])
        for i, code in enumerate(codes.tolist())
    ]
    return rows
