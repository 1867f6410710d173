"""Bounds on log p(x) from many samples of the latents, and VIMCO's gradient of them.

Mnih & Rezende 2016, "Variational inference for Monte Carlo objectives". With samples z_1 to z_S of
q(z | x) and the weights w_i = p(x | z_i) p(z_i) / q(z_i | x) of a picture, all of its latents
together,

    L = log 1/S sum_i w_i,    E[L] <= log p(x)    (Burda et al. 2016: it rises with S).

Discrete samples let no gradient through. VIMCO takes that of E[L] from how much each sample did for
L, against what the geometric mean of the others would have done in its place.

Shapes: S samples, B pictures. All are natural logarithms.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint


class WeightSpread(NamedTuple):
    """How many samples carry a bound: near 1 of S, it is hardly better than a single good one."""

    effective_samples: Tensor  # (B,) (sum w)^2 / sum w^2, from 1 to S
    log_largest_share: Tensor  # (B,) log of the largest w / sum w, from -log S to 0


def importance_bound(log_w: Tensor) -> Tensor:
    """L = log 1/S sum_i w_i over the first dimension: (S, ...) to (...)."""
    return torch.logsumexp(log_w, 0) - math.log(len(log_w))


def vimco(log_w: Tensor, log_q: Tensor) -> tuple[Tensor, Tensor]:
    """The surrogate whose gradient is, in expectation, that of E[L]; and L itself.

    grad E[L] = E[ sum_i (L - L_-i) grad log q(z_i | x) + grad L ],

    where L_-i is L with w_i replaced by the geometric mean of the other weights. It knows nothing
    of z_i, so that it takes variance away and no bias comes in. The second term is the gradient of
    L with the samples held fixed, and q is part of it: w_i holds 1 / q(z_i | x). So `log_w` must
    carry the gradients of the decoder, the prior AND log q, attached. Detaching log q in it would
    leave a biased gradient for the encoder (only for S = 1 is the expectation of that term zero).

    The samples themselves carry no gradient, be they discrete or continuous.

    Args:
        log_w: (S, B) log p(x | z_i) + log p(z_i) - log q(z_i | x), summed over a picture.
        log_q: (S, B) log q(z_i | x), summed over a picture's latents.

    Returns:
        (B,) the surrogate, to be maximised; its value means nothing. (B,) the bound L, with the
        gradient that it has for fixed samples.

    Raises:
        ValueError: the shapes differ, or there are fewer than two samples, which leaves no others
            to compare with.
    """
    samples = len(log_w)
    if log_w.shape != log_q.shape or samples < 2:
        raise ValueError(
            f"weights {tuple(log_w.shape)} and log q {tuple(log_q.shape)}: the same shape with "
            "2 samples or more is wanted"
        )
    bound = importance_bound(log_w)
    fixed = log_w.detach()
    others = (fixed.sum(0) - fixed) / (samples - 1)  # (S, B) log of the geometric mean
    is_own = torch.eye(samples, dtype=torch.bool, device=fixed.device)[..., None]  # (S, S, 1)
    replaced = torch.where(is_own, others, fixed[:, None])  # (S, S, B) weight j, i left out
    signal = bound.detach() - importance_bound(replaced)  # (S, B)
    return (signal * log_q).sum(0) + bound, bound


def in_chunks(function: Callable[..., Tensor], *samples: Tensor, chunk: int) -> Tensor:
    """function(*samples), value and gradient the same, with the memory of one chunk of samples.

    What a chunk computes on its way is thrown away and computed again for the gradient, so that 50
    passes of a decoder cost one more pass forward and hold one chunk at a time.

    Args:
        function: tensors (s, ...) to (s, ...), each sample by itself; it may draw random numbers.
        samples: (S, ...) tensors with the same S.
        chunk: samples at a time; the last may have fewer.

    Returns:
        (S, ...).
    """
    return torch.cat(
        [
            checkpoint(function, *part, use_reentrant=False)
            for part in zip(*(tensor.split(chunk) for tensor in samples), strict=True)
        ]
    )


@torch.no_grad()
def weight_spread(log_w: Tensor) -> WeightSpread:
    """How evenly the samples (S, B) share the sum of the weights."""
    log_share = log_w.log_softmax(0)
    return WeightSpread(torch.exp(-torch.logsumexp(2 * log_share, 0)), log_share.amax(0))


def gaussian_kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, variance) || N(0, 1)) of each element, in closed form; any shape."""
    # exp(v) - 1 - v is lost in rounding near v = 0, where the posterior meets the prior.
    return (mean.square() + torch.expm1(log_variance) - log_variance) / 2


def gaussian_log_density(
    z: Tensor, mean: Tensor | float = 0.0, log_variance: Tensor | float = 0.0
) -> Tensor:
    """log N(z; mean, variance) of each element; shapes broadcast. By default N(0, 1)."""
    log_variance = torch.as_tensor(log_variance, dtype=z.dtype, device=z.device)
    squares = (z - mean).square() * torch.exp(-log_variance)
    return -(squares + log_variance + math.log(2 * math.pi)) / 2
