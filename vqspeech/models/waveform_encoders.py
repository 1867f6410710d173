"""Encoders of waveforms: (B, T) in, (B, D, L) out, T = L * hop.

A frame depends on its own `hop` samples and at most `context` more on each side.

Both kinds end in a batch normalisation without weights. At first an encoder's outputs lie close to
each other and far from the origin; that offset drifts faster than a codebook follows, and all
frames fall to one code. Centred and scaled, they spread over the codes from the start.
"""

from torch import Tensor, nn

from vqspeech.audio.features import LogMel
from vqspeech.nn.encoder import StridedEncoder


class WaveformEncoder(nn.Module):
    """The paper's: strided convolutions on the samples themselves."""

    def __init__(self, strided: StridedEncoder):
        super().__init__()
        self.strided = strided
        self.normalize = nn.BatchNorm1d(strided.out_channels, affine=False)
        self.hop = strided.hop
        self.context = strided.context

    def forward(self, waveform: Tensor) -> Tensor:
        return self.normalize(self.strided(waveform[:, None]))


class LogMelEncoder(nn.Module):
    """Strided convolutions on a log-mel spectrogram: phase, which no code needs, is gone.

    Args:
        log_mel: (B, T) to (B, M, T / mel hop).
        strided: over its frames.
    """

    def __init__(self, log_mel: LogMel, strided: StridedEncoder):
        super().__init__()
        self.log_mel = log_mel
        self.strided = strided
        self.normalize = nn.BatchNorm1d(strided.out_channels, affine=False)
        self.hop = log_mel.hop * strided.hop
        self.context = strided.context * log_mel.hop + log_mel.window

    def forward(self, waveform: Tensor) -> Tensor:
        return self.normalize(self.strided(self.log_mel(waveform)))
