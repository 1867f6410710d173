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
import re
import shutil
import socket
import stat
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from vqspeech.errors import BusyError, InputError, WriteError

TEMPORARY = ".vqspeech-tmp-"


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _temporary_beside(path: Path) -> Path:
    return path.with_name(f"{TEMPORARY}{os.getpid()}-{time.time_ns():x}-{_end_of(path.name)}")


def _end_of(name: str) -> str:
    # The suffix stays: libraries choose the format of a file by it. A name may have 255 bytes.
    return os.fsencode(name)[-80:].decode("utf-8", "ignore")


def write_error(path: Path, error: OSError) -> WriteError:
    """What to raise when the system refused to write `path`."""
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
            raise write_error(path, error) from error
    finally:
        with contextlib.suppress(OSError):  # its parent may be no folder at all
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_directory(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary folder to fill; on leaving the block it becomes `path`, replacing an old one."""
    path = follow_link(path)
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
            raise write_error(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def follow_link(path: str | os.PathLike) -> Path:
    """The place that a symbolic link, `.` or `..` means; any other path as it is."""
    path = Path(path)
    has_name = path.name not in ("", "..") and not os.path.islink(path)
    return path if has_name else Path(os.path.realpath(path))


def is_folder(path: str | os.PathLike) -> bool:
    """Whether `path` is a folder; `InputError` where the system will not say."""
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: cannot be opened ({reason}); check the name") from error


def check_writable(path: str | os.PathLike) -> None:
    """Refuse a path that cannot be written, before the work whose result it is to hold.

    Raises:
        WriteError: the nearest folder that exists is no folder, or may not be written to; or the
            name is longer than it allows.
    """
    path = Path(path)
    folder = path.absolute().parent
    while not os.path.lexists(folder):
        folder = folder.parent
    if not os.path.isdir(folder):
        raise WriteError(f"{path}: {folder} is a file, a folder was wanted; choose another place")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise WriteError(f"{path}: no permission to write in {folder}; choose another place")
    longest = os.pathconf(folder, "PC_NAME_MAX")
    if max(len(os.fsencode(part)) for part in path.absolute().parts) > longest:
        raise WriteError(f"{path}: a name of more than {longest} bytes; choose a shorter one")


def check_replaceable(path: str | os.PathLike, known: Collection[str], what: str) -> None:
    """Refuse to replace a folder that holds anything but the files of `known`.

    Args:
        what: a file of `known`, for the message, such as "table of a data directory".

    Raises:
        WriteError: a file that is not known, or a folder; or `path` cannot be written.
    """
    path = follow_link(path)
    check_writable(path)
    try:
        foreign = sorted(
            entry.name
            for entry in (os.scandir(path) if os.path.lexists(path) else ())
            if entry.name not in known or not entry.is_file()
        )
    except OSError as error:
        raise write_error(path, error) from error
    if foreign:
        raise WriteError(f"{path}: holds {foreign[0]}, which is no {what}; choose another folder")


def remove_folder(path: str | os.PathLike) -> None:
    """Remove a folder with its content in one step; of a symbolic link only the link."""
    path = Path(path)
    aside = _temporary_beside(path)
    try:
        os.rename(path, aside)
        if aside.is_symlink():
            aside.unlink()
        else:
            shutil.rmtree(aside)
    except OSError as error:
        raise write_error(path, error) from error


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
        raise write_error(path, error) from error


def sweep_temporaries(folder: str | os.PathLike, name: str | None = None) -> None:
    """Remove what a killed process left under a hidden name in `folder`; call it under the lock.

    Args:
        name: only what was to become this file; for a folder that others write to as well.
    """
    ending = re.compile(r"\d+-[0-9a-f]+-" + (".*" if name is None else re.escape(_end_of(name))))
    for leftover in Path(folder).glob(f"{TEMPORARY}*"):
        if name is not None and not ending.fullmatch(leftover.name.removeprefix(TEMPORARY)):
            continue
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


def directory_lock(folder: str | os.PathLike) -> contextlib.AbstractContextManager[None]:
    """Hold `folder/.lock`; the kernel frees it however the process ends.

    Raises:
        BusyError: another process holds it; the message names its pid, host and start.
        WriteError: the folder or the lock cannot be made.
    """
    return _lock(Path(folder) / ".lock", Path(folder))


def path_lock(path: str | os.PathLike) -> contextlib.AbstractContextManager[None]:
    """The same for a folder that is replaced as a whole: the lock lies beside it."""
    path = Path(path)
    return _lock(path.with_name(f".{_end_of(path.name)}.lock"), path)


@contextlib.contextmanager
def _lock(lock: Path, place: Path) -> Iterator[None]:
    descriptor = None
    try:
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            while True:
                descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Whoever held it before removed the name when done; a nameless lock locks nobody.
                with contextlib.suppress(FileNotFoundError):
                    if os.path.samestat(os.fstat(descriptor), os.stat(lock)):
                        break
                os.close(descriptor)
                descriptor = None
        except BlockingIOError as error:
            holder = os.pread(descriptor, 200, 0).decode("utf-8", "replace").strip()
            raise BusyError(
                f"{place}: in use by {holder or 'another process'}; wait for it or stop it"
            ) from error
        except OSError as error:
            raise write_error(lock, error) from error
        started = time.strftime("%Y-%m-%d %H:%M:%S")
        os.ftruncate(descriptor, 0)
        os.pwrite(
            descriptor, f"pid {os.getpid()} on {socket.gethostname()} since {started}".encode(), 0
        )
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                lock.unlink()
    finally:
        if descriptor is not None:
            os.close(descriptor)
