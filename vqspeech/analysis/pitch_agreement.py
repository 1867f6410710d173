"""How two pitch tracks agree: whether the melody is kept, and how far a voice is off its register.

A track is the fundamental frequency of frames, (N,) in Hz, nan where a frame is not voiced.
"""

import numpy as np

FEWEST_FRAMES = 10  # that are voiced in both: over fewer a correlation is chance


def median_hz(track: np.ndarray) -> float:
    """Median over the voiced frames; nan where there are none."""
    voiced = track[~np.isnan(track)]
    return float(np.median(voiced)) if len(voiced) else float("nan")


def pitch_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson correlation of the logarithms, over the frames that are voiced in both.

    Two voices of different register that speak one melody have 1.

    Args:
        a: (N,) Hz.
        b: (M,) Hz at the same rate; frames beyond the shorter are left out.

    Returns:
        -1 to 1; nan where fewer than 10 frames are voiced in both, or one of them is level.
    """
    common = min(len(a), len(b))
    a, b = a[:common], b[:common]
    is_voiced = ~np.isnan(a) & ~np.isnan(b)
    if is_voiced.sum() < FEWEST_FRAMES:
        return float("nan")
    x, y = (np.log(track[is_voiced]) for track in (a, b))
    x, y = x - x.mean(), y - y.mean()
    spread = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / spread) if spread > 1e-12 else float("nan")


def semitones_between(a_hz: float, b_hz: float) -> float:
    """How far apart two frequencies are, at least 0; nan where either is nan."""
    return float(12 * abs(np.log2(a_hz / b_hz)))
