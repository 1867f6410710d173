"""What both ways to an alignment share: the file that they write, and what they tell of it."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vqspeech.audio.waveform import read_header
from vqspeech.data.alignment import Phone, format_phones
from vqspeech.data.data_dir import DataDir
from vqspeech.data.phone_set import SIZES, in_set
from vqspeech.errors import InputError, UsageError, WriteError, name_some, tell_skipped
from vqspeech.files import atomic_path, check_writable, is_folder

Skipped = tuple[str, str]  # a name, and why it is skipped in the words of all of its kind


@dataclass(frozen=True)
class Aligned:
    """What became of the utterances of a data directory."""

    path: Path  # the `phones.ctm`
    num_utterances: int
    num_aligned: int
    num_labels: int  # different ones
    seconds: float  # labelled
    without: tuple[str, ...]  # utterances that have no alignment
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...]  # for the user, once; the skipped and those without are among them


class Alignment:
    """The lines of a `phones.ctm` as they come in, in whatever order.

    Args:
        size: of the set of phones, one of `SIZES`.
    """

    def __init__(self, size: int):
        self._size = size
        self._lines: dict[str, str] = {}  # text takes a tenth of the memory of its phones
        self._labels: set[str] = set()
        self._seconds = 0.0

    def add(self, utterance: str, phones: Iterable[Phone]) -> bool:
        """Take the phones, of the set of 41, of an utterance; False where the set has none."""
        kept = []
        for start, duration, label in phones:
            if (folded := in_set(label, self._size)) is not None:
                kept.append(Phone(start, duration, folded))
        if kept:
            self._lines[utterance] = format_phones({utterance: kept})
            self._labels.update(phone.label for phone in kept)
            self._seconds += sum(phone.duration_seconds for phone in kept)
        return bool(kept)

    def write(self, data_dir: DataDir, skipped: Iterable[Skipped], notes: Iterable[str]) -> Aligned:
        """Write `phones.ctm` in one step and sum up.

        Raises:
            WriteError: the system refused.
        """
        path = data_dir.path / "phones.ctm"
        with (
            atomic_path(path) as temporary,
            open(temporary, "w", encoding="utf-8", newline="\n") as file,
        ):
            file.writelines(self._lines[key] for key in sorted(self._lines))
        without = tuple(key for key in data_dir if key not in self._lines)
        notes, skipped = [*notes, *tell_skipped(skipped)], tuple(skipped)
        if without:
            notes.append(
                f"{path}: {len(without)} of {len(data_dir)} utterances have no alignment:"
                f" {name_some(without)}"
            )
        return Aligned(
            path,
            len(data_dir),
            len(self._lines),
            len(self._labels),
            self._seconds,
            without,
            skipped,
            tuple(notes),
        )

    def __len__(self) -> int:
        return len(self._lines)


def check_alignment_target(
    data: str | os.PathLike, *, phones: int = 41, overwrite: bool = False
) -> None:
    """Refuse, before any work, what could not be written.

    Raises:
        UsageError: no set of so many phones.
        InputError: no such data directory.
        WriteError: there is an alignment already, or the folder cannot be written.
    """
    if phones not in SIZES:
        raise UsageError(f"--phones {phones}: no such set; one of {', '.join(map(str, SIZES))}")
    if not is_folder(data):
        raise InputError(f"{data}: no such folder; 'vqspeech prepare' makes data directories")
    path = Path(data) / "phones.ctm"
    if os.path.lexists(path) and not overwrite:
        raise WriteError(f"{path}: is there already; --overwrite replaces it")
    check_writable(path)


def length_of(data_dir: DataDir, utterance: str) -> float:
    """Seconds of an utterance: as a table has it, or its audio.

    Raises:
        InputError: no table has it and the audio cannot be read.
    """
    if (seconds := data_dir.durations.get(utterance)) is not None:
        return seconds
    found = data_dir[utterance]
    if found.start_seconds is not None:
        return found.end_seconds - found.start_seconds
    header = read_header(found.audio)
    if not header.length:
        raise InputError(f"{found.audio}: does not say how long it is; prepare the data again")
    return header.length / header.sample_rate
