"""WaveNet: a categorical distribution over each element of a sequence, given all before it.

van den Oord et al., "WaveNet: A Generative Model for Raw Audio" (2016), sections 2.1 to 2.5, with
the conditioning that "Neural Discrete Representation Learning" section 4.3 needs: latents at a
lower rate (local) and the speaker (global), both in every layer. The same class is the decoder
over mu-law levels and the prior over codes.

B batch, T samples, L frames (T = L * hop), K classes, N layers, R residual, G = 2H gate channels.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vqspeech.nn.gated_stack import GatedStack, tanh_scale
from vqspeech.nn.smooth_table import smooth_rows_


@dataclass
class WaveNetState:
    """What stepping remembers, and the weights in the form that a step multiplies by.

    Attributes:
        rings: for each layer its last `dilation` inputs, each (B, R), as a ring. Tensors in it
            are never written to, so copying the lists copies the state.
        position: elements stepped so far.
        weights: (W_past (R, G), W_now (R, G), W_residual (H, R)) of each layer.
        scale: (G,), by which a gate's inputs are multiplied; see `GatedStack`.
        scaled: (B, P) the last elements as `WaveNet.scaled` has them, a ring as long as a lag can
            reach back; it is not written to either.
    """

    rings: list[list[Tensor]]
    position: int
    weights: list[tuple[Tensor, Tensor, Tensor]]
    scale: Tensor
    scaled: Tensor


class WaveNet(nn.Module):
    """Dilated causal stack with gated units, residual and skip connections.

    The logits for element t depend on the elements before t and, of the conditioning, on frame
    floor(t / hop) alone; nothing stands before element 0 but zeros.

    Args:
        num_classes: K, values an element may take (256 mu-law levels, or the number of codes).
        layers: N; layer i has dilation 2 ** (i % dilation_cycle).
        dilation_cycle: layers until the dilation starts again at 1.
        residual_channels: R, width of the stack.
        gate_channels: G, twice the width of the gated unit.
        skip_channels: width of the sum of skip connections.
        head_channels: width of the hidden layer between skips and logits.
        local_channels: channels of the local condition, 0 for none.
        global_channels: channels of the global condition, 0 for none.
        hop: elements that share a frame of the local condition.
        has_levels: the classes lie on a scale, as mu-law levels do, and neighbours begin alike.
        lag_taps: the first layer also gets the elements about a lag before, so many on each side:
            what stood there a period ago, where the sequence is periodic. The lag of each frame is
            then the last channel of the local condition, beside `local_channels`, 0 for none.
        longest_lag: in elements; none may be longer, and none shorter than lag_taps + 1.
        dropout: share of the inputs of the first layer and of the head that training sets to 0.
    """

    tables = ("logits.weight",)  # rows are entries: see training/muon.py

    def __init__(
        self,
        num_classes: int,
        *,
        layers: int,
        dilation_cycle: int = 10,
        residual_channels: int = 64,
        gate_channels: int = 128,
        skip_channels: int = 128,
        head_channels: int = 256,
        local_channels: int = 0,
        global_channels: int = 0,
        hop: int = 1,
        has_levels: bool = False,
        lag_taps: int = 0,
        longest_lag: int = 0,
        dropout: float = 0.0,
    ):
        super().__init__()
        if lag_taps and not (has_levels and local_channels and longest_lag > lag_taps):
            raise ValueError(
                "lag_taps want levels, a local condition and a longest_lag beyond them"
            )
        if gate_channels % 2:
            raise ValueError(f"gate_channels is {gate_channels}; it must be even")
        self.num_classes = num_classes
        self.hop = hop
        self.dropout = dropout
        self.dilations = tuple(2 ** (i % dilation_cycle) for i in range(layers))
        self.residual_channels, self.gate_channels = residual_channels, gate_channels
        self.local_channels, self.global_channels = local_channels, global_channels
        width, half = residual_channels, gate_channels // 2

        self.embedding = nn.Embedding(num_classes, width)
        self.taps = nn.Parameter(torch.randn(layers, gate_channels, 2 * width) / (2 * width) ** 0.5)
        self.residual = nn.Parameter(torch.randn(layers - 1, width, half) * 0.5 / half**0.5)
        # One projection serves all layers; its bias is that of every gate.
        self.local_condition = (
            nn.Linear(local_channels, layers * gate_channels, bias=False)
            if local_channels
            else None
        )
        self.global_condition = (
            nn.Linear(global_channels, layers * gate_channels, bias=False)
            if global_channels
            else None
        )
        self.lag_taps, self.longest_lag = lag_taps, longest_lag
        self.lag_weight = (
            nn.Parameter(torch.zeros(2 * lag_taps + 1, width)) if lag_taps else None
        )  # at 0 the network begins as one without lags
        self.gate_bias = nn.Parameter(torch.zeros(layers, gate_channels))
        # The sum over layers of W_i z_i is one product with the z side by side.
        self.skip = nn.Linear(layers * half, skip_channels)
        self.head = nn.Linear(skip_channels, head_channels)
        self.logits = nn.Linear(head_channels, num_classes)
        if has_levels:
            smooth_rows_(self.embedding.weight)
            smooth_rows_(self.logits.weight, (3 * head_channels) ** -0.5)  # that of nn.Linear
            nn.init.zeros_(self.logits.bias)

    @property
    def receptive_field(self) -> int:
        """How many elements before t the logits for t depend on."""
        stack = 1 + sum(self.dilations)
        return stack + self.longest_lag + self.lag_taps - 1 if self.lag_taps else stack

    def lags(self, local: Tensor) -> Tensor:
        """(B, L) int64, the lag of each frame in a local condition (B, C_local + 1, L); 0: none."""
        lag = local[:, -1].round().long()
        return torch.where(lag > 0, lag.clamp(self.lag_taps + 1, self.longest_lag), 0)

    def scaled(self, tokens: Tensor) -> Tensor:
        """Levels 0 to K - 1 as numbers between -1 and 1."""
        return (2 * tokens + 1 - self.num_classes).to(self.taps.dtype) / self.num_classes

    def _a_period_ago(self, tokens: Tensor, lags: Tensor, hop: int) -> Tensor:
        """(B, T, R) what the elements of tokens (B, T) about a lag before add to the first layer.

        Where there is no lag, and before the start, nothing.
        """
        before = self.longest_lag + self.lag_taps
        past = F.pad(self.scaled(tokens), (before, 0))  # (B, before + T)
        lag = lags.repeat_interleave(hop, 1)  # (B, T)
        place = torch.arange(tokens.shape[1], device=tokens.device) + before
        index = self._about(place, lag)  # (B, T, J)
        values = past.gather(1, index.flatten(1)).view_as(index)
        return (values * (lag > 0)[:, :, None]) @ self.lag_weight

    def _about(self, place: Tensor, lag: Tensor) -> Tensor:
        """(..., J) places about a lag before each place (...); some earlier ones where it is 0."""
        offsets = torch.arange(-self.lag_taps, self.lag_taps + 1, device=lag.device)
        return (place - lag.clamp(min=self.lag_taps + 1))[..., None] + offsets

    def condition(
        self, local: Tensor | None = None, global_: Tensor | None = None, batch: int | None = None
    ) -> Tensor:
        """What is added to the gates of every layer, once a frame: (B, L, N, G).

        Args:
            local: (B, C_local, L), where the network has a local condition; with lags or without.
            global_: (B, C_global), where it has a global one.
            batch: B, where it has neither; L is then 1, as it is without a local condition.
        """
        if (local is None) != (self.local_condition is None):
            raise ValueError(f"local condition of {self.local_channels} channels: wanted or not")
        if (global_ is None) != (self.global_condition is None):
            raise ValueError(f"global condition of {self.global_channels} channels: wanted or not")
        layers = len(self.dilations)
        shape = (layers, self.gate_channels)
        total = self.gate_bias
        if global_ is not None:
            total = total + self.global_condition(global_).unflatten(-1, shape)[:, None]
        if local is not None:
            frames = self.local_condition(local[:, : self.local_channels].transpose(1, 2))
            total = total + frames.unflatten(-1, shape)
        if total.dim() == 2:
            total = total.expand(batch, 1, *shape)
        return total

    def forward(
        self, tokens: Tensor, local: Tensor | None = None, global_: Tensor | None = None
    ) -> Tensor:
        """Logits (B, K, T) for every element of tokens (B, T) int64, given those before it.

        Raises:
            ValueError: T is not the number of local frames times the hop.
        """
        batch, length = tokens.shape
        condition = self.condition(local, global_, batch)  # (B, L, N, G)
        hop = self.hop if local is not None else max(length, 1)
        if length and length != condition.shape[1] * hop:
            raise ValueError(
                f"{length} elements for {condition.shape[1]} frames of {hop}; pad the elements"
            )
        # Element t is predicted from t - 1 on: shift by one, zeros stand before the start.
        x = F.pad(self.embedding(tokens[:, :-1]), (0, 0, min(length, 1), 0))  # (B, T, R)
        if self.lag_taps:
            x = x + self._a_period_ago(tokens, self.lags(local), hop)
        z = self._stack(self._drop(x), condition, hop)  # (B, T, N * H)
        hidden = self.head(self._drop(F.relu(self.skip(z))))
        return self.logits(self._drop(F.relu(hidden))).transpose(1, 2)

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training) if self.dropout else x

    def _stack(self, x: Tensor, condition: Tensor, hop: int) -> Tensor:
        inputs = (x, self.taps, self.residual, condition)
        device = x.device.type
        if torch.is_autocast_enabled(device):
            inputs = tuple(tensor.to(torch.get_autocast_dtype(device)) for tensor in inputs)
        with torch.autocast(device, enabled=False):  # the function casts nothing by itself
            return GatedStack.apply(*inputs, self.dilations, hop)

    def start(self, batch: int) -> WaveNetState:
        """The state before element 0."""
        width, half = self.residual_channels, self.gate_channels // 2
        nothing = self.taps.new_zeros(batch, width)
        scale = tanh_scale(self.taps, half, -2.0)
        taps = self.taps.transpose(1, 2) * scale  # (N, 2R, G)
        past, now = (part.contiguous().unbind() for part in taps.split(width, dim=1))
        # The last layer's residual output is read by nobody.
        residual = [*self.residual.transpose(1, 2).contiguous().unbind(), taps.new_empty(0)]
        return WaveNetState(
            [[nothing] * d for d in self.dilations],
            0,
            list(zip(past, now, residual, strict=True)),
            scale,
            self.taps.new_zeros(batch, self.longest_lag + self.lag_taps),
        )

    def step(
        self, token: Tensor | None, state: WaveNetState, frame: Tensor, lag: Tensor | None = None
    ) -> tuple[Tensor, WaveNetState]:
        """Logits for the next element, from the one before it.

        Args:
            token: (B,) int64, the element drawn last; None before the first.
            state: from `start` or the step before. It is consumed: its rings move on.
            frame: (B, N, G), the frame of `condition` that the next element belongs to.
            lag: (B,) int64 of that frame, where the network is told of lags.

        Returns:
            (B, K) logits and the state to go on with. Equal to the column of `forward`.
        """
        frames = (frame * state.scale).unbind(1)
        x = state.rings[0][0].new_zeros(()) if token is None else self.embedding(token)
        x = x.expand(len(frame), self.residual_channels)
        if self.lag_taps:
            x = x + self._step_lag(token, state, lag)
        units = []
        layers = zip(state.rings, state.weights, frames, strict=True)
        for ring, (past, now, residual), condition in layers:
            slot = state.position % len(ring)
            gate = torch.addmm(condition, x, now).addmm_(ring[slot], past)
            ring[slot] = x  # x[t - d] makes way for x[t]
            n, s = gate.sigmoid_().chunk(2, dim=1)
            units.append(torch.addcmul(s, n, s, value=-2))
            if len(units) < len(self.dilations):
                x = torch.addmm(x, units[-1], residual)
        hidden = self.head(F.relu(self.skip(torch.cat(units, dim=1))))
        logits = self.logits(F.relu(hidden))
        state.position += 1
        return logits, state

    def _step_lag(self, token: Tensor | None, state: WaveNetState, lag: Tensor) -> Tensor:
        """(B, R) what the elements about a lag before add; the ring takes the last one."""
        size = state.scaled.shape[1]
        if token is not None:
            slot = torch.tensor([(state.position - 1) % size], device=token.device)
            state.scaled = state.scaled.index_copy(1, slot, self.scaled(token)[:, None])
        place = torch.full_like(lag, state.position)
        # Before the start the ring holds zeros: what is asked for there was not yet written over.
        values = state.scaled.gather(1, self._about(place, lag) % size)
        return (values * (lag > 0)[:, None]) @ self.lag_weight
