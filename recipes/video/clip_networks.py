"""The networks of section 4.1 over clips: convolutions over time as well, with strides in it.

Shapes: B clips, T frames of H x W pixels, C hidden channels, D latent channels; t x h x w codes,
where t = T / `time_stride`, h = H / 4, w = W / 4.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recipes.frames.convolutions import STRIDE, LevelDecoder, ResidualBlock
from recipes.frames.likelihoods import PixelLikelihood

# Of the two layers that have strides of 2 in space. Where one is enough it lies next to the codes:
# the outer layers then see every frame, and what moves is learnt sooner.
TIME_STRIDES = {2: (1, 2), 4: (2, 2)}


def _sizes(stride: int) -> dict[str, tuple[int, int, int]]:
    """Of a convolution with a stride of 2 in space and this one in time."""
    return {
        "kernel_size": (2 + stride, 4, 4),
        "stride": (stride, 2, 2),
        "padding": (1, 1, 1),
    }


@torch.no_grad()
def initialize(network: nn.Module) -> None:
    """Draw all convolutions as He et al. 2015 do, so that what passes through keeps its size.

    By torch's own start signals shrink in every layer, and most in transposed ones, whose strides
    it does not count: clips of what moves are then learnt more slowly.
    """
    for layer in network.modules():
        if isinstance(layer, nn.ConvTranspose3d):  # weight (in, out, *kernel)
            terms = layer.weight[:, 0].numel() / math.prod(layer.stride)
        elif isinstance(layer, nn.Conv3d):  # weight (out, in, *kernel)
            terms = layer.weight[0].numel()
        else:
            continue
        nn.init.normal_(layer.weight, std=math.sqrt(2 / terms))
        nn.init.zeros_(layer.bias)


class ClipEncoder(nn.Module):
    """(B, 3, T, H, W) in [-1, 1] to (B, D, t, h, w).

    Args:
        channels: C.
        out_channels: D.
        time_stride: frames for one latent, 2 or 4.
        residual_blocks: how many follow the two strided convolutions.
    """

    def __init__(
        self, channels: int, out_channels: int, time_stride: int, residual_blocks: int = 2
    ):
        super().__init__()
        self.time_stride = time_stride
        first, second = TIME_STRIDES[time_stride]
        self.downsample = nn.Sequential(
            nn.Conv3d(3, channels, **_sizes(first)),
            nn.ReLU(),
            nn.Conv3d(channels, channels, **_sizes(second)),
        )
        blocks = (ResidualBlock(channels, nn.Conv3d) for _ in range(residual_blocks))
        self.residual = nn.Sequential(*blocks)
        self.output = nn.Conv3d(channels, out_channels, 1)
        initialize(self)

    def forward(self, x: Tensor) -> Tensor:
        """Encode.

        Raises:
            ValueError: other channels than 3, or axes that the strides do not divide.
        """
        strides = (self.time_stride, STRIDE, STRIDE)
        if (
            x.dim() != 5
            or x.shape[1] != 3
            or any(x.shape[2 + i] % s for i, s in enumerate(strides))
        ):
            raise ValueError(
                f"clips of shape {tuple(x.shape)}; (B, 3, T, H, W) with T a multiple of "
                f"{self.time_stride}, H and W of {STRIDE} is wanted"
            )
        return self.output(F.relu(self.residual(self.downsample(x))))


class ClipDecoder(LevelDecoder):
    """The mirror image, (B, D, t, h, w) to (B, 3, T, H, W).

    Args:
        in_channels: D.
        channels: C.
        likelihood: see `recipes.frames.likelihoods`.
        time_stride: frames for one latent, 2 or 4.
        residual_blocks: how many stand before the two transposed convolutions.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        likelihood: PixelLikelihood,
        time_stride: int,
        residual_blocks: int = 2,
    ):
        super().__init__()
        last, first = TIME_STRIDES[time_stride]
        self.input = nn.Conv3d(in_channels, channels, 3, padding=1)
        blocks = (ResidualBlock(channels, nn.Conv3d) for _ in range(residual_blocks))
        self.residual = nn.Sequential(*blocks)
        self.upsample = nn.Sequential(
            nn.ReLU(),
            nn.ConvTranspose3d(channels, channels, **_sizes(first)),
            nn.ReLU(),
            nn.ConvTranspose3d(channels, likelihood.channels, **_sizes(last)),
        )
        self.likelihood = likelihood
        initialize(self)
        with torch.no_grad():  # begin near the likelihood's own broad start
            self.upsample[-1].weight.mul_(0.1)

    def forward(self, latents: Tensor) -> Tensor:
        """(B, D, t, h, w) to the likelihood's parameters (B, channels, T, H, W)."""
        return self.upsample(self.residual(self.input(latents)))
