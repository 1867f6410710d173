"""Measures of drawn frames, on arrays: of actions that were named, of pictures, and of codes.

Shapes: B windows, F frames drawn in each, N frames, H x W pixels, h x w codes of K, A actions.
"""

from typing import Any

import numpy as np

from recipes.frames.intervals import interval, means_of_sources

# Of levels that are rounded to integers: no picture is told from its like beyond 58.9 dB.
ROUNDING = 1 / 12


def over_episodes(values: np.ndarray, episode: np.ndarray) -> dict[str, Any]:
    """The mean of episodes' means and where it lies: windows of one episode are alike.

    Args:
        values: (B,) or (B, F).
        episode: (B,) of each window.

    Returns:
        mean, low, high (None of a single episode) and how many episodes there are.
    """
    return interval(means_of_sources(values, episode), "mean", "episodes")


def by_step(values: np.ndarray, episode: np.ndarray) -> list[float]:
    """The mean of episodes' means at each step, of values (B, F)."""
    return [float(means_of_sources(step, episode).mean()) for step in values.T]


def score_actions(
    named: np.ndarray, told: np.ndarray, episode: np.ndarray, names: tuple[str, ...]
) -> dict[str, Any]:
    """How often the action that is named is the one that was told.

    Args:
        named: (B, F) by the judge.
        told: (B, F).
        episode: (B,).
        names: of the A actions.

    Returns:
        accuracy over episodes, its bounds within 0 and 1; the same by_step; by_action the share of
        its pairs, None where it was never told; confusion (A, A), a row for each that was told.
    """
    right = named == told
    confusion = np.zeros((len(names), len(names)), int)
    np.add.at(confusion, (told.ravel(), named.ravel()), 1)
    accuracy = over_episodes(right, episode)
    if accuracy["low"] is not None:  # Student's t knows nothing of shares
        accuracy |= {"low": max(0.0, accuracy["low"]), "high": min(1.0, accuracy["high"])}
    return {
        "accuracy": accuracy,
        "by_step": by_step(right, episode),
        "by_action": {
            name: float(row[i] / row.sum()) if row.sum() else None
            for i, (name, row) in enumerate(zip(names, confusion, strict=True))
        },
        "confusion": confusion.tolist(),
    }


def chance(told: np.ndarray) -> float:
    """How often who always names the most frequent action is right."""
    return float(np.bincount(told.ravel()).max() / told.size)


def psnr(pictures: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """dB of each picture (..., H, W, 3) of levels against the one that was wanted: (...)."""
    errors = pictures.astype(np.float32) - wanted
    squares = np.square(errors).mean(axis=(-3, -2, -1), dtype=np.float64)
    return 10 * np.log10(255**2 / np.maximum(squares, ROUNDING))


def sharpness(pictures: np.ndarray) -> np.ndarray:
    """Levels between neighbours, beside and below, of pictures (..., H, W, 3): the mean, (...)."""
    levels = pictures.astype(np.float32)
    beside = np.abs(np.diff(levels, axis=-2)).mean(axis=(-3, -2, -1), dtype=np.float64)
    below = np.abs(np.diff(levels, axis=-3)).mean(axis=(-3, -2, -1), dtype=np.float64)
    return (beside + below) / 2


def nmse(pictures: np.ndarray, again: np.ndarray) -> float:
    """Mean squared error of what became of pictures (N, H, W, 3), over the variance of these.

    Each colour varies about its own mean, as in `recipes.frames.first_stage.score_pictures`.
    """
    levels = pictures.astype(np.float64)
    variance = levels.reshape(-1, 3).var(axis=0).mean()
    return float(np.square(levels - again).mean() / max(variance, 1e-9))


def describe_codes(codes: np.ndarray, real: np.ndarray) -> dict[str, float]:
    """How codes are spread, beside how those of real frames are.

    Args:
        codes: integers below K, of any shape.
        real: (K,) how often each code occurs in real frames.

    Returns:
        entropy in bits; perplexity, two to its power; how many codes are used; and the
        divergence of Jensen and Shannon from `real` in bits, 0 to 1.
    """
    counts = np.bincount(codes.ravel(), minlength=len(real))
    bits = entropy(counts)
    return {
        "entropy": bits,
        "perplexity": 2**bits,
        "used": int((counts > 0).sum()),
        "divergence": jensen_shannon(counts, real),
    }


def entropy(counts: np.ndarray) -> float:
    """Bits, of how often each of K things was seen."""
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def jensen_shannon(counts: np.ndarray, others: np.ndarray) -> float:
    """Divergence of two histograms (K,) in bits: 0 of the same shares, 1 of nothing in common."""
    shares, other_shares = counts / counts.sum(), others / others.sum()
    apart = (entropy(shares) + entropy(other_shares)) / 2
    return max(0.0, entropy((shares + other_shares) / 2) - apart)
