"""The tables that data directories and code directories share: who says what, and how long."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from vqspeech.data.tables import (
    Entry,
    Report,
    compare_keys,
    format_table,
    id_breach,
    parse_seconds,
    read_table,
)

# Kaldi refuses a `spk2gender` that leaves anybody out, so that of some has a name of its own.
GENDER_TABLES = ("spk2gender", "spk2gender_partial")


class SpeechTables(NamedTuple):
    """`utt2spk`, `text`, `utt2dur`, `spk2gender` and `spk2accent` as mappings."""

    speakers: Mapping[str, str]  # by utterance; the others may leave keys out
    texts: Mapping[str, str]  # by utterance
    durations: Mapping[str, float]  # seconds, by utterance
    genders: Mapping[str, str]  # m or f, by speaker
    accents: Mapping[str, str]  # by speaker


def scan_speech_tables(folder: Path, report: Report) -> SpeechTables:
    """Read what `folder` has of the tables, telling `report` each breach; `utt2spk` must exist."""
    utt2spk = read_table(folder / "utt2spk", report, fields=(2, 2))
    for utterance, (line, speaker) in utt2spk.items():
        place = f"{folder / 'utt2spk'}:{line}"
        if breach := id_breach(speaker):
            report(f"{place}: speaker {breach}")
        elif not utterance.startswith(speaker):
            report(f"{place}: {utterance} does not begin with its speaker {speaker}; rename it")
    speakers = {utterance: entry.value for utterance, entry in utt2spk.items()}
    voices = set(speakers.values())

    def scan(name: str, known: Iterable[str], fields: tuple[int, int | None]) -> dict[str, Entry]:
        if not (folder / name).exists():
            return {}
        entries = read_table(folder / name, report, fields)
        compare_keys(folder / name, entries, known, "utt2spk", report)
        return entries

    text = scan("text", speakers, (1, None))
    durations = {}
    for utterance, (line, value) in scan("utt2dur", speakers, (2, 2)).items():
        seconds = parse_seconds(value)
        if seconds is None or seconds <= 0:
            report(f"{folder / 'utt2dur'}:{line}: {value!r} is no positive number of seconds")
        else:
            durations[utterance] = seconds
    genders = {}
    for name in GENDER_TABLES:
        for speaker, (line, value) in scan(name, voices, (2, 2)).items():
            if value in ("m", "f"):
                genders[speaker] = value
            else:
                report(f"{folder / name}:{line}: {value!r}, 'm' or 'f' was wanted")
    accents = scan("spk2accent", voices, (2, None))
    return SpeechTables(
        speakers,
        {utterance: entry.value for utterance, entry in text.items() if entry.value},
        durations,
        genders,
        {speaker: entry.value for speaker, entry in accents.items()},
    )


def write_speech_tables(folder: Path, tables: SpeechTables) -> None:
    """Write the tables and `spk2utt` into `folder`; of each only what concerns the utterances.

    Raises:
        ValueError: an id that no data directory may hold.
    """
    spoken: dict[str, list[str]] = {}
    for utterance in sorted(tables.speakers):
        speaker = tables.speakers[utterance]
        if breach := id_breach(utterance) or id_breach(speaker):
            raise ValueError(breach)
        if not utterance.startswith(speaker):
            raise ValueError(f"{utterance} does not begin with its speaker {speaker}")
        spoken.setdefault(speaker, []).append(utterance)
    durations = {
        utterance: f"{tables.durations[utterance]:.7f}"  # exact to the sample up to 768 kHz
        for utterance in tables.speakers
        if utterance in tables.durations
    }
    # Kaldi wants a line for each utterance once there is a `text`, if only the bare id.
    texts = {u: " ".join(tables.texts.get(u, "").split()) for u in tables.speakers}
    genders = {s: tables.genders[s] for s in spoken if s in tables.genders}
    rows: dict[str, dict[str, str]] = {
        "utt2spk": dict(tables.speakers),
        "spk2utt": {speaker: " ".join(utterances) for speaker, utterances in spoken.items()},
        "text": texts if any(texts.values()) else {},
        "utt2dur": durations,
        GENDER_TABLES[0] if len(genders) == len(spoken) else GENDER_TABLES[1]: genders,
        "spk2accent": {s: tables.accents[s] for s in spoken if s in tables.accents},
    }
    for name, table in rows.items():
        if table:
            (folder / name).write_text(format_table(table), encoding="utf-8", newline="\n")
