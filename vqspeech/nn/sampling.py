"""Drawing a category from logits and a uniform number: the one rule that every sampler follows.

A draw is a function of its uniform number alone, so a fast sampler can be held against a slow one
sample by sample, and a result does not depend on the batch it was drawn in.
"""

import math

import torch
from torch import Tensor

COLDEST = 1e-6  # below it a quotient of logits overflows, and the likeliest level has it all
BELOW_ONE = 1 - 2**-53  # the largest float64 below 1


def draw(logits: Tensor, uniforms: Tensor, temperature: float = 1.0, top_k: int = 0) -> Tensor:
    """The first level whose cumulative softmax probability exceeds the uniform number.

    With p = softmax(logits / temperature) in float32 and c_k = p_0 + ... + p_k in float64, the draw
    is the least k with p_k > 0 and c_k > u c_{K-1}. Comparing with c_{K-1} instead of 1 keeps the
    rule exact where the rounded probabilities do not add up to 1; sums in float64 do not depend
    on the order of summation as far as a draw can tell.

    Args:
        logits: (..., K); minus infinity excludes a level, but not all of them.
        uniforms: (...) in [0, 1); a 1 from rounding counts as the largest number below it.
        temperature: 0 (or less than 1e-6) takes the likeliest level (the lowest of equals),
            whatever the uniforms.
        top_k: a level is left out where so many have a strictly larger logit; 0 keeps all.

    Returns:
        (...) int64 in 0..K-1, never a level of probability 0.

    Raises:
        ValueError: the temperature or top_k is negative or no number, or the shapes do not fit.
    """
    check_choice(temperature, top_k)
    if uniforms.shape != logits.shape[:-1]:
        raise ValueError(
            f"uniforms {tuple(uniforms.shape)} do not fit logits {tuple(logits.shape)}: "
            "one uniform number a row is wanted"
        )
    if temperature < COLDEST:
        return logits.argmax(-1)
    logits = logits.float()
    if 0 < top_k < logits.shape[-1]:
        border = logits.topk(top_k, dim=-1).values[..., -1:]
        logits = logits.masked_fill(logits < border, -math.inf)
    # The largest becomes 0 before the division, which then cannot overflow.
    scaled = (logits - logits.amax(-1, keepdim=True)) / temperature
    probabilities = scaled.softmax(-1)
    cumulative = probabilities.cumsum(-1, dtype=torch.float64)
    threshold = uniforms.double().clamp(max=BELOW_ONE) * cumulative[..., -1]
    # A parallel cumulative sum can rise by a rounding error where the probability is 0.
    is_beyond = (cumulative > threshold[..., None]) & (probabilities > 0)
    return is_beyond.byte().argmax(-1)  # the first of equal maxima


def check_choice(temperature: float, top_k: int) -> None:
    """Refuse what `draw` cannot draw by.

    Raises:
        ValueError: the temperature or top_k is negative, or no number.
    """
    if not temperature >= 0:
        raise ValueError(f"temperature {temperature}; 0 or more is wanted")
    if not top_k >= 0:
        raise ValueError(f"top_k {top_k}; 0 or more is wanted")
