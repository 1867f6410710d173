"""What the codes stand for, in terms of sound: envelope, pitch and voicing of every 10 ms.

A WaveNet first learns to go on from the samples before, and listens to the codes late; in hours on
a CPU it learns to whisper. The decoder's conditions, which see a frame with its neighbours and the
speaker, can say much sooner what is to be heard: how loud each band is, how high the voice is and
whether there is one. Learnt first (`training.guide_steps`), that gives the codes a short way for
the gradient, and a vocoder (`vqspeech.generation.vocoder`) can speak it at once. It is no part of
the paper or of the likelihood.

B batch, C channels of the conditions, L frames of them, M bands, N = L * `spectra` short frames.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vqspeech.audio.envelope import Envelope
from vqspeech.audio.features import spectra_a_frame
from vqspeech.audio.pitch_track import PitchTracker

CENTRE_HZ = 150.0  # of the pitches that are predicted, which are in octaves from here
# Beside the error of the envelope, in units of 3.3 nepers: an octave, and a nat of voicing.
PITCH_WEIGHT, VOICING_WEIGHT = 1.0, 0.3
CERTAINTY = 4.0  # the sharper, the less a frame is half voiced


class Acoustics(NamedTuple):
    """What is to be heard in N short frames."""

    envelope: Tensor  # (B, M, N) in the units of `LogMel`
    octaves: Tensor  # (B, N) of the pitch above CENTRE_HZ; means nothing where unvoiced
    voicing: Tensor  # (B, N) logits

    @property
    def hz(self) -> Tensor:
        """(B, N) the pitch."""
        return CENTRE_HZ * 2**self.octaves

    @property
    def voiced(self) -> Tensor:
        """(B, N) how much of a frame is voice, 0 to 1, mostly one of both."""
        return torch.sigmoid(CERTAINTY * self.voicing)


class Measured(NamedTuple):
    """What was heard in N short frames."""

    envelope: Tensor  # (B, M, N)
    hz: Tensor  # (B, N), 0 where unvoiced


class AcousticHead(nn.Module):
    """A linear map from the conditions of a frame to the acoustics of the short frames in it.

    Args:
        channels: C.
        hop: samples a frame of the conditions; one or more short frames fall on it.
        sample_rate: Hz.
        bands: M.
    """

    def __init__(self, channels: int, hop: int, sample_rate: int, bands: int):
        super().__init__()
        self.spectra = spectra_a_frame(hop, sample_rate)
        self.hop, self.bands, self.sample_rate = hop // self.spectra, bands, sample_rate
        self.predict = nn.Conv1d(channels, self.spectra * (bands + 2), 1)
        self.envelope = Envelope(sample_rate, self.hop, bands)
        self.pitch = PitchTracker(sample_rate, self.hop)

    def forward(self, conditions: Tensor) -> Acoustics:
        """Acoustics of N short frames from conditions (B, C, L)."""
        predicted = self.predict(F.relu(conditions)).float()
        predicted = predicted.unflatten(1, (self.bands + 2, self.spectra))
        predicted = predicted.transpose(2, 3).flatten(2)  # (B, M + 2, N)
        return Acoustics(predicted[:, :-2], predicted[:, -2], predicted[:, -1])

    @torch.no_grad()
    def measure(self, waveform: Tensor) -> Measured:
        """What a waveform (B, T) holds, T = L * hop of the conditions."""
        return Measured(self.envelope(waveform), self.pitch(waveform))

    def errors(
        self, conditions: Tensor, target: Measured, lengths: Tensor | None = None
    ) -> dict[str, Tensor]:
        """How far the predictions are from what was measured.

        Args:
            conditions: (B, C, L).
            target: of `measure`.
            lengths: (B,) samples that count; all without it.

        Returns:
            () each: `envelope`, mean absolute error over bands and frames; `pitch`, that of the
            voiced frames in octaves; `voicing`, nats a frame; `acoustics`, their weighted sum.
        """
        told = self(conditions)
        with torch.no_grad():
            envelope, hz = target
            starts = torch.arange(hz.shape[1], device=hz.device) * self.hop
            counted = torch.ones_like(hz)
            if lengths is not None:
                counted = (starts < lengths[:, None]).float()  # (B, N)
            is_voiced = (hz > 0).float()
            octaves = (hz.clamp(min=1.0) / CENTRE_HZ).log2()

        def mean(error: Tensor, share: Tensor) -> Tensor:
            return (error * share).sum() / share.sum().clamp(min=1)

        unsure = F.binary_cross_entropy_with_logits(told.voicing, is_voiced, reduction="none")
        errors = {
            "envelope": mean((told.envelope - envelope).abs().mean(1), counted),
            "pitch": mean((told.octaves - octaves).abs(), counted * is_voiced),
            "voicing": mean(unsure, counted),
        }
        errors["acoustics"] = (
            errors["envelope"] + PITCH_WEIGHT * errors["pitch"] + VOICING_WEIGHT * errors["voicing"]
        )
        return errors
