"""Clips: frames that follow each other within an episode, all of one length, and batches of them.

Shapes: N clips, T frames of each, H x W pixels.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from recipes.frames.batches import ShuffledIndices, as_tensor, check_crop, crop_generator, cut
from recipes.frames.pictures import PictureData, PictureSet
from vqspeech.errors import InputError, tell_skipped

FRAMES = 64  # that are scored at once


@dataclass(frozen=True)
class ClipSet:
    """Clips of the frames of one part of the data.

    Attributes:
        frames: all of them, those of an episode together and in order.
        starts: (N,) int64, the first frame of each clip.
        length: T.
        skipped: names of episodes that are too short for a clip, and why.
    """

    frames: PictureSet
    starts: np.ndarray
    length: int
    skipped: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def sources(self) -> np.ndarray:
        """(N,) int64, the episode of each."""
        return self.frames.sources[self.starts]

    def pixels(self, index: int) -> np.ndarray:
        """One clip: (T, H, W, 3) uint8, a view."""
        start = self.starts[index]
        return self.frames.pixels[start : start + self.length]

    def batches(self) -> Iterator[Tensor]:
        """All clips in order, about `FRAMES` frames at once: (B, 3, T, H, W) uint8 on the CPU."""
        size = max(1, FRAMES // self.length)
        for i in range(0, len(self), size):
            several = range(i, min(i + size, len(self)))
            yield as_tensor(np.stack([self.pixels(number) for number in several]))

    def some(self, most: int) -> "ClipSet":
        """So many, spread over all of them: neighbours are of one episode."""
        return replace(self, starts=self.starts[:: -(-len(self) // most)])


def clips_of(data: PictureData, part: str, length: int, every: int = 1) -> ClipSet:
    """The clips of one part.

    Args:
        data: frames, whose sources are episodes, as `frames_pictures` gives them.
        length: frames of a clip.
        every: frames from the start of one to that of the next, in each episode anew; `length` for
            clips of which no two share a frame.

    Raises:
        InputError: the part is empty, or none of its episodes is long enough.
    """
    frames = data.part(part)
    edges = np.flatnonzero(np.diff(frames.sources)) + 1
    starts, skipped = [], []
    for first, end in zip([0, *edges], [*edges, len(frames)], strict=True):
        found = np.arange(first, end - length + 1, every, dtype=np.int64)
        if not len(found):
            name = frames.names[frames.sources[first]]
            skipped.append((name, f"fewer than {length} frames"))
        starts.append(found)
    if len(skipped) == len(starts):
        raise InputError(
            f"{data.name}: no episode of the part {part} has {length} frames; set model.frames "
            "lower, or collect longer ones"
        )
    return ClipSet(frames, np.concatenate(starts), length, tuple(skipped))


def tell_short_episodes(part: str, clips: ClipSet) -> None:
    """Say on standard error which episodes were passed over."""
    for line in tell_skipped(clips.skipped):
        print(f"note: {part}: {line}", file=sys.stderr)


class ClipBatches:
    """Batches of clips, whole or cropped, some of them mirrored: functions of (seed, step) alone.

    Args:
        clips: what is drawn from.
        batch_size: clips a step.
        seed: of order, crops and mirrors.
        crop: pixels a side, in the same place of all frames of a clip; 0 for whole frames.
        flip: whether half of the clips are mirrored.

    Raises:
        ValueError: crops that are larger than the frames.
    """

    def __init__(
        self, clips: ClipSet, batch_size: int, seed: int, crop: int = 0, flip: bool = False
    ):
        check_crop(crop, *clips.frames.pixels.shape[1:3])
        self._clips, self._seed, self._crop, self._flip = clips, seed, crop, flip
        self._order = ShuffledIndices(len(clips), batch_size, seed)

    def at(self, step: int) -> Tensor:
        """(B, 3, T, H, W) uint8."""
        rng = crop_generator(self._seed, step)
        index = self._order.at(step)
        clips = [cut(self._clips.pixels(i), rng, self._crop, self._flip) for i in index]
        return as_tensor(np.stack(clips))
