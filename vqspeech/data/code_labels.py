"""Codes to look at beside the sound: as a TextGrid of Praat, or as labels of Audacity.

A run of equal codes is one interval with the code's number as its label; so is a run of frames that
read as one phone, and a phone of an alignment. Both formats are for eyes: hop, rate and model are
not in them, so that the codes cannot be spoken again. L is frames, G groups.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vqspeech.files import write_text

# Tables hold tenths of milliseconds: what lies closer together touches, and what is shorter is
# the noise of adding such numbers.
_TOUCHING_SECONDS = 5e-5


class Interval(NamedTuple):
    """A stretch of time with one label; an empty label where nothing is known."""

    start_seconds: float
    end_seconds: float
    label: str


def label_codes(
    codes: np.ndarray,
    *,
    hop: int,
    sample_rate: int,
    samples: int,
    names: Sequence[str] | None = None,
) -> list[Interval]:
    """Runs of equal codes, from 0 to the end of the recording, without a gap.

    Args:
        codes: (L,) integers; of (L, G), a run ends where any group changes, and a label holds one
            number a group.
        hop: samples a frame.
        sample_rate: Hz.
        samples: of the recording, which ends within the last frame, and with it the last run.
        names: what the numbers stand for, phones for example.

    Raises:
        ValueError: no codes, or the recording does not end in the last frame.
    """
    codes = np.asarray(codes)
    if not 0 <= len(codes) * hop - samples < hop or not len(codes):
        raise ValueError(f"{len(codes)} codes of {hop} samples for {samples} samples of audio")
    rows = codes.reshape(len(codes), -1)  # (L, G)
    changes = np.flatnonzero((rows[1:] != rows[:-1]).any(axis=1)) + 1
    firsts = [0, *changes.tolist()]
    # One number for the end of a run and the start of the next: equal, not merely close.
    edges = [first * hop / sample_rate for first in firsts] + [samples / sample_rate]
    texts = str if names is None else names.__getitem__
    labels = [" ".join(map(texts, row)) for row in rows[firsts].tolist()]
    return [Interval(*run) for run in zip(edges[:-1], edges[1:], labels, strict=True)]


def label_phones(phones: Iterable[tuple[float, float, str]], seconds: float) -> list[Interval]:
    """Phones of an alignment, from 0 to the end of the recording, gaps with an empty label.

    Args:
        phones: start, duration in seconds and label of each, in time. Of two that overlap, as
            rounding makes them, the first one ends where it said.
        seconds: of the recording; what lies behind it is cut off.
    """
    rows: list[Interval] = []
    end = 0.0
    for start, duration, label in phones:
        stop = min(round(start + duration, 6), seconds)  # 0.01 + 0.2 is more than 0.21
        if start - end < _TOUCHING_SECONDS:
            start = end
        if stop - start < _TOUCHING_SECONDS:
            continue
        if start > end:
            rows.append(Interval(end, start, ""))
        rows.append(Interval(start, stop, label))
        end = stop
    if seconds - end >= _TOUCHING_SECONDS or not rows:
        rows.append(Interval(end, seconds, ""))
    else:
        rows[-1] = rows[-1]._replace(end_seconds=seconds)
    return rows


def format_text_grid(tiers: Mapping[str, Sequence[Interval]]) -> str:
    """The long text form of a TextGrid with interval tiers.

    Args:
        tiers: by name, each from the same begin to the same end without a gap, as Praat wants it.

    Raises:
        ValueError: no tier, or tiers of other times.
    """
    edges = {(rows[0].start_seconds, rows[-1].end_seconds) for rows in tiers.values()}
    if len(edges) != 1:
        raise ValueError(f"tiers from {sorted(edges)} s, one begin and end was wanted")
    begin, end = map(_number, edges.pop())
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', ""]
    lines += [f"xmin = {begin} ", f"xmax = {end} ", "tiers? <exists> "]
    lines += [f"size = {len(tiers)} ", "item []: "]
    for place, (name, rows) in enumerate(tiers.items(), start=1):
        lines += [f"    item [{place}]:", '        class = "IntervalTier" ']
        lines += [f"        name = {_quoted(name)} ", f"        xmin = {begin} "]
        lines += [f"        xmax = {end} ", f"        intervals: size = {len(rows)} "]
        for number, (start, stop, label) in enumerate(rows, start=1):
            lines.append(
                f"        intervals [{number}]:\n            xmin = {_number(start)} \n"
                f"            xmax = {_number(stop)} \n            text = {_quoted(label)} "
            )
    return "\n".join(lines) + "\n"


def format_labels(intervals: Iterable[Interval]) -> str:
    """An Audacity label track: a line `start<TAB>end<TAB>label` each, in seconds.

    Intervals without a label are left out: a track may have gaps.
    """
    return "".join(
        # A label ends with its line.
        f"{start:.6f}\t{end:.6f}\t{' '.join(label.split())}\n"
        for start, end, label in intervals
        if label
    )


def save_text_grid(
    path: str | os.PathLike, codes: np.ndarray, *, hop: int, sample_rate: int, samples: int
) -> None:
    """Write a Praat TextGrid with an interval tier `codes`, or `codes-1` to `codes-G`.

    Args:
        codes: (L,) or (L, G); for the rest see `label_codes`.

    Raises:
        WriteError: the file cannot be written.
    """
    times = {"hop": hop, "sample_rate": sample_rate, "samples": samples}
    write_text(path, format_text_grid(code_tiers(codes, **times)))


def code_tiers(
    codes: np.ndarray, *, hop: int, sample_rate: int, samples: int
) -> dict[str, list[Interval]]:
    """The tier `codes` of codes (L,), or `codes-1` to `codes-G` of (L, G); see `label_codes`."""
    codes = np.asarray(codes)
    columns = {"codes": codes}
    if codes.ndim == 2:
        columns = {f"codes-{g + 1}": codes[:, g] for g in range(codes.shape[1])}
    return {
        name: label_codes(column, hop=hop, sample_rate=sample_rate, samples=samples)
        for name, column in columns.items()
    }


def save_labels(
    path: str | os.PathLike, codes: np.ndarray, *, hop: int, sample_rate: int, samples: int
) -> None:
    """Write an Audacity label track of the runs of codes.

    Args:
        codes: (L,) or (L, G); for the rest see `label_codes`.

    Raises:
        WriteError: the file cannot be written.
    """
    runs = label_codes(codes, hop=hop, sample_rate=sample_rate, samples=samples)
    write_text(path, format_labels(runs))


# The writer of each suffix, which is looked up in lower case.
LABEL_WRITERS = {".textgrid": save_text_grid, ".txt": save_labels}


def is_label_file(path: str | os.PathLike) -> bool:
    """Whether the name is that of a file with labels, in whatever case."""
    return Path(path).suffix.lower() in LABEL_WRITERS


def _number(seconds: float) -> str:
    # Praat reads 1e-05, other readers do not.
    text = repr(float(seconds))
    return text if "e" not in text else np.format_float_positional(seconds)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
