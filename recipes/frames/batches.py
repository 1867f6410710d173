"""Which pictures a step learns from: a function of the seed and the step alone."""

import functools

import numpy as np
import torch
from torch import Tensor

from recipes.frames.pictures import PictureSet

_ORDER, _CROPS = 0, 1  # streams of random numbers


class ShuffledIndices:
    """Every example once an epoch, in an order that is a function of (seed, epoch).

    Args:
        count: examples.
        batch_size: of a step; an epoch's last examples and the next one's first share a batch.
        seed: of the order.

    Raises:
        ValueError: nothing to draw from.
    """

    def __init__(self, count: int, batch_size: int, seed: int):
        if count < 1:
            raise ValueError("0 examples to draw batches from")
        self._count, self._batch_size, self._seed = count, batch_size, seed
        # Of a million examples an order takes as long to draw as a step to train on.
        self._order_of = functools.lru_cache(maxsize=2)(self._draw_order)

    def at(self, step: int) -> np.ndarray:
        """(B,) int64."""
        place = step * self._batch_size + np.arange(self._batch_size)
        epoch, within = np.divmod(place, self._count)
        out = np.empty(self._batch_size, np.int64)
        for number in np.unique(epoch):
            out[epoch == number] = self._order_of(int(number))[within[epoch == number]]
        return out

    def _draw_order(self, epoch: int) -> np.ndarray:
        return np.random.default_rng((self._seed, _ORDER, epoch)).permutation(self._count)


class PictureBatches:
    """Batches of whole pictures or of crops, some of them mirrored.

    Args:
        pictures: what is drawn from.
        batch_size: pictures a step.
        seed: of order, crops and mirrors.
        crop: pixels a side; 0 for whole pictures.
        flip: whether half of them are mirrored.

    Raises:
        ValueError: crops that are larger than the pictures.
    """

    def __init__(
        self, pictures: PictureSet, batch_size: int, seed: int, crop: int = 0, flip: bool = False
    ):
        height, width = pictures.pixels.shape[1:3]
        if crop > min(height, width):
            raise ValueError(f"crops of {crop} pixels from pictures of {height} x {width}")
        self._pictures, self._seed, self._crop, self._flip = pictures, seed, crop, flip
        self._order = ShuffledIndices(len(pictures), batch_size, seed)

    def at(self, step: int) -> Tensor:
        """(B, 3, H, W) uint8."""
        index = self._order.at(step)
        rng = np.random.default_rng((self._seed, _CROPS, step))
        height, width = self._pictures.pixels.shape[1:3]
        side = self._crop
        batch = []
        for i in index:
            picture = self._pictures.pixels[i]
            if side:
                top, left = rng.integers(height - side + 1), rng.integers(width - side + 1)
                picture = picture[top : top + side, left : left + side]
            if self._flip and rng.random() < 0.5:
                picture = picture[:, ::-1]
            batch.append(picture)
        return as_tensor(np.stack(batch))


def as_tensor(pixels: np.ndarray) -> Tensor:
    """(N, H, W, 3) uint8 to (N, 3, H, W) uint8."""
    return torch.from_numpy(np.require(pixels, requirements=["C", "W"])).permute(0, 3, 1, 2)


def as_array(pictures: Tensor) -> np.ndarray:
    """(N, 3, H, W) uint8 to (N, H, W, 3)."""
    return pictures.permute(0, 2, 3, 1).cpu().numpy()
