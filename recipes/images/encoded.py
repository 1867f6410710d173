"""The codes of a data set under one model, as priors and the second stage learn from them."""

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from recipes.frames.first_stage import PictureVQVAE, encode_pictures
from recipes.frames.pictures import PictureData, PictureSet


@dataclass(frozen=True)
class EncodedSet:
    """Codes of one part.

    Attributes:
        codes: (N, h, w), or (N, h, w, G) with groups, int64.
        labels: (N,) int64, or None.
        sources: (N,) int64, as those of the pictures.
        names: of the sources.
    """

    codes: Tensor
    labels: Tensor | None
    sources: np.ndarray
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.codes)

    def digest(self) -> str:
        """Of what is learnt from: other codes make another run."""
        return hashlib.sha256(self.codes.to(torch.int32).numpy().tobytes()).hexdigest()[:16]

    def some(self, most: int) -> "EncodedSet":
        """So many, spread over all: neighbours are of one source."""
        every = max(1, -(-len(self) // most))
        labels = None if self.labels is None else self.labels[::every]
        return EncodedSet(self.codes[::every], labels, self.sources[::every], self.names)


def encode_set(model: PictureVQVAE, pictures: PictureSet) -> EncodedSet:
    """Encode one part."""
    labels = None if pictures.labels is None else torch.from_numpy(pictures.labels.astype("i8"))
    return EncodedSet(encode_pictures(model, pictures), labels, pictures.sources, pictures.names)


def encode_parts(model: PictureVQVAE, data: PictureData, *parts: str) -> tuple[EncodedSet, ...]:
    """Encode some parts.

    Raises:
        InputError: a part is empty.
    """
    return tuple(encode_set(model, data.part(part)) for part in parts)
