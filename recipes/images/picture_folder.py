"""A folder of pictures as squares of one size, decoded once and mapped into memory from then on.

The squares lie one behind the other in `pixels.u8`, 49 KB each at 128x128, and `index.json` says
whose they are. N counts pictures.
"""

import contextlib
import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from recipes.frames.pictures import PARTS, PictureData, PictureSet
from recipes.images.folder_listing import Listed, list_folder
from recipes.images.picture_file import PictureError, read_picture
from vqspeech.errors import BusyError, InputError, printable, tell_skipped
from vqspeech.files import atomic_directory, path_lock, sweep_temporaries, write_json

FORMAT = 1  # raise it when what is cut, resized or stored changes
PIXELS, INDEX = "pixels.u8", "index.json"
BLOCK = 256  # pictures that are decoded at a time
NOTE_SECONDS = 30.0


def load_folder(
    root: str | os.PathLike,
    size: int,
    cache: str | os.PathLike,
    *,
    imagenet: bool = False,
    limit: int | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> PictureData:
    """The middle square of each picture, parted and classified as `list_folder` says.

    Pictures that cannot be read are skipped and named. Each picture is its own source.

    Args:
        size: of the squares.
        cache: a folder for what was decoded. It is taken from there while no file of `root` is
            added, removed or changed; of several processes one decodes and the others wait.
        imagenet: laid out as ImageNet.
        limit: at most so many pictures of a class in a part.
        note: told now and then how far it is.

    Raises:
        InputError: no such folder, or none of it can be read.
        WriteError: `cache` cannot be written.
    """
    root = Path(root)
    listed = list_folder(root, imagenet=imagenet, limit=limit)
    kind = "imagenet" if imagenet else "folder"
    call = hashlib.sha256(os.fsencode(f"{os.path.realpath(root)}\n{limit}")).hexdigest()[:12]
    place = Path(cache) / f"{kind}-{size}-{call}"
    digest = _digest(root, size, listed)
    index = _read_index(place, size, digest)
    if index is None:
        with _lock_when_free(place, note):
            index = _read_index(place, size, digest)  # another process may just have made it
            if index is None:
                sweep_temporaries(place.parent, place.name)
                index = _decode(root, size, listed, place, digest, note)
    data = _as_data(kind, index, place, size)
    return replace(data, skipped=(*listed.skipped, *data.skipped))


def _digest(root: Path, size: int, listed: Listed) -> str:
    """Of the names, sizes, times and classes of all files that are to be read."""
    digest = hashlib.sha256(os.fsencode(f"{FORMAT}\n{size}\n{listed.class_names}\n"))
    for part, files in listed.parts.items():
        for name, label in files:
            try:
                status = os.stat(root / name)
                known = (status.st_size, status.st_mtime_ns)
            except OSError:
                known = None  # a dangling link: it will be skipped, with this reason
            digest.update(os.fsencode(f"{part}\n{name}\n{label}\n{known}\n"))
    return digest.hexdigest()


@contextlib.contextmanager
def _lock_when_free(place: Path, note: Callable[[str], None]) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        told = False
        while True:
            try:
                stack.enter_context(path_lock(place))
                break
            except BusyError as busy:
                if not told:
                    note(f"{str(busy).partition(';')[0]}; waiting")
                told = True
                time.sleep(0.2)
        yield


def _decode(
    root: Path,
    size: int,
    listed: Listed,
    place: Path,
    digest: str,
    note: Callable[[str], None],
) -> dict[str, Any]:
    """Read all that was listed into `place`; returns the index."""
    skipped = []
    parts = {part: {"names": [], "labels": []} for part in PARTS}
    files = [(part, name, label) for part in PARTS for name, label in listed.parts[part]]

    def read(file: tuple[str, str, int | None]) -> np.ndarray | PictureError:
        try:
            return read_picture(root / file[1], size)
        except PictureError as error:
            return error

    told = time.monotonic()
    with atomic_directory(place) as folder:
        # Written and not mapped: on a full disk, a write says so and a mapping kills the process.
        with (
            ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool,
            open(folder / PIXELS, "wb") as to,
        ):
            for start in range(0, len(files), BLOCK):
                block = files[start : start + BLOCK]
                for (part, name, label), picture in zip(block, pool.map(read, block), strict=True):
                    if isinstance(picture, PictureError):
                        skipped.append((name, picture.reason))
                        continue
                    to.write(picture.tobytes())
                    parts[part]["names"].append(printable(name))
                    parts[part]["labels"].append(label)
                if time.monotonic() - told > NOTE_SECONDS:
                    told = time.monotonic()
                    note(f"{root}: {start + len(block)} of {len(files)} pictures read")
        if not any(part["names"] for part in parts.values()):
            raise InputError(
                f"{root}: no picture that can be read; {tell_skipped(listed.skipped + skipped)[0]}"
            )
        index = {
            "digest": digest,
            "classes": list(listed.class_names),
            "parts": parts,
            "skipped": [[printable(name), reason] for name, reason in skipped],
        }
        write_json(folder / INDEX, index)
    return index


def _read_index(place: Path, size: int, digest: str) -> dict[str, Any] | None:
    """The index of what was decoded before; None where it is of other files or not whole."""
    try:
        index = json.loads((place / INDEX).read_text(encoding="utf-8"))
        stored = (place / PIXELS).stat().st_size
    except (OSError, ValueError):
        return None
    if not isinstance(index, dict) or index.get("digest") != digest:
        return None
    count = sum(len(part["names"]) for part in index["parts"].values())
    return index if stored == count * math.prod(_shape(size)) else None


def _shape(size: int) -> tuple[int, int, int]:
    return size, size, 3


def _as_data(kind: str, index: dict[str, Any], place: Path, size: int) -> PictureData:
    pixels = np.memmap(place / PIXELS, np.uint8, "r").reshape(-1, *_shape(size))
    classes = tuple(index["classes"])
    parts, start = {}, 0
    for part in PARTS:
        names, labels = (index["parts"][part][key] for key in ("names", "labels"))
        parts[part] = PictureSet(
            pixels[start : start + len(names)],
            np.arange(len(names)),
            np.array(labels, np.int64) if classes else None,
            tuple(names),
        )
        start += len(names)
    skipped = tuple((name, reason) for name, reason in index["skipped"])
    return PictureData(kind, parts, classes, skipped)
