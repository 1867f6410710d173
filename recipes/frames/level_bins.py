"""Log probabilities of the 256 levels under a continuous distribution that is cut into bins.

Level k is the interval (k - 1/2, k + 1/2); level 0 reaches down to minus infinity and level 255 up
to infinity, so that the levels share all of the probability. The forms below are exact where
differences of two distribution functions are not: far in the tails, where both round to 0 or 1, and
under broad distributions, where two neighbours agree in all but their last digits.

Everything is in units of levels: `location` where the distribution is centred, `width` that of one
level counted in scales, 1 / s. Shapes broadcast.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

LEVELS = 256

# Gauss-Legendre on (-1, 1), five points as one and two pairs: where each pair lies, and its weight.
_MIDDLE_WEIGHT = 128 / 225
_PAIRS = tuple(
    (math.sqrt(5 - sign * 2 * math.sqrt(10 / 7)) / 3, (322 + sign * 13 * math.sqrt(70)) / 900)
    for sign in (1, -1)
)


def logistic_log_probability(levels: Tensor, location: Tensor, width: Tensor) -> Tensor:
    """log P(level) of a logistic distribution cut into levels (Salimans et al. 2017, section 2.1).

    With a and b the upper and lower edge, sigmoid(a) - sigmoid(b) is
    sigmoid(a) sigmoid(-b) (1 - exp(b - a)), three factors without a difference; an end bin has no
    second edge and is left with one of them.

    Args:
        levels: integers 0 to 255.
        location: mean, in levels.
        width: of a level, in scales; above 0.
    """
    lower, upper = _edges(levels, location, width)
    below_upper, above_lower = F.logsigmoid(upper), F.logsigmoid(-lower)
    inside = below_upper + above_lower + torch.log(-torch.expm1(-width))
    return _with_ends(levels, below_upper, inside, above_lower)


def gaussian_log_probability(levels: Tensor, location: Tensor, width: Tensor) -> Tensor:
    """log P(level) of a Gaussian cut into levels: the integral over the bin, not a density.

    Args:
        levels: integers 0 to 255.
        location: mean, in levels.
        width: of a level, in standard deviations; above 0.
    """
    lower, upper = _edges(levels, location, width)
    # A bin and its mirror image weigh the same; the one above the mean is computed.
    is_below = lower + upper < 0
    near, far = torch.where(is_below, -upper, lower), torch.where(is_below, -lower, upper)
    inside = _log_gaussian_between(near, far, width)
    return _with_ends(levels, _log_gaussian_tail(-upper), inside, _log_gaussian_tail(lower))


def _edges(levels: Tensor, location: Tensor, width: Tensor) -> tuple[Tensor, Tensor]:
    # From k - 1/2 and k + 1/2, which are exact: the upper edge of a bin is the lower one of the
    # next to the last bit, so that rounding takes from one what it gives to the other.
    return (levels - 0.5 - location) * width, (levels + 0.5 - location) * width


def _with_ends(levels: Tensor, first: Tensor, inside: Tensor, last: Tensor) -> Tensor:
    return torch.where(levels == 0, first, torch.where(levels == LEVELS - 1, last, inside))


def _log_gaussian_tail(edge: Tensor) -> Tensor:
    """log of the mass that a standard Gaussian has above an edge.

    `torch.special.log_ndtr` has the same value, but in float32 its gradient is off by 4 % a
    thousand deviations out and 0 at a million, where a loss would most need it.
    """
    is_far = edge > 0
    far, near = torch.where(is_far, edge, 0), torch.where(is_far, 0, edge)
    return torch.where(
        is_far,
        torch.log(torch.special.erfcx(far * math.sqrt(0.5)) / 2) - far.square() / 2,
        torch.log1p(-torch.special.erfc(-near * math.sqrt(0.5)) / 2),
    )


def _log_gaussian_between(near: Tensor, far: Tensor, width: Tensor) -> Tensor:
    """log of the mass of a standard Gaussian between two edges, the farther one above the mean."""
    centre = (near + far) / 2
    # Where the density hardly falls from edge to edge, the tails beyond them are too alike to be
    # subtracted, but few points are enough to integrate it.
    is_flat = (width < 0.5) & (centre * width < 0.5)
    holds_mean = ~is_flat & (near < 0)
    is_tail = ~is_flat & ~holds_mean
    # Each form sees harmless values where another is taken: 0 times infinity is no gradient.
    flat = _log_by_quadrature(torch.where(is_flat, centre, 0), torch.where(is_flat, width, 0.25))
    middle = _log_around_mean(torch.where(holds_mean, near, -1), torch.where(holds_mean, far, 1))
    tail = _log_by_tails(torch.where(is_tail, near, 0), torch.where(is_tail, far, 1))
    return torch.where(is_flat, flat, torch.where(holds_mean, middle, tail))


def _log_by_quadrature(centre: Tensor, width: Tensor) -> Tensor:
    # phi(c + t) = phi(c) exp(-c t - t^2 / 2); the points t and -t together give a cosh.
    total = torch.full_like(centre, _MIDDLE_WEIGHT)
    for place, weight in _PAIRS:
        t = place * width / 2
        total = total + 2 * weight * torch.exp(-t.square() / 2) * torch.cosh(centre * t)
    log_density = -centre.square() / 2 - 0.5 * math.log(2 * math.pi)
    return log_density + torch.log(width / 2) + torch.log(total)


def _log_around_mean(below: Tensor, above: Tensor) -> Tensor:
    # The two terms have different signs: what looks like a difference is a sum.
    return torch.log((torch.erf(above * math.sqrt(0.5)) - torch.erf(below * math.sqrt(0.5))) / 2)


def _log_by_tails(near: Tensor, far: Tensor) -> Tensor:
    # The tail above an edge b is exp(-b^2 / 2) erfcx(b / sqrt 2) / 2. The factor of the nearer edge
    # is taken out of both tails, and their squares are not subtracted from one another.
    falls = torch.exp((near - far) * (near + far) / 2)
    from_near = torch.special.erfcx(near * math.sqrt(0.5))
    from_far = torch.special.erfcx(far * math.sqrt(0.5))
    return torch.log((from_near - falls * from_far) / 2) - near.square() / 2
