"""The VAE of section 4.1: the same networks as the VQ-VAE about a Gaussian bottleneck."""

import torch
from torch import Tensor, nn

from recipes.frames.convolutions import prepare
from recipes.frames.first_stage import build_decoder, build_encoder
from recipes.images.bounds import Bound
from recipes.images.settings import VAESettings
from recipes.images.vimco import gaussian_kl, gaussian_log_density

WIDEST = 6.0  # of a log variance: beyond it the posterior is no use and its exponential overflows


class PictureVAE(nn.Module):
    """log p(x) >= E_q log p(x | z) - KL(q(z | x), N(0, 1)), with a sample by reparameterisation.

    Args:
        settings: written into its checkpoints.
    """

    kind = "picture-vae"

    def __init__(self, settings: VAESettings):
        super().__init__()
        self.settings = settings
        self.encoder = build_encoder(settings.network, 2 * settings.latent_channels)
        self.decoder = build_decoder(settings.network, settings.latent_channels)

    def posterior(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of q(z | x), each (B, D, h, w) float32, under autocast too."""
        mean, log_variance = self.encoder(prepare(pixels)).float().chunk(2, dim=1)
        return mean, log_variance.clamp(-2 * WIDEST, WIDEST)

    def losses(self, pixels: Tensor) -> dict[str, Tensor]:
        """Nats a dimension of levels (B, 3, H, W); `loss` is minimised."""
        bound = self.bound(pixels)
        size = pixels[0].numel()
        rate, distortion = bound.rate.mean() / size, bound.distortion.mean() / size
        return {"loss": rate + distortion, "nll": rate + distortion, "rate": rate}

    def bound(self, pixels: Tensor) -> Bound:
        """The bound with one sample and the KL in closed form."""
        mean, log_variance = self.posterior(pixels)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        rate = gaussian_kl(mean, log_variance).flatten(1).sum(1)
        return Bound(rate, self.decoder.nll(pixels, z).nats)

    def log_weights(self, pixels: Tensor, samples: int) -> Tensor:
        """log p(x, z) - log q(z | x) of samples from q, (S, B), for importance sampling."""
        mean, log_variance = self.posterior(pixels)
        weights = []
        for _ in range(samples):
            z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
            log_q = gaussian_log_density(z, mean, log_variance).flatten(1).sum(1)
            log_p = gaussian_log_density(z).flatten(1).sum(1)
            weights.append(log_p - self.decoder.nll(pixels, z).nats - log_q)
        return torch.stack(weights)
