"""A stack of gated, dilated, causal layers as one differentiable function, in its fast form.

Layer i of a WaveNet (van den Oord et al. 2016, section 2.3) with dilation d and two taps computes

    a, b = W_past x[t - d] + W_now x[t] + condition[frame of t]
    z    = tanh(a) * sigmoid(b)                 every z goes to the skip connection
    x    = x + W_residual z                     the input of layer i + 1

Written as Conv1d modules, most time goes into copies, padding and elementwise passes. Here the
layout is (B, T, C), so that a tap is one matrix product on a shifted view and nothing is padded or
concatenated; all z are written side by side, so that every skip connection together is one product
for the caller; tanh is a sigmoid, which is three times cheaper; the gradient is the closed form
and keeps input, gates and z of each layer. The work goes in pieces of time that fit a core's cache.

B batch, T samples, L frames, R residual channels, G = 2H gate channels, N layers.
"""

from itertools import pairwise

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# Rows of (B, T) that one pass sees: with 128 channels of float32 they fill a core's cache. An
# accelerator wants few large launches instead.
CPU_ROWS = 2048


def _pieces(batch: int, length: int, hop: int, device: torch.device) -> list[tuple[int, int]]:
    """Bounds of consecutive pieces of `length` samples, each of whole frames of `hop`."""
    if not length:
        return []
    if device.type != "cpu":
        return [(0, length)]
    step = max(1, CPU_ROWS // (batch * hop)) * hop
    return list(pairwise([*range(0, length, step), length]))


def _add_condition(gates: Tensor, condition: Tensor, start: int, hop: int) -> None:
    """Add frame floor(t / hop) of condition (B, L, G) to gates (B, P, G) of samples start on."""
    frames = gates.unflatten(1, (-1, hop))  # a view: pieces are whole frames
    frames += condition[:, start // hop : start // hop + frames.shape[1], None]


class GatedStack(torch.autograd.Function):
    """`GatedStack.apply(x, taps, residual, condition, dilations, hop)` -> z of all layers.

    Args:
        x: (B, T, R), the input of the first layer.
        taps: (N, G, 2R); the first R columns see x[t - d], the last R see x[t].
        residual: (N - 1, R, H); nothing reads the residual output of the last layer.
        condition: (B, L, N, G) with T = L * hop, added to a and b; it holds the biases too.
        dilations: N ints.
        hop: samples a frame.

    Returns:
        (B, T, N * H): z of layer i in the channels i * H to (i + 1) * H.
    """

    @staticmethod
    def forward(ctx, x, taps, residual, condition, dilations, hop):
        batch, length, width = x.shape
        layers, gate_channels, _ = taps.shape
        half = gate_channels // 2
        z_all = x.new_empty(batch, length, layers * half)
        inputs, gates = [x], []
        # sigmoid(-2a) = n gives tanh(a) = 1 - 2n: one sigmoid serves both halves of a gate.
        scale = tanh_scale(taps, half, -2.0)
        taps_scaled = (taps * scale[:, None]).transpose(1, 2).contiguous()  # (N, 2R, G)
        condition_scaled = condition * scale
        residual_t = residual.transpose(1, 2)  # (N - 1, H, R)
        for i, d in enumerate(dilations):
            x = inputs[i]
            a = x.new_empty(batch, length, gate_channels)
            following = torch.empty_like(x) if i + 1 < layers else None
            past_tap = taps_scaled[i, :width].expand(batch, -1, -1)
            for start, end in _pieces(batch, length, hop, x.device):
                piece = a[:, start:end]
                torch.matmul(x[:, start:end], taps_scaled[i, width:], out=piece)
                if end > d:
                    begin = max(start, d)
                    a[:, begin:end].baddbmm_(x[:, begin - d : end - d], past_tap)
                _add_condition(piece, condition_scaled[:, :, i], start, hop)
                piece.sigmoid_()
                n, s = piece[..., :half], piece[..., half:]
                z = z_all[:, start:end, i * half : (i + 1) * half]
                torch.addcmul(s, n, s, value=-2, out=z)
                if following is not None:
                    torch.baddbmm(
                        x[:, start:end],
                        z,
                        residual_t[i].expand(batch, -1, -1),
                        out=following[:, start:end],
                    )
            gates.append(a)
            if following is not None:
                inputs.append(following)
        ctx.dilations, ctx.hop = dilations, hop
        ctx.save_for_backward(taps, residual, z_all, *inputs, *gates)
        return z_all

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_z_all):
        taps, residual, z_all, *saved = ctx.saved_tensors
        layers, gate_channels, _ = taps.shape
        inputs, gates = saved[:layers], saved[layers:]
        batch, length, width = inputs[0].shape
        half, hop = gate_channels // 2, ctx.hop
        # d tanh(a)/da = 4 n (1 - n): the 4 goes into the small weights, not into every sample.
        scale = tanh_scale(taps, half, 4.0)
        taps_scaled = taps * scale[:, None]
        # Sums over the pieces, which bfloat16 would round away.
        exact = torch.promote_types(taps.dtype, torch.float32)
        grad_taps = torch.zeros_like(taps, dtype=exact)
        grad_residual = torch.zeros_like(residual, dtype=exact)
        grad_condition = taps.new_empty(batch, length // hop, layers, gate_channels)
        grad_x = torch.zeros_like(inputs[0])
        for i in reversed(range(layers)):
            d, x = ctx.dilations[i], inputs[i]
            has_residual = i + 1 < layers
            past_tap = taps_scaled[i, :, :width].expand(batch, -1, -1)
            # What layer i + 1 wants of x; later pieces still add to earlier samples of grad_x.
            grad_following = grad_x.clone() if has_residual else None
            for start, end in reversed(_pieces(batch, length, hop, x.device)):
                z = z_all[:, start:end, i * half : (i + 1) * half]
                grad_z = grad_z_all[:, start:end, i * half : (i + 1) * half]
                if has_residual:
                    wanted = grad_following[:, start:end]
                    grad_residual[i] += _weight_gradient(wanted, z)
                    grad_z = torch.baddbmm(grad_z, wanted, residual[i].expand(batch, -1, -1))
                gate = gates[i][:, start:end]
                n, s = gate[..., :half], gate[..., half:]
                grad_gate = torch.empty_like(gate)
                grad_a, grad_b = grad_gate[..., :half], grad_gate[..., half:]
                torch.mul(grad_z, s, out=grad_a)
                grad_a *= n
                torch.addcmul(grad_a, grad_a, n, value=-1, out=grad_a)  # gz s n (1 - n)
                torch.mul(grad_z, z, out=grad_b)
                torch.addcmul(grad_b, grad_b, s, value=-1, out=grad_b)  # gz z (1 - s)
                grad_x[:, start:end].baddbmm_(
                    grad_gate, taps_scaled[i, :, width:].expand(batch, -1, -1)
                )
                grad_taps[i, :, width:] += _weight_gradient(grad_gate, x[:, start:end])
                if end > d:
                    begin = max(start, d)
                    of_past = grad_gate[:, begin - start :]
                    grad_x[:, begin - d : end - d].baddbmm_(of_past, past_tap)
                    grad_taps[i, :, :width] += _weight_gradient(of_past, x[:, begin - d : end - d])
                grad_condition[:, start // hop : end // hop, i] = grad_gate.unflatten(
                    1, (-1, hop)
                ).sum(2)
        return (
            grad_x,
            grad_taps.mul_(scale[:, None]).to(taps.dtype),
            grad_residual.to(residual.dtype),
            grad_condition.mul_(scale),
            None,
            None,
        )


def tanh_scale(like: Tensor, half: int, value: float) -> Tensor:
    """(G,): `value` for the tanh half, 1 for the sigmoid half."""
    scale = like.new_ones(2 * half)
    scale[:half] = value
    return scale


def _weight_gradient(out: Tensor, into: Tensor) -> Tensor:
    """Sum over B and T of the outer products of out (B, T, O) and into (B, T, I) -> (O, I)."""
    return torch.bmm(out.transpose(1, 2), into).sum(0)
