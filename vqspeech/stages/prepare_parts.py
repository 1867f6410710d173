"""The data directories of a preparation: which are there, how they make room, what they keep.

    OUT/prepared.json   names the parts, with the settings that they were made by
    OUT/.earlier/       parts that no longer hold, until their alignments are taken over

Before the audio below them changes, parts are taken away, so that a run that is killed leaves no
tables that speak of other audio. Those with an alignment, which may have taken days, are moved to
`.earlier`; whatever comes next takes over what still fits.
"""

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from vqspeech.data.data_dir import Trim, check_data_target
from vqspeech.data.tables import id_breach, parse_seconds, read_table
from vqspeech.errors import UsageError, WriteError
from vqspeech.files import remove_folder, write_error

RECORD = "prepared.json"
ASIDE = ".earlier"
SAME_SECONDS = 1e-3  # within which two lengths are those of the same audio, at whatever rate


def read_record(out: Path) -> dict[str, Any]:
    """What the last preparation wrote of itself; empty without one."""
    with suppress(OSError, ValueError):
        content = json.loads((out / RECORD).read_text(encoding="utf-8"))
        if isinstance(content, dict) and isinstance(content.get("parts"), dict):
            return content
    return {}


def parts_of(record: Mapping[str, Any], out: Path) -> list[str]:
    """The parts of an earlier preparation that are still there."""
    names = (name for name in record.get("parts", ()) if not id_breach(name))
    return [name for name in names if os.path.lexists(out / name)]


def check_parts(out: Path, corpus: Path | None, earlier: Iterable[str], new: Iterable[str]) -> None:
    """Refuse to replace what is no part of a preparation, or holds the corpus.

    Raises:
        WriteError: a folder that was not made here, or holds other files; or it cannot be written.
        UsageError: the corpus would be replaced while it is read.
    """
    known = set(earlier)
    for part in sorted(known | set(new)):
        place = out / part
        if corpus is not None and _is_within(corpus, place):
            raise UsageError(
                f"{place}: is the corpus {corpus} itself; give another folder to write"
            )
        if part not in known and os.path.lexists(place):
            raise WriteError(
                f"{place}: is there already and was not made by 'vqspeech prepare' in {out};"
                " move it away or choose another folder"
            )
        check_data_target(place)


def _is_within(path: Path, folder: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def make_room(out: Path, parts: Iterable[str]) -> None:
    """Take away parts that will not hold any more; those with an alignment are moved aside.

    Raises:
        WriteError: the system refused.
    """
    for part in parts:
        place = out / part
        if not (place / "phones.ctm").exists():
            remove_folder(place)
            continue
        aside = out / ASIDE
        number = 0
        while (target := aside / f"{number}-{part}").exists():
            number += 1
        try:
            aside.mkdir(exist_ok=True)
            place.rename(target)
        except OSError as error:
            raise write_error(target, error) from error


def take_over_phones(
    out: Path, parts: Iterable[str], durations: Mapping[str, float], trims: Mapping[str, Trim]
) -> tuple[dict[str, str], int]:
    """Alignments that were added to earlier parts and fit the audio as it is now.

    An alignment fits audio of the same length, cut in the same way.

    Args:
        parts: earlier ones that are still in their place, beside those moved aside.
        durations: seconds of the audio by utterance.
        trims: what was cut off it.

    Returns:
        The lines of `phones.ctm` by utterance, and how many utterances had lines that do not fit.
    """
    kept: dict[str, str] = {}
    others: set[str] = set()
    for folder in (*_moved(out), *(out / part for part in parts)):
        old_durations, old_trims = _read_rows(folder / "utt2dur"), _read_rows(folder / "utt2trim")
        for key, lines in _lines_by_key(folder / "phones.ctm").items():
            before = (*old_durations.get(key, (-1.0,)), *old_trims.get(key, Trim()))
            now = (durations.get(key, -2.0), *trims.get(key, Trim()))
            fits = len(before) == len(now) and all(
                abs(a - b) <= SAME_SECONDS for a, b in zip(before, now, strict=True)
            )
            if fits:
                kept[key] = lines
            else:
                others.add(key)
    return kept, len(others - set(kept))


def forget_earlier(out: Path) -> None:
    """Remove what was moved aside, once its alignments are taken over."""
    if (out / ASIDE).exists():
        remove_folder(out / ASIDE)


def _moved(out: Path) -> list[Path]:
    return sorted(path for path in (out / ASIDE).glob("*-*") if path.is_dir())


def _read_rows(path: Path) -> dict[str, tuple[float, ...]]:
    """Numbers by key of a table that may be absent or damaged: what is not known does not fit."""
    if not path.exists():
        return {}
    entries = read_table(path, lambda breach: None, fields=(2, 3))
    rows = {key: tuple(map(parse_seconds, value.split())) for key, (_, value) in entries.items()}
    return {key: row for key, row in rows.items() if None not in row}


def _lines_by_key(path: Path) -> dict[str, str]:
    """Lines by utterance, as they are: whoever reads them will judge."""
    lines: dict[str, list[str]] = {}
    if path.exists():
        with open(path, encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            for line in file:
                if words := line.split(maxsplit=1):
                    lines.setdefault(words[0], []).append(line.rstrip("\n") + "\n")
    return {key: "".join(some) for key, some in lines.items()}
