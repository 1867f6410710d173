"""The pitch of a voice, frame by frame and as one number, by pYIN (Mauch and Dixon 2014).

librosa's form of it; N frames of 20 ms, T samples.
"""

from typing import NamedTuple

import numpy as np

LOW_HZ, HIGH_HZ = 65.0, 400.0  # speakers of any sex, but for shouts and creaks
STEP_SECONDS = 0.020
# Semitones between candidates. 0.25 would be five times as fast, but of fewer candidates fewer
# frames count as voiced, by up to a third: pYIN shares its doubt among them.
RESOLUTION = 0.1


class Pitch(NamedTuple):
    """What `median_pitch` finds."""

    median_hz: float  # of the voiced frames; nan where there are none
    voiced_share: float  # of all frames, 0 to 1


def median_pitch(waveform: np.ndarray, sample_rate: int) -> Pitch:
    """Median fundamental frequency of the voiced frames, and how many are voiced.

    Args:
        waveform: (T,) float, T >= 1.
        sample_rate: Hz, at least 1000.

    Raises:
        ValueError: an empty waveform or a lower rate.
    """
    track = pitch_track(waveform, sample_rate)
    voiced = track[~np.isnan(track)]
    median = float(np.median(voiced)) if len(voiced) else float("nan")
    return Pitch(median, len(voiced) / len(track))


def pitch_track(waveform: np.ndarray, sample_rate: int) -> np.ndarray:
    """Fundamental frequency (N,) in Hz, one each 20 ms; nan where a frame is not voiced.

    The first call in a process takes some seconds, in which numba compiles librosa's search.

    Args:
        waveform: (T,) float, T >= 1.
        sample_rate: Hz, at least 1000.

    Raises:
        ValueError: an empty waveform or a lower rate.
    """
    if not len(waveform) or sample_rate < 1000:
        raise ValueError(f"{len(waveform)} samples at {sample_rate} Hz have no pitch")
    import librosa

    # Four to seven periods of the lowest pitch: 64 ms at 8 and 16 kHz.
    frame = 1 << int(np.ceil(np.log2(3.5 * sample_rate / LOW_HZ)))
    hz, is_voiced, _ = librosa.pyin(
        np.asarray(waveform, np.float32),
        fmin=LOW_HZ,
        fmax=HIGH_HZ,
        sr=sample_rate,
        frame_length=frame,
        hop_length=round(STEP_SECONDS * sample_rate),
        resolution=RESOLUTION,
    )
    return np.where(is_voiced, hz, np.nan)
