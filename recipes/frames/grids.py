"""Pictures of pictures: sheets of many, written as PNG."""

import os

import numpy as np

from vqspeech.files import atomic_path


def contact_sheet(pixels: np.ndarray, columns: int, gap: int = 2) -> np.ndarray:
    """Pictures side by side on white, row by row.

    Args:
        pixels: (N, H, W, 3) uint8, of which there is at least one.

    Returns:
        (rows * (H + gap) - gap, columns * (W + gap) - gap, 3) uint8.
    """
    count, height, width, _ = pixels.shape
    rows = -(-count // columns)
    sheet = np.full((rows * (height + gap), columns * (width + gap), 3), 255, np.uint8)
    for i, picture in enumerate(pixels):
        top, left = i // columns * (height + gap), i % columns * (width + gap)
        sheet[top : top + height, left : left + width] = picture
    return sheet[:-gap, :-gap] if gap else sheet


def write_png(path: str | os.PathLike, pixels: np.ndarray, scale: int = 1) -> None:
    """Write (H, W, 3) uint8 atomically, every pixel as a square of `scale` pixels.

    Raises:
        WriteError: the system refused.
    """
    from PIL import Image

    enlarged = np.repeat(np.repeat(pixels, scale, 0), scale, 1)
    with atomic_path(path) as temporary:
        Image.fromarray(enlarged).save(temporary, "PNG", optimize=True)
