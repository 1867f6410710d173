"""The speech model: 16 kHz waveforms to codes and back in the voice of a given speaker.

Section 4.3: the encoder never learns who speaks; the decoder is told. What the codes need not
carry they tend to drop, so that another speaker's row gives the same words in another voice.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vqspeech.audio.mulaw import mulaw_encode
from vqspeech.config.schema import SpeechModelSettings
from vqspeech.models.acoustics import Measured
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
        stretch: tuple[int, int, int] | None = None,
    ) -> VQVAEOutput:
        """Equation 3 for waveforms (B, T), T whole frames, of speakers (B,).

        Args:
            heard: (B, T) what the encoder gets instead, such as the same with noise.
            stretch: rows, first frame, last frame: the likelihood is that of the first so many
                waveforms between these frames alone; codes and conditions are those of the whole.
        """
        heard = waveform if heard is None else heard
        if stretch is None:
            return self(heard, mulaw_encode(waveform), speaker, lengths)
        rows, first, last = stretch
        encoded = self.encode(heard)
        quantized = self.quantizer(encoded)
        latents = self.disturb(quantized.latents[:rows]).movedim(-1, 1)
        local, global_ = self.decoder.conditions(latents, speaker[:rows])
        if lengths is not None:
            lengths = (lengths[:rows] - first * self.hop).clamp(0, (last - first) * self.hop)
        target = mulaw_encode(waveform[:rows, first * self.hop : last * self.hop])
        likelihood = self.decoder.nll_given(target, local[:, :, first:last], global_, lengths)
        return VQVAEOutput(likelihood, quantized, encoded)

    def freeze_all_but_wavenet(self) -> None:
        """Codes and conditions stay as they are from now on, in training too."""
        self.requires_grad_(False)
        self.decoder.wavenet.requires_grad_(True)
        self.encoder.eval()  # its batch normalisation uses what it has learnt

    def quantize(self, heard: Tensor) -> VQVAEOutput:
        """Encoder and bottleneck without the likelihood, which is 0 nats of 0 elements here."""
        encoded = self.encode(heard)
        none = torch.zeros(len(heard), dtype=torch.int64, device=heard.device)
        nothing = Likelihood(encoded.new_zeros(len(heard)), none)
        return VQVAEOutput(nothing, self.quantizer(encoded), encoded)

    @property
    def has_guide(self) -> bool:
        """Whether anything but the likelihood says what the conditions should hold."""
        return self.guide is not None or self.decoder.acoustics is not None

    def guide_losses(
        self,
        output: VQVAEOutput,
        waveform: Tensor,
        speaker: Tensor,
        lengths: Tensor | None = None,
        measured: Measured | None = None,
    ) -> dict[str, Tensor]:
        """How far the sound of waveform (B, T) is from what the decoder's conditions say of it.

        The latents are those before `disturb`: the guide is to make them good, not robust.

        Args:
            measured: what the acoustic head measures of the waveform, where that is known already.

        Returns:
            () each: `guide`, which is to be minimised, and its parts where there are several.
        """
        local, _ = self.decoder.conditions(output.quantized.latents.movedim(-1, 1), speaker)
        return self.guide_losses_given(local, waveform, lengths, measured)

    def guide_losses_given(
        self,
        local: Tensor,
        waveform: Tensor,
        lengths: Tensor | None = None,
        measured: Measured | None = None,
    ) -> dict[str, Tensor]:
        """`guide_losses` given the local conditions that `decoder.conditions` returned."""
        local = local[:, : self.decoder.wavenet.local_channels]  # lags may follow
        losses = {"guide": local.new_zeros(())}
        if self.guide is not None:
            losses["guide"] = losses["guide"] + self.guide(local, waveform, lengths)
        if self.decoder.acoustics is not None:
            head = self.decoder.acoustics
            measured = head.measure(waveform) if measured is None else measured
            errors = head.errors(local, measured, lengths)
            losses["guide"] = losses["guide"] + errors.pop("acoustics")
            losses |= errors
        return losses

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
