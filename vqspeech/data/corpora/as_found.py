"""Folders and text files of a corpus as they are found: hidden files, CRLF, unsorted lines.

`data/tables.py` holds our own tables to every rule; here others' files are read for what they say.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from vqspeech.data.tables import Entry
from vqspeech.errors import InputError


class FolderContent(NamedTuple):
    """What lies in a folder, each sorted by name; hidden files and folders are left out."""

    folders: tuple[Path, ...]
    files: tuple[Path, ...]  # whatever is no folder, links to nothing among them


class LooseTable(NamedTuple):
    """Lines of `key value`, as they came."""

    entries: dict[str, Entry]  # of a repeated key the first line
    disputed: frozenset[str]  # keys whose lines contradict one another
    num_repeated: int  # lines that say again what another said


def read_folder(folder: Path, leave_out: Path | None = None) -> FolderContent:
    """The content of `folder`, without the folder `leave_out`.

    Raises:
        InputError: it may not be read.
    """
    folders, files = [], []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.name.startswith("."):
                    # os.path.isdir, as a link that leads in circles is no folder, not an error.
                    is_dir = os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir()
                    (folders if is_dir else files).append(folder / entry.name)
    except OSError as error:
        reason = f"cannot be read ({error.strerror}); allow it or move it away"
        raise InputError(f"{error.filename or folder}: {reason}") from error
    if leave_out is not None:
        left_out = leave_out.resolve()
        folders = [path for path in folders if path.resolve() != left_out]
    return FolderContent(tuple(sorted(folders)), tuple(sorted(files)))


def read_loose_lines(path: Path) -> list[tuple[int, str]]:
    """Number and text of each line that holds any, without the space around it.

    Bytes that are not UTF-8 become lone surrogates, as in file names: see `is_utf8`.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = f"cannot be read ({error.strerror}); a text file was wanted"
        raise InputError(f"{path}: {reason}") from error
    content = content.removeprefix(b"\xef\xbb\xbf")
    # Not splitlines(), which would also split at characters that a text may hold.
    lines = content.decode("utf-8", "surrogateescape").split("\n")
    stripped = ((number, line.strip(" \t\r")) for number, line in enumerate(lines, start=1))
    return [(number, line) for number, line in stripped if line]


def read_loose_table(path: Path) -> LooseTable:
    """A table in any order, whose keys end at the first space or tab.

    Raises:
        InputError: the file cannot be read.
    """
    entries: dict[str, Entry] = {}
    disputed = set()
    num_repeated = 0
    for number, line in read_loose_lines(path):
        key, value = split_key(line)
        known = entries.setdefault(key, Entry(number, value))
        if known.line != number:
            num_repeated += 1
            if known.value != value:
                disputed.add(key)
    return LooseTable(entries, frozenset(disputed), num_repeated)


def split_key(line: str) -> tuple[str, str]:
    """The key of a line and what follows it, which may be nothing."""
    # Only the separators of Kaldi: an id with a no-break space must not pass as a shorter one.
    key, *rest = re.split(r"[ \t]+", line, maxsplit=1)
    return key, rest[0] if rest else ""


def is_utf8(text: str) -> bool:
    """Whether `text`, a line of `read_loose_lines`, was UTF-8."""
    return not any("\udc80" <= c <= "\udcff" for c in text)


def printable(name: str | os.PathLike) -> str:
    """`name` for a message: control characters and bytes that are no text are escaped."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in os.fspath(name))


def name_some(names: Iterable[str | os.PathLike], most: int = 5) -> str:
    """The first few of `names`, for a message."""
    shown = [printable(name) for name in names]
    more = f" and {len(shown) - most} more" if len(shown) > most else ""
    return ", ".join(shown[:most]) + more
