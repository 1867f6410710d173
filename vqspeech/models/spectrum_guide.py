"""A short way for the gradient to the codes: the decoder's conditions predict the spectrum.

A WaveNet first learns to go on from the samples before, and listens to the codes late; on small
means it may never. Here a linear map of what it is told must give the log-mel spectrum of the
target. That costs a small part of what the likelihood does, so training may begin with this alone:
`training.guide_steps`. It is no part of the paper or of the likelihood, and not needed to encode or
decode.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vqspeech.audio.features import LogMel

LONGEST_HOP_SECONDS = 0.0125  # a spectrum changes little within


class SpectrumGuide(nn.Module):
    """Mean absolute error of log-mel spectra that are predicted from the conditions of a frame.

    Args:
        channels: C of the conditions.
        hop: samples a frame of the conditions; one or more whole spectra fall on it.
        sample_rate: Hz.
        num_mels: bands.
    """

    def __init__(self, channels: int, hop: int, sample_rate: int, num_mels: int):
        super().__init__()
        self.hop = hop
        wanted = LONGEST_HOP_SECONDS * sample_rate
        self.spectra = next(n for n in range(1, hop + 1) if hop % n == 0 and hop / n <= wanted)
        self.log_mel = LogMel(sample_rate, hop=hop // self.spectra, num_mels=num_mels)
        self.predict = nn.Conv1d(channels, num_mels * self.spectra, 1)

    def forward(self, conditions: Tensor, target: Tensor, lengths: Tensor | None = None) -> Tensor:
        """() the error over all bands and frames that begin before an example's end.

        Args:
            conditions: (B, C, L).
            target: (B, T) waveform, T = L * hop.
            lengths: (B,) samples that count; all without it.
        """
        with torch.no_grad():
            mel = self.log_mel(target)  # (B, M, L * spectra)
        predicted = self.predict(F.relu(conditions)).unflatten(1, (-1, self.spectra))
        predicted = predicted.transpose(2, 3).flatten(2)  # (B, M, L * spectra)
        error = (predicted.float() - mel).abs().mean(1)  # (B, L * spectra)
        if lengths is None:
            return error.mean()
        starts = torch.arange(error.shape[1], device=error.device) * self.log_mel.hop
        counted = starts < lengths[:, None]
        return (error * counted).sum() / counted.sum().clamp(min=1)
