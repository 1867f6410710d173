"""The spectral envelope of speech: how loud each band is, whatever the pitch.

A 25 ms window resolves the harmonics of a voice, so its log-mel spectrum says the pitch as well.
Here the window is shorter than two periods of most voices and a frame is the mean power of four of
them: what is left are the resonances of the mouth, as a vocoder wants them. B batch, T samples,
M bands, L frames.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vqspeech.audio.features import FLOOR, MEAN, STD, LogMel

WINDOW_SECONDS = 0.016
SPANS = 4  # short spectra a frame, half a hop apart


class Envelope(nn.Module):
    """Log-mel spectra without harmonics, in the units of `LogMel`, one frame a hop.

    Frame i is centred on the middle of samples [i * hop, (i + 1) * hop).

    Args:
        sample_rate: Hz.
        hop: samples a frame, even.
        bands: M.

    Raises:
        ValueError: an odd hop.
    """

    def __init__(self, sample_rate: int, hop: int, bands: int):
        super().__init__()
        if hop % 2:
            raise ValueError(f"hop {hop} must be even")
        self.window = round(WINDOW_SECONDS * sample_rate)
        self.log_mel = LogMel(sample_rate, hop=hop // 2, window=self.window, num_mels=bands)

    def forward(self, waveform: Tensor) -> Tensor:
        """(B, M, L) float32 of waveforms (B, T), T a multiple of the hop."""
        short = self.log_mel(waveform)  # (B, M, 2L)
        if not short.shape[2]:
            return short
        power = torch.exp(short * STD + MEAN)
        power = F.avg_pool1d(F.pad(power, (1, 1), mode="replicate"), SPANS, 2)
        return (power.clamp(min=FLOOR).log() - MEAN) / STD
