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
        check_crop(crop, *pictures.pixels.shape[1:3])
        self._pictures, self._seed, self._crop, self._flip = pictures, seed, crop, flip
        self._order = ShuffledIndices(len(pictures), batch_size, seed)

    def at(self, step: int) -> Tensor:
        """(B, 3, H, W) uint8."""
        index = self._order.at(step)
        rng = crop_generator(self._seed, step)
        batch = [cut(self._pictures.pixels[i], rng, self._crop, self._flip) for i in index]
        return as_tensor(np.stack(batch))


def crop_generator(seed: int, step: int) -> np.random.Generator:
    """What the crops and mirrors of a step are drawn from."""
    return np.random.default_rng((seed, _CROPS, step))


def cut(pixels: np.ndarray, rng: np.random.Generator, side: int, flip: bool) -> np.ndarray:
    """A crop of a picture (H, W, 3), or the same one of all frames of a clip (T, H, W, 3): a view.

    Args:
        rng: where it lies, and whether it is mirrored.
        side: pixels; 0 for all of it.
        flip: whether half of them are mirrored.
    """
    height, width = pixels.shape[-3:-1]
    if side:
        top, left = rng.integers(height - side + 1), rng.integers(width - side + 1)
        pixels = pixels[..., top : top + side, left : left + side, :]
    if flip and rng.random() < 0.5:
        pixels = pixels[..., ::-1, :]
    return pixels


def check_crop(side: int, height: int, width: int) -> None:
    """Refuse crops that are larger than the pictures.

    Raises:
        ValueError: they are.
    """
    if side > min(height, width):
        raise ValueError(f"crops of {side} pixels from pictures of {height} x {width}")


def as_tensor(pixels: np.ndarray) -> Tensor:
    """(N, H, W, 3) uint8 to (N, 3, H, W) uint8; clips (N, T, H, W, 3) to (N, 3, T, H, W)."""
    return torch.from_numpy(np.require(pixels, requirements=["C", "W"])).movedim(-1, 1)


def as_array(pictures: Tensor) -> np.ndarray:
    """Undo `as_tensor`: the colours last, on the CPU."""
    return pictures.movedim(1, -1).cpu().numpy()
