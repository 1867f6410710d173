"""The model that VIMCO trains in section 4.1: latents are sampled, and nothing is reparameterised.

B pictures, S samples, N = h w G categorical latents of K codes, or D h w Gaussian numbers.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from recipes.frames.convolutions import prepare
from recipes.frames.first_stage import build_decoder, build_encoder
from recipes.images.bounds import Bound
from recipes.images.settings import VIMCOSettings
from recipes.images.vimco import gaussian_log_density, in_chunks, vimco

WIDEST = 6.0  # of a log variance, as in `recipes.images.vae`


class Draws(NamedTuple):
    """Samples of q(z | x)."""

    latents: Tensor  # (S, B, D, h, w), as the decoder takes them
    log_q: Tensor  # (S, B) with its gradient; the samples themselves have none
    log_p: Tensor  # (S, B) of the prior


class SampledLatents(nn.Module):
    """A VAE whose latents are drawn, categorical or Gaussian, trained on the S-sample bound.

    Args:
        settings: written into its checkpoints.
    """

    kind = "picture-vimco"

    def __init__(self, settings: VIMCOSettings):
        super().__init__()
        self.settings = settings
        self.is_categorical = settings.latents == "categorical"
        groups, codes = settings.groups, settings.num_codes
        width = groups * codes if self.is_categorical else 2 * settings.dim
        self.encoder = build_encoder(settings.network, width)
        self.decoder = build_decoder(settings.network, settings.dim)
        if self.is_categorical:
            self.codebook = nn.Parameter(torch.randn(groups, codes, settings.dim // groups))

    def draw_posterior(self, pixels: Tensor, samples: int) -> Draws:
        """S samples for each of the pictures (B, 3, H, W)."""
        out = self.encoder(prepare(pixels)).float()  # sums of many, under autocast too
        return (self._draw_codes if self.is_categorical else self._draw_numbers)(out, samples)

    def _draw_codes(self, logits: Tensor, samples: int) -> Draws:
        groups, codes = self.settings.groups, self.settings.num_codes
        # (B, h, w, G, K)
        log_q = logits.unflatten(1, (groups, codes)).permute(0, 3, 4, 1, 2).log_softmax(-1)
        # Where the encoder gave NaN, any code will do: log q tells the loop, which passes it over.
        probabilities = log_q.detach().exp().nan_to_num(1.0).flatten(0, -2)
        drawn = torch.multinomial(probabilities, samples, replacement=True)
        drawn = drawn.unflatten(0, log_q.shape[:-1])  # (B, h, w, G, S)
        chosen = log_q.gather(-1, drawn).movedim(-1, 0)  # no copy of the K for each sample
        z = drawn.movedim(-1, 0)  # (S, B, h, w, G)
        latents = self.codebook[torch.arange(groups, device=z.device), z]  # (S, B, h, w, G, d)
        log_p = torch.full(z.shape[:2], -z[0, 0].numel() * math.log(codes), device=z.device)
        return Draws(latents.flatten(-2).movedim(-1, 2), chosen.flatten(2).sum(2), log_p)

    def _draw_numbers(self, out: Tensor, samples: int) -> Draws:
        mean, log_variance = out.chunk(2, dim=1)
        log_variance = log_variance.clamp(-2 * WIDEST, WIDEST)
        with torch.no_grad():
            noise = torch.randn((samples, *mean.shape), device=mean.device)
            z = mean + torch.exp(0.5 * log_variance) * noise  # (S, B, D, h, w)
        log_q = gaussian_log_density(z, mean, log_variance).flatten(2).sum(2)
        return Draws(z, log_q, gaussian_log_density(z).flatten(2).sum(2))

    def log_weights(self, pixels: Tensor, samples: int) -> Tensor:
        """log p(x, z) - log q(z | x) of S samples, (S, B)."""
        draws = self.draw_posterior(pixels, samples)
        return draws.log_p - self._nats(pixels, draws.latents) - draws.log_q

    def _nats(self, pixels: Tensor, latents: Tensor) -> Tensor:
        """-log p(x | z) of each sample, (S, B), a chunk of samples in memory at a time."""

        def nats(part: Tensor) -> Tensor:  # (s, B, D, h, w) to (s, B)
            repeated = pixels.expand(len(part), *pixels.shape).flatten(0, 1)
            return self.decoder.nll(repeated, part.flatten(0, 1)).nats.view(part.shape[:2])

        return in_chunks(nats, latents, chunk=self.settings.chunk)

    def losses(self, pixels: Tensor) -> dict[str, Tensor]:
        """VIMCO's surrogate and the S-sample bound, nats a dimension of levels (B, 3, H, W)."""
        draws = self.draw_posterior(pixels, self.settings.samples)
        log_w = draws.log_p - self._nats(pixels, draws.latents) - draws.log_q
        surrogate, bound = vimco(log_w, draws.log_q)
        size = pixels[0].numel()
        return {"loss": -surrogate.mean() / size, "nll": -bound.detach().mean() / size}

    def bound(self, pixels: Tensor) -> Bound:
        """The bound with one sample, its two parts apart."""
        draws = self.draw_posterior(pixels, 1)
        rate = (draws.log_q - draws.log_p)[0]
        return Bound(rate, self._nats(pixels, draws.latents)[0])
