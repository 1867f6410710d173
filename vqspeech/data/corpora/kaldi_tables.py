"""One data directory as Kaldi's recipes leave it, read for what can be used of it.

Order, line ends and tables that are not needed do not matter; what would do harm (an id that leaves
its folder, a speaker that is in doubt, audio that is not there) is skipped by name. Nothing is ever
run: `wav.scp` must name files.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from vqspeech.audio.waveform import read_header
from vqspeech.data.alignment import Phone, scan_phones
from vqspeech.data.corpora.as_found import (
    LooseTable,
    is_utf8,
    open_regular,
    read_loose_table,
)
from vqspeech.data.data_dir import Trim
from vqspeech.data.speech_tables import GENDER_TABLES
from vqspeech.data.tables import MAX_ID_BYTES, Entry, id_breach, parse_seconds
from vqspeech.errors import InputError, printable

ARCHIVE = re.compile(r"\.ark(:[0-9]+)?(\[.*\])?$")
GENDERS = {"m": "m", "male": "m", "f": "f", "female": "f"}
BAD_ID = (
    "ids may not hold '/', '..', spaces or control characters, begin with '-' or '.' or pass"
    f" {MAX_ID_BYTES} bytes"
)
NO_AUDIO = "its audio file is not where wav.scp says"
CHANNELS = "of one file with another recording; write each channel to a file of its own"


class FoundUtterance(NamedTuple):
    """An utterance that can be used."""

    speaker: str
    audio: Path
    start_seconds: float | None  # None: the whole file
    end_seconds: float | None
    text: str | None
    trimmed: Trim  # what `vqspeech prepare` cut off, where it wrote the directory


@dataclass
class FoundDir:
    """What a data directory holds; ids are those of its tables."""

    path: Path
    utterances: dict[str, FoundUtterance] = field(default_factory=dict)
    genders: dict[str, str] = field(default_factory=dict)  # m or f, by speaker
    accents: dict[str, str] = field(default_factory=dict)  # by speaker
    phones: dict[str, tuple[Phone, ...]] = field(default_factory=dict)  # as phones.ctm has them
    skipped: list[tuple[str, str]] = field(default_factory=list)  # id and reason
    remarks: list[str] = field(default_factory=list)  # what else is so with its tables
    has_segments: bool = False
    first_missing: str | None = None  # where wav.scp names a file that is not there


def read_found_dir(folder: Path) -> FoundDir:
    """Read the tables of `folder`; audio is looked for and not opened.

    Raises:
        InputError: no wav.scp or utt2spk, a table that cannot be read, or audio that wav.scp gives
            as a command or in an archive.
    """
    found = FoundDir(folder, has_segments=os.path.lexists(folder / "segments"))
    wav_scp = _read(found, "wav.scp", remedy="a line 'UTTERANCE FILE' for each")
    _check_files(folder / "wav.scp", wav_scp.entries)
    utt2spk = _read(found, "utt2spk", remedy="a line 'UTTERANCE SPEAKER' for each")
    origin = _read(found, "segments") if found.has_segments else wav_scp
    table = "segments" if found.has_segments else "wav.scp"
    text = _read(found, "text")
    locate = _locator(folder)
    channels = _channels(wav_scp, locate)
    trims = _read_trims(found)
    for key in sorted({*utt2spk.entries, *origin.entries}):
        try:
            speaker = _speaker_of(key, utt2spk, origin, table)
            recording, start, end = key, None, None
            if found.has_segments:
                recording, start, end = _stretch(origin.entries[key].value)
            audio = _audio_of(found, recording, wav_scp, locate)
            if recording in channels:
                raise _SkippedError(CHANNELS)
            if end == -1:
                end = _end_of(audio)
        except _SkippedError as reason:
            found.skipped.append((printable(key), str(reason)))
            continue
        words = " ".join(text.entries[key].value.split()) if key in text.entries else ""
        words = words if is_utf8(words) else ""
        trimmed = trims.get(key, Trim())
        found.utterances[key] = FoundUtterance(speaker, audio, start, end, words or None, trimmed)
    undecoded = sum(not is_utf8(entry.value) for entry in text.entries.values())
    if undecoded:
        found.remarks.append(f"{folder / 'text'}: {undecoded} lines are not UTF-8; without words")
    _read_speakers(found)
    if os.path.lexists(folder / "phones.ctm"):
        _read_phones(found, folder / "phones.ctm", set(utt2spk.entries))
    return found


class _SkippedError(Exception):
    """Why one utterance cannot be used; told by `read_found_dir`, never raised out of it."""


def _read(found: FoundDir, name: str, remedy: str | None = None) -> LooseTable:
    """A table; an empty one for a file that is not there, unless that has a remedy."""
    path = found.path / name
    # A link to nothing is there, and reading it says what is wrong.
    if not os.path.lexists(path):
        if remedy is not None:
            raise InputError(f"{path}: no such file; {remedy} is wanted in it; write it first")
        return LooseTable({}, frozenset(), 0)
    table = read_loose_table(path)
    if repeated := table.num_repeated:
        found.remarks.append(f"{path}: {repeated} lines for what other lines are for already")
    return table


def _check_files(wav_scp: Path, entries: Mapping[str, Entry]) -> None:
    for line, value in entries.values():
        place = f"{wav_scp}:{line}"
        if value.startswith("|") or value.endswith("|"):
            words = value.strip("| \t").split()
            program = printable(words[0]) if words else "|"
            raise InputError(
                f"{place}: a shell command ({program} ...), and none is run; write the audio to"
                f" files and name those{_shorter_way(value.lower())}"
            )
        if ARCHIVE.search(value):
            raise InputError(
                f"{place}: audio in an archive (.ark); write it to files and name those, as"
                " with wav-copy"
            )


def _shorter_way(command: str) -> str:
    if "vctk" in command or "wav48" in command:
        return "; for VCTK 'vqspeech prepare vctk' is the shorter way"
    if "librispeech" in command:
        return "; for LibriSpeech 'vqspeech prepare librispeech' is the shorter way"
    if "flac" in command or "sph" in command:
        return "; for LibriSpeech and VCTK 'vqspeech prepare librispeech|vctk' is the shorter way"
    return ""


def _speaker_of(key: str, utt2spk: LooseTable, origin: LooseTable, table: str) -> str:
    if id_breach(key):
        raise _SkippedError(BAD_ID)
    if key not in utt2spk.entries:
        raise _SkippedError(f"in {table} but not in utt2spk")
    if key not in origin.entries:
        raise _SkippedError(f"in utt2spk but not in {table}")
    if key in utt2spk.disputed:
        raise _SkippedError("twice in utt2spk, with two speakers")
    if key in origin.disputed:
        raise _SkippedError(f"twice in {table}, with two values")
    speaker = utt2spk.entries[key].value
    if len(speaker.split()) != 1:
        raise _SkippedError("not one speaker in utt2spk")
    if id_breach(speaker):
        raise _SkippedError(f"its speaker's id cannot be used: {BAD_ID}")
    return speaker


def _stretch(value: str) -> tuple[str, float, float]:
    """Recording, start and end of a line of `segments`; the end is -1 for that of the file."""
    recording, *times = value.split()
    if len(times) == 3:
        raise _SkippedError("its segment is of one channel; write each channel to its own file")
    seconds = [parse_seconds(time) for time in times]
    if len(seconds) != 2 or None in seconds or seconds[0] < 0:
        raise _SkippedError("its segment is not 'UTTERANCE RECORDING START END' in seconds")
    if seconds[1] <= seconds[0] and seconds[1] != -1:
        raise _SkippedError("its segment ends before it begins")
    return recording, seconds[0], seconds[1]


def _audio_of(
    found: FoundDir, recording: str, wav_scp: LooseTable, locate: Callable[[str], Path | None]
) -> Path:
    if recording not in wav_scp.entries:
        raise _SkippedError("its recording is not in wav.scp")
    if recording in wav_scp.disputed:
        raise _SkippedError("its recording is twice in wav.scp, with two files")
    line, value = wav_scp.entries[recording]
    audio = locate(value) if value else None
    if audio is None:
        if found.first_missing is None:
            found.first_missing = f"{found.path / 'wav.scp'}:{line}: {printable(value)}"
        raise _SkippedError(NO_AUDIO)
    return audio


def _locator(folder: Path) -> Callable[[str], Path | None]:
    """A function that finds a file of wav.scp, or gives None."""
    here = folder.absolute()
    # Recipes run two folders above their data, and name audio from there.
    bases = tuple(dict.fromkeys((here, Path.cwd(), *here.parents)))
    known: dict[str, Path | None] = {}

    def locate(value: str) -> Path | None:
        if value not in known:
            candidates = (base / value for base in bases)
            known[value] = next((path for path in candidates if os.path.isfile(path)), None)
        return known[value]

    return locate


def _channels(wav_scp: LooseTable, locate: Callable[[str], Path | None]) -> set[str]:
    """Recordings that share a file with another one, and so would be the same sound."""
    sharing: dict[tuple[int, int], set[str]] = {}
    for recording, (_, value) in wav_scp.entries.items():
        if value and (audio := locate(value)) is not None:
            status = os.stat(audio)  # links and other spellings of its name do not count
            sharing.setdefault((status.st_dev, status.st_ino), set()).add(recording)
    return {name for names in sharing.values() if len(names) > 1 for name in names}


def _read_trims(found: FoundDir) -> dict[str, Trim]:
    trims = {}
    odd = 0
    for key, (_, value) in _read(found, "utt2trim").entries.items():
        seconds = [parse_seconds(field) for field in value.split()]
        if len(seconds) == 2 and None not in seconds and min(seconds) >= 0:
            trims[key] = Trim(*seconds)
        else:
            odd += 1
    if odd:
        path = found.path / "utt2trim"
        found.remarks.append(f"{path}: {odd} lines without two numbers of seconds, passed over")
    return trims


def _end_of(audio: Path) -> float:
    try:
        header = read_header(audio)
    except InputError as error:
        raise _SkippedError("its segment goes to the end of a file that cannot be read") from error
    return header.length / header.sample_rate


def _read_speakers(found: FoundDir) -> None:
    for name in GENDER_TABLES:
        unknown = 0
        for speaker, (_, value) in _read(found, name).entries.items():
            gender = GENDERS.get(value.lower())
            unknown += gender is None
            if gender is not None:
                found.genders[speaker] = gender
        if unknown:
            path = found.path / name
            found.remarks.append(f"{path}: {unknown} lines with neither m nor f, passed over")
    for speaker, (_, value) in _read(found, "spk2accent").entries.items():
        if value and is_utf8(value):
            found.accents[speaker] = " ".join(value.split())


def _read_phones(found: FoundDir, path: Path, known: set[str]) -> None:
    durations = {
        key: utterance.end_seconds - utterance.start_seconds
        for key, utterance in found.utterances.items()
        if utterance.start_seconds is not None and utterance.end_seconds is not None
    }
    with open_regular(path) as file:
        num_lines = sum(bool(line.strip()) for line in file)
    breaches: list[str] = []
    phones = found.phones = scan_phones(path, breaches.append, None, durations)
    lost = num_lines - sum(map(len, phones.values()))
    if lost:
        # Line ends are told as breaches too, but cost nothing.
        first = next((text for text in breaches if "carriage return" not in text), breaches[0])
        found.remarks.append(f"{lost} lines of phones were left out, first: {first}")
    if strangers := len(set(phones) - known):
        found.remarks.append(f"{path}: phones of {strangers} utterances that utt2spk lacks")
