"""Folders and text files of a corpus as they are found: hidden files, CRLF, unsorted lines.

`data/tables.py` holds our own tables to every rule; here others' files are read for what they say.
"""

import contextlib
import os
import re
import stat
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

from vqspeech.data.tables import Entry, id_breach
from vqspeech.errors import InputError, name_some
from vqspeech.files import is_folder

TEXT_BYTES = 4 << 20  # at most, of a chapter's words or a sentence's
TABLE_BYTES = 256 << 20
RESERVED = ("audio", "prepared.json")  # what lies beside the parts of a prepared corpus


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
        left_out = os.path.realpath(leave_out)
        folders = [path for path in folders if os.path.realpath(path) != left_out]
    return FolderContent(tuple(sorted(folders)), tuple(sorted(files)))


def check_folder(corpus: Path, wanted: str) -> None:
    """Refuse a corpus that is no folder.

    Args:
        wanted: what should be given, as in `give the folder that holds wav48`.

    Raises:
        InputError: it is a file, is not there, or the system will not say.
    """
    if is_folder(corpus):
        return
    if corpus.exists():
        found = f"is a file, a folder was wanted; unpack it first, or give {wanted}"
    elif corpus.is_symlink():
        found = f"a link to {os.readlink(corpus)}, which is not there; give {wanted}"
    else:
        found = f"no such folder; give {wanted}"
    raise InputError(f"{corpus}: {found}")


def can_name_part(name: str) -> bool:
    """Whether a folder of a corpus may name a part of the prepared one."""
    return id_breach(name) is None and name not in RESERVED


@contextlib.contextmanager
def open_regular(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """A file of bytes to read, which is sure to end.

    Raises:
        InputError: it is not there, cannot be read, or is a folder, a pipe or a device.
    """

    def open_at_once(name: str, flags: int) -> int:
        # Opening a pipe that nobody writes to would wait for ever.
        return os.open(name, flags | os.O_NONBLOCK)

    try:
        with open(path, "rb", opener=open_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise InputError(f"{path}: a pipe or a device; a text file was wanted")
            yield file
    except OSError as error:
        reason = f"cannot be read ({error.strerror}); a text file was wanted"
        raise InputError(f"{path}: {reason}") from error


def read_small(path: str | os.PathLike, limit: int = TEXT_BYTES) -> bytes:
    """All bytes of a file of at most `limit` bytes.

    Raises:
        InputError: as of `open_regular`, or it is larger.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > limit:
            found = f"{size / 2**20:.1f} MB; a text file of at most {limit >> 20} MB was wanted"
            raise InputError(f"{path}: {found}")
        return file.read()


def decode_text(content: bytes) -> tuple[str | None, bool]:
    """The text, or None, and whether it is in the old encoding of Windows, not UTF-8."""
    is_foreign = False
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = content.decode("cp1252")
        except UnicodeDecodeError:
            return None, False
        is_foreign = True
    # UTF-16 and other files that are no text get through as well, but not without a NUL.
    return (None, False) if "\0" in text else (text, is_foreign)


def read_words(paths: Mapping[str, str | os.PathLike]) -> tuple[dict[str, str], list[str]]:
    """Words by utterance id, of a file each, and notes on files that were not plain UTF-8."""
    words = {}
    foreign: list[str | os.PathLike] = []
    damaged = []
    for key, path in paths.items():
        try:
            text, is_foreign = decode_text(read_small(path))
        except InputError as error:
            damaged.append(str(error))
            continue
        if text is None:
            damaged.append(f"{path}: no text")
            continue
        if is_foreign:
            foreign.append(path)
        if text := " ".join(text.split()):
            words[key] = text
    notes = []
    if foreign:
        notes.append(f"{count(foreign, 'text')} not in UTF-8, read as Windows-1252")
    if damaged:
        notes.append(
            f"{len(damaged)} recordings are used without words, for their texts cannot be read:"
            f" {name_some(damaged)}"
        )
    return words, notes


def count(names: Collection[str | os.PathLike], noun: str) -> str:
    """`1 text (a.txt)` or `7 texts (a.txt, b.txt, ... and 2 more)`, the verb left out."""
    return f"{len(names)} {noun}{'s' * (len(names) != 1)} ({name_some(names)})"


def read_loose_lines(path: Path, limit: int = TABLE_BYTES) -> list[tuple[int, str]]:
    """Number and text of each line that holds any, without the space around it.

    Bytes that are not UTF-8 become lone surrogates, as in file names: see `is_utf8`.

    Raises:
        InputError: the file cannot be read, or has more than `limit` bytes.
    """
    content = read_small(path, limit).removeprefix(b"\xef\xbb\xbf")
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
