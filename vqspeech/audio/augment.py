"""Other rooms and microphones: what an encoder must not mind.

A corpus of one studio, or of a synthesiser, teaches an encoder that noise and colour mean
something. In training it hears some crops through a random filter, at another level and with noise,
while the decoder's target stays as it was: the codes then keep what both have in common.
"""

import torch
from torch import Tensor

LEVEL_DB = (-12.0, 6.0)
COLOUR_DB = 8.0  # of each band of the filter and of the noise, to both sides
BANDS = 8
NOISE_DB = (-45.0, -8.0)  # of the noise before it is coloured, relative to its own crop's RMS
QUIETEST_RMS = 1e-3  # crops that are nearly silent get noise as if they were this loud


def disturb(waveform: Tensor, share: float, generator: torch.Generator | None = None) -> Tensor:
    """Some crops with another level, colour and background noise.

    Args:
        waveform: (B, T) in [-1, 1].
        share: chance that a crop is changed.
        generator: the source of randomness; torch's own without it.

    Returns:
        (B, T); crops that are not changed are equal to the input.
    """
    batch, length = waveform.shape
    if not length:
        return waveform

    def draw(low: float, high: float, *shape: int) -> Tensor:
        u = torch.rand(batch, *shape, generator=generator, device=waveform.device)
        return low + (high - low) * u

    is_changed = draw(0, 1, 1) < share
    speech = _coloured(waveform, draw(-COLOUR_DB, COLOUR_DB, BANDS))
    rms = speech.square().mean(1, keepdim=True).sqrt()
    noise = torch.randn(batch, length, generator=generator, device=waveform.device)
    noise = _coloured(noise, draw(-COLOUR_DB, COLOUR_DB, BANDS))
    heard = speech + noise * rms.clamp(min=QUIETEST_RMS) * _gain(draw(*NOISE_DB, 1))
    heard = (heard * _gain(draw(*LEVEL_DB, 1))).clamp(-1, 1)
    return torch.where(is_changed, heard, waveform)


def _gain(decibels: Tensor) -> Tensor:
    return 10 ** (decibels / 20)


def _coloured(waveform: Tensor, decibels: Tensor) -> Tensor:
    """Each row (B, T) filtered by gains (B, N) at evenly spaced frequencies, linear between."""
    spectrum = torch.fft.rfft(waveform)
    gains = torch.nn.functional.interpolate(
        decibels[:, None], spectrum.shape[1], mode="linear", align_corners=True
    )[:, 0]
    return torch.fft.irfft(spectrum * _gain(gains), n=waveform.shape[1])
