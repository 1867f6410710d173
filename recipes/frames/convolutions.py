"""The networks of section 4.1: strided convolutions down, residual blocks, and the mirror image up.

Shapes: B pictures, H x W pixels, C hidden channels, D latent channels, h x w = H / 4 x W / 4.
"""

from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recipes.frames.likelihoods import PixelLikelihood
from vqspeech.models.vqvae import Likelihood

STRIDE = 4  # pixels a side for one latent: two strides of 2


def prepare(pixels: Tensor) -> Tensor:
    """What an encoder is given of levels 0 to 255: (B, 3, *axes) float32 in [-1, 1]."""
    return pixels.float() / 127.5 - 1


class ResidualBlock(nn.Module):
    """x + conv1(ReLU(conv3(ReLU(x)))), (B, C, *axes) to (B, C, *axes).

    Args:
        channels: C.
        convolution: over as many axes as there are, such as `nn.Conv3d` of clips.
    """

    def __init__(self, channels: int, convolution: type[nn.Module] = nn.Conv2d):
        super().__init__()
        self.wide = convolution(channels, channels, 3, padding=1)
        self.narrow = convolution(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.narrow(F.relu(self.wide(F.relu(x))))


class PictureEncoder(nn.Module):
    """(B, 3, H, W) in [-1, 1] to (B, D, h, w).

    Args:
        channels: C.
        out_channels: D.
        residual_blocks: how many follow the two strided convolutions.
    """

    def __init__(self, channels: int, out_channels: int, residual_blocks: int = 2):
        super().__init__()
        self.downsample = nn.Sequential(
            nn.Conv2d(3, channels, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 4, stride=2, padding=1),
        )
        self.residual = nn.Sequential(*(ResidualBlock(channels) for _ in range(residual_blocks)))
        self.output = nn.Conv2d(channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Encode.

        Raises:
            ValueError: other channels than 3, or sides that are no multiples of 4.
        """
        if x.dim() != 4 or x.shape[1] != 3 or x.shape[2] % STRIDE or x.shape[3] % STRIDE:
            raise ValueError(
                f"pictures of shape {tuple(x.shape)}; (B, 3, H, W) with sides that are multiples "
                f"of {STRIDE} is wanted"
            )
        return self.output(F.relu(self.residual(self.downsample(x))))


class LevelDecoder(nn.Module, ABC):
    """p(levels | latents): each sub-pixel by itself, given the latents.

    Attributes:
        likelihood: what turns the last layer's channels into distributions over 256 levels.
    """

    likelihood: PixelLikelihood

    @abstractmethod
    def forward(self, latents: Tensor) -> Tensor:
        """(B, D, *axes) to the likelihood's parameters (B, channels, *axes of the levels)."""

    def nll(
        self,
        target: Tensor,
        latents: Tensor,
        condition: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> Likelihood:
        """-log p of levels (B, 3, *axes), summed over each picture or clip.

        Raises:
            ValueError: a condition or lengths, which pictures do not have.
        """
        if condition is not None or lengths is not None:
            raise ValueError("pictures have neither a condition nor lengths")
        nats = self.nats(self(latents), target)
        elements = torch.full((len(target),), nats[0].numel(), device=target.device)
        return Likelihood(nats.flatten(1).sum(1), elements)

    def mean(self, latents: Tensor) -> Tensor:
        """The expected levels, (B, 3, *axes) float32 in 0..255."""
        return self.mean_of(self(latents))

    def nats(self, parameters: Tensor, levels: Tensor) -> Tensor:
        """-log p of each sub-pixel, (B, 3, *axes), by what `forward` gave."""
        return self.likelihood.nats(_as_tall(parameters), _as_tall(levels)).view(levels.shape)

    def mean_of(self, parameters: Tensor) -> Tensor:
        """The expected levels, (B, 3, *axes), by what `forward` gave."""
        mean = self.likelihood.mean(_as_tall(parameters))
        return mean.view(*mean.shape[:2], *parameters.shape[2:])


def _as_tall(x: Tensor) -> Tensor:
    """(B, C, T, H, W) to (B, C, T H, W): the frames of a clip one above the other, as a picture."""
    return x.flatten(2, -2)


class PictureDecoder(LevelDecoder):
    """The decoder of pictures, (B, D, h, w) to (B, 3, H, W).

    Args:
        in_channels: D.
        channels: C.
        likelihood: see `recipes.frames.likelihoods`.
        residual_blocks: how many stand before the two transposed convolutions.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        likelihood: PixelLikelihood,
        residual_blocks: int = 2,
    ):
        super().__init__()
        self.input = nn.Conv2d(in_channels, channels, 3, padding=1)
        self.residual = nn.Sequential(*(ResidualBlock(channels) for _ in range(residual_blocks)))
        self.upsample = nn.Sequential(
            nn.ReLU(),
            nn.ConvTranspose2d(channels, channels, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(channels, likelihood.channels, 4, stride=2, padding=1),
        )
        self.likelihood = likelihood
        with torch.no_grad():  # begin near the likelihood's own broad start
            self.upsample[-1].weight.mul_(0.1)

    def forward(self, latents: Tensor) -> Tensor:
        """(B, D, h, w) to the likelihood's parameters (B, channels, H, W)."""
        return self.upsample(self.residual(self.input(latents)))
