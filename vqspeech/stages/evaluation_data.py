"""What conversions are scored on: utterances of a data directory, or a folder of recordings."""

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from vqspeech.audio.waveform import read_header
from vqspeech.data.data_dir import DataDir, Utterance
from vqspeech.errors import InputError
from vqspeech.stages.report_utterances import read_utterance

SUFFIXES = (".wav", ".flac", ".opus", ".ogg", ".mp3")
SPEAKERS_TABLE = "speakers.tsv"
SHORTEST_SECONDS = 1.0  # of what is drawn: in less there is hardly a word


def open_data(path: str | os.PathLike, sample_rate: int) -> DataDir:
    """A data directory at the model's rate; one recording of each speaker is looked at.

    Raises:
        InputError: it is broken, or at another rate.
    """
    data_dir = DataDir.read(path)
    if not data_dir:
        raise InputError(f"{data_dir.path}: no utterances; prepare the data again")
    for utterance in {utterance.speaker: utterance for utterance in data_dir.values()}.values():
        rate = read_header(utterance.audio).sample_rate
        if rate != sample_rate:
            raise InputError(
                f"{utterance.audio}: {rate} Hz, the model has {sample_rate} Hz; prepare {path} "
                f"with --sample-rate {sample_rate}"
            )
    return data_dir


def open_recordings(folder: str | os.PathLike) -> DataDir:
    """The audio files below a folder as utterances, without text.

    The speaker of a file is its folder's name, or for files that lie in `folder` itself their own
    up to the first `_` or `-`. A table `speakers.tsv` in the folder or beside it, with columns
    `speaker` and `sex` (or `gender`: f, m), says who speaks where a name is in it, and the genders.

    Raises:
        InputError: no such folder, no audio in it, or a table without these columns.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give a folder of recordings")
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not files:
        raise InputError(f"{folder}: no audio in it; files end in one of {', '.join(SUFFIXES)}")
    genders = _read_genders(folder)
    utterances: dict[str, Utterance] = {}
    for path in files:
        if path.stem in utterances:
            raise InputError(
                f"{path}: {path.stem} is the name of another recording too; rename one"
            )
        start = path.stem.replace("-", "_").split("_")[0]
        names = [path.stem, path.parent.name, start]
        usual = start if path.parent == folder else path.parent.name
        speaker = next((name for name in names if name in genders), usual)
        utterances[path.stem] = Utterance(path.stem, speaker, path)
    return DataDir(folder, utterances, genders)


def _read_genders(folder: Path) -> dict[str, str]:
    for path in (folder / SPEAKERS_TABLE, folder.parent / SPEAKERS_TABLE):
        if path.is_file():
            break
    else:
        return {}
    try:
        head, *lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as a table; tabs and UTF-8 are wanted") from error
    columns = head.split("\t")
    sex = "sex" if "sex" in columns else "gender"
    if not {"speaker", sex} <= set(columns):
        raise InputError(f"{path}:1: no columns speaker and sex; name them so, or move the file")
    genders = {}
    for number, line in enumerate(lines, start=2):
        cells = dict(zip(columns, line.split("\t"), strict=False))
        gender = cells.get(sex, "")[:1].lower()
        if "speaker" not in cells or gender not in ("f", "m"):
            raise InputError(f"{path}:{number}: {line!r}; a speaker and f or m were wanted")
        genders[cells["speaker"]] = gender
    return genders


def seconds_of(utterance: Utterance) -> float:
    """How long an utterance is, by its segment or its header."""
    if utterance.start_seconds is not None and utterance.end_seconds is not None:
        return utterance.end_seconds - utterance.start_seconds
    header = read_header(utterance.audio)
    return header.length / header.sample_rate


def usable_sources(
    data_dir: DataDir, keys: Iterable[str], longest_seconds: float
) -> tuple[list[str], list[tuple[str, str]]]:
    """Utterances that may be drawn, and those that may not, each with the reason.

    One with text has to be said whole, so that what is too long is left out; one without is cut.
    Where any has text, those without are left out.
    """
    keys = list(keys)
    has_text = any(data_dir[key].text for key in keys)
    kept, skipped = [], []
    for key in keys:
        seconds = seconds_of(data_dir[key])
        if has_text and not data_dir[key].text:
            skipped.append((key, "no text"))
        elif has_text and seconds > longest_seconds:
            skipped.append((key, f"longer than {longest_seconds:g} s"))
        elif seconds < SHORTEST_SECONDS:
            skipped.append((key, f"shorter than {SHORTEST_SECONDS:g} s"))
        else:
            kept.append(key)
    return kept, skipped


def read_source(
    data_dir: DataDir, key: str, sample_rate: int, longest_seconds: float
) -> np.ndarray:
    """The samples (T,) of a source at `sample_rate`, cut to the longest where it has no text."""
    samples = read_utterance(data_dir, key, sample_rate)[0]
    if not data_dir[key].text:
        samples = samples[: round(longest_seconds * sample_rate)]
    return np.ascontiguousarray(samples, np.float32)
