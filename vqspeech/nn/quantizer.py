"""The discrete bottleneck: each vector becomes the nearest entry of a learnt codebook.

Follows van den Oord et al. 2017: equations 1 to 3 with a codebook learnt by gradient, as in the
paper's experiments, or by the moving averages of appendix A.1.

Shapes: D code dimension, K codes, G groups, N vectors, d = D / G the part of a vector in a group.
"""

from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vqspeech.nn.kmeans import draw_rows, kmeans, sample_codebook
from vqspeech.nn.nearest import quantize

SMOOTHING = 1e-5  # Laplace's: lent to the count of every code, so that none divides by zero


class Quantized(NamedTuple):
    """What a bottleneck gives: `loss` is codebook_loss + commitment_cost x commitment_loss."""

    latents: Tensor  # (..., D) rows of the codebook; their gradient goes on to the input unaltered
    codes: Tensor  # (...) int64, or (..., G) when groups > 1
    loss: Tensor  # ()
    codebook_loss: Tensor  # () |sg[v] - e|^2, or 0 for an EMA codebook
    commitment_loss: Tensor  # () |v - sg[e]|^2, not yet weighted


class VectorQuantizer(nn.Module):
    """Nearest-code bottleneck with the losses of equation 3.

    Attributes:
        codebook: (G, K, d); a parameter, or a buffer when it is moved by `update`.
        counts: (G, K) float32, the moving average of how many vectors a step took each code
            (equation 6). All zero until the first `update`, which starts every code at N / K.
        sums: (G, K, d), the moving average of the sum of these vectors (equation 7); EMA only.

    Args:
        num_codes: K, of each group.
        dim: D.
        commitment_cost: beta of equation 3; it weighs the encoder's term alone.
        codebook_update: "gradient", or "ema" for appendix A.1.
        decay: gamma of appendix A.1, for the counts of either kind.
        groups: a vector is cut into this many equal parts, each with a codebook of its own.
        reduction: "sum" takes each squared distance over all d dimensions and averages over the
            N x G latents, as the paper says; "mean" averages over the dimensions too, which
            weakens both terms d-fold against the reconstruction.
        restart_below: a code used less than this share of uniform use is dead; 0 never restarts.
        initial_scale: the codebook starts uniform in [-initial_scale, initial_scale], by default
            1 / K. That suits vectors near the origin; for others, call `initialize`.

    Raises:
        ValueError: a setting is out of its range, or `dim` is no multiple of `groups`.
    """

    tables = ("codebook",)  # rows are entries: see training/muon.py

    def __init__(
        self,
        num_codes: int,
        dim: int,
        *,
        commitment_cost: float = 0.25,
        codebook_update: Literal["gradient", "ema"] = "gradient",
        decay: float = 0.99,
        groups: int = 1,
        reduction: Literal["sum", "mean"] = "sum",
        restart_below: float = 0.01,
        initial_scale: float | None = None,
    ):
        super().__init__()
        if num_codes < 1 or dim < 1 or groups < 1 or dim % groups:
            raise ValueError(f"{num_codes} codes of dimension {dim} do not form {groups} groups")
        if codebook_update not in ("gradient", "ema") or reduction not in ("sum", "mean"):
            raise ValueError(f"unknown codebook_update {codebook_update} or reduction {reduction}")
        if not 0 <= decay < 1 or not 0 <= restart_below < 1 or commitment_cost < 0:
            raise ValueError(
                f"decay {decay} and restart_below {restart_below} belong in [0, 1), "
                f"commitment_cost {commitment_cost} must not be negative"
            )
        self.num_codes, self.dim, self.groups = num_codes, dim, groups
        self.commitment_cost, self.reduction = commitment_cost, reduction
        self.codebook_update, self.decay = codebook_update, decay
        self.restart_below = restart_below
        scale = 1 / num_codes if initial_scale is None else initial_scale
        codebook = torch.empty(groups, num_codes, dim // groups).uniform_(-scale, scale)
        if codebook_update == "gradient":
            self.codebook = nn.Parameter(codebook)
        else:
            self.register_buffer("codebook", codebook)
            self.register_buffer("sums", torch.zeros_like(codebook))
        self.register_buffer("counts", torch.zeros(groups, num_codes))

    def forward(self, vectors: Tensor) -> Quantized:
        """Quantise vectors (..., D) of any leading shape; changes no state.

        The latents are rows of the codebook, bit for bit what `lookup` gives, in its dtype. Search
        and losses are float32 (float64 for a float64 codebook) even under autocast.

        Raises:
            ValueError: the last dimension is not D.
        """
        rows = self._rows(vectors)
        terms = max(1, len(rows) * (self.groups if self.reduction == "sum" else self.dim))
        latents, codes, codebook_loss, commitment_loss = quantize(
            rows, self.codebook.to(rows.dtype), terms
        )
        if self.codebook_update == "ema":
            codebook_loss = torch.zeros_like(commitment_loss)
        loss = codebook_loss + self.commitment_cost * commitment_loss
        shape = vectors.shape[:-1] if self.groups == 1 else (*vectors.shape[:-1], self.groups)
        return Quantized(
            latents.reshape(vectors.shape).to(self.codebook.dtype),
            codes.view(shape),
            loss,
            codebook_loss,
            commitment_loss,
        )

    def lookup(self, codes: Tensor) -> Tensor:
        """Codebook vectors (..., D) of codes (...), or of codes (..., G) when groups > 1.

        Raises:
            ValueError: the last dimension of the codes is not G.
        """
        if self.groups == 1:
            return F.embedding(codes, self.codebook[0])
        if codes.shape[-1:] != (self.groups,):
            raise ValueError(f"codes of shape {tuple(codes.shape)} do not end in {self.groups}")
        group = torch.arange(self.groups, device=codes.device)
        return self.codebook[group, codes].flatten(-2)

    @torch.no_grad()
    def update(
        self, vectors: Tensor, codes: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """Count the codes of one step, move an EMA codebook, restart a few dead codes.

        Call it once a training step, after the check that the step was finite. With
        torch.distributed, all processes call it together, each with at least one vector.

        A code is dead when its count is below `restart_below` times the mean count. At most
        max(1, K // 50) a step and group, the emptiest first, move onto random vectors of this step
        and start again at the mean count. A gentle pace: with many at once the error jumps.

        Args:
            vectors: (..., D), the input of `forward`.
            codes: the codes it gave.
            generator: draws the vectors that dead codes move to.

        Returns:
            (R, 2) int64, group and index of each restarted code. The optimiser's state of these
            codebook rows belongs to another code by now; the caller resets it.

        Raises:
            ValueError: the last dimension of the vectors is not D.
        """
        rows = self._rows(vectors)
        first = torch.arange(self.groups, device=rows.device) * self.num_codes
        row = (codes.reshape(-1, self.groups) + first).view(-1)  # in the codebooks as one table
        taken = torch.zeros_like(self.counts).view(-1)
        taken.index_add_(0, row, torch.ones_like(row, dtype=taken.dtype))
        taken = _sum_over_processes(taken).view_as(self.counts)
        if not taken.any():
            return row.new_empty(0, 2)
        # A code starts as if it had always had its share, so that none is dead at once.
        share = taken.mean(1, keepdim=True)  # (G, 1)
        started = self.counts.any()
        before = torch.where(started, self.counts, share.expand_as(self.counts))
        self.counts.copy_(self.decay * before + (1 - self.decay) * taken)  # equation 6
        if self.codebook_update == "ema":
            sums = torch.zeros_like(self.codebook, dtype=rows.dtype).view(-1, rows.shape[-1])
            sums.index_add_(0, row, rows.reshape(-1, rows.shape[-1]))
            sums = _sum_over_processes(sums).view_as(self.sums).to(self.sums.dtype)
            before = torch.where(started, self.sums, self.codebook * share[..., None])
            self.sums.copy_(self.decay * before + (1 - self.decay) * sums)  # equation 7
            total = self.counts.sum(1, keepdim=True)
            smooth = (self.counts + SMOOTHING) / (total + self.num_codes * SMOOTHING) * total
            self.codebook.copy_(self.sums / smooth[..., None])  # equation 8
        return self._restart_dead_codes(rows, generator)

    @torch.no_grad()
    def initialize(
        self,
        vectors: Tensor,
        generator: torch.Generator | None = None,
        method: Literal["kmeans", "sample"] = "kmeans",
    ) -> None:
        """Set the codebook from vectors (..., D), such as the encoder's output of a first batch.

        "kmeans" takes cluster centres, "sample" random vectors; where there are fewer vectors than
        codes, the rest are copies with a little noise. Counts and sums start again. With
        torch.distributed, all processes take the codebook of the first.

        Raises:
            ValueError: no vectors, a last dimension that is not D, or an unknown method.
        """
        rows = self._rows(vectors)
        if not len(rows):
            raise ValueError("0 vectors to initialize the codebook from; at least 1 is wanted")
        if method not in ("kmeans", "sample"):
            raise ValueError(f"unknown method {method}; choose kmeans or sample")
        choose = kmeans if method == "kmeans" else sample_codebook
        for group in range(self.groups):
            self.codebook[group] = choose(rows[:, group], self.num_codes, generator)
        _take_from_first_process(self.codebook)
        self.counts.zero_()  # the next update gives codes their share, and sums to match
        if self.codebook_update == "ema":
            self.sums.zero_()

    def extra_repr(self) -> str:
        return (
            f"{self.num_codes}, {self.dim}, commitment_cost={self.commitment_cost}, "
            f"codebook_update={self.codebook_update}, groups={self.groups}, "
            f"reduction={self.reduction}"
        )

    def _rows(self, vectors: Tensor) -> Tensor:
        """(N, G, d), at least float32."""
        if vectors.shape[-1] != self.dim:
            raise ValueError(f"vectors end in {vectors.shape[-1]}, the quantizer wants {self.dim}")
        dtype = torch.promote_types(self.codebook.dtype, torch.float32)
        return vectors.reshape(-1, self.groups, self.dim // self.groups).to(dtype)

    def _restart_dead_codes(self, rows: Tensor, generator: torch.Generator | None) -> Tensor:
        share = self.counts.mean(1, keepdim=True)
        at_most = max(1, self.num_codes // 50)
        emptiest = self.counts.argsort(dim=1, stable=True)[:, :at_most]  # (G, at_most)
        is_dead = self.counts.gather(1, emptiest) < self.restart_below * share
        group, place = is_dead.nonzero(as_tuple=True)
        code = emptiest[group, place]
        if len(code):
            picks = draw_rows(len(rows), len(code), generator).to(rows.device)
            chosen = rows[picks, group].to(self.codebook.dtype)  # (R, d)
            _take_from_first_process(chosen)
            self.codebook[group, code] = chosen
            self.counts[group, code] = share[group, 0]
            if self.codebook_update == "ema":
                self.sums[group, code] = chosen * share[group]
        return torch.stack([group, code], dim=1)


@torch.no_grad()
def perplexity(counts: Tensor) -> Tensor:
    """exp of the entropy of how often codes occur: (..., K) counts to (...), from 1 to K.

    How many codes are in use, were they used equally; 1 where nothing was counted.
    """
    share = counts / counts.sum(-1, keepdim=True).clamp_min(torch.finfo(torch.float32).tiny)
    return torch.special.entr(share).sum(-1).exp()


def _is_distributed() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def _sum_over_processes(tensor: Tensor) -> Tensor:
    if _is_distributed():
        torch.distributed.all_reduce(tensor)
    return tensor


def _take_from_first_process(tensor: Tensor) -> None:
    if _is_distributed():
        torch.distributed.broadcast(tensor, src=0)
