"""Frames that lie about as single picture files: which ones, in which order, as 8-bit RGB."""

import os
import re
import struct
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vqspeech.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image

# Kinds of one picture a file, by suffix, as Pillow calls them: of a GIF it is not clear which of
# its frames is meant.
FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".bmp": "BMP",
    ".ppm": "PPM",
}
# What Pillow's decoders raise of broken files, next to errors of the system.
_BROKEN = (OSError, SyntaxError, ValueError, ArithmeticError, LookupError, TypeError, struct.error)


def is_picture(path: str | os.PathLike) -> bool:
    """Whether a name is that of a picture."""
    return Path(path).suffix.lower() in FORMATS


def list_pictures(folder: str | os.PathLike) -> list[Path]:
    """The pictures of a folder by name, `frame2.png` before `frame10.png`; hidden ones are not.

    Raises:
        InputError: there are none, or the folder cannot be read.
    """
    folder = Path(folder)
    try:
        found = [path for path in folder.iterdir() if is_picture(path)]
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror or error}; check the name") from error
    found = [path for path in found if not path.name.startswith(".")]
    if not found:
        raise InputError(f"{folder}: no {', '.join(FORMATS)} in it; give a folder of pictures")
    return sorted(found, key=lambda path: (_counted(path.name), path.name))


def _counted(name: str) -> list[str | int]:
    """Text and numbers in turn."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


def read_pictures(paths: Sequence[Path], size: tuple[int, int]) -> np.ndarray:
    """Pictures of one size, (N, H, W, 3) uint8.

    Grey ones become RGB, transparent ones lie on white.

    Args:
        size: H and W that all must have; it is known before a picture is decoded.

    Raises:
        InputError: one cannot be read, is of another size, or of more than 8 bits a colour.
    """
    return np.stack([_read(path, size) for path in paths])


def check_frame_size(found: tuple[int, int], wanted: tuple[int, int], path: Path) -> None:
    """Refuse frames whose height and width are not those that a model has learnt.

    Raises:
        InputError: they differ.
    """
    if found != wanted:
        raise InputError(
            f"{path}: frames of {found[1]}x{found[0]} pixels, {wanted[1]}x{wanted[0]} were wanted; "
            "give some of the size that the model has learnt"
        )


def _read(path: Path, size: tuple[int, int]) -> np.ndarray:
    from PIL import Image

    kinds = sorted(set(FORMATS.values()))
    try:
        # Pillow warns of sizes that are refused here, and of odd metadata.
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=kinds) as image:
            check_frame_size((image.height, image.width), size, path)
            image.load()
            return np.asarray(_rgb(image, path))
    except Image.DecompressionBombError as error:
        raise InputError(f"{path}: too large for a frame; give another picture") from error
    except FileNotFoundError as error:
        raise InputError(f"{path}: {error.strerror}; check the name") from error
    except _BROKEN as error:
        raise InputError(
            f"{path}: no {', '.join(FORMATS)}, or cut short; give another picture"
        ) from error


def _rgb(image: "Image", path: Path) -> "Image":
    from PIL import Image

    if image.mode.startswith(("I", "F")):
        raise InputError(f"{path}: more than 8 bits a colour; save it with 8")
    if image.has_transparency_data:
        above = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", above.size, "white"), above)
    return image.convert("RGB")
