"""p(picture | what a decoder gives): distributions over the 256 levels of each sub-pixel.

Three heads, each a true distribution over the levels, so that nats are those of integers and bits
per dimension need no correction: a softmax over 256 classes (van den Oord et al. 2016, what the
paper's authors used), a logistic distribution and a Gaussian cut into bins. A head holds no weights
but the scales that pictures may share; the decoder before it gives its parameters.

Shapes: B pictures, C = 3 colours, H W sides. A sub-pixel is one colour of one pixel.
"""

import math
from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recipes.frames.level_bins import LEVELS, gaussian_log_probability, logistic_log_probability
from vqspeech.nn.sampling import draw

Kind = Literal["softmax", "logistic", "gaussian"]
Scales = Literal["pixel", "channel"]

COLOURS = 3
HALF_RANGE = 127.5  # levels in one unit of x / 127.5 - 1, in which decoders think
LOWEST_LOG_SCALE, HIGHEST_LOG_SCALE = -7.0, 3.0  # in these units: a ninth of a level, ten ranges

# What log scale a parameter of 0 means: the standard deviation is then half a unit, about that of
# all sub-pixels of natural pictures, so that training starts near 8 bits.
LOGISTIC_START = math.log(0.5 * math.sqrt(3) / math.pi)
GAUSSIAN_START = math.log(0.5)


class PixelLikelihood(nn.Module):
    """A distribution over the levels of every sub-pixel, independent of one another.

    Everything is computed in float32 at least, under autocast too.

    Attributes:
        channels: how many numbers a pixel the decoder gives.
    """

    channels: int

    def nats(self, parameters: Tensor, pixels: Tensor) -> Tensor:
        """-log p of each sub-pixel: (B, 3, H, W) float32.

        Args:
            parameters: (B, channels, H, W).
            pixels: (B, 3, H, W) uint8 or int64 levels.
        """
        raise NotImplementedError

    def log_probabilities(self, parameters: Tensor) -> Tensor:
        """log p of all levels: (B, channels, H, W) to (B, 3, 256, H, W), 256 times the pictures."""
        raise NotImplementedError

    @torch.no_grad()
    def mean(self, parameters: Tensor) -> Tensor:
        """The expected level of each sub-pixel: (B, 3, H, W) float in 0 to 255."""
        level = torch.arange(LEVELS, device=parameters.device)
        # Picture by picture here and below: the table of probabilities is 256 times as large.
        return torch.cat(
            [
                (table.exp() * level[:, None, None]).sum(2)
                for table in map(self.log_probabilities, parameters.split(1))
            ]
        )

    @torch.no_grad()
    def sample(self, parameters: Tensor, uniforms: Tensor) -> Tensor:
        """The levels that uniform numbers stand for, by the rule of `vqspeech.nn.sampling.draw`.

        Args:
            parameters: (B, channels, H, W).
            uniforms: (B, 3, H, W) in [0, 1), float64.

        Returns:
            (B, 3, H, W) uint8: the least level whose cumulative probability exceeds the number.
        """
        tables = map(self.log_probabilities, parameters.split(1))
        levels = [
            draw(table.movedim(2, -1), number)
            for table, number in zip(tables, uniforms.split(1), strict=True)
        ]
        return torch.cat(levels).to(torch.uint8)


class SoftmaxLikelihood(PixelLikelihood):
    """A softmax over 256 classes; channels 256 c to 256 c + 255 are the logits of colour c."""

    channels = COLOURS * LEVELS

    def nats(self, parameters: Tensor, pixels: Tensor) -> Tensor:
        """-log p of each sub-pixel: (B, 3, H, W). Logits are read where they lie, not copied."""
        logits = _full_precision(parameters).unflatten(1, (COLOURS, LEVELS)).flatten(0, 1)
        nats = F.cross_entropy(logits, pixels.long().flatten(0, 1), reduction="none")
        return nats.view(pixels.shape)

    def log_probabilities(self, parameters: Tensor) -> Tensor:
        """(B, 768, H, W) logits to (B, 3, 256, H, W)."""
        return _full_precision(parameters).unflatten(1, (COLOURS, LEVELS)).log_softmax(2)


class BinnedLikelihood(PixelLikelihood):
    """A continuous distribution cut into levels: a mean for each sub-pixel, and its scale.

    Channels 0 to 2 are the means, in units in which levels 0 and 255 are -1 and 1. The log scales
    are channels 3 to 5, or three parameters that all pictures share. They are bent, not cut, at -7
    and 3: a scale at its bound still has a gradient to leave it by.

    Args:
        log_probability: of levels, given location and width as in `recipes.frames.level_bins`.
        start: the log scale that 0 stands for.
        scales: "pixel" or "channel".
    """

    def __init__(
        self,
        log_probability: Callable[[Tensor, Tensor, Tensor], Tensor],
        start: float,
        scales: Scales,
    ):
        super().__init__()
        if scales not in ("pixel", "channel"):
            raise ValueError(f"unknown scales {scales}; choose pixel or channel")
        self.log_probability, self.start = log_probability, start
        self.channels = 2 * COLOURS if scales == "pixel" else COLOURS
        self.shared_scales = nn.Parameter(torch.zeros(COLOURS)) if scales == "channel" else None

    def nats(self, parameters: Tensor, pixels: Tensor) -> Tensor:
        """-log p of each sub-pixel: (B, 3, H, W)."""
        return -self.log_probability(pixels, *self._location_and_width(parameters))

    def log_probabilities(self, parameters: Tensor) -> Tensor:
        """(B, channels, H, W) to (B, 3, 256, H, W)."""
        level = torch.arange(LEVELS, device=parameters.device)[:, None, None]
        location, width = self._location_and_width(parameters)
        return self.log_probability(level, location.unsqueeze(2), width.unsqueeze(2))

    @torch.no_grad()
    def mean(self, parameters: Tensor) -> Tensor:
        """The centre of each distribution within 0 to 255: its mean, but for what the ends cut off.

        The exact one takes 256 times the memory and the time, and looks the same.
        """
        return self._location_and_width(parameters)[0].clamp(0, LEVELS - 1)

    def _location_and_width(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) means in levels, and the width of a level; (1, 3, 1, 1) if shared."""
        parameters = _full_precision(parameters)
        if self.shared_scales is None:
            mean, raw = parameters.chunk(2, dim=1)
        else:
            mean, raw = parameters, self.shared_scales.view(1, -1, 1, 1)
        raw = raw + self.start
        raw = HIGHEST_LOG_SCALE - F.softplus(HIGHEST_LOG_SCALE - raw)
        log_scale = LOWEST_LOG_SCALE + F.softplus(raw - LOWEST_LOG_SCALE)
        return HALF_RANGE * (mean + 1), torch.exp(-log_scale) / HALF_RANGE


def build_likelihood(kind: Kind, scales: Scales = "pixel") -> PixelLikelihood:
    """The head of a kind.

    Args:
        kind: "softmax", "logistic" or "gaussian".
        scales: whether the decoder predicts a scale for each sub-pixel ("pixel") or all pictures
            share one a colour ("channel"); a softmax has none, and either does.

    Raises:
        ValueError: there is no such kind or choice of scales.
    """
    match kind:
        case "softmax":
            return SoftmaxLikelihood()
        case "logistic":
            return BinnedLikelihood(logistic_log_probability, LOGISTIC_START, scales)
        case "gaussian":
            return BinnedLikelihood(gaussian_log_probability, GAUSSIAN_START, scales)
    raise ValueError(f"unknown likelihood {kind}; choose softmax, logistic or gaussian")


def bits_per_dimension(nats: Tensor, dimensions: int) -> Tensor:
    """Nats of whole pictures in bits for each of their sub-pixels: nats / (dimensions ln 2)."""
    return nats / (dimensions * math.log(2))


def _full_precision(parameters: Tensor) -> Tensor:
    return parameters.to(torch.promote_types(parameters.dtype, torch.float32))
