"""The encoder: strided convolutions that turn a signal into one vector a frame.

Follows section 4.3 of van den Oord et al. 2017 (stride 2, window 4), with the residual blocks of
its image encoder (section 4.1) at the code rate. Six strides of 2 give 64 samples a frame, seven
give 128, seven and a 5 give 640. A log-mel front end is the same stack with 80 channels in.

Shapes: B batch, T samples (or frames of a front end), C channels, D code dimension, L = T / hop.
"""

import math
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn


class ChannelNorm(nn.LayerNorm):
    """LayerNorm over the channels of each time step alone, (B, C, T) to (B, C, T).

    Statistics over time would make a frame depend on the whole utterance, and an utterance encoded
    in chunks would differ from the same encoded at once.
    """

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class ResidualBlock(nn.Module):
    """x + conv1(ReLU(conv3(ReLU(x)))), (B, C, L) to (B, C, L)."""

    def __init__(self, channels: int):
        super().__init__()
        self.wide = nn.Conv1d(channels, channels, 3, padding=1)
        self.narrow = nn.Conv1d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.narrow(F.relu(self.wide(F.relu(x))))


class StridedEncoder(nn.Module):
    """(B, in_channels, T) to (B, out_channels, L = T / hop), each frame centred on its samples.

    Attributes:
        hop: samples a frame, the product of the strides.
        receptive_field: samples that one frame depends on.
        context: how many of them lie on each side of the frame's own `hop` samples. A chunk of a
            longer signal gives the same frames if it is cut this much larger on both sides,
            in whole frames, and the extra frames are dropped.

    Args:
        in_channels: 1 for a waveform, the number of bands for a spectrogram.
        channels: hidden channels C.
        out_channels: D.
        strides: of the convolutions, in order.
        kernel_sizes: their windows; by default twice the stride as in the paper, and one more for
            an odd stride, which could not be centred otherwise.
        residual_blocks: how many follow the strided convolutions.
        normalize: a `ChannelNorm` after each strided convolution. Waveforms differ in loudness by
            orders of magnitude, and without it so do the encoded vectors.

    Raises:
        ValueError: no strides, a stride below 1, or windows that do not fit them.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        out_channels: int,
        strides: Sequence[int],
        *,
        kernel_sizes: Sequence[int] | None = None,
        residual_blocks: int = 2,
        normalize: bool = True,
    ):
        super().__init__()
        if not strides or min(strides) < 1:
            raise ValueError(f"strides {list(strides)}; one or more of at least 1 are wanted")
        if kernel_sizes is None:
            kernel_sizes = [2 * stride + stride % 2 for stride in strides]
        if len(kernel_sizes) != len(strides):
            raise ValueError(f"{len(kernel_sizes)} kernel sizes for {len(strides)} strides")
        self.in_channels, self.out_channels = in_channels, out_channels
        self.hop = math.prod(strides)
        layers: list[nn.Module] = []
        spacing = 1  # samples from one step of a layer's input to the next
        self.receptive_field = 1
        for stride, kernel in zip(strides, kernel_sizes, strict=True):
            if kernel < stride or (kernel - stride) % 2:
                raise ValueError(
                    f"a window of {kernel} with stride {stride} skips samples or is not centred; "
                    f"choose {stride}, {stride + 2}, {stride + 4}, ..."
                )
            if layers:
                layers.append(nn.ReLU())
            width = channels if layers else in_channels
            layers.append(nn.Conv1d(width, channels, kernel, stride, (kernel - stride) // 2))
            if normalize:
                layers.append(ChannelNorm(channels))
            self.receptive_field += (kernel - 1) * spacing
            spacing *= stride
        self.downsample = nn.Sequential(*layers)
        self.residual = nn.Sequential(*(ResidualBlock(channels) for _ in range(residual_blocks)))
        self.receptive_field += 2 * self.hop * residual_blocks
        self.context = (self.receptive_field - self.hop) // 2
        self.output = nn.Conv1d(channels, out_channels, 1)

    def forward(self, signal: Tensor) -> Tensor:
        """Encode (B, in_channels, T) to (B, D, L); T = 0 gives L = 0.

        Beyond its ends every layer sees zeros.

        Raises:
            ValueError: other channels, or T no multiple of `hop`.
        """
        if signal.dim() != 3 or signal.shape[1] != self.in_channels:
            raise ValueError(
                f"signal of shape {tuple(signal.shape)}; (B, {self.in_channels}, T) is wanted"
            )
        length = signal.shape[2]
        if length % self.hop:
            raise ValueError(f"{length} samples are no multiple of the hop of {self.hop}")
        if not length:  # a convolution refuses what is shorter than its window
            return signal.new_zeros(len(signal), self.out_channels, 0)
        x = self.downsample(signal)  # (B, C, L)
        return self.output(F.relu(self.residual(x)))
