"""The decoder in parts that the ONNX format can hold: once a code, and once a sample.

The WaveNet's step is written with its state outside: a layer is given its own input of `dilation`
samples ago and hands its present one back. Whoever calls it keeps them, in a ring, and in another
one the levels that a WaveNet with lags is shown again.
B batch, L frames, N layers, R residual, G gate channels, K levels, J = 2 * lag_taps + 1.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vqspeech.models.speech import SpeechVQVAE
from vqspeech.nn.wavenet import WaveNet


class CodesToConditions(nn.Module):
    """What is added to the gates of each layer in each frame, and the lags where there are such.

    Args:
        model: in evaluation mode.
    """

    def __init__(self, model: SpeechVQVAE):
        super().__init__()
        self.model = model

    def forward(self, codes: Tensor, speaker: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """(B, L, N, G), and with `lag_taps` also (B, L) int64, the lag of each frame or 0.

        Args:
            codes: (B, L) or (B, L, groups) int64.
            speaker: (B,) int64, rows of the speaker table.
        """
        decoder = self.model.decoder
        local, row = decoder.conditions(_latents(self.model, codes), speaker)
        conditions = decoder.wavenet.condition(local, row)
        return (conditions, decoder.wavenet.lags(local)) if decoder.wavenet.lag_taps else conditions


class CodesToAcoustics(nn.Module):
    """What a vocoder is told: `envelope` (B, M, N), `hz` (B, N) and `voiced` (B, N).

    Args:
        model: in evaluation mode, with an acoustic head.
    """

    def __init__(self, model: SpeechVQVAE):
        super().__init__()
        self.model = model

    def forward(self, codes: Tensor, speaker: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of M bands and N short frames; codes and speaker as `CodesToConditions` takes them."""
        decoder = self.model.decoder
        # Not `decoder.conditions`: it would work out the lags too.
        local = decoder.local(_latents(self.model, codes), decoder.speaker(speaker))
        told = decoder.tell_acoustics(local)
        return told.envelope, told.hz, told.voiced


def _latents(model: SpeechVQVAE, codes: Tensor) -> Tensor:
    """(B, D, L) as `model.latents`, without its `movedim`, which the exporter cannot write."""
    return model.quantizer.lookup(codes).transpose(1, 2)


class DecoderStep(nn.Module):
    """One sample of the WaveNet, equal to its `step`.

    Args:
        wavenet: in evaluation mode; its weights are copied as a step multiplies by them.
    """

    def __init__(self, wavenet: WaveNet):
        super().__init__()
        width, self.layers = wavenet.residual_channels, len(wavenet.dilations)
        # Before the first sample there is nothing: level K, a row of zeros.
        table = torch.cat([wavenet.embedding.weight, wavenet.embedding.weight.new_zeros(1, width)])
        past, now = wavenet.taps.transpose(1, 2).split(width, dim=1)  # (N, R, G) each
        self.register_buffer("embedding", table.detach())  # (K + 1, R)
        self.register_buffer("past_taps", past.detach().contiguous())
        self.register_buffer("taps", now.detach().contiguous())
        self.register_buffer("residual", wavenet.residual.detach().transpose(1, 2).contiguous())
        if wavenet.lag_taps:
            self.register_buffer("lag_weight", wavenet.lag_weight.detach())  # (J, R)
        self.skip, self.head, self.logits = wavenet.skip, wavenet.head, wavenet.logits

    def forward(
        self,
        level: Tensor,
        past: Tensor,
        condition: Tensor,
        a_period_ago: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Logits (B, K) of the next level, and what the layers are to be given later: (B, N, R).

        Args:
            level: (B,) int64, the one drawn last; K before the first.
            past: (B, N, R), of layer i what this returned `dilations[i]` samples ago, else zeros.
            condition: (B, N, G), the frame that the next sample belongs to.
            a_period_ago: (B, J), where the WaveNet has lags: the levels about the lag of that frame
                before the next sample, as `WaveNet.scaled` has them; zeros where there is no lag,
                and for what would stand before the start.
        """
        # What comes of the past is known for all layers at once: one product.
        gates = past.transpose(0, 1) @ self.past_taps + condition.transpose(0, 1)  # (N, B, G)
        x = F.embedding(level, self.embedding)  # (B, R)
        if a_period_ago is not None:
            x = torch.addmm(x, a_period_ago, self.lag_weight)
        inputs, units = [x], []
        for i, gate in enumerate(gates.unbind(0)):
            a, b = torch.addmm(gate, x, self.taps[i]).chunk(2, dim=1)
            units.append(torch.tanh(a) * torch.sigmoid(b))
            if i + 1 < self.layers:
                x = torch.addmm(x, units[-1], self.residual[i])
                inputs.append(x)
        hidden = self.head(F.relu(self.skip(torch.cat(units, dim=1))))
        return self.logits(F.relu(hidden)), torch.stack(inputs, dim=1)
