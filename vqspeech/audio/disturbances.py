"""Changes to a recording that leave its words alone, to see whether its codes stay.

Each is one named kind at one strength, unlike the random mixture of `augment.py`, which teaches an
encoder. T is samples.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

SNR_DB = (20.0, 10.0)
GAIN_DB = 6.0
SHIFT_SECONDS = 0.005
SEMITONES = 1.0
_N_FFT = 1024  # of the phase vocoder: 64 ms at 16 kHz resolve the harmonics of any voice


class Disturbance(NamedTuple):
    """One kind of change at one strength."""

    name: str
    apply: Callable[[np.ndarray, np.random.Generator], np.ndarray]  # (T,) -> (T',)


def list_disturbances(sample_rate: int, hop: int) -> tuple[Disturbance, ...]:
    """What codes should not mind: noise, level, a shift against their grid, another pitch.

    Args:
        sample_rate: Hz.
        hop: samples a code; the worst shift is half of it.
    """
    half, few = hop // 2, round(SHIFT_SECONDS * sample_rate)
    plain: list[tuple[str, Callable[[np.ndarray], np.ndarray]]] = [
        (f"gain {-GAIN_DB:+g} dB", functools.partial(change_gain, decibels=-GAIN_DB)),
        (f"gain {GAIN_DB:+g} dB", functools.partial(change_gain, decibels=GAIN_DB)),
        (f"shift {SHIFT_SECONDS * 1000:g} ms", functools.partial(shift_time, samples=few)),
        (
            f"shift half a code, {half / sample_rate * 1000:.3g} ms",
            functools.partial(shift_time, samples=half),
        ),
        *(
            (
                f"pitch {semitones:+g} semitone",
                functools.partial(shift_pitch, sample_rate=sample_rate, semitones=semitones),
            )
            for semitones in (-SEMITONES, SEMITONES)
        ),
    ]
    return (
        *(
            Disturbance(f"noise, SNR {snr:g} dB", functools.partial(_noisy, snr_db=snr))
            for snr in SNR_DB
        ),
        *(Disturbance(name, functools.partial(_without_chance, change)) for name, change in plain),
    )


def add_noise(waveform: np.ndarray, snr_db: float, rng: np.random.Generator) -> np.ndarray:
    """White noise, as many dB below the RMS of the whole waveform (T,); clipped to [-1, 1]."""
    rms = np.sqrt(np.mean(np.square(waveform, dtype=np.float64))) if len(waveform) else 0.0
    noise = rng.standard_normal(len(waveform), dtype=np.float32) * np.float32(
        rms * 10 ** (-snr_db / 20)
    )
    return np.clip(waveform + noise, -1, 1)


def change_gain(waveform: np.ndarray, decibels: float) -> np.ndarray:
    """Another level (T,); where it would clip, only as much louder as fits."""
    return waveform * np.float32(10 ** (min(decibels, room_db(waveform)) / 20))


def room_db(waveform: np.ndarray) -> float:
    """How much louder a waveform (T,) can be without clipping; 0 at least, infinite for silence."""
    peak = float(np.abs(waveform).max(initial=0))
    return max(-20 * np.log10(peak), 0.0) if peak else np.inf


def shift_time(waveform: np.ndarray, samples: int) -> np.ndarray:
    """The waveform without its first samples, (T - samples,); one sample stays in any case.

    Nothing is put before it: silence that was not there would be heard as another sound.
    """
    return waveform[min(samples, max(len(waveform) - 1, 0)) :]


def shift_pitch(waveform: np.ndarray, sample_rate: int, semitones: float) -> np.ndarray:
    """Another pitch at the same length, (T,), by librosa's phase vocoder; clipped to [-1, 1].

    Formants move with the pitch, as if the speaker were another.
    """
    import librosa  # numba, which it needs, takes seconds to load

    length = len(waveform)
    padded = np.pad(waveform, (0, max(_N_FFT - length, 0)))
    shifted = librosa.effects.pitch_shift(
        padded, sr=sample_rate, n_steps=semitones, n_fft=_N_FFT, hop_length=_N_FFT // 4
    )
    return np.clip(shifted[:length], -1, 1).astype(np.float32)


def _noisy(waveform: np.ndarray, rng: np.random.Generator, *, snr_db: float) -> np.ndarray:
    return add_noise(waveform, snr_db, rng)


def _without_chance(
    change: Callable[[np.ndarray], np.ndarray], waveform: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    return change(waveform)
