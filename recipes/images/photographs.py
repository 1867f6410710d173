"""Small pictures cut from the ten colour photographs that scikit-image and scikit-learn install.

For where no data set is at hand: enough to see that a model works, and to compare models that saw
the same. Ten scenes are no CIFAR-10 and no ImageNet, and numbers on them stand beside none of
theirs. The photographs are read where they are installed; their licences are beside them. Letters
of shapes: N pictures, H and W of a photograph.
"""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from recipes.frames.pictures import PARTS, PictureData, PictureSet
from recipes.images.picture_file import read_picture
from vqspeech.errors import MissingError, UsageError

# By the fold that they are scored in: each has one of the three that show no everyday scene.
FOLDS = (
    ("chelsea", "coffee", "hubble_deep_field"),
    ("astronaut", "china", "ihc"),
    ("flower", "motorcycle_left", "rocket", "retina"),
)
NAMES = tuple(sorted(name for fold in FOLDS for name in fold))
COUNTS = (6000, 600, 1200)  # of train, valid and test
SCALES = (1, 2, 4, 8, 16)  # pixels of the photograph a side that become one

_FLAT = 1.0  # levels of standard deviation in every channel; JPEG noise on black is below
_TRIES = 1000  # a crop
_ROOM = 0.9  # of the shorter side, at most, goes into a crop
_PACKAGES = {"skimage": "data", "sklearn": "datasets/images"}


class Crops(NamedTuple):
    """`pixels` (N, size, size, 3) uint8 and the scale of each, (N,) of `SCALES`."""

    pixels: np.ndarray
    scales: np.ndarray


def load_photographs(
    size: int,
    *,
    fold: int = 0,
    seed: int = 0,
    counts: Sequence[int] | None = None,
    by_scale: bool = False,
) -> PictureData:
    """Crops, parted by photograph: no scene is both learnt from and scored.

    Those of `FOLDS[fold]` are the test, the first of the next fold is for validation, and training
    has the rest; so each photograph is scored in one fold. Of each photograph of a part there are
    equally many crops, evenly of all scales that it has room for.

    Args:
        size: of a crop, in pixels.
        fold: 0, 1 or 2.
        seed: of where crops are cut. Those of a photograph are the same in every fold and part, as
            far as they go.
        counts: crops of train, valid and test; None is `COUNTS`.
        by_scale: label each crop with its scale. The last class takes all scales that some
            photograph is too small for, so that each class is in each part.

    Raises:
        MissingError: a package that ships photographs is not installed.
        UsageError: another fold, or a size or counts that cannot be.
    """
    if fold not in range(len(FOLDS)):
        raise UsageError(f"photos:{fold}: fold 0 to {len(FOLDS) - 1} was wanted")
    counts = COUNTS if counts is None else tuple(counts)
    if len(counts) != len(PARTS) or min(counts) < 0:
        raise UsageError(f"counts {counts}: three numbers of crops were wanted, as {COUNTS}")
    photographs = {name: read_picture(path) for name, path in find_photographs().items()}
    fitting = [fitting_scales(photograph, size) for photograph in photographs.values()]
    common = min(fitting, key=len)  # each is the beginning of the longer ones
    if not common:
        raise UsageError(f"photos: crops of {size} pixels do not fit all photographs; ask for less")
    parts = {}
    for part, count in zip(PARTS, counts, strict=True):
        names = part_names(part, fold)
        shares = [count // len(names) + (i < count % len(names)) for i in range(len(names))]
        crops = [
            cut_crops(photographs[name], size, share, (seed, NAMES.index(name)), name)
            for name, share in zip(names, shares, strict=True)
        ]
        scales = np.concatenate([crop.scales for crop in crops])
        parts[part] = PictureSet(
            np.concatenate([crop.pixels for crop in crops]),
            np.repeat(np.arange(len(names)), shares),
            np.searchsorted(common, scales, "right") - 1 if by_scale else None,
            names,
        )
    classes = [f"scale 1/{scale}" if scale > 1 else "scale 1" for scale in common]
    if len(common) < len(SCALES):
        classes[-1] += " and less"
    return PictureData("photos", parts, tuple(classes) if by_scale else ())


def part_names(part: str, fold: int) -> tuple[str, ...]:
    """Which photographs are in a part, in the order of `NAMES`."""
    test, valid = FOLDS[fold], FOLDS[(fold + 1) % len(FOLDS)][0]
    if part == "test":
        return tuple(sorted(test))
    return (valid,) if part == "valid" else tuple(n for n in NAMES if n not in (*test, valid))


def find_photographs() -> dict[str, Path]:
    """The files of the ten, by name.

    Raises:
        MissingError: a package, or a photograph in it, is not there.
    """
    files = {}
    for package, folder in _PACKAGES.items():
        found = importlib.util.find_spec(package)  # importing it would take a second
        if found is None or found.origin is None:
            raise MissingError(f"photos need {package}; pip install 'vqspeech[images]'")
        for path in (Path(found.origin).parent / folder).glob("*.*"):
            if path.stem in NAMES and path.suffix in (".png", ".jpg"):
                files[path.stem] = path
    missing = [name for name in NAMES if name not in files]
    if missing:
        raise MissingError(
            f"photos: {missing[0]} is not among the files of {' and '.join(_PACKAGES)};"
            " pip install 'scikit-image>=0.25'"
        )
    return {name: files[name] for name in NAMES}


def fitting_scales(photograph: np.ndarray, size: int) -> tuple[int, ...]:
    """Those of `SCALES` at which crops have room to lie in many places, and are not all alike."""
    return tuple(s for s in SCALES if s * size <= _ROOM * min(photograph.shape[:2]))


def cut_crops(
    photograph: np.ndarray, size: int, count: int, seed: int | Sequence[int], name: str
) -> Crops:
    """Squares of a photograph at all scales in turn, wherever there is more than one flat colour.

    A crop of scale s is the mean of s x s pixels at each of its own.

    Args:
        photograph: (H, W, 3) uint8, with room for crops at scale 1.
        name: of the photograph, for the message.

    Raises:
        UsageError: hardly anything but one flat colour at some scale.
    """
    from PIL import Image, ImageStat

    rng = np.random.default_rng(seed)
    image = Image.fromarray(photograph)
    height, width = photograph.shape[:2]
    scales = np.resize(fitting_scales(photograph, size), count)
    pixels = np.empty((count, size, size, 3), np.uint8)
    for i, scale in enumerate(scales.tolist()):
        side = scale * size
        for _ in range(_TRIES):
            top, left = rng.integers(height - side + 1), rng.integers(width - side + 1)
            crop = image.reduce(scale, (left, top, left + side, top + side))
            if max(ImageStat.Stat(crop).stddev) >= _FLAT:
                break
        else:
            raise UsageError(f"photos: {name} is one flat colour at scale 1/{scale}")
        pixels[i] = np.asarray(crop)
    return Crops(pixels, scales)
