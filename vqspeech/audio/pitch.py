"""The pitch of a voice as one number, by pYIN (Mauch and Dixon 2014) as librosa has it."""

from typing import NamedTuple

import numpy as np

LOW_HZ, HIGH_HZ = 65.0, 400.0  # speakers of any sex, but for shouts and creaks
STEP_SECONDS = 0.020


class Pitch(NamedTuple):
    """What `median_pitch` finds."""

    median_hz: float  # of the voiced frames; nan where there are none
    voiced_share: float  # of all frames, 0 to 1


def median_pitch(waveform: np.ndarray, sample_rate: int) -> Pitch:
    """Median fundamental frequency of the voiced frames, and how many are voiced.

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
    )
    median = float(np.median(hz[is_voiced])) if is_voiced.any() else float("nan")
    return Pitch(median, float(is_voiced.mean()))
