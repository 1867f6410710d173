"""One picture of any common kind of file as 8-bit RGB, and a guard before it is decoded.

What is decoded is chosen by the file's content, never by its name, and by few decoders: of those
that Pillow has, some start other programs. Letters of shapes: H and W of a picture.
"""

import os
import stat
import struct
import warnings
from typing import TYPE_CHECKING

import numpy as np

from vqspeech.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
MAX_PIXELS = 80_000_000  # 240 MB once decoded; a header may claim thousands of times its file

_TOO_LARGE = f"more than {MAX_PIXELS // 10**6} million pixels"

# What Pillow's decoders were seen to raise of broken files, next to errors of the system.
_BROKEN = (SyntaxError, ValueError, ArithmeticError, LookupError, TypeError, EOFError, struct.error)
_ORIENTATION = 0x0112  # in EXIF; 1 is upright
_TURNS = {  # of the values of EXIF's orientation; names in PIL.Image.Transpose
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}


class PictureError(InputError):
    """A file that is no picture, or none that can be used; `reason` says it without the name."""

    def __init__(self, path: str | os.PathLike, reason: str):
        super().__init__(f"{os.fspath(path)}: {reason}; give another picture")
        self.reason = reason


def read_picture(path: str | os.PathLike, size: int | None = None) -> np.ndarray:
    """A picture as it is meant to be seen: upright, on white where it is transparent.

    Of several frames or pages the first. Grey becomes RGB, CMYK is converted without a profile, 16
    bits are scaled to 8.

    Args:
        size: of the square to cut out of the middle, resized; None is the whole picture.

    Returns:
        (H, W, 3) uint8; both are `size` where it is given.

    Raises:
        PictureError: not there, empty, not one of `FORMATS`, broken, cut short, above `MAX_PIXELS`,
            or of numbers whose range the file does not say.
    """
    from PIL import Image, UnidentifiedImageError

    # Pillow warns of odd metadata, and of sizes that are refused here.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    _check_file(path)
    try:
        with Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise PictureError(path, _TOO_LARGE)
            if size is not None:
                # JPEG alone: the decoder itself shrinks by 2, 4 or 8, several times as fast.
                image.draft(None, (2 * size, 2 * size))
            image.load()
            picture = _rgb(image, path)
            if size is not None:
                picture = _centre_square(picture, size)
            # Read last: the decoder of TIFF turns the picture by itself and forgets the value.
            turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
            if turn is not None:
                picture = picture.transpose(Image.Transpose[turn])
            return np.asarray(picture)
    except UnidentifiedImageError as error:
        raise PictureError(path, f"no picture of {', '.join(FORMATS)}") from error
    except Image.DecompressionBombError as error:
        raise PictureError(path, _TOO_LARGE) from error
    except (OSError, *_BROKEN) as error:
        raise PictureError(path, "broken or cut short") from error


def _check_file(path: str | os.PathLike) -> None:
    try:
        status = os.stat(path)
        # A pipe would be waited for; a folder has an error of its own on each system.
        if not stat.S_ISREG(status.st_mode):
            raise PictureError(path, "no regular file")
        with open(path, "rb"):
            pass
    except OSError as error:
        raise PictureError(path, f"cannot be opened ({error.strerror or error})") from error
    if status.st_size == 0:
        raise PictureError(path, "an empty file")


def _rgb(image: "Image", path: str | os.PathLike) -> "Image":
    """A decoded picture of any mode as RGB."""
    from PIL import Image

    if image.mode.startswith("I"):
        return _from_16_bits(image, path)
    if image.mode == "F":
        raise PictureError(path, "numbers without a known range")
    if image.mode in ("LA", "PA", "La", "RGBA", "RGBa") or "transparency" in image.info:
        # A plain conversion shows what the hidden pixels happen to hold, often black or noise.
        above = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", above.size, "white"), above).convert("RGB")
    return image.convert("RGB")


def _from_16_bits(image: "Image", path: str | os.PathLike) -> "Image":
    from PIL import Image

    levels = np.asarray(image)  # (H, W)
    # Mode I has 32 bits: PNG and PPM fill 16 of them, a TIFF may mean anything.
    if image.mode == "I" and image.format == "TIFF":
        raise PictureError(path, "numbers without a known range")
    # To the nearest of 256, where Pillow's conversion would cut off all above 255.
    return Image.fromarray(((levels.astype(np.uint32) + 128) // 257).astype(np.uint8)).convert(
        "RGB"
    )


def _centre_square(image: "Image", size: int) -> "Image":
    from PIL import Image

    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.resize(
        (size, size),
        Image.Resampling.BICUBIC,  # as wide as the shrinking asks for: no aliases
        box=(left, top, left + side, top + side),
        reducing_gap=3.0,
    )
