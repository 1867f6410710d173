"""Data directories: what is said by whom in which file, as Kaldi's sorted text tables.

wav.scp     utterance path           a file, relative to the directory itself or absolute
utt2spk     utterance speaker        the speaker's id begins the utterance's
spk2utt     speaker utterance...     its inverse
text        utterance words...       optional, as all below
segments    utterance recording start end      in seconds; `wav.scp` then names recordings
utt2dur     utterance seconds
utt2trim    utterance start end      seconds cut off the recording, where silent edges were cut
spk2gender  speaker m|f            or spk2gender_partial, where not all are known
spk2accent  speaker words...
phones.ctm  see `alignment.py`
"""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from vqspeech.data.alignment import Phone, format_phones, read_phones
from vqspeech.data.speech_tables import (
    GENDER_TABLES,
    SpeechTables,
    scan_speech_tables,
    write_speech_tables,
)
from vqspeech.data.tables import (
    Entry,
    Report,
    compare_keys,
    format_table,
    parse_seconds,
    read_table,
    stop,
)
from vqspeech.errors import InputError
from vqspeech.files import atomic_directory, check_replaceable, follow_link, is_folder

TABLES = (
    "wav.scp",
    "utt2spk",
    "spk2utt",
    "text",
    "segments",
    "utt2dur",
    "utt2trim",
    *GENDER_TABLES,
    "spk2accent",
    "phones.ctm",
)


class Trim(NamedTuple):
    """Seconds that preparation cut off both ends of a recording."""

    start_seconds: float = 0.0
    end_seconds: float = 0.0


@dataclass(frozen=True)
class Utterance:
    """A stretch of speech by one speaker."""

    id: str
    speaker: str
    audio: Path | None  # None in a code directory
    text: str | None = None
    start_seconds: float | None = None  # None: the whole file
    end_seconds: float | None = None


@dataclass(frozen=True, eq=False)
class DataDir(Mapping[str, Utterance]):
    """The utterances of a data directory by id, sorted, and what is known of their speakers."""

    path: Path
    utterances: dict[str, Utterance]
    genders: dict[str, str] = field(default_factory=dict)  # m or f, by speaker
    accents: dict[str, str] = field(default_factory=dict)  # by speaker
    durations: dict[str, float] = field(default_factory=dict)  # seconds, by utterance
    trims: dict[str, Trim] = field(default_factory=dict)  # by utterance; none was cut where absent

    @classmethod
    def read(cls, path: str | os.PathLike) -> "DataDir":
        """Read the tables in `path`; audio and phones are not opened.

        Raises:
            InputError: the first breach of the format, with file and line.
        """
        return scan_data_dir(Path(path), stop)

    def __getitem__(self, utterance: str) -> Utterance:
        return self.utterances[utterance]

    def __iter__(self) -> Iterator[str]:
        return iter(self.utterances)

    def __len__(self) -> int:
        return len(self.utterances)

    @cached_property
    def speakers(self) -> tuple[str, ...]:
        """All speakers, sorted."""
        return tuple(sorted({utterance.speaker for utterance in self.utterances.values()}))

    def phones(self) -> dict[str, tuple[Phone, ...]]:
        """The alignment by utterance, read from `phones.ctm`.

        Raises:
            InputError: there is none, or it breaks its format.
        """
        path = self.path / "phones.ctm"
        if not path.exists():
            raise InputError(
                f"{path}: no such file; this needs a corpus with a phone alignment, or one made"
                " by an aligner"
            )
        return read_phones(path)


class _Source(NamedTuple):
    """Where an utterance comes from, by `wav.scp` or `segments`."""

    line: int
    audio: Path
    start_seconds: float | None = None
    end_seconds: float | None = None


def scan_data_dir(path: Path, report: Report) -> DataDir:
    """A data directory of the lines that are in order; each breach is told to `report`."""
    if not is_folder(path):
        report(f"{path}: no such folder; 'vqspeech prepare' makes data directories")
        return DataDir(path, {})
    tables = scan_speech_tables(path, report)
    sources = _scan_audio(path / "wav.scp", report)
    origin = path / "wav.scp"
    if (path / "segments").exists():
        origin = path / "segments"
        sources = _scan_segments(origin, sources, report)
    lines = {key: Entry(source.line, "") for key, source in sources.items()}
    compare_keys(origin, lines, tables.speakers, "utt2spk", report)
    report_missing(path / "utt2spk", sources, origin.name, report)
    utterances = {
        key: Utterance(key, speaker, sources[key].audio, tables.texts.get(key), *sources[key][2:])
        for key, speaker in tables.speakers.items()
        if key in sources
    }
    return DataDir(
        path,
        utterances,
        dict(tables.genders),
        dict(tables.accents),
        dict(tables.durations),
        _scan_trims(path / "utt2trim", tables.speakers, report),
    )


def _scan_trims(path: Path, known: Collection[str], report: Report) -> dict[str, Trim]:
    if not path.exists():
        return {}
    entries = read_table(path, report, fields=(3, 3))
    compare_keys(path, entries, known, "utt2spk", report)
    trims = {}
    for key, (line, value) in entries.items():
        start, end = (parse_seconds(seconds) for seconds in value.split())
        if start is None or end is None or start < 0 or end < 0:
            report(f"{path}:{line}: {value!r}, two numbers of seconds were wanted; prepare again")
        else:
            trims[key] = Trim(start, end)
    return trims


def report_missing(utt2spk: Path, known: Collection[str], table: str, report: Report) -> None:
    """Report every utterance of `utt2spk` that `table`, whose keys are `known`, leaves out."""
    # The form of utt2spk has been reported by whoever read it first.
    entries = read_table(utt2spk, lambda breach: None, fields=(2, 2))
    compare_keys(utt2spk, entries, known, table, report)


def _scan_audio(path: Path, report: Report) -> dict[str, _Source]:
    sources = {}
    for key, (line, value) in read_table(path, report, fields=(2, None)).items():
        if value.startswith("|") or value.endswith("|"):
            report(
                f"{path}:{line}: a shell command, not a file;"
                " write the audio to files and name them"
            )
        else:
            sources[key] = _Source(line, path.parent / value)
    return sources


def _scan_segments(
    path: Path, recordings: Mapping[str, _Source], report: Report
) -> dict[str, _Source]:
    sources = {}
    for utterance, (line, value) in read_table(path, report, fields=(4, 4)).items():
        recording, *times = value.split()
        start, end = (parse_seconds(time) for time in times)
        if recording not in recordings:
            report(f"{path}:{line}: recording {recording} is not in wav.scp; prepare it again")
        elif start is None or end is None or not 0 <= start < end:
            report(f"{path}:{line}: {' to '.join(times)} is no stretch of time; give seconds")
        else:
            sources[utterance] = _Source(line, recordings[recording].audio, start, end)
    return sources


def write_data_dir(
    path: str | os.PathLike,
    utterances: Iterable[Utterance],
    *,
    genders: Mapping[str, str] | None = None,
    accents: Mapping[str, str] | None = None,
    durations: Mapping[str, float] | None = None,
    trims: Mapping[str, Trim] | None = None,
    phones: Mapping[str, Iterable[Phone] | str] | None = None,
) -> None:
    """Write all tables, sorted, as one step: `path` holds the old ones, the new ones, or nothing.

    Of the mappings only what concerns `utterances` is written. Audio below the parent of `path` is
    named relative to `path`, so the parent can be moved as a whole; other audio absolutely.

    Raises:
        ValueError: no utterances, ids that break the format, or only some have segments.
        WriteError: `path` holds other files, which replacing it would delete.
    """
    path = follow_link(path)
    chosen = {utterance.id: utterance for utterance in utterances}
    if not chosen:
        raise ValueError(f"{path}: a data directory without utterances")
    check_data_target(path)
    tables = SpeechTables(
        {key: utterance.speaker for key, utterance in chosen.items()},
        {key: utterance.text or "" for key, utterance in chosen.items()},
        durations or {},
        genders or {},
        accents or {},
    )
    audio_tables = _audio_tables(path, chosen)
    if cut := {key: trims[key] for key in chosen if key in trims} if trims else {}:
        rows = {key: f"{start:.7f} {end:.7f}" for key, (start, end) in cut.items()}
        audio_tables["utt2trim"] = rows
    aligned = {key: phones[key] for key in chosen if key in phones} if phones else {}
    with atomic_directory(path) as temporary:
        write_speech_tables(temporary, tables)
        for name, rows in audio_tables.items():
            (temporary / name).write_text(format_table(rows), encoding="utf-8", newline="\n")
        if aligned:
            (temporary / "phones.ctm").write_text(format_phones(aligned), encoding="utf-8")


def check_data_target(path: str | os.PathLike) -> None:
    """Refuse a folder that `write_data_dir` would not replace; `WriteError` says why."""
    check_replaceable(path, TABLES, "table of a data directory")


def _audio_tables(path: Path, utterances: Mapping[str, Utterance]) -> dict[str, dict[str, str]]:
    has_segments = {utterance.start_seconds is not None for utterance in utterances.values()}
    if len(has_segments) > 1:
        raise ValueError(f"{path}: some utterances are segments, others whole files")
    if not has_segments.pop():
        return {"wav.scp": {key: _audio_name(path, u.audio) for key, u in utterances.items()}}
    recordings: dict[Path, str] = {}
    segments = {}
    for key in sorted(utterances):
        utterance = utterances[key]
        # A recording is called by the first utterance in it, which is unique.
        recording = recordings.setdefault(utterance.audio, f"{key}-recording")
        segments[key] = f"{recording} {utterance.start_seconds:.4f} {utterance.end_seconds:.4f}"
    names = {recording: _audio_name(path, audio) for audio, recording in recordings.items()}
    return {"wav.scp": names, "segments": segments}


def _audio_name(path: Path, audio: Path) -> str:
    folder = Path(os.path.abspath(path))
    audio = Path(os.path.abspath(audio))
    return os.path.relpath(audio, folder) if audio.is_relative_to(folder.parent) else str(audio)
