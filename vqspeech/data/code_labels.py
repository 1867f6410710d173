"""Codes to look at beside the sound: as a TextGrid of Praat, or as labels of Audacity.

A run of equal codes is one interval with the code's number as its label. Both formats are for
eyes: hop, rate and model are not in them, so that the codes cannot be spoken again. L is frames, G
groups.
"""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vqspeech.files import atomic_path, write_text


class Interval(NamedTuple):
    """A run of equal codes."""

    start_seconds: float
    end_seconds: float
    label: str


def label_codes(codes: np.ndarray, *, hop: int, sample_rate: int, samples: int) -> list[Interval]:
    """Runs of equal codes, from 0 to the end of the recording, without a gap.

    Args:
        codes: (L,) integers; of (L, G), a run ends where any group changes, and a label holds one
            number a group.
        hop: samples a frame.
        sample_rate: Hz.
        samples: of the recording, which ends within the last frame, and with it the last run.

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
    labels = [" ".join(map(str, rows[first].tolist())) for first in firsts]
    return [Interval(*run) for run in zip(edges[:-1], edges[1:], labels, strict=True)]


def save_text_grid(
    path: str | os.PathLike, codes: np.ndarray, *, hop: int, sample_rate: int, samples: int
) -> None:
    """Write a Praat TextGrid with an interval tier `codes`, or `codes-1` to `codes-G`.

    Args:
        codes: (L,) or (L, G); for the rest see `label_codes`.

    Raises:
        WriteError: the file cannot be written.
    """
    from praatio.textgrid import IntervalTier, Textgrid

    codes, end = np.asarray(codes), samples / sample_rate
    tiers = {"codes": codes}
    if codes.ndim == 2:
        tiers = {f"codes-{g + 1}": codes[:, g] for g in range(codes.shape[1])}
    grid = Textgrid(0, end)
    for name, column in tiers.items():
        runs = label_codes(column, hop=hop, sample_rate=sample_rate, samples=samples)
        grid.addTier(IntervalTier(name, [tuple(run) for run in runs], 0, end))
    with atomic_path(path) as temporary:
        grid.save(str(temporary), "long_textgrid", includeBlankSpaces=True)


def save_labels(
    path: str | os.PathLike, codes: np.ndarray, *, hop: int, sample_rate: int, samples: int
) -> None:
    """Write an Audacity label track: a line `start<TAB>end<TAB>label` a run, in seconds.

    Args:
        codes: (L,) or (L, G); for the rest see `label_codes`.

    Raises:
        WriteError: the file cannot be written.
    """
    runs = label_codes(codes, hop=hop, sample_rate=sample_rate, samples=samples)
    write_text(path, "".join(f"{start:.6f}\t{end:.6f}\t{label}\n" for start, end, label in runs))


# The writer of each suffix, which is looked up in lower case.
LABEL_WRITERS = {".textgrid": save_text_grid, ".txt": save_labels}


def is_label_file(path: str | os.PathLike) -> bool:
    """Whether the name is that of a file with labels, in whatever case."""
    return Path(path).suffix.lower() in LABEL_WRITERS
