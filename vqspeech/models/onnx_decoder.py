"""The decoder in two parts that the ONNX format can hold: once a code, and once a sample.

The WaveNet's step is written with its state outside: a layer is given its own input of `dilation`
samples ago and hands its present one back. Whoever calls it keeps them, in a ring.
B batch, L frames, N layers, R residual, G gate channels, K levels.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vqspeech.models.speech import SpeechVQVAE
from vqspeech.nn.wavenet import WaveNet


class CodesToConditions(nn.Module):
    """What is added to the gates of each layer in each frame: (B, L, N, G).

    Args:
        model: in evaluation mode.
    """

    def __init__(self, model: SpeechVQVAE):
        super().__init__()
        self.model = model

    def forward(self, codes: Tensor, speaker: Tensor) -> Tensor:
        """Of codes (B, L) or (B, L, G) and rows of the speaker table (B,), both int64."""
        # Not `model.latents`: the exporter cannot write its `movedim`.
        latents = self.model.quantizer.lookup(codes).transpose(1, 2)  # (B, D, L)
        decoder = self.model.decoder
        return decoder.wavenet.condition(*decoder.conditions(latents, speaker))


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
        self.skip, self.head, self.logits = wavenet.skip, wavenet.head, wavenet.logits

    def forward(self, level: Tensor, past: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, K) of the next level, and what the layers are to be given later: (B, N, R).

        Args:
            level: (B,) int64, the one drawn last; K before the first.
            past: (B, N, R), of layer i what this returned `dilations[i]` samples ago, else zeros.
            condition: (B, N, G), the frame that the next sample belongs to.
        """
        # What comes of the past is known for all layers at once: one product.
        gates = past.transpose(0, 1) @ self.past_taps + condition.transpose(0, 1)  # (N, B, G)
        x = F.embedding(level, self.embedding)  # (B, R)
        inputs, units = [x], []
        for i, gate in enumerate(gates.unbind(0)):
            a, b = torch.addmm(gate, x, self.taps[i]).chunk(2, dim=1)
            units.append(torch.tanh(a) * torch.sigmoid(b))
            if i + 1 < self.layers:
                x = torch.addmm(x, units[-1], self.residual[i])
                inputs.append(x)
        hidden = self.head(F.relu(self.skip(torch.cat(units, dim=1))))
        return self.logits(F.relu(hidden)), torch.stack(inputs, dim=1)
