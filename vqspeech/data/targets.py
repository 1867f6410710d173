"""Lists of files that a command shall read or write, checked before it does."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from vqspeech.errors import UsageError, WriteError
from vqspeech.files import check_writable, write_error


def unique_files(paths: Iterable[str | os.PathLike]) -> list[Path]:
    """Each file once, by the name it has first, in order."""
    files: dict[str, Path] = {}
    for path in map(Path, paths):
        files.setdefault(os.path.realpath(path), path)
    return list(files.values())


def check_targets(targets: Iterable[Path], sources: Iterable[Path], *, overwrite: bool) -> None:
    """Refuse, before any work, files that could not be written after it.

    Raises:
        UsageError: two targets are one file, or a target is a source.
        WriteError: a target is a folder, is there already and `overwrite` is not set, or cannot be
            written.
    """
    origins = {os.path.realpath(source) for source in sources}
    taken: set[str] = set()
    for target in targets:
        place = os.path.realpath(target)
        if place in origins:
            raise UsageError(f"--out {target}: is the source itself; choose another name")
        if place in taken:
            raise UsageError(
                f"{target}: two recordings of the same name would be written there; do them one "
                "after another, each with an --out of its own"
            )
        taken.add(place)
        _check_free(target, overwrite)
        check_writable(target)


def _check_free(target: Path, overwrite: bool) -> None:
    try:
        mode = os.stat(target).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise write_error(target, error) from error
    if stat.S_ISDIR(mode):
        raise WriteError(f"{target}: is a folder, a file was wanted; choose another name")
    if not overwrite:
        raise WriteError(f"{target}: is there already; give --overwrite or another --out")
