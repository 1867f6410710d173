"""Weights in the order in which the compiled steps of the samplers read them.

A step reads every weight once, so the order of the weights in memory decides its speed:
`matrix_tiles.product` reads a packed matrix from its beginning to its end.
"""

from itertools import pairwise

import numpy as np
import torch

TILE = 64  # columns of a tile: 8 vectors of 8, as many sums as hide the latency of a multiply-add
NARROW = 16  # columns of a tile at the end, and of those that four rows are multiplied by at once


def padded(columns: int) -> int:
    """Columns of a packed matrix: the next multiple of 16."""
    return -(-columns // NARROW) * NARROW


def pack(matrix: np.ndarray) -> np.ndarray:
    """A matrix (inputs, columns) tile after tile: flat float32.

    A tile is (inputs, 64), at the end (inputs, 16); columns of zeros fill up the last one.
    """
    inputs, columns = matrix.shape
    filled = np.zeros((inputs, padded(columns)), np.float32)
    filled[:, :columns] = matrix
    wide = filled.shape[1] // TILE * TILE
    edges = [*range(0, wide, TILE), *range(wide, filled.shape[1] + 1, NARROW)]
    return np.concatenate([filled[:, a:b].ravel() for a, b in pairwise(edges)])


def aligned(parts: list[np.ndarray]) -> np.ndarray:
    """The parts one after another, flat float32, from the beginning of a cache line on."""
    # torch aligns what it allocates to 64 bytes, NumPy to 16 only.
    together = torch.empty(sum(part.size for part in parts), dtype=torch.float32).numpy()
    return np.concatenate(parts, out=together, casting="same_kind")


def zeros(*shape: int) -> np.ndarray:
    """Float32 zeros from the beginning of a cache line on."""
    return torch.zeros(shape, dtype=torch.float32).numpy()


def check_finite(model: torch.nn.Module) -> None:
    """Refuse a model that the compiled steps cannot draw from: they handle numbers alone.

    Raises:
        ValueError: a weight is NaN or infinite.
    """
    for name, weight in model.named_parameters():
        # The sum comes sooner, and any NaN or infinity shows in it; a sum may also overflow.
        if not torch.isfinite(weight.sum()) and not torch.isfinite(weight).all():
            raise ValueError(f"{name} holds NaN or infinity; the model cannot be sampled")


def array(tensor: torch.Tensor) -> np.ndarray:
    """A weight as float32, where it can be read."""
    return tensor.detach().float().cpu().numpy()
