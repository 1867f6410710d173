"""A running average of the weights: what is validated and sampled from.

Polyak averaging evens out the last steps' noise. The average of a short run must not remember the
random start, so the decay begins low: min(decay, (1 + n) / (10 + n)) after n steps.
"""

import contextlib
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn


class WeightAverage:
    """The average of every floating tensor of a model's state, codebook and counts included.

    Args:
        model: whose state is averaged.
        decay: in [0, 1); 0 is the last weights themselves.
    """

    def __init__(self, model: nn.Module, decay: float):
        self._model = model
        self._decay = decay
        self.tensors = {k: v.detach().clone() for k, v in model.state_dict().items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take the weights after `step` steps into the average."""
        decay = min(self._decay, (1 + step) / (10 + step))
        averages, weights = [], []
        for name, value in self._model.state_dict().items():
            if value.is_floating_point():
                averages.append(self.tensors[name])
                weights.append(value)
            else:
                self.tensors[name].copy_(value)
        torch._foreach_lerp_(averages, weights, 1 - decay)

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from a saved average."""
        for name, value in self.tensors.items():
            value.copy_(tensors[name])

    def give(self) -> None:
        """The model goes on from the average."""
        self._model.load_state_dict(self.tensors)

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """The model holds the average inside the block, and its own weights again after it."""
        own = {k: v.detach().clone() for k, v in self._model.state_dict().items()}
        self._model.load_state_dict(self.tensors)
        try:
            yield
        finally:
            self._model.load_state_dict(own)
