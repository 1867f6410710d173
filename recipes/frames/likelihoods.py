"""p(picture | what a decoder gives): distributions over the 256 levels of each sub-pixel.

Three heads, each a true distribution over the levels, so that nats are those of integers and bits
per dimension need no correction: a softmax over 256 classes (van den Oord et al. 2016, what the
paper's authors used), a logistic distribution and a Gaussian cut into bins. A head holds no weights
but the scales that pictures may share; the decoder before it gives its parameters.

Shapes: B pictures, C = 3 colours, H W sides. A sub-pixel is one colour of one pixel.
"""

import math
from abc import ABC, abstractmethod
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


class PixelLikelihood(nn.Module, ABC):
    """A distribution over the levels of every sub-pixel, independent of one another.

    Everything is computed in float32 at least, under autocast too.

    Attributes:
        channels: how many numbers a pixel the decoder gives.
    """

    channels: int

    @abstractmethod
    def nats(self, parameters: Tensor, pixels: Tensor) -> Tensor:
        """-log p of each sub-pixel: (B, 3, H, W) float32.

        Args:
            parameters: (B, channels, H, W).
            pixels: (B, 3, H, W) uint8 or int64 levels.
        """

    @abstractmethod
    def log_probabilities(self, parameters: Tensor) -> Tensor:
        """log p of all levels: (B, channels, H, W) to (B, 3, 256, H, W), 256 times the pictures."""

    @abstractmethod
    def mean(self, parameters: Tensor) -> Tensor:
        """The expected level of each sub-pixel: (B, channels, H, W) to (B, 3, H, W) in 0 to 255."""

    @abstractmethod
    def sample(self, parameters: Tensor, uniforms: Tensor) -> Tensor:
        """The levels that uniform numbers stand for.

        Args:
            parameters: (B, channels, H, W).
            uniforms: (B, 3, H, W) float64 in [0, 1).

        Returns:
            (B, 3, H, W) uint8: the least level whose cumulative probability exceeds the number.
        """


class SoftmaxLikelihood(PixelLikelihood):
    """A softmax over 256 classes; channels 256 c to 256 c + 255 are the logits of colour c."""

    channels = COLOURS * LEVELS

    def nats(self, parameters: Tensor, pixels: Tensor) -> Tensor:
        """-log p of each sub-pixel: (B, 3, H, W). Logits are read where they lie, not copied."""
        logits = self._logits(parameters).flatten(0, 1)
        nats = F.cross_entropy(logits, pixels.long().flatten(0, 1), reduction="none")
        return nats.view(pixels.shape)

    def log_probabilities(self, parameters: Tensor) -> Tensor:
        """(B, 768, H, W) to (B, 3, 256, H, W)."""
        return self._logits(parameters).log_softmax(2)

    def mean(self, parameters: Tensor) -> Tensor:
        """(B, 768, H, W) to (B, 3, H, W)."""
        level = torch.arange(LEVELS, device=parameters.device)[:, None, None]
        return (self._logits(parameters).softmax(2) * level).sum(2)

    def sample(self, parameters: Tensor, uniforms: Tensor) -> Tensor:
        """(B, 3, H, W) uint8, by the rule of `vqspeech.nn.sampling.draw`."""
        # Picture by picture: the rule adds up 256 probabilities in float64.
        pairs = zip(self._logits(parameters), uniforms, strict=True)
        levels = [draw(logits.movedim(1, -1), numbers) for logits, numbers in pairs]
        return torch.stack(levels).to(torch.uint8)

    @staticmethod
    def _logits(parameters: Tensor) -> Tensor:
        """(B, 3, 256, H, W), a view of float32."""
        return _full_precision(parameters).unflatten(1, (COLOURS, LEVELS))


class BinnedLikelihood(PixelLikelihood):
    """A symmetric continuous distribution cut into levels: a mean for each sub-pixel, and a scale.

    Channels 0 to 2 are the means, in units in which levels 0 and 255 are -1 and 1. The log scales
    are channels 3 to 5, or three parameters that all pictures share. They are bent, not cut, at -7
    and 3: a scale at its bound still has a gradient to leave it by.

    Attributes:
        start: the log scale that 0 stands for.
        log_probability: of levels, given location and width as in `recipes.frames.level_bins`.
        quantile: inverse of the distribution function, centred and with a scale of 1.
        integral: of that function, from minus infinity.

    Args:
        scales: "pixel" or "channel".
    """

    start: float
    log_probability: Callable[[Tensor, Tensor, Tensor], Tensor]
    quantile: Callable[[Tensor], Tensor]
    integral: Callable[[Tensor], Tensor]

    def __init__(self, scales: Scales):
        super().__init__()
        if scales not in ("pixel", "channel"):
            raise ValueError(f"unknown scales {scales}; choose pixel or channel")
        self.channels = 2 * COLOURS if scales == "pixel" else COLOURS
        self.shared_scales = nn.Parameter(torch.zeros(COLOURS)) if scales == "channel" else None

    def nats(self, parameters: Tensor, pixels: Tensor) -> Tensor:
        """-log p of each sub-pixel: (B, 3, H, W)."""
        return -self.log_probability(pixels, *self.location_and_width(parameters))

    def log_probabilities(self, parameters: Tensor) -> Tensor:
        """(B, channels, H, W) to (B, 3, 256, H, W)."""
        level = torch.arange(LEVELS, device=parameters.device)[:, None, None]
        location, width = self.location_and_width(parameters)
        return self.log_probability(level, location.unsqueeze(2), width.unsqueeze(2))

    def mean(self, parameters: Tensor) -> Tensor:
        """(B, channels, H, W) to (B, 3, H, W): before rounding to levels, cut at 0 and 255."""
        location, width = self.location_and_width(parameters.double())
        # The integral of P(X > x) from 0 to 255, which is that of the distribution function between
        # the mirror images of these ends. In float64: far out, two large numbers differ by 255.
        above_zero = self.integral(location * width)
        mean = (above_zero - self.integral((location - LEVELS + 1) * width)) / width
        return mean.to(_full_precision(parameters).dtype)

    def sample(self, parameters: Tensor, uniforms: Tensor) -> Tensor:
        """(B, 3, H, W) uint8: the level of whose bin the quantile is."""
        location, width = self.location_and_width(parameters.double())
        # A 0 stands for the numbers that were rounded to it; its quantile is minus infinity.
        quantile = self.quantile(uniforms.double().clamp(min=2**-54))
        level = torch.floor(location + quantile / width + 0.5)
        return level.clamp(0, LEVELS - 1).to(torch.uint8)

    def location_and_width(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) means in levels, and the width of a level; (1, 3, 1, 1) if shared."""
        parameters = _full_precision(parameters)
        if self.shared_scales is None:
            mean, raw = parameters.chunk(2, dim=1)
        else:
            mean, raw = parameters, self.shared_scales.to(parameters.dtype).view(1, -1, 1, 1)
        raw = raw + self.start
        raw = HIGHEST_LOG_SCALE - F.softplus(HIGHEST_LOG_SCALE - raw)
        log_scale = LOWEST_LOG_SCALE + F.softplus(raw - LOWEST_LOG_SCALE)
        return HALF_RANGE * (mean + 1), torch.exp(-log_scale) / HALF_RANGE


class LogisticLikelihood(BinnedLikelihood):
    """The discretised logistic of Salimans et al. 2017."""

    start = LOGISTIC_START
    log_probability = staticmethod(logistic_log_probability)
    quantile = staticmethod(torch.logit)
    integral = staticmethod(F.softplus)


class GaussianLikelihood(BinnedLikelihood):
    """A Gaussian integrated over the bin of each level."""

    start = GAUSSIAN_START
    log_probability = staticmethod(gaussian_log_probability)
    quantile = staticmethod(torch.special.ndtri)

    @staticmethod
    def integral(x: Tensor) -> Tensor:
        """x Phi(x) + phi(x)."""
        density = torch.exp(-x.square() / 2) / math.sqrt(2 * math.pi)
        return x * torch.special.ndtr(x) + density


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
            return LogisticLikelihood(scales)
        case "gaussian":
            return GaussianLikelihood(scales)
    raise ValueError(f"unknown likelihood {kind}; choose softmax, logistic or gaussian")


def bits_per_dimension(nats: Tensor, dimensions: int) -> Tensor:
    """Nats of whole pictures in bits for each of their sub-pixels: nats / (dimensions ln 2)."""
    return nats / (dimensions * math.log(2))


def _full_precision(parameters: Tensor) -> Tensor:
    return parameters.to(torch.promote_types(parameters.dtype, torch.float32))
