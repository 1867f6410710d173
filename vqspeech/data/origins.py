"""Which recording each prepared file was made of and how, so that it is made again of another one.

    .sources.json      what `Origin` holds, by utterance, sorted
    .sources.journal   the same as lines, of files written since; gone when all are written

The journal outlives a kill. A line is added once its file is complete, and before any file is
written what no longer holds is removed, so neither ever speaks of a file that is not so.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

from vqspeech.errors import InputError
from vqspeech.files import write_error, write_text


class Origin(NamedTuple):
    """A recording as it was when it was read, and what was done to it."""

    path: str  # without symbolic links
    num_bytes: int
    mtime_ns: int
    treatment: str  # the settings, and the stretch of the recording
    trimmed_start: int = 0  # samples cut off the beginning, and the end: what came of it
    trimmed_end: int = 0

    def is_same_work(self, other: "Origin | None") -> bool:
        """Whether `other` is the same recording, treated alike."""
        return other is not None and self[:4] == other[:4]


def origin_of(path: Path, treatment: str) -> Origin:
    """The recording in `path` as it is now; `InputError` where there is none."""
    try:
        status = os.stat(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be opened: {error.strerror}") from error
    return Origin(os.path.realpath(path), status.st_size, status.st_mtime_ns, treatment)


def read_origins(folder: Path) -> dict[str, Origin]:
    """What is known of the files in `folder`, by utterance; what is damaged is not known."""
    origins: dict[str, Origin] = {}
    with suppress(OSError, ValueError, TypeError, AttributeError, RecursionError):
        content = json.loads((folder / ".sources.json").read_text(encoding="utf-8"))
        origins = {key: Origin(*value) for key, value in content.items()}
    with suppress(OSError):
        for line in (folder / ".sources.journal").read_bytes().splitlines():
            with suppress(ValueError, TypeError):  # the last line may be cut off
                key, *value = json.loads(line)
                origins[key] = Origin(*value)
    return origins


def write_origins(folder: Path, origins: Mapping[str, Origin]) -> None:
    """Write `.sources.json` anew and remove the journal, whose content it holds."""
    rows = [f"{json.dumps(key)}: {json.dumps(origins[key])}" for key in sorted(origins)]
    write_text(folder / ".sources.json", "{\n" + ",\n".join(rows) + "\n}\n")
    try:
        (folder / ".sources.journal").unlink(missing_ok=True)
    except OSError as error:
        raise write_error(folder / ".sources.journal", error) from error


@contextmanager
def open_journal(folder: Path) -> Iterator[IO[bytes]]:
    """The journal, open for `add_line` by several threads."""
    path = folder / ".sources.journal"
    try:
        journal = open(path, "ab", buffering=0)  # noqa: SIM115  # closed below
    except OSError as error:
        raise write_error(path, error) from error
    with journal:
        yield journal


def add_line(journal: IO[bytes], key: str, origin: Origin) -> None:
    """Tell that the file of utterance `key` is complete."""
    try:
        journal.write((json.dumps([key, *origin]) + "\n").encode())
    except OSError as error:
        raise write_error(Path(journal.name), error) from error
