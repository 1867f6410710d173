"""Kaldi's sorted text tables: `key value` a line, LC_ALL=C order, UTF-8, newline at the end.

Every rule is written once and told to a `report`: the reader's report stops at the first breach,
the validator's collects them all.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple, NoReturn

from vqspeech.errors import InputError

Report = Callable[[str], None]  # is told one breach, `data/train/text:3: ...`

MAX_ID_BYTES = 200  # an id becomes a file name, and those end at 255 bytes


class Entry(NamedTuple):
    """One line of a table."""

    line: int  # counted from 1, for messages
    value: str  # what follows the key, without the space around it


def stop(breach: str) -> NoReturn:
    """The report of a reader: raise the breach as `InputError`."""
    raise InputError(breach)


def id_breach(name: str) -> str | None:
    """Why `name` may not be an id of an utterance, speaker or recording; None when it may.

    Ids become file names, words of a command line and fields of tables.
    """
    if not name:
        return "an empty id"
    if "/" in name or ".." in name or "\0" in name:
        return f"{name!r} could leave its folder; an id may not hold '/', '..' or NUL"
    if any(c.isspace() or not c.isprintable() for c in name):
        return f"{name!r} holds a space or a control character; an id may not"
    if name.startswith("."):
        return f"{name!r} would be a hidden file; an id may not begin with '.'"
    if name.startswith("-"):
        return f"{name!r} looks like an option; an id may not begin with '-'"
    if len(name.encode("utf-8", "surrogateescape")) > MAX_ID_BYTES:
        return f"{name[:20]}... is longer than the {MAX_ID_BYTES} bytes of an id"
    return None


def read_lines(path: Path, report: Report) -> list[tuple[int, str]]:
    """Number and text of each line that holds any; breaches of the file's form are reported."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        report(f"{path}: no such file; 'vqspeech prepare' makes data directories")
        return []
    except OSError as error:
        report(f"{path}: cannot be read ({error.strerror}); a text table was wanted")
        return []
    if not content:
        report(f"{path}: empty; prepare the data again")
        return []
    raw = content.split(b"\n")
    if raw[-1]:
        report(f"{path}:{len(raw)}: no newline at the end; the file may be cut off")
    else:
        raw.pop()
    rows = []
    for number, line in enumerate(raw, start=1):
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            report(f"{path}:{number}: byte {error.start + 1} is not UTF-8; convert with iconv")
            continue
        if text.endswith("\r"):
            report(f"{path}:{number}: ends in a carriage return; convert with dos2unix")
        if number == 1 and text.startswith("\ufeff"):
            report(f"{path}:1: begins with a byte order mark; save the file as plain UTF-8")
            text = text[1:]
        if not text.strip():
            report(f"{path}:{number}: blank line; remove it")
            continue
        rows.append((number, text.strip()))
    return rows


def read_table(path: Path, report: Report, fields: tuple[int, int | None]) -> dict[str, Entry]:
    """A table of unique sorted keys.

    Args:
        path: the file; a missing or empty one is a breach.
        report: is told each breach as `file:line: what; remedy`.
        fields: fewest and most fields a line, key included; None for no upper limit.

    Returns:
        Value and line by key. Lines in breach of their form are left out; of a repeated key the
        first line counts.
    """
    fewest, most = fields
    entries: dict[str, Entry] = {}
    previous = ""
    for number, text in read_lines(path, report):
        key, *rest = text.split(maxsplit=1)
        place = f"{path}:{number}"
        if breach := id_breach(key):
            report(f"{place}: {breach}")
            continue
        # Code point order is the byte order of UTF-8, which is LC_ALL=C.
        if key == previous or key in entries:
            report(f"{place}: {key} stands there twice; keep one line")
            continue
        if key < previous:
            report(f"{place}: {key} comes after {previous}; sort the file with LC_ALL=C")
        previous = key
        count = len(text.split())
        if count < fewest or (most is not None and count > most):
            wanted = f"{fewest}" if most == fewest else f"at least {fewest}"
            report(f"{place}: {count} fields, {wanted} were wanted; prepare the data again")
            continue
        entries[key] = Entry(number, rest[0] if rest else "")
    return entries


def compare_keys(
    path: Path, entries: Mapping[str, Entry], known: Iterable[str], source: str, report: Report
) -> None:
    """Report keys of a table that `known` (the keys of `source`) lacks."""
    known = set(known)
    for key, entry in entries.items():
        if key not in known:
            report(f"{path}:{entry.line}: {key} is not in {source}; prepare the data again")


def parse_seconds(text: str) -> float | None:
    """The finite number that a field holds, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def format_table(rows: Mapping[str, str]) -> str:
    """The text of a table, sorted; a row of no value is its key alone."""
    return "".join(f"{key} {rows[key]}".rstrip() + "\n" for key in sorted(rows))
