"""Clips to look at: a strip of frames as PNG, or an animation as GIF or WebP.

The same clips give the same bytes. R clips of F frames of H x W pixels.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from recipes.frames.grids import contact_sheet, write_png
from vqspeech.errors import UsageError
from vqspeech.files import atomic_path

if TYPE_CHECKING:
    from PIL.Image import Image

GAP = 2  # pixels between frames, before they are enlarged
MARK = (216, 96, 32)  # the colour of where frames begin that nobody saw
SHORTEST = 20  # milliseconds of a frame; programs slow down a GIF of less
_GREYS = 4  # of the 256 colours of a GIF, for what is written above the clips
_EDGE = 255 // (_GREYS - 1)  # levels from one of them to the next


def write_moving_picture(
    path: str | os.PathLike,
    clips: np.ndarray,
    *,
    context: int = 0,
    labels: Sequence[str] = (),
    scale: int = 1,
    milliseconds: int = 120,
) -> None:
    """Write clips as the name asks for: `.png` is a strip, `.gif` and `.webp` are animations.

    Args:
        clips: (R, F, H, W, 3) uint8. A strip has a row for each, an animation shows them side by
            side and begins again at its end.
        context: so many frames at the beginning were seen, not drawn. In a strip a line stands
            behind them; in an animation the ground changes from white to the colour of that line.
        labels: of the clips, written above them; none if it is empty.
        scale: every pixel becomes a square of so many.
        milliseconds: that a frame is shown; a GIF counts them by ten.

    Raises:
        UsageError: another ending.
        WriteError: the system refused.
        ValueError: no frames, labels of another number than clips, or a frame is shown for less
            than 20 ms.
    """
    path = Path(path)
    check_format(path)
    if not clips.size or (labels and len(labels) != len(clips)) or milliseconds < SHORTEST:
        raise ValueError(
            f"clips {clips.shape}, {len(labels)} labels, {milliseconds} ms: frames, a label for "
            f"each clip or none, and {SHORTEST} ms or more are wanted"
        )
    if path.suffix.lower() == ".png":
        write_png(path, strip(clips, context=context, labels=labels, scale=scale))
        return
    frames = side_by_side(clips, context)
    above = _above(labels, frames, scale)
    _ANIMATIONS[path.suffix.lower()](path, frames, above, scale, milliseconds)


def check_format(path: str | os.PathLike) -> None:
    """Refuse a name that says of no format; `UsageError` names those that there are."""
    if Path(path).suffix.lower() not in (".png", *_ANIMATIONS):
        raise UsageError(f"{path}: no such format; end the name with .png, .gif or .webp")


def strip(
    clips: np.ndarray, *, context: int = 0, labels: Sequence[str] = (), scale: int = 1
) -> np.ndarray:
    """A row of frames on white for each clip, a line behind the context: (H', W', 3) uint8.

    Args:
        clips, labels, scale: see `write_moving_picture`.
    """
    rows = []
    for number, clip in enumerate(clips):
        seen, drawn = clip[:context], clip[context:]
        parts = [contact_sheet(part, len(part), GAP) for part in (seen, drawn) if len(part)]
        if len(parts) == 2:
            line = np.full((clip.shape[1], 3 * GAP, 3), 255, np.uint8)
            line[:, GAP : 2 * GAP] = MARK
            parts.insert(1, line)
        row = _enlarge(np.concatenate(parts, 1), scale)
        if number:
            rows.append(np.full((GAP * scale, row.shape[1], 3), 255, np.uint8))
        if labels:
            rows.append(_as_rgb(_text(labels[number], row.shape[1], scale)))
        rows.append(row)
    return np.concatenate(rows)


def side_by_side(clips: np.ndarray, context: int = 0) -> np.ndarray:
    """The clips beside each other on a ground that is white while they were seen.

    Returns:
        (F, H + 2 * GAP, R * (W + GAP) + GAP, 3) uint8.
    """
    count, length, height, width, _ = clips.shape
    shape = (length, height + 2 * GAP, count * (width + GAP) + GAP, 3)
    frames = np.full(shape, 255, np.uint8)
    if context:
        frames[context:] = MARK
    for clip, left in zip(clips, range(GAP, shape[2], width + GAP), strict=True):
        frames[:, GAP : GAP + height, left : left + width] = clip
    return frames


def _enlarge(pixels: np.ndarray, scale: int) -> np.ndarray:
    """(..., H, W, 3) with every pixel as a square."""
    return pixels.repeat(scale, -3).repeat(scale, -2)


def _above(labels: Sequence[str], frames: np.ndarray, scale: int) -> np.ndarray:
    """What stands above frames of `side_by_side` (F, h, w, 3): (height, w * scale) uint8 greys."""
    width = frames.shape[2] * scale
    if not labels:
        return np.empty((0, width), np.uint8)
    # Each has what the clips and the gaps before them share alike.
    edges = [round(width * i / len(labels)) for i in range(len(labels) + 1)]
    texts = [
        _text(label, right - left, scale)
        for label, left, right in zip(labels, edges, edges[1:], strict=False)
    ]
    return np.concatenate(texts, 1)


def _text(text: str, width: int, scale: int) -> np.ndarray:
    """A line of black on white, cut off at the width: (height, width) uint8 of `_GREYS` levels."""
    from PIL import Image, ImageDraw, ImageFont

    size = 8 + 4 * scale
    image = Image.new("L", (width, size + 4 * scale), "white")
    font = ImageFont.load_default(size)
    place = (GAP * scale, image.height // 2)
    ImageDraw.Draw(image).text(place, text, "black", font, anchor="lm")
    return (np.rint(np.asarray(image) / _EDGE) * _EDGE).astype(np.uint8)


def _as_rgb(greys: np.ndarray) -> np.ndarray:
    return greys[..., None].repeat(3, -1)


def _write_gif(
    path: Path, frames: np.ndarray, above: np.ndarray, scale: int, milliseconds: int
) -> None:
    """One palette for all frames, so that nothing flickers where nothing moves.

    Median cut followed by k-means leaves an error of 45 to 50 dB on frames of a game, where an
    octree leaves 36 dB and median cut alone some colours far off. Nothing is dithered: it would
    crawl.
    """
    from PIL import Image

    count, height, width, _ = frames.shape
    column = Image.fromarray(frames.reshape(count * height, width, 3)).quantize(
        256 - _GREYS, Image.Quantize.MEDIANCUT, kmeans=1
    )
    indices = np.asarray(column).reshape(frames.shape[:3])
    colours = np.zeros((256, 3), np.uint8)
    found = np.array(column.getpalette(), np.uint8).reshape(-1, 3)[: 256 - _GREYS]
    colours[: len(found)] = found
    colours[-_GREYS:] = np.arange(_GREYS)[:, None] * _EDGE
    top = 256 - _GREYS + above // _EDGE
    images = []
    for frame in indices:
        large = frame.repeat(scale, 0).repeat(scale, 1)
        images.append(Image.fromarray(np.concatenate([top, large]).astype(np.uint8)))
        images[-1].putpalette(colours.tobytes())
    # With the palette named it is written once, and not again with every frame.
    options = {"palette": colours.tobytes(), "optimize": False}
    _write_animation(path, images, "GIF", round(milliseconds / 10) * 10, options)


def _write_webp(
    path: Path, frames: np.ndarray, above: np.ndarray, scale: int, milliseconds: int
) -> None:
    """Without loss, and still smaller than the GIF."""
    from PIL import Image

    images = [
        Image.fromarray(np.concatenate([_as_rgb(above), _enlarge(frame, scale)]))
        for frame in frames
    ]
    # Of the methods 0 to 6 those above 2 take up to 7 times as long for the same bytes.
    _write_animation(path, images, "WEBP", milliseconds, {"lossless": True, "method": 2})


def _write_animation(
    path: Path, images: "list[Image]", kind: str, milliseconds: int, options: dict[str, object]
) -> None:
    frames = {"save_all": True, "append_images": images[1:], "duration": milliseconds}
    with atomic_path(path) as temporary:
        images[0].save(temporary, kind, **frames, loop=0, **options)  # again and again


_ANIMATIONS: dict[str, Callable[[Path, np.ndarray, np.ndarray, int, int], None]] = {
    ".gif": _write_gif,
    ".webp": _write_webp,
}
