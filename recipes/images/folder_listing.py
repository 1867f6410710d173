"""Which pictures of a folder are learnt from, chosen by and scored on, and of which class each is.

Laid out as `train/CLASS/**/*.jpg` beside `val` and `test`, as ImageNet, or any other way. What is
not there is split off by a hash of each name, so that files that come later move none.
"""

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from recipes.frames.pictures import PARTS
from vqspeech.errors import InputError, UsageError
from vqspeech.files import is_folder

SUFFIXES = (
    *(".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp"),
    *(".tif", ".tiff", ".ppm", ".pgm", ".pbm"),
)
HELD_OUT = ("valid", "val", "validation")
SPLIT_OFF = 0.05  # of the training pictures, for a part that has no folder of its own
LABEL_FILES = (
    *("val_labels.txt", "val.txt", "val_annotations.txt", "LOC_val_solution.csv"),
    "imagenet_2012_validation_synset_labels.txt",
    "ILSVRC2012_validation_ground_truth.txt",
)

NO_CLASS = "of no class that train has"
EMPTY_CLASS = "a class folder without a picture"


class Listed(NamedTuple):
    """Pictures that are there by name; whether they can be read is not known yet.

    `parts` has (path within the folder, class or None) by part, sorted; `skipped` names and
    reasons.
    """

    parts: dict[str, list[tuple[str, int | None]]]
    class_names: tuple[str, ...]
    skipped: list[tuple[str, str]]


def list_folder(root: Path, *, imagenet: bool = False, limit: int | None = None) -> Listed:
    """The pictures below `root`, by part and class.

    Where there is a folder `train`, its first folders are the classes, and `val` (or `valid`) and
    `test` are the other parts; if only one of these is there it is the test, and 5 % of the
    training pictures are split off as `valid`. Without `train` all of `root` is parted 90, 5
    and 5 %. A `val` that is not parted by class takes the classes from one of `LABEL_FILES`, in it
    or beside it: lines `NAME CLASS`, where CLASS is a class folder or its place in the sorted list
    from 0; or only a class folder each, in the order of the sorted file names.

    Args:
        imagenet: `train/CLASS` must be there, and `val` is the test: of ImageNet's own `test` no
            classes are published.
        limit: at most so many pictures of a class in a part, the same ones each time.

    Raises:
        InputError: no such folder, one that may not be read, no picture in it, or a label file
            that does not fit.
        UsageError: `limit` is no positive number.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"limit: {limit}, a positive number of pictures was wanted")
    places = _find_parts(root, imagenet)
    found = {part: list(_pictures_below(place)) for part, place in places.items()}
    within = {part: place.relative_to(root) for part, place in places.items()}
    classes = tuple(sorted({path.parts[0] for path in found["train"] if len(path.parts) > 1}))
    if imagenet and not classes:
        raise InputError(f"{root}/train: no class folder with a picture; train/CLASS was wanted")
    if not any(found.values()):
        raise InputError(f"{root}: no file named as a picture ({', '.join(SUFFIXES[:4])}, ...)")
    skipped = [
        (str(within["train"] / name), EMPTY_CLASS)
        for name in _folders_in(places["train"])
        if classes and name not in classes
    ]
    parts = {part: [] for part in PARTS}
    for place, paths in found.items():
        classify = _classifier(root, places[place], paths, classes)
        for path in paths:
            name = (within[place] / path).as_posix()
            label = classify(path)
            if classes and label is None:
                skipped.append((name, NO_CLASS))
                continue
            part = _part_of(name, places) if place == "train" else place
            parts[part].append((name, label))
    kept = {part: sorted(_some_of_each(files, limit)) for part, files in parts.items()}
    return Listed(kept, classes, skipped)


def _find_parts(root: Path, imagenet: bool) -> dict[str, Path]:
    """The folder of each part that has one; `train` alone where all is to be split."""
    if not is_folder(root):
        raise InputError(f"{root}: no such folder; give one that holds pictures")
    train = root / "train"
    if not is_folder(train):
        if imagenet:
            raise InputError(f"{root}: no folder train; train/CLASS/*.JPEG and val were wanted")
        return {"train": root}
    held = next((root / name for name in HELD_OUT if is_folder(root / name)), None)
    test = root / "test" if is_folder(root / "test") and not imagenet else None
    if held and test:
        return {"train": train, "valid": held, "test": test}
    return {"train": train} | ({"test": held or test} if held or test else {})


def _pictures_below(folder: Path) -> Iterator[Path]:
    """Paths within `folder` that are named as pictures; links are followed, each folder once."""
    seen = set()
    for place, folders, names in os.walk(folder, followlinks=True, onerror=_refuse):
        status = os.stat(place)
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                yield Path(place, name).relative_to(folder)


def _refuse(error: OSError) -> None:
    raise InputError(f"{error.filename}: cannot be opened ({error.strerror}); allow it to be read")


def _folders_in(folder: Path) -> list[str]:
    return sorted(e.name for e in os.scandir(folder) if e.is_dir() and not e.name.startswith("."))


def _classifier(
    root: Path, place: Path, paths: list[Path], classes: tuple[str, ...]
) -> Callable[[Path], int | None]:
    """What gives the class of a path within `place`, or None."""
    number = {name: index for index, name in enumerate(classes)}
    by_folder = any(path.parts[0] in number for path in paths if len(path.parts) > 1)
    if classes and not by_folder:
        for labels in (folder / name for name in LABEL_FILES for folder in (place, root)):
            if labels.is_file():
                by_name = _read_labels(labels, paths, number)
                return lambda path: by_name.get(path.name, by_name.get(path.stem))
    return lambda path: number.get(path.parts[0]) if len(path.parts) > 1 else None


def _read_labels(file: Path, paths: list[Path], number: dict[str, int]) -> dict[str, int]:
    """Classes by file name, as `list_folder` says; those of no known class are left out."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{file}: cannot be read ({error}); NAME CLASS lines were wanted"
        ) from error
    rows = [
        (line, re.split(r"[\s,]+", text.strip()))
        for line, text in enumerate(lines, 1)
        if text.strip()
    ]
    if all(len(fields) == 1 for _, fields in rows):
        names = sorted(path.name for path in paths)
        if len(names) != len(rows):
            raise InputError(
                f"{file}: {len(rows)} lines for {len(names)} pictures; NAME CLASS lines were wanted"
            )
        if not any(fields[0] in number for _, fields in rows):
            # The kit of ILSVRC counts its classes in an order that is not that of their names.
            raise InputError(
                f"{file}: no line is the name of a class folder; numbers alone do not say which"
                " class they count; NAME CLASS lines were wanted"
            )
        rows = [(line, [name, *fields]) for name, (line, fields) in zip(names, rows, strict=True)]
    labels = {}
    for line, fields in rows:
        if len(fields) < 2:
            raise InputError(f"{file}:{line}: one word; NAME CLASS was wanted, as in other lines")
        name, label = Path(fields[0]).name, fields[1]
        if label in number:
            labels[name] = number[label]
        elif label.isdecimal():
            if int(label) >= len(number):
                raise InputError(
                    f"{file}:{line}: class {label}, but train has {len(number)} class folders;"
                    " give the names of class folders"
                )
            labels[name] = int(label)
    return labels


def _share_of(name: str) -> float:
    """A number in [0, 1) that depends on the name alone."""
    return int.from_bytes(hashlib.sha256(os.fsencode(name)).digest()[:6], "big") / 2**48


def _part_of(name: str, places: dict[str, Path]) -> str:
    """Which part a picture of `train` goes to: 5 % for each part without a folder."""
    missing = [part for part in ("test", "valid") if part not in places]
    place = int((1 - _share_of(name)) / SPLIT_OFF)  # 0 is the last 5 % of shares, 1 those before
    return missing[place] if place < len(missing) else "train"


def _some_of_each(
    files: list[tuple[str, int | None]], limit: int | None
) -> list[tuple[str, int | None]]:
    """At most `limit` of each class, those whose names have the lowest hashes."""
    if limit is None:
        return files
    kept: dict[int | None, list] = {}
    for name, label in sorted(files, key=lambda file: _share_of(file[0])):
        if len(of_class := kept.setdefault(label, [])) < limit:
            of_class.append((name, label))
    return [file for of_class in kept.values() for file in of_class]
