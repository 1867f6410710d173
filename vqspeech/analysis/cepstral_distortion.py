"""Mel-cepstral distortion (Kubichek 1993): how far two spectral envelopes lie apart, in dB.

    MCD = (10 / ln 10) sqrt(2 sum_{d=1..13} (c_d - c'_d)^2), averaged over frames.

The c_d are the coefficients of the cosine series of the logarithm (natural, of amplitude) of a mel
spectrum over its bands, so that the distortion is the root mean square, over the bands, of the
smooth part of the difference in dB. c_0, the loudness, is left out. Figures of other front ends
(SPTK's `mcep`, WORLD) are not comparable.
N, M frames, D coefficients.
"""

import numpy as np

COEFFICIENTS = 13
SILENCE_DB = 40.0  # frames that are this far below the loudest say nothing of a voice
_SCALE = 10 / np.log(10) * np.sqrt(2)  # dB for a distance of cepstra
FLOOR_DB = 60.0  # below the loudest band of a recording; what is quieter is as quiet as this


def mel_cepstra(log_mel: np.ndarray) -> np.ndarray:
    """Cepstra of the frames that are not silent.

    Args:
        log_mel: (N, bands) natural logarithm of power in mel bands, at least 14.

    Returns:
        (n, 13) float64, n <= N; see `is_heard` for which.

    Raises:
        ValueError: fewer bands than coefficients need.
    """
    return _cepstra(log_mel)[is_heard(log_mel)]


def is_heard(log_mel: np.ndarray) -> np.ndarray:
    """(N,) bool: which frames are within 40 dB of the loudest."""
    if not len(log_mel):
        return np.zeros(0, bool)
    energy = np.logaddexp.reduce(np.asarray(log_mel, np.float64), axis=1)  # (N,)
    return energy >= energy.max() - SILENCE_DB * np.log(10) / 10


def warped_distortion(a: np.ndarray, b: np.ndarray) -> float:
    """Distortion in dB along the path of dynamic time warping that has the least sum of distances.

    Steps go one frame on in either recording or in both, each of weight one; the mean is over the
    frames of the path.

    Args:
        a: (N, D) cepstra.
        b: (M, D).

    Returns:
        dB; nan where either has no frames.
    """
    if not len(a) or not len(b):
        return float("nan")
    from scipy.spatial.distance import cdist

    return _cheapest_mean(_SCALE * cdist(a, b))


def framewise_distortion(log_mel: np.ndarray, other: np.ndarray) -> float:
    """Distortion in dB of frames at the same time, where the first recording is not silent.

    Args:
        log_mel: (N, bands), the reference.
        other: (M, bands); frames beyond the shorter are left out.

    Returns:
        dB; nan where no frame is left.
    """
    common = min(len(log_mel), len(other))
    heard = is_heard(log_mel)[:common]
    if not heard.any():
        return float("nan")
    a, b = _cepstra(log_mel)[:common][heard], _cepstra(other)[:common][heard]
    return float(_SCALE * np.linalg.norm(a - b, axis=1).mean())


def _cepstra(log_mel: np.ndarray) -> np.ndarray:
    from scipy.fft import dct

    log_mel = np.asarray(log_mel, np.float64)
    bands = log_mel.shape[1]
    if bands <= COEFFICIENTS:
        raise ValueError(f"{bands} bands, more than {COEFFICIENTS} are needed")
    if len(log_mel):
        log_mel = np.maximum(log_mel, log_mel.max() - FLOOR_DB * np.log(10) / 10)
    # Half of it is the logarithm of amplitude; an orthonormal coefficient is sqrt(bands / 2) times
    # that of the series.
    cepstra = dct(log_mel / 2, type=2, norm="ortho", axis=1) * np.sqrt(2 / bands)
    return cepstra[:, 1 : COEFFICIENTS + 1]


def _cheapest_mean(costs: np.ndarray) -> float:
    """Mean of the costs (N, M) along the path from corner to corner that has the least sum."""
    rows, columns = costs.shape
    # By diagonals, whose cells do not depend on each other; index 0 is a wall.
    before = last = np.full(rows + 1, np.inf)  # sums of the two diagonals before, by row
    before_steps = last_steps = np.zeros(rows + 1)
    for diagonal in range(rows + columns - 1):
        row = np.arange(max(0, diagonal - columns + 1), min(rows, diagonal + 1))
        both, down, along = before[row], last[row], last[row + 1]
        if diagonal == 0:
            both = np.zeros(1)
        least = np.minimum(both, np.minimum(down, along))
        steps = np.where(
            both == least,
            before_steps[row],
            np.where(down == least, last_steps[row], last_steps[row + 1]),
        )
        before, before_steps = last, last_steps
        last, last_steps = np.full(rows + 1, np.inf), np.zeros(rows + 1)
        last[row + 1] = least + costs[row, diagonal - row]
        last_steps[row + 1] = steps + 1
    return float(last[rows] / last_steps[rows])
