"""The speech decoder: a WaveNet over mu-law levels, told the latents and the speaker.

Section 4.3 of the paper. Convolutions at the code rate let a frame see its neighbours; then each
frame is repeated exactly `hop` times, so that frame floor(t / hop) conditions sample t and nothing
else of the latents does. A sampler may therefore prepare the conditioning once a frame.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vqspeech.audio.mulaw import LEVELS
from vqspeech.models.acoustics import CENTRE_HZ, AcousticHead, Acoustics
from vqspeech.models.vqvae import Likelihood
from vqspeech.nn.wavenet import WaveNet

LOWEST_PITCH = 50.0  # Hz, of which a WaveNet with lags can be told


class ConditionNetwork(nn.Module):
    """What the WaveNet is told of each frame: the latents around it, spoken by the speaker.

    The speaker enters before the convolutions, not only beside them in the WaveNet's layers: how a
    sound comes out depends on both together, and at the code rate that costs almost nothing.

    Args:
        dim: D, channels of the latents.
        speaker_channels: width of a row of the speaker table.
        channels: C, width of the convolutions.
        layers: their number; each lets a frame see one more neighbour on both sides.
    """

    def __init__(self, dim: int, speaker_channels: int, channels: int, layers: int):
        super().__init__()
        self.latents = nn.Conv1d(dim, channels, 1)
        self.speaker = nn.Linear(speaker_channels, channels, bias=False)
        self.blocks = nn.Sequential(*(_ConditionBlock(channels) for _ in range(layers)))

    def forward(self, latents: Tensor, speaker: Tensor) -> Tensor:
        """(B, C, L) of latents (B, D, L) and rows of the speaker table (B, S)."""
        return self.blocks(self.latents(latents) + self.speaker(speaker)[:, :, None])


class _ConditionBlock(nn.Module):
    """x + conv1(relu(conv3(relu(x)))), non-causal, at the code rate."""

    def __init__(self, channels: int):
        super().__init__()
        self.widen = nn.Conv1d(channels, channels, 3, padding=1)
        self.mix = nn.Conv1d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:  # (B, C, L)
        return x + self.mix(F.relu(self.widen(F.relu(x))))


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
        sample_rate: Hz, of which only the acoustic head knows.
        acoustic_bands: bands of its envelope; 0 for no such head.
        lag_taps: of the WaveNet; with an acoustic head it is told the pitch as a lag.
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
        sample_rate: int = 16000,
        acoustic_bands: int = 0,
        lag_taps: int = 0,
        **wavenet,
    ):
        super().__init__()
        self.hop = hop
        self.speaker = nn.Embedding(num_speakers, speaker_channels)
        self.local = ConditionNetwork(dim, speaker_channels, condition_channels, condition_layers)
        self.acoustics = (
            AcousticHead(condition_channels, hop, sample_rate, acoustic_bands)
            if acoustic_bands
            else None
        )
        self.wavenet = WaveNet(
            LEVELS,
            local_channels=condition_channels,
            global_channels=speaker_channels,
            hop=hop,
            has_levels=True,
            lag_taps=lag_taps,
            longest_lag=math.ceil(sample_rate / LOWEST_PITCH) if lag_taps else 0,
            **wavenet,
        )

    def conditions(self, latents: Tensor, speaker: Tensor) -> tuple[Tensor, Tensor]:
        """What the WaveNet is told: local (B, C, L), with lags (B, C + 1, L), and global (B, S).

        Args:
            latents: (B, D, L).
            speaker: (B,) int64, rows of the speaker table.
        """
        row = self.speaker(speaker)
        local = self.local(latents, row)
        if self.wavenet.lag_taps:
            local = torch.cat([local, self._lags(local)], 1)
        return local, row

    def tell_acoustics(self, local: Tensor) -> Acoustics:
        """What is to be heard of the local conditions (B, C or C + 1, L) that `conditions` gave.

        Raises:
            ValueError: there is no acoustic head.
        """
        if self.acoustics is None:
            raise ValueError("this decoder has no acoustic head (acoustic_bands)")
        return self.acoustics(local[:, : self.wavenet.local_channels])

    @torch.no_grad()
    def _lags(self, local: Tensor) -> Tensor:
        """(B, 1, L) the pitch period of each frame in samples; 0 where it is not voiced."""
        told = self.tell_acoustics(local)
        octaves, voicing = (
            x.unflatten(1, (-1, self.acoustics.spectra)).mean(2)
            for x in (told.octaves, told.voicing)
        )  # (B, L)
        lag = self.acoustics.sample_rate / (CENTRE_HZ * 2**octaves)
        return (lag.round() * (voicing > 0))[:, None]

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
        return self.nll_given(target, *self.conditions(latents, condition), lengths)

    def nll_given(
        self, target: Tensor, local: Tensor, global_: Tensor, lengths: Tensor | None = None
    ) -> Likelihood:
        """`nll` given what `conditions` returned, or a stretch of it."""
        logits = self.wavenet(target, local, global_)  # (B, K, T)
        nats = F.cross_entropy(
            logits.transpose(1, 2).flatten(0, 1).float(), target.flatten(), reduction="none"
        ).view(target.shape)  # (B, T)
        if lengths is None:
            return Likelihood(nats.sum(1), target.new_full((len(target),), target.shape[1]))
        positions = torch.arange(target.shape[1], device=target.device)
        counted = positions < lengths[:, None]  # (B, T)
        return Likelihood((nats * counted).sum(1), counted.sum(1))
