"""The speech model: 16 kHz waveforms to codes and back in the voice of a given speaker.

Section 4.3: the encoder never learns who speaks; the decoder is told. What the codes need not
carry they tend to drop, so that another speaker's row gives the same words in another voice.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vqspeech.audio.mulaw import mulaw_encode
from vqspeech.config.schema import SpeechModelSettings
from vqspeech.models.spectrum_guide import SpectrumGuide
from vqspeech.models.vqvae import VQVAE, Likelihood, VQVAEOutput


class SpeechVQVAE(VQVAE):
    """A `VQVAE` over waveforms, with a table of speakers.

    Args:
        encoder: (B, T) waveform to (B, D, L); attribute `hop`, samples a code.
        quantizer: the bottleneck.
        decoder: likelihood of mu-law levels given latents and speaker.
        settings: what it was built from; written into its checkpoints.
        speakers: names, in the order of the decoder's table.
        guide: helps the codes in training, where the settings want it.
    """

    kind = "speech-vqvae"

    def __init__(
        self,
        encoder: nn.Module,
        quantizer: nn.Module,
        decoder: nn.Module,
        settings: SpeechModelSettings,
        speakers: tuple[str, ...],
        guide: SpectrumGuide | None = None,
    ):
        super().__init__(encoder, quantizer, decoder)
        self.guide = guide
        self.settings = settings
        self.speakers = speakers
        self.sample_rate = settings.sample_rate
        self.hop: int = encoder.hop

    @property
    def code_rate(self) -> float:
        """Codes a second."""
        return self.sample_rate / self.hop

    def pad(self, waveform: Tensor) -> Tensor:
        """Waveform (B, T) with zeros behind it, up to whole frames."""
        return F.pad(waveform, (0, -waveform.shape[1] % self.hop))

    def real_frames(self, lengths: Tensor, frames: int) -> Tensor:
        """(B, frames) bool: the frames that hold samples before `lengths` (B,), not padding."""
        starts = torch.arange(frames, device=lengths.device) * self.hop
        return starts < lengths[:, None]

    def score(
        self,
        waveform: Tensor,
        speaker: Tensor,
        lengths: Tensor | None = None,
        *,
        heard: Tensor | None = None,
    ) -> VQVAEOutput:
        """Equation 3 for waveforms (B, T), T whole frames, of speakers (B,).

        Args:
            heard: (B, T) what the encoder gets instead, such as the same with noise.
        """
        heard = waveform if heard is None else heard
        return self(heard, mulaw_encode(waveform), speaker, lengths)

    def quantize(self, heard: Tensor) -> VQVAEOutput:
        """Encoder and bottleneck without the likelihood, which is 0 nats of 0 elements here."""
        encoded = self.encode(heard)
        none = torch.zeros(len(heard), dtype=torch.int64, device=heard.device)
        nothing = Likelihood(encoded.new_zeros(len(heard)), none)
        return VQVAEOutput(nothing, self.quantizer(encoded), encoded)

    def guide_loss(
        self, output: VQVAEOutput, waveform: Tensor, speaker: Tensor, lengths: Tensor | None = None
    ) -> Tensor:
        """() how far the spectrum of waveform (B, T) is from what the decoder is told of it.

        The latents are those before `disturb`: the guide is to make them good, not robust.
        """
        local, _ = self.decoder.conditions(output.quantized.latents.movedim(-1, 1), speaker)
        return self.guide(local, waveform, lengths)

    def disturb(self, latents: Tensor) -> Tensor:
        """Jitter, in training only."""
        if self.training and self.settings.jitter:
            return jitter(latents, self.settings.jitter)
        return latents


def jitter(latents: Tensor, chance: float, generator: torch.Generator | None = None) -> Tensor:
    """Some frames take the latents of their left or right neighbour (Chorowski et al. 2019).

    Args:
        latents: (B, L, D).
        chance: that a frame is replaced, half of it by either neighbour.
        generator: the source of randomness; torch's own without it.
    """
    batch, frames, _ = latents.shape
    u = torch.rand(batch, frames, generator=generator, device=latents.device)
    shift = (u < chance / 2).long() - (u > 1 - chance / 2).long()
    index = torch.arange(frames, device=latents.device) + shift  # (B, L)
    index = index.clamp(0, max(frames - 1, 0))
    return latents.gather(1, index[..., None].expand_as(latents))
