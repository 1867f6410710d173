"""What log p(x) gains from codes beside the nearest ones: section 3.2 of the paper, measured.

The paper takes log p(x) = log sum_z p(x | z) p(z) for log p(x | z_q) p(z_q), since the decoder is
trained on z_q alone and should give other codes next to nothing. Each term of the sum that is added
makes the bound tighter; here they are the codes that differ from z_q in one latent, which takes its
next-nearest vectors. What they add is the least that the approximation leaves out.

Shapes: B pictures, h w latents, G groups, N = h w G codes of a picture, K codes, M code maps at
once.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from recipes.frames.likelihoods import bits_per_dimension
from vqspeech.models.vqvae import VQVAE


@dataclass(frozen=True)
class NeighbourGain:
    """Two lower bounds on log p(x) of the same pictures.

    Attributes:
        base: (B,) nats, log p(x | z_q) p(z_q).
        enlarged: (B,) nats, the log of the sum over z_q and all single replacements.
        dimensions: sub-pixels of a picture.
        evaluations: passes of the decoder for one picture, 1 + N x neighbours.
    """

    base: Tensor
    enlarged: Tensor
    dimensions: int
    evaluations: int

    @property
    def bits(self) -> Tensor:
        """(B,) what the bound gains, in bits a picture; 0 or more."""
        return (self.enlarged - self.base) / math.log(2)

    @property
    def bits_per_dimension(self) -> Tensor:
        """(B,) the same for each sub-pixel."""
        return bits_per_dimension(self.enlarged - self.base, self.dimensions)


def prepare_pixels(pixels: Tensor) -> Tensor:
    """What an encoder takes: levels 0 to 255 as x / 127.5 - 1."""
    return pixels / 127.5 - 1


def uniform_log_prior(num_codes: int) -> Callable[[Tensor], Tensor]:
    """log p(z) of code maps (M, h, w) or (M, h, w, G) if all are as likely: (M,), each -N log K."""

    def log_prior(codes: Tensor) -> Tensor:
        nats = codes[0].numel() * math.log(num_codes)
        return torch.full((len(codes),), -nats, dtype=torch.float64, device=codes.device)

    return log_prior


@torch.no_grad()
def neighbour_gain(
    vqvae: VQVAE,
    pixels: Tensor,
    log_prior: Callable[[Tensor], Tensor],
    *,
    neighbours: int = 2,
    chunk: int = 64,
    prepare: Callable[[Tensor], Tensor] = prepare_pixels,
) -> NeighbourGain:
    """The bound with z_q alone, and with every single latent moved to its next-nearest codes.

    Args:
        vqvae: with latents on two axes and a decoder that scores pixels.
        pixels: (B, 3, H, W) uint8.
        log_prior: log p of code maps (M, h, w), or (M, h, w, G) with several groups: (M,) nats.
        neighbours: how many codes are tried for each latent of each group.
        chunk: code maps decoded at once.
        prepare: pixels to what the encoder takes.

    Raises:
        ValueError: there are not so many other codes.
    """
    encoded = vqvae.encode(prepare(pixels))  # (B, h, w, D)
    codes = vqvae.quantizer(encoded).codes  # (B, h, w) or (B, h, w, G)
    replacements = nearest_others(encoded, codes, vqvae.quantizer.codebook, neighbours)  # (B, N, n)
    # All code maps of a picture in a row: its own, then those of latent 0, of latent 1, and so on.
    maps = 1 + replacements[0].numel()
    log_joint = torch.empty(len(pixels) * maps, dtype=torch.float64, device=pixels.device)
    for index in torch.arange(len(log_joint), device=pixels.device).split(chunk):
        picture, change = index // maps, index % maps - 1
        tried = codes[picture].flatten(1)  # (M, N), a copy
        changed = (change >= 0).nonzero()[:, 0]
        latent, rank = change[changed] // neighbours, change[changed] % neighbours
        tried[changed, latent] = replacements[picture[changed], latent, rank]
        tried = tried.view(-1, *codes.shape[1:])
        nats = vqvae.decoder.nll(pixels[picture], vqvae.latents(tried)).nats
        log_joint[index] = log_prior(tried).double() - nats.double()
    log_joint = log_joint.view(len(pixels), maps)
    return NeighbourGain(log_joint[:, 0], log_joint.logsumexp(1), pixels[0].numel(), maps)


def nearest_others(encoded: Tensor, codes: Tensor, codebook: Tensor, count: int) -> Tensor:
    """The nearest codes besides the one that was taken, for each latent in each group.

    Args:
        encoded: (B, *axes, D) what was quantised.
        codes: (B, *axes) or (B, *axes, G) what was taken.
        codebook: (G, K, d).
        count: how many.

    Returns:
        (B, N, count) int64, the nearest first; N as in `codes.flatten(1)`.

    Raises:
        ValueError: there are not so many other codes.
    """
    groups, num_codes, dim = codebook.shape
    if not 1 <= count < num_codes:
        raise ValueError(f"{count} neighbours of {num_codes} codes; 1 to {num_codes - 1} are there")
    # By differences: an expanded square would confuse codes that lie close together.
    distances = torch.cdist(
        encoded.reshape(-1, groups, dim).transpose(0, 1).to(codebook.dtype),  # (G, B sites, d)
        codebook,
        compute_mode="donot_use_mm_for_euclid_dist",
    )
    distances = distances.transpose(0, 1)  # (B sites, G, K)
    distances = distances.scatter(2, codes.reshape(-1, groups, 1), math.inf)
    return distances.topk(count, largest=False).indices.reshape(len(codes), -1, count)
