"""The pitch of speech frame by frame, in batches and on any device, for what learns to predict it.

Boersma, "Accurate short-term analysis of the fundamental frequency" (1993), the method of Praat's
`To Pitch (ac)`: the autocorrelation of a windowed frame over that of the window, and the cheapest
path through voiced and unvoiced candidates. librosa's pYIN, which the scores use, takes one signal
at a time and some six times as long. B batch, T samples, L frames, S candidates.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vqspeech.audio.pitch import HIGH_HZ, LOW_HZ

STEPS_PER_OCTAVE = 36  # candidates lie a third of a semitone apart
# Costs as Praat has them, a step of 10 ms.
SILENCE, VOICING, OCTAVE, OCTAVE_JUMP, SWITCH = 0.03, 0.45, 0.01, 0.35, 0.14
FINER = 2  # times as fine as a sample, where the autocorrelation is read


class PitchTracker(nn.Module):
    """Fundamental frequency of waveforms, one number a hop.

    Frame i is centred on the middle of samples [i * hop, (i + 1) * hop), as in `LogMel`.

    Args:
        sample_rate: Hz.
        hop: samples a frame.
    """

    def __init__(self, sample_rate: int, hop: int):
        super().__init__()
        self.hop = hop
        self.window = round(3 * sample_rate / LOW_HZ)  # three periods of the lowest pitch
        self.n_fft = 1 << (2 * self.window - 1).bit_length()
        octaves = math.log2(HIGH_HZ / LOW_HZ)
        count = math.ceil(octaves * STEPS_PER_OCTAVE) + 1
        hz = LOW_HZ * 2 ** (torch.arange(count, dtype=torch.float64) / STEPS_PER_OCTAVE)
        shape = torch.hann_window(self.window, dtype=torch.float64)
        own = self._autocorrelation(shape)
        place = sample_rate / hz * FINER  # (S,) lags, in steps of the finer autocorrelation
        low = place.floor().long()
        own_at = own[low].lerp(own[low + 1], place - low)
        jump = OCTAVE_JUMP * (hz.log2()[:, None] - hz.log2()).abs()  # (S, S)
        for name, value in {
            "hz": hz.float(),
            "shape": shape.float(),
            "low": low,
            "share": (place - low).float(),
            "scale": (own[0] / own_at).float(),
            # A sound that is periodic is so at twice the period too: the higher pitch is meant.
            "bonus": (OCTAVE * (hz / LOW_HZ).log2()).float(),
            "jump": jump.float() * self._per_step(sample_rate),
        }.items():
            self.register_buffer(name, value, persistent=False)
        self.switch = SWITCH * self._per_step(sample_rate)

    def _per_step(self, sample_rate: int) -> float:
        return 0.01 * sample_rate / self.hop

    @torch.no_grad()
    def forward(self, waveform: Tensor) -> Tensor:
        """Hz (B, L) float32 of waveforms (B, T), T a multiple of the hop; 0 where unvoiced."""
        batch, length = waveform.shape
        if length % self.hop:
            raise ValueError(f"{length} samples are no multiple of the hop, {self.hop}")
        if not length:
            return waveform.new_zeros(batch, 0, dtype=torch.float32)
        with torch.autocast(waveform.device.type, enabled=False):
            return self._follow(*self._strengths(waveform.float()))

    def _strengths(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        """How periodic each frame is at each candidate (B, L, S), and at none (B, L)."""
        left = self.window // 2 - self.hop // 2
        padded = F.pad(waveform, (left, self.window - self.hop - left))
        frames = padded.unfold(1, self.window, self.hop)  # (B, L, W)
        frames = frames - frames.mean(-1, keepdim=True)
        peak = frames.abs().amax(-1)  # (B, L)
        loudest = peak.amax(1, keepdim=True).clamp(min=1e-4)
        r = self._autocorrelation(frames * self.shape)
        r0 = r[..., :1].clamp(min=1e-9)
        at = r[..., self.low].lerp(r[..., self.low + 1], self.share)  # (B, L, S)
        voiced = (at / r0) * self.scale + self.bonus
        quiet = (2 - (peak / loudest) / (SILENCE / (1 + VOICING))).clamp(min=0)
        return voiced, VOICING + quiet

    def _autocorrelation(self, frames: Tensor) -> Tensor:
        """(..., n_fft * FINER) of frames (..., W)."""
        power = torch.fft.rfft(frames, n=self.n_fft).abs().square()
        # A longer inverse transform reads between the samples.
        return torch.fft.irfft(power, n=self.n_fft * FINER) * FINER

    def _follow(self, voiced: Tensor, unvoiced: Tensor) -> Tensor:
        """The path (B, L) of the greatest strength less the costs of its jumps, in Hz."""
        batch, frames, count = voiced.shape
        best, last_unvoiced = voiced[:, 0], unvoiced[:, 0]
        back = torch.empty(batch, frames, count + 1, dtype=torch.int64, device=voiced.device)
        for t in range(1, frames):
            moved, came = (best[:, None, :] - self.jump).max(2)  # (B, S)
            switched = last_unvoiced[:, None] - self.switch
            back[:, t, :count] = torch.where(switched > moved, count, came)
            top, where = best.max(1)
            stays = last_unvoiced >= top - self.switch
            back[:, t, count] = torch.where(stays, count, where)
            best = torch.maximum(moved, switched) + voiced[:, t]
            last_unvoiced = torch.maximum(last_unvoiced, top - self.switch) + unvoiced[:, t]
        state = torch.cat([best, last_unvoiced[:, None]], 1).argmax(1)
        states = [state]
        for t in range(frames - 1, 0, -1):
            state = back[:, t].gather(1, state[:, None])[:, 0]
            states.append(state)
        path = torch.stack(states[::-1], 1)  # (B, L)
        return F.pad(self.hz, (0, 1))[path]
