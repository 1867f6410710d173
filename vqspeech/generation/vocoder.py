"""A vocoder: speech from its envelope, pitch and voicing, in a hundredth of a second a second.

The source and filter of Dudley's vocoder (1939): a voice is a sum of harmonics of equal strength,
breath is noise, and what the mouth makes of either is a filter. The filter is of minimum phase, so
that the harmonics of a period sound one after another as they do in a voice, and not at once.
M bands, N short frames of `hop` samples, F bins.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from vqspeech.audio.envelope import WINDOW_SECONDS
from vqspeech.audio.features import MEAN, STD, mel_filters

N_FFT = 512
LOW_HZ = 50.0  # lower edge of the first band, as in `LogMel`
LOWEST_PITCH, HIGHEST_PITCH = 50.0, 600.0  # Hz; what is predicted beyond is a mistake
# Voices are noisy above some 3 kHz: the share of the amplitude that is noise goes up to 0.63 there.
NOISE_FROM_HZ, NOISE_SLOPE_HZ, NOISE_LEAST, NOISE_MORE = 3000.0, 300.0, 0.03, 0.6
FADE_HZ = 200.0  # below half the rate, within which harmonics fade out


def vocode(
    envelope: Tensor,
    hz: Tensor,
    voiced: Tensor,
    sample_rate: int,
    hop: int,
    generator: torch.Generator | None = None,
) -> Tensor:
    """A waveform (N * hop,) float32 with the given acoustics.

    Args:
        envelope: (M, N) in the units of `vqspeech.audio.envelope.Envelope`.
        hz: (N,) the pitch; where a frame is not voiced it leads from one voice to the next.
        voiced: (N,) the share of voice, 0 to 1.
        sample_rate: Hz.
        hop: samples a frame.
        generator: the source of the noise, of the CPU; torch's own without it.
    """
    frames = envelope.shape[1]
    length = frames * hop
    if not frames:
        return envelope.new_zeros(0)
    response = _minimum_phase(_log_power(envelope, sample_rate) / 2)  # (N, F) complex
    noise = torch.randn(length, generator=generator).to(envelope.device)
    bins = torch.arange(N_FFT // 2 + 1, device=envelope.device) * sample_rate / N_FFT
    breath = NOISE_LEAST + NOISE_MORE * torch.sigmoid((bins - NOISE_FROM_HZ) / NOISE_SLOPE_HZ)
    share = voiced[:, None] * (1 - breath.square())  # (N, F) of the power that is voice
    speech = _filter(_harmonics(hz, sample_rate, hop), response * share.sqrt(), hop)
    speech += _filter(noise, response * (1 - share).sqrt(), hop)
    return speech / noise_gain(sample_rate)


def noise_gain(sample_rate: int) -> float:
    """White noise of unit power as `Envelope` sees it, where a sine of amplitude 1 has 1."""
    window = torch.hann_window(round(WINDOW_SECONDS * sample_rate))
    return float(window.square().sum().sqrt() / (window.sum() / 2))


def band_places(sample_rate: int, bands: int) -> tuple[Tensor, Tensor]:
    """Centre (M,) of each band in bins of the transform, and the sum (M,) of its filter."""
    filters = mel_filters(sample_rate, N_FFT, bands, LOW_HZ)  # (M, F)
    area = filters.sum(1)
    return (filters @ torch.arange(filters.shape[1]).float()) / area, area


def _harmonics(hz: Tensor, sample_rate: int, hop: int) -> Tensor:
    """(N * hop,) all harmonics below half the rate, together of unit power."""
    low_octave = hz.clamp(LOWEST_PITCH, HIGHEST_PITCH).log2()
    pitch = 2 ** F.interpolate(low_octave[None, None], scale_factor=hop, mode="linear")[0, 0]
    cycles = torch.cumsum(pitch.double() / sample_rate, 0)
    cycles = (cycles - cycles.floor()).float()  # whole ones sound alike, and have no fine digits
    half, source = sample_rate / 2, torch.zeros_like(pitch)
    for k in range(1, math.ceil(half / float(pitch.min()))):
        strength = ((half - k * pitch) / FADE_HZ).clamp(0, 1)
        source += strength * torch.cos(2 * math.pi * k * cycles)
    return source * 2 * (pitch / sample_rate).sqrt()


def _log_power(envelope: Tensor, sample_rate: int) -> Tensor:
    """(F, N) natural logarithm of the power in each bin, linear between the centres of bands."""
    centres, area = (x.to(envelope.device) for x in band_places(sample_rate, len(envelope)))
    bins = torch.arange(N_FFT // 2 + 1, device=envelope.device).float()
    density = envelope * STD + MEAN - area.log()[:, None]
    above = torch.searchsorted(centres, bins).clamp(1, len(centres) - 1)
    place = (bins - centres[above - 1]) / (centres[above] - centres[above - 1])
    return density[above - 1].lerp(density[above], place.clamp(0, 1)[:, None])


def _minimum_phase(log_magnitude: Tensor) -> Tensor:
    """(N, F) complex, of log magnitudes (F, N): the cepstrum folded onto its positive half."""
    cepstrum = torch.fft.irfft(log_magnitude.T, n=N_FFT)  # (N, n_fft)
    fold = torch.zeros(N_FFT, device=cepstrum.device)
    fold[0] = fold[N_FFT // 2] = 1
    fold[1 : N_FFT // 2] = 2
    return torch.fft.rfft(cepstrum * fold).exp()


def _filter(source: Tensor, response: Tensor, hop: int) -> Tensor:
    """Source (N * hop,) through a response (N, F) for each frame, by overlapping windows."""
    frames = len(response)
    window = torch.hann_window(2 * hop, device=source.device)
    padded = F.pad(source, (hop // 2, 2 * hop - hop // 2))
    pieces = padded.unfold(0, 2 * hop, hop)[:frames] * window  # frame i about its middle
    heard = torch.fft.irfft(torch.fft.rfft(pieces, n=N_FFT) * response, n=N_FFT)  # (N, n_fft)
    total = F.fold(
        heard.T[None],
        output_size=(1, (frames - 1) * hop + N_FFT),
        kernel_size=(1, N_FFT),
        stride=(1, hop),
    ).flatten()
    return total[hop // 2 : hop // 2 + frames * hop]
