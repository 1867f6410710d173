"""A signal in memory at another rate; files are resampled as they are read (`stream.py`)."""

import numpy as np


def resample(samples: np.ndarray, sample_rate: int, wanted_rate: int) -> np.ndarray:
    """Samples (T,) float as (T * wanted_rate / sample_rate,) float32.

    The same filter as for files, so that a signal that went through a file sounds the same.
    """
    samples = np.ascontiguousarray(samples, np.float32)
    if sample_rate == wanted_rate or not len(samples):
        return samples
    import soxr

    return soxr.resample(samples, sample_rate, wanted_rate, quality="HQ")
