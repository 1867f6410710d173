"""What of a voice does not depend on the words, and how a vocoder keeps to it.

Acoustics that are predicted are means of what may be heard: their resonances are flatter and move
less than those of any voice, and a little of the source's voice stays in them. Three remedies of
statistical speech synthesis and voice conversion are applied to the voiced frames of an utterance:
resonances are sharpened (the postfilter of Yoshimura et al. 2005, here on the cepstrum of the
bands), the variance of each band is brought to that of the target (the global variance of Toda,
Black and Tokuda 2007), and the mean envelope and the pitch are moved to the target's.

M bands, N short frames.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from vqspeech.errors import InputError
from vqspeech.models.acoustics import CENTRE_HZ, AcousticHead, Acoustics

# Cepstral coefficients from this order on are what tells resonances from the slope of a spectrum.
SHARP_FROM, SHARPEN = 3, 1.5
MEAN_SHARE = 0.7  # of the way from an utterance's mean envelope to the voice's; the rest is words
NARROWEST, WIDEST = 0.8, 1.6  # factor on the standard deviation of a band
FEWEST_FRAMES = 20  # voiced, of which a mean says anything
FEWEST_MEASURED = 200  # of a voice that is measured: 2 s of voice


class VoiceProfile(NamedTuple):
    """Statistics over the voiced frames of a speaker."""

    mean: Tensor  # (M,) of the envelope
    std: Tensor  # (M,)
    octaves: float  # median of the pitch, above CENTRE_HZ

    def to_json(self) -> dict[str, Any]:
        """Numbers for config.json; four digits are 0.001 dB."""
        return {
            "pitch_hz": round(CENTRE_HZ * 2**self.octaves, 2),
            "envelope_mean": [round(x, 4) for x in self.mean.tolist()],
            "envelope_std": [round(x, 4) for x in self.std.tolist()],
        }


def profile_from_json(content: Mapping[str, Any], bands: int) -> VoiceProfile:
    """Undo `to_json`.

    Raises:
        ValueError: not such numbers, or of another number of bands.
    """
    try:
        mean, std = (
            torch.tensor([float(x) for x in content[f"envelope_{name}"]])
            for name in ("mean", "std")
        )
        octaves = torch.tensor(float(content["pitch_hz"]) / CENTRE_HZ).log2()
    except (KeyError, TypeError) as error:
        raise ValueError(f"no profile of a voice: {error}") from error
    numbers = torch.cat([mean, std, octaves[None]])
    if len(mean) != bands or len(std) != bands or not torch.isfinite(numbers).all():
        raise ValueError(f"a profile of {len(mean)} bands; {bands} finite ones were wanted")
    return VoiceProfile(mean, std, float(octaves))


def profiles_of(
    config: Mapping[str, Any], head: AcousticHead | None, place: str
) -> dict[str, VoiceProfile]:
    """Of the speakers whose profile a model's config.json, at `place`, has.

    Raises:
        InputError: it holds something else there.
    """
    known = config.get("speaker_information")
    if head is None or not isinstance(known, dict):
        return {}
    try:
        return {
            name: profile_from_json(facts["profile"], head.bands)
            for name, facts in known.items()
            if isinstance(facts, dict) and facts.get("profile")
        }
    except ValueError as error:
        raise InputError(f"{place}: {error}; copy the folder again") from error


@torch.inference_mode()
def measure_profile(head: AcousticHead, waveforms: Iterable[Tensor]) -> VoiceProfile | None:
    """The profile of one speaker; None of one who hardly uses the voice, such as a whisperer.

    Args:
        head: of the model that will speak.
        waveforms: (T,) each, at the model's rate; what does not fill a frame is left out.
    """
    device = next(head.parameters()).device
    envelopes, octaves = [], []
    for waveform in waveforms:
        whole = waveform[: len(waveform) // head.hop * head.hop].to(device)
        measured = head.measure(whole[None])
        is_voiced = measured.hz[0] > 0
        envelopes.append(measured.envelope[0][:, is_voiced].cpu())
        octaves.append((measured.hz[0][is_voiced] / CENTRE_HZ).log2().cpu())
    together = torch.cat(envelopes, 1) if envelopes else torch.zeros(head.bands, 0)
    if together.shape[1] < FEWEST_MEASURED:
        return None
    return VoiceProfile(together.mean(1), together.std(1), float(torch.cat(octaves).median()))


def keep_to_voice(told: Acoustics, profile: VoiceProfile | None) -> tuple[Tensor, Tensor, Tensor]:
    """Envelope (M, N), pitch in Hz (N,) and voicing (N,) for a vocoder.

    Args:
        told: of one utterance, B = 1.
        profile: of the target; without it only the resonances are sharpened.
    """
    envelope, octaves, voiced = told.envelope[0], told.octaves[0], told.voiced[0]
    is_voiced = voiced > 0.5
    if profile is not None and int(is_voiced.sum()) >= FEWEST_FRAMES:
        mean, std = (x.to(envelope.device)[:, None] for x in profile[:2])
        own = envelope[:, is_voiced].mean(1, keepdim=True)
        spread = envelope[:, is_voiced].std(1, keepdim=True).clamp(min=1e-3)
        factor = (std / spread).clamp(NARROWEST, WIDEST)
        wider = (envelope - own) * factor + own
        move = (mean - own) - (mean - own).mean()  # how loud it is, the recording says
        envelope = torch.where(is_voiced, wider, envelope) + MEAN_SHARE * move
        octaves = octaves + (profile.octaves - octaves[is_voiced].median())
    envelope = torch.where(is_voiced, sharpened(envelope), envelope)
    return envelope, CENTRE_HZ * 2**octaves, voiced


def sharpened(envelope: Tensor, factor: float = SHARPEN) -> Tensor:
    """Envelopes (M, N) whose peaks and valleys along the bands are deeper; the slope stays."""
    bands = len(envelope)
    mirrored = torch.cat([envelope, envelope.flip(0)])  # its transform is the cosine transform
    cepstrum = torch.fft.rfft(mirrored, dim=0)
    cepstrum[SHARP_FROM:] = cepstrum[SHARP_FROM:] * factor
    return torch.fft.irfft(cepstrum, n=2 * bands, dim=0)[:bands]
