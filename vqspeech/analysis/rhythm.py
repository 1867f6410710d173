"""How alike the rhythm of two recordings is: whether they are loud and quiet at the same times.

A conversion that keeps the words keeps when they are said, whoever says them; a decoder that does
not listen to its codes does not. T is samples, N windows.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

WINDOW_SECONDS = 0.040
STEP_SECONDS = 0.020
FLOOR_DB = 60.0  # below the loudest window; what is quieter counts as silence, of whatever depth


def frame_energy(waveform: np.ndarray, sample_rate: int) -> np.ndarray:
    """Log energy of 40 ms windows, one each 20 ms, in dB.

    Args:
        waveform: (T,) float.
        sample_rate: Hz.

    Returns:
        (N,) float64 of whole windows only, so N = 0 for less than 40 ms. 0 dB is a mean square
        of 1; digital silence is -inf.
    """
    window, step = round(WINDOW_SECONDS * sample_rate), round(STEP_SECONDS * sample_rate)
    squares = np.asarray(waveform, np.float64) ** 2
    if len(squares) < window:
        return np.zeros(0)
    # Not differences of cumulated sums: a loud start would leave its rounding in silence.
    power = sliding_window_view(squares, window)[::step].mean(axis=1)
    with np.errstate(divide="ignore"):
        return 10 * np.log10(power)


def energy_correlation(a: np.ndarray, b: np.ndarray, sample_rate: int) -> float:
    """Pearson correlation of the log energies of two recordings, over the windows both have.

    Windows more than 60 dB below the loudest of their recording count as 60 dB below it: how
    silent silence is does not decide. Neither does the gain of either recording.

    Args:
        a: (T,) float.
        b: (T,) float, perhaps of another length.
        sample_rate: Hz, of both.

    Returns:
        -1 to 1; nan where either recording is equally loud all the time, or shorter than two
        windows.
    """
    energies = [frame_energy(waveform, sample_rate) for waveform in (a, b)]
    common = min(map(len, energies))
    if common < 2:
        return float("nan")
    x, y = (_deviations(energy[:common]) for energy in energies)
    spread = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / spread) if spread > 0 else float("nan")


def _deviations(energy: np.ndarray) -> np.ndarray:
    loudest = energy.max()
    if np.isneginf(loudest):
        return np.zeros(len(energy))
    limited = np.maximum(energy, loudest - FLOOR_DB)
    return limited - limited.mean()
