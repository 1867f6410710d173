"""The nearest codebook vector, and the gradients that equations 2 and 3 give it.

Follows van den Oord et al. 2017, sections 3.1 and 3.2. Search, losses and gradients are one
autograd function, because the gradients have closed forms: no one-hot matrix, no (N, K) matrix of
distances, no graph, so memory grows with N x D alone.

Shapes: N vectors, G groups, K codes a group, d = D / G the part of a vector that one group sees.
"""

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# Distances held at once. On a CPU they stay in its cache; an accelerator wants few, large launches.
CPU_BLOCK = 1 << 20
ACCELERATOR_BLOCK = 1 << 25


@torch.no_grad()
def nearest_codes(vectors: Tensor, codebook: Tensor) -> Tensor:
    """Index of the closest codebook vector (equation 1); the lowest index of equally close ones.

    Args:
        vectors: (..., D).
        codebook: (K, D).

    Returns:
        (...) int64. Distances are float32 even under autocast, float64 when either argument is:
        half precision picks the wrong neighbour when codes lie close together. (So does TF32; it is
        off in torch unless `set_float32_matmul_precision` allows it.)

    Raises:
        ValueError: the last dimensions differ.
    """
    num_codes, dim = codebook.shape
    if vectors.shape[-1] != dim:
        raise ValueError(f"vectors end in {vectors.shape[-1]}, the codebook has dimension {dim}")
    rows = vectors.reshape(-1, dim)
    dtype = torch.promote_types(torch.promote_types(rows.dtype, codebook.dtype), torch.float32)
    # |v - e|^2 is expanded below, and the parts of the sum cancel. Both sides move to the
    # codebook's mean first, so that they stay small where all codes lie far from the origin.
    centre = codebook.to(dtype).mean(0)
    centred = codebook.to(dtype) - centre
    squares = centred.square().sum(1)  # (K,)
    codes = torch.empty(len(rows), dtype=torch.int64, device=rows.device)
    budget = CPU_BLOCK if rows.device.type == "cpu" else ACCELERATOR_BLOCK
    block = min(max(1, budget // num_codes), max(1, len(rows)))
    distances = torch.empty(block, num_codes, dtype=dtype, device=rows.device)
    least = torch.empty(block, dtype=dtype, device=rows.device)
    for start in range(0, len(rows), block):
        part = rows[start : start + block].to(dtype) - centre
        n = len(part)
        # |v - e|^2 without |v|^2, which is the same for every code. Autocast leaves calls with
        # `out` alone.
        torch.addmm(squares, part, centred.t(), alpha=-2, out=distances[:n])
        # `min` with its indices is three times faster than `argmin` on a CPU.
        torch.min(distances[:n], 1, out=(least[:n], codes[start : start + n]))
    return codes.view(vectors.shape[:-1])


class _Nearest(torch.autograd.Function):
    @staticmethod
    def forward(ctx, vectors: Tensor, codebook: Tensor, terms: int):  # (N, G, d), (G, K, d)
        groups, num_codes, dim = codebook.shape
        codes = torch.empty(vectors.shape[:2], dtype=torch.int64, device=vectors.device)  # (N, G)
        for group in range(groups):
            codes[:, group] = nearest_codes(vectors[:, group], codebook[group])
        first = torch.arange(groups, device=codes.device) * num_codes
        row = (codes + first).view(-1)  # in the codebooks as one table
        latents = codebook.reshape(-1, dim).index_select(0, row).view(vectors.shape)
        gap = latents - vectors
        loss = torch.dot(gap.flatten(), gap.flatten()) / terms
        ctx.save_for_backward(gap, row)
        ctx.codebook_shape, ctx.terms = codebook.shape, terms
        ctx.mark_non_differentiable(codes)
        return latents, codes, loss, loss.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx, to_latents: Tensor, _, to_codebook_loss: Tensor, to_commitment_loss: Tensor):
        gap, row = ctx.saved_tensors
        to_vectors = to_codebook = None
        if ctx.needs_input_grad[0]:  # straight through, and the commitment
            to_vectors = torch.addcmul(to_latents, gap, to_commitment_loss, value=-2 / ctx.terms)
        if ctx.needs_input_grad[1]:
            groups, num_codes, dim = ctx.codebook_shape
            to_codebook = gap.new_zeros(groups * num_codes, dim)
            to_codebook.index_add_(0, row, gap.reshape(-1, dim))
            to_codebook = (to_codebook * (2 / ctx.terms * to_codebook_loss)).view(
                ctx.codebook_shape
            )
        return to_vectors, to_codebook, None


def quantize(
    vectors: Tensor, codebook: Tensor, terms: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Replace each vector by its nearest code, with the gradients of equation 3.

    Args:
        vectors: (N, G, d); group g is looked up in `codebook[g]`.
        codebook: (G, K, d), of the same dtype, float32 or float64.
        terms: what the summed squares are divided by, such as the number of latents.

    Returns:
        latents: (N, G, d) rows of the codebook; their gradient goes to `vectors` unaltered.
        codes: (N, G) int64.
        codebook_loss: () sum |sg[v] - e|^2 / terms; moves `codebook` only.
        commitment_loss: () sum |v - sg[e]|^2 / terms, the same number; moves `vectors` only.
    """
    return _Nearest.apply(vectors, codebook, terms)
