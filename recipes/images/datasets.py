"""Data sets by their name on a command line, and what is in them.

python -m recipes.images.datasets photos --size 32 --show photos.png
"""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from recipes.frames.command import DATA as KNOWN
from recipes.frames.command import make_app, run
from recipes.frames.grids import contact_sheet, write_png
from recipes.frames.pictures import PictureData, PictureSet
from recipes.images import cifar
from recipes.images.photographs import COUNTS, load_photographs
from recipes.images.picture_folder import load_folder
from vqspeech.errors import UsageError, printable, tell_skipped

SHEET = (12, 16)  # rows and columns at most


def load_pictures(
    spec: str,
    size: int,
    cache: str | os.PathLike,
    *,
    seed: int = 0,
    limit: int | None = None,
    counts: Sequence[int] | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> PictureData:
    """The pictures that `spec` names, as squares of `size` pixels.

    Args:
        spec: one of `KNOWN`. `photos` are crops of the photographs that come with two packages;
            FOLD is 0, 1 or 2, and with `scales` they are labelled by scale.
        cache: a folder for decoded pictures of a folder; nothing else is written there.
        seed: of the crops of `photos`.
        limit: at most so many pictures of a class in each part; of `photos`, in each part.
        counts: of `photos`: crops of train, valid and test.
        note: told now and then how far it is.

    Raises:
        UsageError: an unknown `spec`, or one that does not fit the other arguments.
        InputError: a data set that is not there or not as it should be.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"limit {limit}: a positive number of pictures was wanted")
    kind, colon, place = spec.partition(":")
    if kind == "photos":
        fold, by_scale = _photo_options(spec, place if colon else None)
        if limit is not None:
            counts = [min(count, limit) for count in counts or COUNTS]
        return load_photographs(size, fold=fold, seed=seed, counts=counts, by_scale=by_scale)
    if not place or kind not in ("cifar10", "imagenet", "folder", "frames"):
        raise UsageError(f"{spec}: no data set; known are {KNOWN}")
    if counts is not None:
        raise UsageError(f"{spec}: counts are for photos alone; give a limit")
    if kind == "cifar10":
        if size != cifar.SIZE:
            raise UsageError(f"{spec}: pictures of {cifar.SIZE} pixels, {size} were asked for")
        return _limited(cifar.load_cifar10(place), limit)
    if kind == "frames":
        from recipes.frames.frames_file import frames_pictures

        return _limited(frames_pictures(place, size), limit)
    return load_folder(place, size, cache, imagenet=kind == "imagenet", limit=limit, note=note)


def load_for_command(
    spec: str, size: int, cache: str | os.PathLike, limit: int | None = None
) -> PictureData:
    """The same, telling on standard error what takes long and what was skipped."""

    def note(text: str) -> None:
        print(f"note: {printable(text)}", file=sys.stderr)

    data = load_pictures(spec, size, cache, limit=limit, note=note)
    for line in tell_skipped(data.skipped):
        note(line)
    return data


def describe(data: PictureData) -> list[str]:
    """A line for each part, and for each reason to skip something."""
    lines = []
    for name, part in data.parts.items():
        sources = len(np.unique(part.sources))
        text = f"{data.name} {name}: {len(part)} pictures of {part.pixels.shape[2]} x"
        text += f" {part.pixels.shape[1]} pixels from {sources} sources"
        if part.labels is not None:
            text += f", {len(np.unique(part.labels))} of {len(data.class_names)} classes"
        lines.append(text)
    return lines + tell_skipped(data.skipped)


def _photo_options(spec: str, text: str | None) -> tuple[int, bool]:
    """Fold and whether there are labels, of what follows `photos:`."""
    options = [] if text is None else text.split(":")
    by_scale = options[-1:] == ["scales"]
    folds = options[: len(options) - by_scale]
    if len(folds) > 1 or not all(fold.isdecimal() for fold in folds):
        raise UsageError(f"{spec}: no data set; known are {KNOWN}")
    return int(folds[0]) if folds else 0, by_scale


def _limited(data: PictureData, limit: int | None) -> PictureData:
    """The first `limit` pictures of each class in each part."""
    if limit is None:
        return data
    return replace(data, parts={name: _first(part, limit) for name, part in data.parts.items()})


def _first(part: PictureSet, limit: int) -> PictureSet:
    classes = np.zeros(len(part), np.int64) if part.labels is None else part.labels
    kept = np.sort(
        np.concatenate(
            [np.flatnonzero(classes == label)[:limit] for label in np.unique(classes)]
            or [np.zeros(0, np.int64)]
        )
    )
    labels = None if part.labels is None else part.labels[kept]
    return replace(part, pixels=part.pixels[kept], sources=part.sources[kept], labels=labels)


app = make_app()


@app.command()
def show_data_set(
    spec: Annotated[str, typer.Argument(help=KNOWN)],
    size: Annotated[int, typer.Option(min=4, help="Pixels a side.")] = 32,
    cache: Annotated[Path, typer.Option(help="Where decoded pictures are kept.")] = Path("cache"),
    seed: Annotated[int, typer.Option(help="Of the crops of photos.")] = 0,
    limit: Annotated[int | None, typer.Option(help="Pictures of a class in each part.")] = None,
    part: Annotated[str, typer.Option(help="Which part --show takes.")] = "train",
    show: Annotated[Path | None, typer.Option(help="Write a sheet of pictures here.")] = None,
) -> None:
    """Say what is in a data set, and show some of it."""
    data = load_pictures(
        spec,
        size,
        cache,
        seed=seed,
        limit=limit,
        note=lambda text: print(f"note: {printable(text)}", file=sys.stderr),
    )
    for line in describe(data):
        print(line)
    if show is not None:
        _write_sheet(data.part(part), show)
        print(f"wrote {show}")


def _write_sheet(pictures: PictureSet, path: Path) -> None:
    rows, columns = SHEET
    count = min(len(pictures), rows * columns)
    spread = np.linspace(0, len(pictures) - 1, count).astype(np.int64)  # of all sources
    write_png(path, contact_sheet(pictures.pixels[spread], min(columns, count)))


if __name__ == "__main__":
    run(app)
