"""Waveforms to codes in real arithmetic alone, as the ONNX format can hold it.

The encoder of a model reads a log-mel spectrogram by a Fourier transform; here that is a
convolution with the windowed sines and cosines. All else is the model's own.
"""

import copy
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vqspeech.audio.features import FLOOR, MEAN, STD, LogMel
from vqspeech.models.speech import SpeechVQVAE


class RealLogMel(nn.Module):
    """The features of a `LogMel` without complex numbers: (B, T) to (B, num_mels, T // hop).

    Args:
        log_mel: whose features these are, up to rounding.
    """

    def __init__(self, log_mel: LogMel):
        super().__init__()
        self.hop, window, n_fft = log_mel.hop, log_mel.window, log_mel.n_fft
        # Only what the window lets through is multiplied; it lies in the middle of the transform.
        first = (n_fft - window) // 2
        self.left = n_fft // 2 - self.hop // 2 - first
        self.right = window - self.hop - self.left
        time = torch.arange(window, dtype=torch.float64) + first
        bins = torch.arange(n_fft // 2 + 1, dtype=torch.float64)
        angles = 2 * math.pi / n_fft * bins[:, None] * time
        shape = log_mel.shape.double() / log_mel.full_scale**0.5
        basis = torch.cat([angles.cos() * shape, angles.sin() * shape])  # (2 * bins, window)
        self.register_buffer("basis", basis.float()[:, None])
        self.register_buffer("filters", log_mel.filters.float())

    def forward(self, waveform: Tensor) -> Tensor:
        x = F.pad(waveform, (self.left, self.right))  # negative sides crop
        cosines, sines = F.conv1d(x[:, None], self.basis, stride=self.hop).chunk(2, dim=1)
        mel = self.filters @ (cosines.square() + sines.square())  # (B, num_mels, L)
        return (mel.clamp(min=FLOOR).log() - MEAN) / STD


class WaveformToCodes(nn.Module):
    """Encoder and nearest codes: (B, T), T whole frames, to (B, L) int64 or (B, L, G).

    Args:
        model: in evaluation mode; it is not changed.
    """

    def __init__(self, model: SpeechVQVAE):
        super().__init__()
        self.encoder = _without_complex_numbers(model.encoder)
        codebook = model.quantizer.codebook.detach()  # (G, K, d)
        # Distances are compared where all codes lie near the origin, as `nearest_codes` does.
        centre = codebook.mean(1, keepdim=True)
        self.register_buffer("centre", centre[:, 0])  # (G, d)
        self.register_buffer("codebook", codebook - centre)
        self.register_buffer("squares", (codebook - centre).square().sum(2))  # (G, K)

    def forward(self, waveform: Tensor) -> Tensor:
        vectors = self.encoder(waveform).transpose(1, 2)  # (B, L, D)
        width = self.codebook.shape[2]
        codes = []
        for group, vector in enumerate(vectors.split(width, dim=2)):
            dots = (vector - self.centre[group]) @ self.codebook[group].T  # (B, L, K)
            codes.append((self.squares[group] - 2 * dots).argmin(2))
        return codes[0] if len(codes) == 1 else torch.stack(codes, dim=2)


def _without_complex_numbers(encoder: nn.Module) -> nn.Module:
    encoder = copy.deepcopy(encoder)
    for module in list(encoder.modules()):
        for name, child in module.named_children():
            if isinstance(child, LogMel):
                setattr(module, name, RealLogMel(child))
    return encoder
