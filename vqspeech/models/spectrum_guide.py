"""A short way for the gradient to the codes: the decoder's conditions predict the spectrum.

A WaveNet first learns to go on from the samples before, and listens to the codes late; on small
means it may never. Here a linear map of what it is told must give the log-mel spectrum of the
target. That costs a small part of what the likelihood does, so training may begin with this alone:
`training.guide_steps`. It is no part of the paper or of the likelihood, and not needed to encode or
decode.

With `reach` the conditions of a frame must give the spectra of its neighbours as well. A code then
says what a sound comes from and goes to, not only how it sounds: the silence before a K is another
than a pause. With a low `level_weight` the loudness of a frame counts less than its colour, which
is what tells phones apart.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vqspeech.audio.features import LogMel, spectra_a_frame

NEIGHBOR_WEIGHT = 0.3  # of the error at each neighbour; at 1 phones were found worse


class SpectrumGuide(nn.Module):
    """Mean absolute error of log-mel spectra that are predicted from the conditions of a frame.

    Args:
        channels: C of the conditions.
        hop: samples a frame of the conditions; one or more whole spectra fall on it.
        sample_rate: Hz.
        num_mels: bands.
        reach: neighbours on each side whose spectra are predicted too.
        level_weight: 1 takes each band's error as it is; below 1 the error of a spectrum's mean
            over its bands is taken apart from that of its shape, and weighs so much.
    """

    def __init__(
        self,
        channels: int,
        hop: int,
        sample_rate: int,
        num_mels: int,
        *,
        reach: int = 0,
        level_weight: float = 1.0,
    ):
        super().__init__()
        self.hop, self.reach, self.level_weight = hop, reach, level_weight
        self.spectra = spectra_a_frame(hop, sample_rate)
        self.log_mel = LogMel(sample_rate, hop=hop // self.spectra, num_mels=num_mels)
        self.predict = nn.Conv1d(channels, num_mels * self.spectra * (2 * reach + 1), 1)

    def forward(self, conditions: Tensor, target: Tensor, lengths: Tensor | None = None) -> Tensor:
        """() the error over all bands and frames that begin before an example's end.

        Args:
            conditions: (B, C, L).
            target: (B, T) waveform, T = L * hop.
            lengths: (B,) samples that count; all without it.
        """
        with torch.no_grad():
            mel = self.log_mel(target)  # (B, M, L * spectra)
        mel = mel.unflatten(2, (-1, self.spectra)).transpose(2, 3)  # (B, M, spectra, L)
        predicted = self.predict(F.relu(conditions))
        predicted = predicted.unflatten(1, (2 * self.reach + 1, -1, self.spectra)).float()
        starts = torch.arange(mel.shape[3] * self.spectra, device=mel.device) * self.log_mel.hop
        starts = starts.view(-1, self.spectra).T  # (spectra, L)
        counted = torch.ones_like(mel[:, 0], dtype=torch.bool)  # (B, spectra, L)
        if lengths is not None:
            counted = starts < lengths[:, None, None]
        total = predicted.new_zeros(())
        for place, offset in enumerate(range(-self.reach, self.reach + 1)):
            # The conditions of frame t against the spectra of frame t + offset.
            first, last = max(0, -offset), mel.shape[3] - max(0, offset)
            if first >= last:  # a crop shorter than the reach
                continue
            there = slice(first + offset, last + offset)
            error = self._error(predicted[:, place, ..., first:last], mel[..., there])
            share = counted[..., there]
            weight = NEIGHBOR_WEIGHT if offset else 1.0
            total = total + weight * (error * share).sum() / share.sum().clamp(min=1)
        return total

    def _error(self, predicted: Tensor, mel: Tensor) -> Tensor:
        """(B, spectra, L) of spectra (B, M, spectra, L)."""
        error = predicted - mel
        if self.level_weight == 1:
            return error.abs().mean(1)
        level = error.mean(1, keepdim=True)
        return (error - level).abs().mean(1) + self.level_weight * level[:, 0].abs()
