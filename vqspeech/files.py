"""Writing so that nothing is ever half there, and one process a directory.

Every file or folder that a user can see is built under a hidden name beside its final place,
flushed to disk and renamed: after a crash, a kill or a full disk the final name holds the old
content, the new content, or nothing.
"""

import contextlib
import errno
import fcntl
import json
import os
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vqspeech.errors import BusyError, WriteError

TEMPORARY = ".vqspeech-tmp-"


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _temporary_beside(path: Path) -> Path:
    # The suffix stays: libraries choose the format of a file by it.
    return path.with_name(f"{TEMPORARY}{os.getpid()}-{time.time_ns():x}-{path.name[-80:]}")


def _write_error(path: Path, error: OSError) -> WriteError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return WriteError(f"{path}: no space left to write it; free some or choose another place")
    return WriteError(
        f"{path}: cannot be written ({error.strerror or error}); choose another place"
    )


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary path to write to; on leaving the block it becomes `path`, or vanishes on error.

    Parent folders are made. Raises `WriteError` naming `path` when the system refuses.
    """
    path = Path(path)
    temporary = _temporary_beside(path)
    try:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            _flush(temporary)
            os.replace(temporary, path)
            _flush(path.parent)
        except OSError as error:
            raise _write_error(path, error) from error
    finally:
        with contextlib.suppress(OSError):  # its parent may be no folder at all
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_directory(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary folder to fill; on leaving the block it becomes `path`, replacing an old one."""
    path = Path(path)
    temporary = _temporary_beside(path)
    try:
        try:
            temporary.mkdir(parents=True)
            yield temporary
            for folder, _, names in os.walk(temporary, topdown=False):
                for name in names:
                    _flush(Path(folder, name))
                _flush(Path(folder))
            if path.is_dir() and not path.is_symlink():
                # A folder cannot be renamed over a full one; the old one steps aside first.
                aside = _temporary_beside(path)
                os.rename(path, aside)
                os.rename(temporary, path)
                shutil.rmtree(aside, ignore_errors=True)
            else:
                os.rename(temporary, path)
            _flush(path.parent)
        except OSError as error:
            raise _write_error(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def check_writable(path: str | os.PathLike) -> None:
    """Refuse a path that cannot be written, before the work whose result it is to hold.

    Raises:
        WriteError: the nearest folder that exists is no folder, or may not be written to.
    """
    path = Path(path)
    folder = path.absolute().parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise WriteError(f"{path}: {folder} is a file, a folder was wanted; choose another place")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise WriteError(f"{path}: no permission to write in {folder}; choose another place")


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: str | os.PathLike, value: Any) -> None:
    """Write readable, key-ordered JSON atomically; NaN and infinity are refused."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def replace_link(path: str | os.PathLike, target: str) -> None:
    """Point the symbolic link `path` at `target` in one step."""
    path = Path(path)
    temporary = _temporary_beside(path)
    try:
        os.symlink(target, temporary)
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise _write_error(path, error) from error


def sweep_temporaries(folder: str | os.PathLike) -> None:
    """Remove what a killed process left under a hidden name in `folder`; call it under the lock."""
    for leftover in Path(folder).glob(f"{TEMPORARY}*"):
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


@contextlib.contextmanager
def directory_lock(folder: str | os.PathLike) -> Iterator[None]:
    """Hold `folder/.lock`; the kernel frees it however the process ends.

    Raises:
        BusyError: another process holds it; the message names its pid, host and start.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise _write_error(folder / ".lock", error) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(descriptor, 200, 0).decode("utf-8", "replace").strip()
            raise BusyError(
                f"{folder}: in use by {holder or 'another process'}; wait for it or stop it"
            ) from error
        started = time.strftime("%Y-%m-%d %H:%M:%S")
        os.ftruncate(descriptor, 0)
        os.pwrite(
            descriptor, f"pid {os.getpid()} on {socket.gethostname()} since {started}".encode(), 0
        )
        yield
    finally:
        os.close(descriptor)
