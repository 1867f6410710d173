"""Named arrays in a `.npz` file: written fast, and read only after what it declares was looked at.

`numpy.load` allocates what a header declares, however small the file, and raises a dozen kinds of
error for a damaged one. Here each array is asked for by its type and shape first.
"""

import contextlib
import math
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

import numpy as np

from vqspeech.errors import InputError, MissingError
from vqspeech.files import atomic_path

MOST_BYTES = 8 << 30  # of one array: 400,000 frames of 84 x 84
_MOST_TEXT = 1 << 20
_MOST_HEADER = 4096  # bytes of text; NumPy's own are some 100
# Level 1 of deflate: on frames of a game 2.7 times as fast as the usual 6, for 5 % more bytes.
_LEVEL = 1
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    ValueError,
    NotImplementedError,  # a compression that Python does not know
    RuntimeError,  # an encrypted entry
    OverflowError,
)


def write_arrays(path: str | os.PathLike, arrays: Mapping[str, np.ndarray]) -> None:
    """Write the file atomically; `numpy.load` reads it without pickles.

    Raises:
        WriteError: it cannot be written.
        ValueError: an array of Python objects.
    """
    with (
        atomic_path(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive,
    ):
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asarray(array), allow_pickle=False)


class ArrayReader:
    """The arrays of an open file; `open_arrays` makes it."""

    def __init__(self, path: Path, archive: zipfile.ZipFile):
        self._path, self._archive = path, archive

    def __contains__(self, name: str) -> bool:
        return f"{name}.npy" in self._archive.NameToInfo

    def check(self, name: str, dtype: type, shape: tuple[int | None, ...]) -> tuple[int, ...]:
        """The shape that an array declares; nothing but its header is read.

        Args:
            dtype: that it must have; `str` for text of any length.
            shape: that it must have, None where any length will do.

        Raises:
            InputError: it is not there, of another type or shape, too large, or cut short.
        """
        if name not in self:
            raise InputError(f"{self._path}: no array {name}; {_form(dtype, shape)} was wanted")
        info = self._archive.getinfo(f"{name}.npy")
        with _in_one_line(self._path, name), self._archive.open(info) as entry:
            found, found_dtype = _read_header(entry)
            declared = entry.tell() + math.prod(found) * found_dtype.itemsize
        is_type = found_dtype.kind == "U" if dtype is str else found_dtype == np.dtype(dtype)
        is_shape = len(found) == len(shape) and all(
            want in (None, have) for want, have in zip(shape, found, strict=True)
        )
        if not is_type or not is_shape:
            raise InputError(
                f"{self._path}: {name} is {_form(found_dtype, found)}; "
                f"{_form(dtype, shape)} was wanted"
            )
        most = _MOST_TEXT if dtype is str else MOST_BYTES
        if declared > most:
            raise InputError(
                f"{self._path}: {name} declares {declared / 2**20:.0f} MiB, at most "
                f"{most >> 20} are read; divide it into several files"
            )
        if declared != info.file_size:
            raise InputError(
                f"{self._path}: {name} declares {declared} bytes and holds {info.file_size}; "
                "the file is damaged, make it again"
            )
        return found

    def read(self, name: str, dtype: type, shape: tuple[int | None, ...]) -> np.ndarray:
        """An array; see `check`."""
        self.check(name, dtype, shape)
        with _in_one_line(self._path, name), self._archive.open(f"{name}.npy") as entry:
            return np.lib.format.read_array(entry, allow_pickle=False)


def _read_header(entry: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    version = np.lib.format.read_magic(entry)
    if version == (1, 0):
        header = np.lib.format.read_array_header_1_0(entry, max_header_size=_MOST_HEADER)
    elif version == (2, 0):
        header = np.lib.format.read_array_header_2_0(entry, max_header_size=_MOST_HEADER)
    else:
        raise ValueError(f"version {version} of the format of NumPy's arrays")
    shape, _, dtype = header
    return shape, dtype


def _form(dtype: type | np.dtype, shape: tuple[int | None, ...]) -> str:
    """Such as `uint8 (N, N, N, 3)`: type and shape for a message, N for any length."""
    dtype = np.dtype(dtype)
    kind = {"U": "text", "O": "Python objects"}.get(dtype.kind, dtype.name)
    return f"{kind} ({', '.join('N' if length is None else str(length) for length in shape)})"


@contextlib.contextmanager
def open_arrays(path: str | os.PathLike) -> Iterator[ArrayReader]:
    """Open a file for reading.

    Raises:
        InputError: no such file, an empty one, or no `.npz`; also from within the block.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            if not os.fstat(file.fileno()).st_size:
                raise InputError(f"{path}: an empty file; a .npz was wanted")
            try:
                archive = zipfile.ZipFile(file)
            except _DAMAGED as error:
                raise InputError(f"{path}: no .npz, or cut short; make it again") from error
            with archive:
                yield ArrayReader(path, archive)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}; check the name") from error


@contextlib.contextmanager
def _in_one_line(path: Path, name: str) -> Iterator[None]:
    """In one line what an archive's many errors mean."""
    try:
        yield
    except _DAMAGED as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: {name} is damaged ({reason}); make it again") from error
    except MemoryError as error:
        raise MissingError(f"{path}: not enough memory to read it; use a smaller file") from error
