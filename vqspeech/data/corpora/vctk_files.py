"""The files of VCTK by name: `p225_001.wav`, `p225_001_mic1.flac`, `p225_001.txt`.

No file is opened, and none is asked for more than its name, since there are 88,000 of them.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from vqspeech.data.corpora.folder import AUDIO, UNREADABLE
from vqspeech.errors import InputError, printable

ODD_NAME = "a name that is not SPEAKER_NUMBER, SPEAKER being that of the folder"
# A number is bounded so that no id is longer than an id may be.
_SPEAKER = re.compile(r"p?[0-9]{1,9}|s5", re.IGNORECASE)
_RECORDING = re.compile(r"(p?[0-9]{1,9}|s5)_([0-9]{1,9})(?:_(mic[12]))?", re.IGNORECASE)


class Name(NamedTuple):
    """What the name of a recording or of a text says."""

    speaker: str
    id: str  # of the utterance, `p225_001`
    mic: str | None  # `mic1` or `mic2`; None: not in the name


class Take(NamedTuple):
    """One file of a recording; what is smaller is to be preferred."""

    is_unnamed: bool  # no microphone in its name
    rank: int  # of its format
    path: str
    suffix: str
    mic: str | None


class VctkFiles(NamedTuple):
    """What lies in a folder of audio."""

    takes: dict[str, list[Take]]  # by utterance id
    texts: dict[str, str]  # paths of texts that lie among the audio, by utterance id
    skipped: list[tuple[str, str]]  # name and reason


def read_speaker(name: str) -> str | None:
    """The speaker that a folder or a row is named after, `p225` for `225`; None for others."""
    if not _SPEAKER.fullmatch(name):
        return None
    return f"p{name}" if name.isdigit() else name.lower()


def read_name(stem: str) -> Name | None:
    """What `p225_001_mic1` says; None for what is not of the form SPEAKER_NUMBER."""
    match = _RECORDING.fullmatch(stem)
    if match is None:
        return None
    name, number, mic = match.groups()
    speaker = f"p{name}" if name.isdigit() else name.lower()
    return Name(speaker, f"{speaker}_{number}", mic and mic.lower())


def is_recording(name: str, speaker: str | None = None) -> bool:
    """Whether a file of that name is audio called SPEAKER_NUMBER, of `speaker` where given."""
    stem, suffix = os.path.splitext(name)
    found = read_name(stem)
    return suffix.lower() in AUDIO and found is not None and speaker in (None, found.speaker)


def list_entries(folder: str | os.PathLike) -> list[os.DirEntry]:
    """What lies in `folder` but for hidden things, by name.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            found = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        place = os.fspath(folder)
        raise InputError(f"{place}: cannot be read ({error.strerror}); allow it") from error
    return sorted(found, key=lambda entry: entry.name)


def leads_to_folder(entry: os.DirEntry) -> bool:
    """Whether `entry` is a folder or a link to one."""
    try:
        return entry.is_dir()
    except OSError:  # a link to itself or into a closed folder; whoever opens it will say so
        return False


def list_audio(audio: Path, leave_out: Path | None) -> VctkFiles:
    """All files in a folder of speakers, or of recordings.

    Raises:
        InputError: a folder that cannot be read.
    """
    files = VctkFiles({}, {}, [])
    left_out = None if leave_out is None else os.path.realpath(leave_out)
    for entry in list_entries(audio):
        speaker = read_speaker(entry.name)
        is_folder = leads_to_folder(entry)
        if is_folder and (entry.name.lower() == "txt" or os.path.realpath(entry.path) == left_out):
            continue
        if is_folder and speaker:
            _list_speaker(speaker, entry, files)
        elif is_folder:
            files.skipped.append((printable(entry.name), "a folder not named after a speaker"))
        elif speaker:
            files.skipped.append((printable(entry.name), "a speaker's name, but no folder"))
        elif _is_of_corpus(entry.name):
            _sort_file(entry, None, files)
    return files


def _is_of_corpus(name: str) -> bool:
    """Whether a file beside speakers' folders should be one of theirs, unlike a LICENSE."""
    stem, suffix = os.path.splitext(name)
    return read_name(stem) is not None or suffix.lower() in (*AUDIO, *UNREADABLE)


def _list_speaker(speaker: str, folder: os.DirEntry, files: VctkFiles) -> None:
    entries = list_entries(folder)
    if not entries:
        files.skipped.append((folder.name, "an empty folder"))
    for entry in entries:
        if leads_to_folder(entry):
            files.skipped.append((printable(f"{folder.name}/{entry.name}"), "no audio file"))
        else:
            _sort_file(entry, speaker, files)


def _sort_file(entry: os.DirEntry, speaker: str | None, files: VctkFiles) -> None:
    """Put a file where it belongs; in the folder of `speaker` it must be named after them."""
    stem, suffix = os.path.splitext(entry.name)
    suffix = suffix.lower()
    name = read_name(stem)
    is_named = name is not None and name.speaker == (speaker or name.speaker)
    if suffix == ".txt" and is_named:
        files.texts.setdefault(name.id, entry.path)
    elif suffix in UNREADABLE:
        files.skipped.append((printable(entry.name), f"{suffix} cannot be read, convert it"))
    elif suffix not in AUDIO:
        files.skipped.append((printable(entry.name), "no audio file"))
    elif not is_named:
        files.skipped.append((printable(entry.name), ODD_NAME))
    else:
        rank = AUDIO.index(suffix)
        take = Take(name.mic is None, rank, entry.path, suffix, name.mic)
        files.takes.setdefault(name.id, []).append(take)


def choose_takes(
    takes: Mapping[str, list[Take]], mic: str
) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The file of each utterance id at one microphone, and (name, reason) of what is not taken.

    A recording that names no microphone counts as the first.
    """
    chosen = {}
    skipped = []
    for key, all_takes in takes.items():
        usable = sorted(t for t in all_takes if t.mic == mic or (not t.mic and mic == "mic1"))
        if not usable:
            skipped.append((key, f"no {mic} recording"))
            continue
        chosen[key] = usable[0].path
        for other in usable[1:]:
            is_same = other.suffix == usable[0].suffix
            # Two of one format lie in different folders, `225` and `p225`, which is then said.
            name = "/".join(Path(other.path).parts[-2 if is_same else -1 :])
            reason = (
                "also there by another name" if is_same else f"also there as {usable[0].suffix}"
            )
            skipped.append((printable(name), reason))
    return chosen, skipped


def list_texts(
    folder: Path, only: str | None = None
) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Paths of the texts by utterance id, and (name, reason) of those whose names do not fit.

    Args:
        folder: holds `p225/p225_001.txt`, or the texts themselves.
        only: the one speaker whose texts are wanted.

    Raises:
        InputError: a folder that cannot be read.
    """
    texts: dict[str, str] = {}
    skipped = []
    for entry in list_entries(folder):
        speaker = read_speaker(entry.name)
        if only and speaker and speaker != only:
            continue
        for file in list_entries(entry) if speaker and leads_to_folder(entry) else [entry]:
            stem, suffix = os.path.splitext(file.name)
            if suffix.lower() != ".txt":
                continue
            name = read_name(stem)
            if name is None or name.speaker != (speaker or name.speaker):
                skipped.append((printable(file.name), ODD_NAME))
            elif name.speaker == (only or name.speaker):
                texts.setdefault(name.id, file.path)
    return texts, skipped
