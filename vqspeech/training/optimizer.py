"""The optimiser: built from settings, saved as tensors by parameter name, its rows reset."""

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from vqspeech.config.schema import TrainingSettings
from vqspeech.errors import InputError
from vqspeech.training.muon import Muon, split_parameters


def build_optimizer(model: nn.Module, settings: TrainingSettings) -> Optimizer:
    """Adam; AdamW, whose weight decay leaves vectors alone; or Muon, which decays nothing."""
    if settings.optimizer == "muon":
        return Muon(*split_parameters(model), lr=settings.learning_rate)
    parameters = [p for p in model.parameters() if p.requires_grad]
    if settings.optimizer == "adam":
        return torch.optim.Adam(
            parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
    groups = [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.learning_rate)


def learning_rate(step: int, settings: TrainingSettings) -> float:
    """The rate of a step: in each phase a linear warm-up, then half a cosine to the final rate."""
    first, last = settings.phase(step)
    warm = min(1.0, (step - first + 1) / (settings.warmup_steps + 1))
    progress = min(1.0, (step - first) / (last - first))
    cosine = 0.5 * (1 + math.cos(math.pi * progress))
    final = min(settings.final_learning_rate, settings.learning_rate)
    return warm * (final + (settings.learning_rate - final) * cosine)


def optimizer_tensors(optimizer: Optimizer, model: nn.Module) -> dict[str, Tensor]:
    """The optimiser's state as `parameter/key` -> tensor."""
    names = {parameter: name for name, parameter in model.named_parameters()}
    return {
        f"{names[parameter]}/{key}": torch.as_tensor(value)
        for parameter, values in optimizer.state.items()
        for key, value in values.items()
    }


def load_optimizer_tensors(
    optimizer: Optimizer, model: nn.Module, tensors: Mapping[str, Tensor], place: str
) -> None:
    """Undo `optimizer_tensors`; `place` names the file in an error."""
    parameters = dict(model.named_parameters())
    for name, value in tensors.items():
        parameter, _, key = name.rpartition("/")
        if parameter not in parameters:
            raise InputError(f"{place}: unknown parameter {parameter}; use another checkpoint")
        target = parameters[parameter]
        # Adam keeps its step count on the CPU, moments beside their parameter.
        moved = value if value.dim() == 0 else value.to(target.device)
        optimizer.state[target][key] = moved.clone()


def reset_rows(optimizer: Optimizer, parameter: Tensor, rows: Iterable[tuple[int, ...]]) -> None:
    """Forget the moments of some rows of a parameter, as when a dead code starts afresh."""
    state, rows = optimizer.state.get(parameter, {}), list(rows)
    for value in state.values():
        if torch.is_tensor(value) and value.shape == parameter.shape:
            for row in rows:
                value[row] = 0
