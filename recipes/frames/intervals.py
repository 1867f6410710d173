"""Where a mean over sources lies: photographs or episodes, whose pictures are alike."""

import math
from typing import Any

import numpy as np

CONFIDENCE = 0.95  # of the intervals


def standard_error(values: np.ndarray) -> float | None:
    """Of a mean of independent values; None of a single one."""
    if len(values) < 2:
        return None
    return float(values.std(ddof=1) / math.sqrt(len(values)))


def means_of_sources(values: np.ndarray, source: np.ndarray) -> np.ndarray:
    """The mean of each source's values: (sources,) float64.

    Args:
        values: (N,) or (N, ...).
        source: (N,) of each.
    """
    return np.array([values[source == each].mean() for each in np.unique(source)], float)


def interval(means: np.ndarray, name: str = "bits", counted: str = "sources") -> dict[str, Any]:
    """The mean of sources' means, and where it lies by Student's t.

    Args:
        means: (sources,).
        name: what the mean is called.
        counted: what the number of sources is called.

    Returns:
        The mean by its name; low and high, None of a single source; and how many sources there are.
    """
    from scipy.stats import t

    mean, error = float(means.mean()), standard_error(means)
    low = high = None
    if error is not None:
        # A data set has a dozen episodes or so: a normal quantile would claim too much.
        reach = float(t.ppf((1 + CONFIDENCE) / 2, len(means) - 1)) * error
        low, high = mean - reach, mean + reach
    return {name: mean, "low": low, "high": high, counted: len(means)}
