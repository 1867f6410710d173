"""Pairs of consecutive frames with the action between them: what a judge of actions learns from."""

import hashlib
import os
from dataclasses import dataclass

import numpy as np

from recipes.frames.frames_file import FramesFile, split_frames
from vqspeech.errors import InputError


@dataclass(frozen=True)
class FramePairs:
    """Pairs within the episodes of a file.

    Attributes:
        file: the frames, with their actions.
        first: (N,) int64, the earlier frame of each pair; the later one follows it in the file.
    """

    file: FramesFile
    first: np.ndarray

    def __len__(self) -> int:
        return len(self.first)

    @property
    def before(self) -> np.ndarray:
        """The earlier frames, (N, H, W, 3) uint8."""
        return self.file.frames[self.first]

    @property
    def after(self) -> np.ndarray:
        """The later frames, (N, H, W, 3) uint8."""
        return self.file.frames[self.first + 1]

    @property
    def actions(self) -> np.ndarray:
        """Which led from the one to the other, (N,) int64."""
        return self.file.actions[self.first].astype(np.int64)

    def at(self, index: np.ndarray | slice) -> "FramePairs":
        """Those of them."""
        return FramePairs(self.file, self.first[index])

    def some(self, most: int) -> "FramePairs":
        """So many, spread over all: neighbours are alike."""
        return self.at(np.arange(0, len(self), max(1, -(-len(self) // most))))

    def digest(self) -> str:
        """Of what is learnt from: other frames or actions make another run."""
        digest = hashlib.sha256(str(self.file.frames.shape).encode())
        digest.update(self.first.astype("<i8").tobytes() + self.actions.tobytes())
        for pair in range(0, len(self), max(1, len(self) // 1000)):  # a part stands for all
            digest.update(self.file.frames[self.first[pair]].tobytes())
        return digest.hexdigest()[:16]


def pairs_of(file: FramesFile, index: np.ndarray) -> FramePairs:
    """All pairs of some frames of a file that has actions.

    Args:
        index: (n,) of the frames: whole episodes, in order.
    """
    index = index[index + 1 < len(file)]
    return FramePairs(file, index[file.episode[index] == file.episode[index + 1]])


def split_pairs(file: FramesFile, place: str | os.PathLike) -> dict[str, FramePairs]:
    """The pairs of each part of a frames file.

    Args:
        place: of the file, for an error.

    Raises:
        InputError: it has no actions, or the part train or valid has no pair.
    """
    if file.actions is None:
        raise InputError(f"{place}: no actions between the frames; give a file that has them")
    parts = {name: pairs_of(file, index) for name, index in split_frames(file).items()}
    for name in ("train", "valid"):
        if not len(parts[name]):
            raise InputError(f"{place}: no pairs of frames in the part {name}; collect more frames")
    return parts
