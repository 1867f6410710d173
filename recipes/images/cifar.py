"""CIFAR-10 as its authors give it away: the binary version, and the one for Python.

https://www.cs.toronto.edu/~kriz/cifar.html: a row of the binary version is a label and 3,072 bytes,
the red plane before the green and the blue; the version for Python is a pickled dict of the same.
A pickle can name any function to call, so what it may name is listed here. N counts pictures.
"""

import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np

from recipes.frames.pictures import PictureData, PictureSet
from vqspeech.errors import InputError
from vqspeech.files import is_folder

SIZE = 32
PIXEL_BYTES = 3 * SIZE * SIZE
CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
TRAIN_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
TEST_BATCH = "test_batch"
VALID_SHARE = 10  # the last tenth of the training pictures, 5,000 of the real ones

Batch = tuple[np.ndarray, np.ndarray]  # (N, 32, 32, 3) uint8 and (N,) int64


def load_cifar10(folder: str | os.PathLike) -> PictureData:
    """The six batches in `folder`, or in the folder that the archive makes within it.

    `valid` is the last tenth of the training pictures. Each picture is its own source, named by
    batch and row.

    Raises:
        InputError: no such folder, no CIFAR-10 in it, a batch that is missing or not as it should
            be.
    """
    place, suffix = _find_batches(Path(folder))
    read = read_binary if suffix else read_pickle
    batches = [read(place / f"{name}{suffix}") for name in TRAIN_BATCHES]
    names = [
        f"{batch}:{row}"
        for batch, (pixels, _) in zip(TRAIN_BATCHES, batches, strict=True)
        for row in range(len(pixels))
    ]
    pixels, labels = (np.concatenate(arrays) for arrays in zip(*batches, strict=True))
    kept = len(pixels) - len(pixels) // VALID_SHARE
    test_pixels, test_labels = read(place / f"{TEST_BATCH}{suffix}")
    test_names = [f"{TEST_BATCH}:{row}" for row in range(len(test_pixels))]
    parts = {
        "train": _as_set(pixels[:kept], labels[:kept], names[:kept]),
        "valid": _as_set(pixels[kept:], labels[kept:], names[kept:]),
        "test": _as_set(test_pixels, test_labels, test_names),
    }
    return PictureData("cifar10", parts, CLASSES)


def read_binary(path: str | os.PathLike) -> Batch:
    """Pictures and labels of a `data_batch_1.bin`.

    Raises:
        InputError: it cannot be read, is no whole number of rows, or has a label above 9.
    """
    data = _read_bytes(path)
    rows, left = divmod(len(data), 1 + PIXEL_BYTES)
    if left or not rows:
        raise InputError(
            f"{path}: {len(data)} bytes, a whole number of rows of {1 + PIXEL_BYTES} was wanted;"
            " fetch the binary version of CIFAR-10 again"
        )
    table = np.frombuffer(data, np.uint8).reshape(rows, 1 + PIXEL_BYTES)
    return _batch(path, table[:, 1:], table[:, 0].astype(np.int64))


def read_pickle(path: str | os.PathLike) -> Batch:
    """The same of a `data_batch_1` of the version for Python; nothing in it is executed.

    Raises:
        InputError: it cannot be read, names anything but what an array needs, or holds something
            else than `data` and `labels`.
    """
    with _open(path) as file:
        try:
            content = _ArraysOnly(file, encoding="bytes").load()
        except _BROKEN_PICKLE as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError(
                f"{path}: no batch of CIFAR-10 ({reason}); fetch the version for Python again"
            ) from error
    data, labels = _field(content, "data"), _field(content, "labels")
    planes = data.planes() if isinstance(data, _Array) else None
    fits = (
        planes is not None
        and isinstance(labels, list)
        and all(type(label) is int for label in labels)
        and len(labels) == len(planes) > 0
    )
    if not fits:
        raise InputError(
            f"{path}: `data` of N x {PIXEL_BYTES} bytes and N `labels` were wanted;"
            " fetch the version for Python again"
        )
    return _batch(path, planes, np.clip(labels, -1, 10).astype(np.int64))


def _find_batches(folder: Path) -> tuple[Path, str]:
    """Where the batches lie, and what their names end in."""
    if not is_folder(folder):
        raise InputError(f"{folder}: no such folder; give the one that holds CIFAR-10")
    for place in (folder, folder / "cifar-10-batches-bin", folder / "cifar-10-batches-py"):
        for suffix in (".bin", ""):
            if (place / f"{TRAIN_BATCHES[0]}{suffix}").exists():
                return place, suffix
    raise InputError(
        f"{folder}: holds no {TRAIN_BATCHES[0]}.bin and no {TRAIN_BATCHES[0]}; unpack the binary"
        " version of CIFAR-10 there"
    )


def _open(path: str | os.PathLike) -> BinaryIO:
    try:
        return open(path, "rb")
    except OSError as error:
        raise InputError(
            f"{path}: cannot be opened ({error.strerror}); unpack all of CIFAR-10 again"
        ) from error


def _read_bytes(path: str | os.PathLike) -> bytes:
    with _open(path) as file:
        return file.read()


def _batch(path: str | os.PathLike, planes: np.ndarray, labels: np.ndarray) -> Batch:
    """Planes (N, 3072) as pictures, once the labels (N,) are known to be right."""
    wrong = np.flatnonzero((labels < 0) | (labels >= len(CLASSES)))
    if len(wrong):
        raise InputError(
            f"{path}: row {wrong[0]} has a label that is none of 0 to {len(CLASSES) - 1};"
            " CIFAR-10 was wanted"
        )
    pictures = planes.reshape(-1, 3, SIZE, SIZE).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(pictures), labels


def _as_set(pixels: np.ndarray, labels: np.ndarray, names: list[str]) -> PictureSet:
    return PictureSet(pixels, np.arange(len(pixels)), labels, tuple(names))


def _field(content: Any, name: str) -> Any:
    """An entry of a pickled dict, whose names are bytes if Python 2 wrote it."""
    if not isinstance(content, dict):
        return None
    return content.get(name.encode(), content.get(name))


class _DType:
    """Stands for `numpy.dtype` while a pickle is read: its name, such as `u1`, and no more."""

    def __init__(self, name: Any, *_: Any):
        self.name = name.decode("latin1") if isinstance(name, bytes) else name

    def __setstate__(self, state: Any) -> None:
        pass  # byte order and flags, of no use to bytes


class _Array:
    """Stands for an array while a pickle is read.

    NumPy's own array and dtype believe what a pickle says of their insides: changed flags of a
    dtype of bytes were seen to make it free pixels as if they were objects.
    """

    state: Any = None

    def __init__(self, *_: Any):
        pass

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def planes(self) -> np.ndarray | None:
        """The (N, 3072) bytes; None if that is not what it holds."""
        match self.state:
            case (int(), (int(rows), int(columns)), _DType(name="u1"), is_fortran, bytes(data)):
                if columns == PIXEL_BYTES and rows * columns == len(data):
                    order = "F" if is_fortran else "C"
                    return np.frombuffer(data, np.uint8).reshape((rows, columns), order=order)
        return None


def _bytes_of_text(text: str, encoding: str) -> bytes:
    # Protocol 2 has no bytes: they are written as text and a call that turns it back.
    if encoding not in ("latin1", b"latin1"):
        raise pickle.UnpicklingError(f"it asks for the codec {encoding!r}, which is refused")
    return text.encode("latin1")


class _ArraysOnly(pickle.Unpickler):
    """Knows what arrays are made of, under the names of NumPy 1 and 2, and nothing else."""

    _KNOWN: ClassVar[dict[tuple[str, str], Callable]] = {
        ("numpy.core.multiarray", "_reconstruct"): _Array,
        ("numpy._core.multiarray", "_reconstruct"): _Array,
        ("numpy", "ndarray"): _Array,
        ("numpy", "dtype"): _DType,
        ("_codecs", "encode"): _bytes_of_text,
    }

    def find_class(self, module: str, name: str) -> Callable:
        if (module, name) not in self._KNOWN:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which is refused")
        return self._KNOWN[module, name]


# What unpickling was seen to raise of files that are no pickles, or broken ones.
_BROKEN_PICKLE = (
    *(pickle.UnpicklingError, EOFError, ValueError, LookupError, TypeError, AttributeError),
    *(ArithmeticError, MemoryError, struct.error),
)
