"""Muon: momentum whose matrices are made orthogonal before the step, and Adam for the rest.

Jordan et al. 2024 ("Muon: an optimizer for hidden layers in neural networks"), its steps scaled
with the size of a matrix as Liu et al. 2025 (arXiv 2502.16982, equation 4) do. `torch.optim.Muon`
takes single matrices only; the layers of a WaveNet are stacked in one tensor, and go through one
batched product here.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

# Coefficients of the quintic iteration (Jordan et al. 2024): after five rounds, singular values
# from 0.0015 of the matrix's norm on end between 0.68 and 1.2, smaller ones below.
QUINTIC, ROUNDS = (3.4445, -4.7750, 2.0315), 5
MOMENTUM = 0.95
# Root mean square of a matrix's step in units of the learning rate, which Adam uses as it is.
# Liu et al. take 0.2; for the WaveNet of egs/mini/conf/packaged.yaml 0.8 learnt faster (its
# RESULTS.md), and at 2.0 the encoder got nowhere.
STEP = 0.8
BETAS, EPSILON = (0.9, 0.99), 1e-8  # of Adam


class Muon(Optimizer):
    """Orthogonal momentum for matrices, Adam for tables, biases and vectors.

    Args:
        matrices: parameters of two axes, or of more, whose axes from the second on count as one.
        stacks: parameters (N, rows, columns), N matrices each.
        others: parameters that Adam moves.
        lr: the learning rate of all.
    """

    def __init__(
        self,
        matrices: Iterable[Tensor],
        stacks: Iterable[Tensor],
        others: Iterable[Tensor],
        lr: float,
    ):
        kinds = {"matrix": matrices, "stack": stacks, "other": others}
        groups = [{"params": list(p), "kind": kind} for kind, p in kinds.items()]
        super().__init__([group for group in groups if group["params"]], {"lr": lr})

    @torch.no_grad()
    def step(self, closure=None):
        """Move every parameter that has a gradient."""
        loss = None if closure is None else torch.enable_grad()(closure)()
        for group in self.param_groups:
            move = self._move_by_adam if group["kind"] == "other" else self._move_matrix
            for p in group["params"]:
                if p.grad is not None:
                    move(p, group)
        return loss

    def _move_matrix(self, p: Tensor, group: dict) -> None:
        state = self.state[p]
        if not state:
            state["momentum"] = torch.zeros_like(p)
        average = state["momentum"].lerp_(p.grad, 1 - MOMENTUM)
        ahead = p.grad.lerp(average, MOMENTUM)  # Nesterov's form
        matrices = ahead if group["kind"] == "stack" else ahead.flatten(1)
        size = STEP * max(matrices.shape[-2:]) ** 0.5
        p.add_(orthogonalize(matrices).view_as(p), alpha=-group["lr"] * size)

    def _move_by_adam(self, p: Tensor, group: dict) -> None:
        state = self.state[p]
        if not state:
            state["step"] = torch.zeros(())
            state["mean"], state["square"] = torch.zeros_like(p), torch.zeros_like(p)
        state["step"] += 1
        n, (first, second) = float(state["step"]), BETAS
        mean = state["mean"].lerp_(p.grad, 1 - first)
        square = state["square"].mul_(second).addcmul_(p.grad, p.grad, value=1 - second)
        spread = (square / (1 - second**n)).sqrt_().add_(EPSILON)
        p.addcdiv_(mean, spread, value=-group["lr"] / (1 - first**n))


def orthogonalize(matrices: Tensor) -> Tensor:
    """Matrices (..., M, N) with the same singular vectors and singular values of about 1.

    Newton's and Schulz' iteration for the polar factor; a matrix of zeros stays one.
    """
    a, b, c = QUINTIC
    is_tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if is_tall else matrices
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-12)
    for _ in range(ROUNDS):
        square = x @ x.mT
        x = a * x + (b * square + c * (square @ square)) @ x
    return x.mT if is_tall else x


def split_parameters(model: nn.Module) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """Matrices, stacks and others of a model, for `Muon`.

    Rows of tables (embeddings, and what a module names in its attribute `tables`) stand for one
    class each; an orthogonal step would move rows that have no gradient as far as those that have.
    They are left to Adam.
    """
    tables = {
        f"{place}.{name}".removeprefix(".")
        for place, module in model.named_modules()
        for name in (
            ("weight",) if isinstance(module, nn.Embedding) else getattr(module, "tables", ())
        )
    }
    kinds: dict[str, list[Tensor]] = {"matrix": [], "stack": [], "other": []}
    for place, module in model.named_modules():
        for name, p in module.named_parameters(recurse=False):
            full = f"{place}.{name}".removeprefix(".")
            if p.dim() < 2 or full in tables or name.endswith("bias"):
                kind = "other"
            elif p.dim() == 3 and not isinstance(module, nn.modules.conv._ConvNd):
                kind = "stack"
            else:
                kind = "matrix"
            kinds[kind].append(p)
    return kinds["matrix"], kinds["stack"], kinds["other"]
