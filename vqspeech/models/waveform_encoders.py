"""Encoders of waveforms: (B, T) in, (B, D, L) out, T = L * hop."""

from torch import Tensor, nn

from vqspeech.audio.features import LogMel
from vqspeech.nn.encoder import StridedEncoder


class WaveformEncoder(nn.Module):
    """The paper's: strided convolutions on the samples themselves."""

    def __init__(self, strided: StridedEncoder):
        super().__init__()
        self.strided = strided
        self.hop = strided.hop

    def forward(self, waveform: Tensor) -> Tensor:
        return self.strided(waveform[:, None])


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
        self.hop = log_mel.hop * strided.hop

    def forward(self, waveform: Tensor) -> Tensor:
        return self.strided(self.log_mel(waveform))
