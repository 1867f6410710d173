"""Tables over ordered levels begin smooth: neighbours alike.

Mu-law levels lie on a line, but an embedding and a softmax layer that are drawn at random do not
know it: 256 rows find their order one by one, the rare ones late. Rows that are sums of cosines
over the levels, the slow ones largest, are in order from the start, and free to become anything.
What that saves is measured in egs/mini/RESULTS.md.
"""

import math

import torch
from torch import Tensor


@torch.no_grad()
def smooth_rows_(table: Tensor, scale: float = 1.0) -> Tensor:
    """Fill a table (K, C) in place with smooth random columns over the K rows.

    Args:
        table: rows in the order of the levels.
        scale: root mean square of the entries, over many columns.

    Returns:
        The table.
    """
    basis = smooth_basis(len(table)).to(table.device)
    coefficients = torch.randn(table.shape, device=table.device) * scale
    return table.copy_(basis @ coefficients)


def smooth_basis(levels: int) -> Tensor:
    """(K, K) float32: cosine k over the levels in column k, with a weight of about 1 / k.

    White coefficients give entries of unit variance on average over the levels.
    """
    k = torch.arange(levels, dtype=torch.float64)
    cosines = torch.cos(math.pi * k * (k[:, None] + 0.5) / levels)  # (level, k), DCT-II
    cosines[:, 1:] *= 2**0.5  # now every column has a mean square of 1
    weights = 1 / (1 + k / 2)
    return (cosines * weights / weights.square().sum().sqrt()).float()
