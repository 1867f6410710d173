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


def interval(means: np.ndarray) -> dict[str, Any]:
    """The mean of sources' means, and where it lies by Student's t; no bounds of one source."""
    from scipy.stats import t

    mean, error = float(means.mean()), standard_error(means)
    low = high = None
    if error is not None:
        # A data set has a dozen episodes or so: a normal quantile would claim too much.
        reach = float(t.ppf((1 + CONFIDENCE) / 2, len(means) - 1)) * error
        low, high = mean - reach, mean + reach
    return {"bits": mean, "low": low, "high": high, "sources": len(means)}
