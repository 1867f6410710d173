"""The same words from another throat: what an encoder hears in training, so that it minds neither.

After Choi et al. (2021, "Neural analysis and synthesis"): resonances and pitch of what the encoder
hears are moved at random, apart from each other, while the target stays. What the codes would say
of the speaker is then wrong as often as not, and the decoder learns to take it from the speaker's
row alone. B batch, T samples, M bands, N short frames.
"""

import torch
from torch import Tensor

from vqspeech.generation.vocoder import band_places, vocode


def revoice(
    envelope: Tensor,
    hz: Tensor,
    sample_rate: int,
    hop: int,
    *,
    throat: float,
    octaves: float,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Vocoded speech with other resonances and another pitch, each drawn for each row.

    Args:
        envelope: (B, M, N) as `vqspeech.audio.envelope.Envelope` gives it.
        hz: (B, N) as `vqspeech.audio.pitch_track.PitchTracker` gives it, 0 where unvoiced.
        sample_rate: Hz.
        hop: samples a frame.
        throat: most of |a - 1|; what was loud at f is loud at a * f.
        octaves: most of |log2| of the factor that the pitch is multiplied by.
        generator: the source of randomness, of the CPU; torch's own without it.

    Returns:
        (B, T), T = N * hop.
    """
    batch = len(envelope)
    u = 2 * torch.rand(2, batch, generator=generator) - 1
    heard = []
    for row in range(batch):
        warped = _stretched(envelope[row], 1 + throat * float(u[0, row]), sample_rate)
        pitch = held(hz[row]) * 2 ** (octaves * float(u[1, row]))
        voiced = (hz[row] > 0).float()
        heard.append(vocode(warped, pitch, voiced, sample_rate, hop, generator))
    return torch.stack(heard).clamp(-1, 1)


def held(hz: Tensor) -> Tensor:
    """Pitches (N,) with 0, of unvoiced frames, as the last voiced one was; 100 without any."""
    is_voiced = hz > 0
    if not is_voiced.any():
        return torch.full_like(hz, 100.0)
    place = torch.where(is_voiced, torch.arange(len(hz), device=hz.device), 0)
    last = place.cummax(0).values
    first = is_voiced.int().argmax()  # what comes before the first voice waits for it
    return hz[torch.maximum(last, first)]


def _stretched(envelope: Tensor, factor: float, sample_rate: int) -> Tensor:
    """(M, N) whose value at frequency f is that at f / factor."""
    centres = band_places(sample_rate, len(envelope))[0].to(envelope.device)
    wanted = centres / factor
    above = torch.searchsorted(centres, wanted).clamp(1, len(centres) - 1)
    share = (wanted - centres[above - 1]) / (centres[above] - centres[above - 1])
    return envelope[above - 1].lerp(envelope[above], share.clamp(0, 1)[:, None])
