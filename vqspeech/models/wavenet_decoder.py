"""The speech decoder: a WaveNet over mu-law levels, told the latents and the speaker.

Section 4.3 of the paper. Convolutions at the code rate let a frame see its neighbours; then each
frame is repeated exactly `hop` times, so that frame floor(t / hop) conditions sample t and nothing
else of the latents does. A sampler may therefore prepare the conditioning once a frame.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vqspeech.audio.mulaw import LEVELS
from vqspeech.models.vqvae import Likelihood
from vqspeech.nn.wavenet import WaveNet


class _ConditionBlock(nn.Module):
    """x + conv1(relu(conv3(x))), non-causal, at the code rate."""

    def __init__(self, channels: int):
        super().__init__()
        self.widen = nn.Conv1d(channels, channels, 3, padding=1)
        self.mix = nn.Conv1d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:  # (B, C, L)
        return x + self.mix(F.relu(self.widen(x)))


class WaveNetDecoder(nn.Module):
    """p(mu-law levels | latents, speaker).

    Args:
        dim: D, channels of the latents.
        num_speakers: S, rows of the speaker table. A one-hot speaker through a linear map is a
            row of a table; each layer of the WaveNet has a map of its own.
        hop: samples a latent.
        condition_channels: width of the convolutions over the latents.
        condition_layers: their number; each lets a frame see one more neighbour on both sides.
        speaker_channels: width of a row of the speaker table.
        wavenet: sizes of `vqspeech.nn.wavenet.WaveNet`.
    """

    def __init__(
        self,
        dim: int,
        num_speakers: int,
        hop: int,
        *,
        condition_channels: int = 128,
        condition_layers: int = 2,
        speaker_channels: int = 64,
        **wavenet,
    ):
        super().__init__()
        self.hop = hop
        self.speaker = nn.Embedding(num_speakers, speaker_channels)
        self.local = nn.Sequential(
            nn.Conv1d(dim, condition_channels, 1),
            *(_ConditionBlock(condition_channels) for _ in range(condition_layers)),
        )
        self.wavenet = WaveNet(
            LEVELS,
            local_channels=condition_channels,
            global_channels=speaker_channels,
            hop=hop,
            **wavenet,
        )

    def nll(
        self,
        target: Tensor,
        latents: Tensor,
        condition: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> Likelihood:
        """-log p of levels (B, T) int64 given latents (B, D, L), T = L * hop.

        Args:
            target: (B, T) levels 0 to 255.
            latents: (B, D, L).
            condition: (B,) int64, the speaker's row.
            lengths: (B,) samples of each row that count; the rest is padding.
        """
        logits = self.wavenet(target, self.local(latents), self.speaker(condition))  # (B, K, T)
        nats = F.cross_entropy(
            logits.transpose(1, 2).flatten(0, 1).float(), target.flatten(), reduction="none"
        ).view(target.shape)  # (B, T)
        if lengths is None:
            return Likelihood(nats.sum(1), target.new_full((len(target),), target.shape[1]))
        positions = torch.arange(target.shape[1], device=target.device)
        counted = positions < lengths[:, None]  # (B, T)
        return Likelihood((nats * counted).sum(1), counted.sum(1))
