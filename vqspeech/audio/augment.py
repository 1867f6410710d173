"""Other rooms, microphones and throats: what an encoder must not mind.

A corpus of one studio, or of a synthesiser, teaches an encoder that noise and colour mean
something. In training it hears some crops through a random filter, at another level and with noise,
or as if from a longer or shorter vocal tract, while the decoder's target stays as it was: the codes
then keep what both have in common.
"""

import torch
from torch import Tensor

LEVEL_DB = (-12.0, 6.0)
COLOUR_DB = 8.0  # of each band of the filter and of the noise, to both sides
BANDS = 8
NOISE_DB = (-45.0, -8.0)  # of the noise before it is coloured, relative to its own crop's RMS
QUIETEST_RMS = 1e-3  # crops that are nearly silent get noise as if they were this loud
WARP_WINDOW = 512  # samples of the transform in which frequencies move


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


def warp_frequencies(
    waveform: Tensor, most: float, generator: torch.Generator | None = None
) -> Tensor:
    """Each crop with its spectrum stretched or shrunk along the frequencies; nothing moves in time.

    Vocal tract length perturbation (Jaitly and Hinton 2013) on the waveform: the magnitude at
    frequency f becomes that at f / a, a drawn for each crop; phases stay, so that it is something
    to train on and not to listen to.

    Args:
        waveform: (B, T) in [-1, 1].
        most: of |a - 1|, such as 0.12; 0 gives the input back.
        generator: the source of randomness; torch's own without it.

    Returns:
        (B, T).
    """
    batch, length = waveform.shape
    if not length or not most:
        return waveform
    u = torch.rand(batch, 1, generator=generator, device=waveform.device)
    factor = 1 + most * (2 * u - 1)  # (B, 1)
    window = torch.hann_window(WARP_WINDOW, device=waveform.device)
    hop = WARP_WINDOW // 2
    padded = torch.nn.functional.pad(waveform, (0, -length % hop))
    spectrum = torch.stft(
        padded, WARP_WINDOW, hop, window=window, pad_mode="constant", return_complex=True
    )  # (B, F, N)
    magnitude, bins = spectrum.abs(), spectrum.shape[1]
    place = torch.arange(bins, device=waveform.device) / factor  # (B, F), where to read
    low = place.floor().clamp(max=bins - 1).long()
    share = (place - low)[:, :, None].clamp(0, 1)
    shape = (-1, -1, spectrum.shape[2])

    def read(index: Tensor) -> Tensor:
        return magnitude.gather(1, index.clamp(max=bins - 1)[:, :, None].expand(*shape))

    warped = read(low).lerp(read(low + 1), share)
    # A bin without magnitude has no phase to keep.
    phases = spectrum / magnitude.clamp(min=torch.finfo(magnitude.dtype).tiny)
    heard = torch.istft(phases * warped, WARP_WINDOW, hop, window=window, length=padded.shape[1])
    return heard[:, :length]


def _gain(decibels: Tensor) -> Tensor:
    return 10 ** (decibels / 20)


def _coloured(waveform: Tensor, decibels: Tensor) -> Tensor:
    """Each row (B, T) filtered by gains (B, N) at evenly spaced frequencies, linear between."""
    spectrum = torch.fft.rfft(waveform)
    gains = torch.nn.functional.interpolate(
        decibels[:, None], spectrum.shape[1], mode="linear", align_corners=True
    )[:, 0]
    return torch.fft.irfft(spectrum * _gain(gains), n=waveform.shape[1])
