"""Fitting a few parameters of a frozen model: minutes, in memory, the best held-out values kept.

Unlike `fit` it writes nothing and resumes nothing: whoever stops it starts again.
"""

import math
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vqspeech.errors import DivergedError


class FewFitted(NamedTuple):
    """What `fit_few` did."""

    taken: int  # steps
    best_step: int  # whose values the parameters have now; 0 where no step was any better
    first: float  # what `validate` gave before the first step
    best: float  # and with the values that were kept


def fit_few(
    parameters: Sequence[nn.Parameter],
    compute_loss: Callable[[int], Tensor],
    validate: Callable[[], float],
    *,
    steps: int,
    learning_rate: float,
    validate_every: int,
    deadline: float = math.inf,
    progress: Callable[[int], None] = lambda taken: None,
) -> FewFitted:
    """Adam with half a cosine down to 0; the parameters are left at their best held-out values.

    Args:
        parameters: what is fitted.
        compute_loss: step to () loss; a pure function of the step and the parameters.
        validate: a number to minimise, of speech that `compute_loss` never sees.
        steps: how many; 0 validates alone.
        learning_rate: of the first step.
        validate_every: steps between validations; the last step is validated too.
        deadline: of `time.monotonic`; no step begins after it.
        progress: told the steps taken, after each.

    Raises:
        DivergedError: the loss or a validation is not finite.
    """
    optimizer = torch.optim.Adam(parameters, lr=learning_rate)
    first = best = _finite(validate(), 0)
    kept, best_step, taken = _values(parameters), 0, 0
    while taken < steps and time.monotonic() < deadline:
        for group in optimizer.param_groups:
            group["lr"] = 0.5 * learning_rate * (1 + math.cos(math.pi * taken / steps))
        loss = compute_loss(taken)
        _finite(float(loss.detach()), taken)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        taken += 1
        progress(taken)
        is_last = taken == steps or time.monotonic() >= deadline
        if is_last or taken % validate_every == 0:
            value = _finite(validate(), taken)
            if value < best:
                best, best_step, kept = value, taken, _values(parameters)
    with torch.no_grad():
        for parameter, value in zip(parameters, kept, strict=True):
            parameter.copy_(value)
    return FewFitted(taken, best_step, first, best)


def _values(parameters: Sequence[nn.Parameter]) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in parameters]


def _finite(value: float, step: int) -> float:
    if not math.isfinite(value):
        raise DivergedError(f"step {step}: NaN or infinity; lower the learning rate")
    return value
