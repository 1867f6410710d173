"""The prior: which codes follow which, as a WaveNet over the codes of a trained VQ-VAE.

Section 3.2 of the paper: the prior is uniform while the VQ-VAE trains; afterwards an autoregressive
model is fitted to its codes, a WaveNet for speech. With it the model is a whole one of the
waveform, log p(x) >= log p(x | z_q(x)) + log p(z_q(x)), and can speak without being told what.

B utterances, L frames, G groups, K codes of each group. The codes of a frame follow one another,
group by group: T = L * G codes, and the WaveNet is told which group the next one is of.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vqspeech.config.schema import SpeechPriorSettings
from vqspeech.models.vqvae import Likelihood
from vqspeech.nn.wavenet import WaveNet


class CodeFormat(NamedTuple):
    """Whose codes they are."""

    num_codes: int  # K, of each group
    groups: int  # G
    hop: int  # samples a frame
    sample_rate: int  # Hz
    model_hash: str  # of the VQ-VAE, by `vqspeech.stages.encode.hash_model`

    @property
    def rate(self) -> float:
        """Frames a second."""
        return self.sample_rate / self.hop


class SpeechPrior(nn.Module):
    """p(codes), or p(codes | speaker).

    Args:
        settings: sizes; written into its checkpoints.
        code_format: of the codes that it is fitted to.
        speakers: names, in the order of its table; empty where the settings want no speaker.
            Behind them the table has a row for nobody in particular.
    """

    kind = "speech-prior"

    def __init__(
        self, settings: SpeechPriorSettings, code_format: CodeFormat, speakers: tuple[str, ...] = ()
    ):
        super().__init__()
        self.settings = settings
        self.code_format = code_format
        self.speakers = speakers if settings.speaker_channels else ()
        sizes = settings.model_dump(exclude={"speaker_channels"})
        groups = code_format.groups
        self.wavenet = WaveNet(
            code_format.num_codes,
            local_channels=groups if groups > 1 else 0,
            global_channels=settings.speaker_channels,
            **sizes,
        )
        self.speaker = None
        if settings.speaker_channels:
            self.speaker = nn.Embedding(len(self.speakers) + 1, settings.speaker_channels)

    @property
    def nobody(self) -> int:
        """The row of the speaker table for nobody in particular."""
        return len(self.speakers)

    def speaker_row(self, name: str | None) -> int:
        """The row of a speaker; that of nobody for None and for whom it was not trained on."""
        return self.speakers.index(name) if name in self.speakers else self.nobody

    def conditions(self, speaker: Tensor, frames: int) -> tuple[Tensor | None, Tensor | None]:
        """What the WaveNet and its samplers are told of L frames.

        Args:
            speaker: (B,) int64, rows of the table; their number matters even where there is none.

        Returns:
            local (B, G, L * G), None for one group; global (B, C), None without a table.
        """
        groups = self.code_format.groups
        local = None
        if groups > 1:
            turns = torch.eye(groups, device=speaker.device).repeat(1, frames)  # (G, L * G)
            local = turns.expand(len(speaker), -1, -1)
        return local, self.speaker(speaker) if self.speaker is not None else None

    def logits(self, codes: Tensor, speaker: Tensor) -> Tensor:
        """(B, K, T) for each code given all before it.

        Args:
            codes: (B, L), or (B, L, G) with groups.
            speaker: (B,) int64.
        """
        return self.wavenet(codes.flatten(1), *self.conditions(speaker, codes.shape[1]))

    def nats(self, codes: Tensor, speaker: Tensor, heard: Tensor | None = None) -> Tensor:
        """-log p of each code given all before it: (B, T) float32.

        Args:
            codes: (B, L), or (B, L, G) with groups.
            speaker: (B,) int64.
            heard: what stands before each code instead, of the same shape.
        """
        logits = self.logits(codes if heard is None else heard, speaker)
        return F.cross_entropy(logits.float(), codes.flatten(1), reduction="none")

    def nll(self, codes: Tensor, speaker: Tensor, lengths: Tensor | None = None) -> Likelihood:
        """-log p of whole utterances, and how many codes that is.

        Args:
            codes: (B, L), or (B, L, G) with groups.
            speaker: (B,) int64, rows of the table.
            lengths: (B,) frames of each that count; the rest is padding.
        """
        nats = self.nats(codes, speaker)  # (B, T)
        counted = self.real_codes(lengths, codes)
        return Likelihood((nats * counted).sum(1), counted.sum(1))

    def real_codes(self, lengths: Tensor | None, codes: Tensor) -> Tensor:
        """(B, T) bool: the codes of frames before `lengths` (B,), all of them without it."""
        positions = torch.arange(codes[0].numel(), device=codes.device)
        if lengths is None:
            return torch.ones_like(positions, dtype=torch.bool).expand(len(codes), -1)
        return positions < (lengths * self.code_format.groups)[:, None]
