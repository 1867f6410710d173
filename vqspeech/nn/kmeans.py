"""A first codebook from data: random vectors, or k-means with k-means++ seeds.

A codebook that starts far from what the encoder gives leaves most codes unused. N vectors, K codes.
"""

import torch
from torch import Tensor

from vqspeech.nn.nearest import nearest_codes

SEEDING_VECTORS_PER_CODE = 16  # enough to find the clusters; Lloyd sees all vectors
SEEDING_PASSES = 64
NOISE = 1e-3  # of the data's spread; tells apart codes that start on the same vector


def draw_rows(count: int, picks: int, generator: torch.Generator | None = None) -> Tensor:
    """(picks,) int64 row numbers below `count` in random order, none twice unless picks > count.

    They are drawn on the generator's device, the CPU by default.
    """
    device = generator.device if generator is not None else "cpu"
    order = torch.randperm(count, generator=generator, device=device)
    return order.repeat(-(-picks // count))[:picks]


@torch.no_grad()
def sample_codebook(
    vectors: Tensor, num_codes: int, generator: torch.Generator | None = None
) -> Tensor:
    """(K, d) random rows of `vectors` (N, d); when K > N, the copies carry a little noise."""
    rows = vectors[draw_rows(len(vectors), num_codes, generator).to(vectors.device)]
    rows[len(vectors) :] += _noise(rows[len(vectors) :], vectors, generator)
    return rows


@torch.no_grad()
def kmeans(
    vectors: Tensor, num_codes: int, generator: torch.Generator | None = None, iterations: int = 10
) -> Tensor:
    """(K, d) cluster centres of `vectors` (N, d): k-means++ seeds, then Lloyd's iterations.

    An empty cluster is moved onto a random vector, with a little noise. The same generator state
    gives the same centres. N >= 1; when N < K, several centres lie about each vector.
    """
    seeds = min(len(vectors), SEEDING_VECTORS_PER_CODE * num_codes)
    subset = vectors[draw_rows(len(vectors), seeds, generator).to(vectors.device)]
    centres = _spread_seeds(subset, num_codes, generator)
    for _ in range(iterations):
        codes = nearest_codes(vectors, centres)
        sizes = torch.bincount(codes, minlength=num_codes)
        sums = torch.zeros_like(centres).index_add_(0, codes, vectors)
        centres = sums / sizes.clamp_min(1)[:, None]
        empty = (sizes == 0).nonzero()[:, 0]
        if len(empty):
            moved = vectors[draw_rows(len(vectors), len(empty), generator).to(vectors.device)]
            centres[empty] = moved + _noise(moved, vectors, generator)
    return centres


def _spread_seeds(vectors: Tensor, num_codes: int, generator: torch.Generator | None) -> Tensor:
    """k-means++: further seeds are drawn by their squared distance to the seeds so far.

    Up to 64 codes one by one; of more codes, several at a time, so that 64 passes are enough.
    """
    device = generator.device if generator is not None else "cpu"
    seeds = vectors.new_empty(num_codes, vectors.shape[1])
    at_once = min(-(-num_codes // SEEDING_PASSES), len(vectors))
    squares = torch.ones_like(vectors[:, 0])  # the first draw is uniform
    for start in range(0, num_codes, at_once):
        # Never all zero, else nothing can be drawn once every vector is a seed.
        weights = squares.to(device, torch.float32).clamp_min(torch.finfo(torch.float32).tiny)
        picks = torch.multinomial(weights, min(at_once, num_codes - start), generator=generator)
        new = vectors[picks.to(vectors.device)]
        seeds[start : start + len(new)] = new
        to_new = (vectors - new[nearest_codes(vectors, new)]).square().sum(1)
        squares = to_new if start == 0 else torch.minimum(squares, to_new)
    return seeds


def _noise(rows: Tensor, vectors: Tensor, generator: torch.Generator | None) -> Tensor:
    device = generator.device if generator is not None else "cpu"
    spread = (vectors - vectors.mean(0)).square().mean().sqrt()
    # Where all vectors are equal there is no spread; any small number keeps the codes apart.
    spread = torch.where(spread > 0, spread, torch.ones_like(spread))
    noise = torch.randn(rows.shape, dtype=rows.dtype, device=device, generator=generator)
    return NOISE * spread * noise.to(rows.device)
