"""Frames as codes, with the actions between them: what a prior over frames learns from."""

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from recipes.frames.first_stage import PictureVQVAE, encode_pictures
from recipes.frames.frames_file import FramesFile
from recipes.frames.pictures import PictureSet
from vqspeech.errors import InputError


@dataclass(frozen=True)
class CodeFrames:
    """The frames of some episodes, in order.

    Attributes:
        codes: (N, h, w) int64.
        actions: (N,) int64, done at each frame and leading to the next; None where not known.
        episode: (N,) int64, of which each frame is; those of one stand together.
        action_names: what the actions are called.
    """

    codes: Tensor
    actions: Tensor | None
    episode: np.ndarray
    action_names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.codes)

    def targets(self, context: int) -> np.ndarray:
        """Frames that have `context` frames of their episode before them: (M,) int64 indices."""
        index = np.arange(context, len(self))
        return index[self.episode[index] == self.episode[index - context]]

    def before(self, index: np.ndarray, context: int) -> Tensor:
        """The codes of the frames before each of `index` (B,): (B, context, h, w)."""
        return self.codes[torch.from_numpy(index[:, None] + np.arange(-context, 0))]

    def leading(self, index: np.ndarray) -> Tensor | None:
        """The action that leads to each of `index` (B,): (B,) int64; None where not known."""
        return None if self.actions is None else self.actions[torch.from_numpy(index - 1)]

    def digest(self) -> str:
        """Of what is learnt from: other codes, actions or episodes make another run."""
        digest = hashlib.sha256(self.codes.to(torch.int32).numpy().tobytes())
        digest.update(self.episode.astype("<i8").tobytes())
        if self.actions is not None:
            digest.update(self.actions.to(torch.int32).numpy().tobytes())
        return digest.hexdigest()[:16]


def encode_frames(model: PictureVQVAE, file: FramesFile, index: np.ndarray) -> CodeFrames:
    """Some frames of a file as codes.

    Args:
        model: of one group of codes.
        index: (n,) of the frames: whole episodes, in order.

    Raises:
        InputError: the model gives several codes to a place.
    """
    if model.quantizer.groups != 1:
        raise InputError(
            f"a first stage of {model.quantizer.groups} groups of codes; frames are learnt from "
            "one code a place, give a model with quantizer.groups 1"
        )
    episode = file.episode[index].astype(np.int64)
    pictures = PictureSet(file.frames[index], episode, None, ())
    actions = None if file.actions is None else torch.from_numpy(file.actions[index].astype("i8"))
    return CodeFrames(encode_pictures(model, pictures), actions, episode, file.action_names)
