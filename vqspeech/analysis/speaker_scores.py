"""Whose voice a recording has, from speaker embeddings: nearness, identification, equal error rate.

An embedding is a vector of unit length, so that the similarity of two is their product, the
cosine of the angle between them. P recordings, S speakers, E dimensions, R resamples.
"""

from collections.abc import Sequence

import numpy as np

_BLOCK = 1 << 22  # weights of trials in memory at a time: 32 MB


def speaker_centre(embeddings: Sequence[np.ndarray]) -> np.ndarray:
    """The voice of a speaker: the mean direction (E,) of some recordings, of unit length.

    Raises:
        ValueError: no embeddings, or they cancel out.
    """
    if not len(embeddings):
        raise ValueError("no recordings to know a speaker by")
    mean = np.mean(np.asarray(embeddings, np.float64), axis=0)
    length = np.linalg.norm(mean)
    if not length > 0:
        raise ValueError("embeddings that cancel out")
    return mean / length


def scale_of_similarity(voices: Sequence[np.ndarray]) -> tuple[float, float]:
    """What similarities are between real recordings: of one speaker, and of different ones.

    Args:
        voices: a (n, E) array of embeddings for each speaker. Each recording is compared with the
            mean of the speaker's others and with the means of all other speakers.

    Returns:
        The two means; nan where no speaker has two recordings, or there is but one speaker.
    """
    centres = [speaker_centre(voice) for voice in voices]
    same, other = [], []
    for index, voice in enumerate(voices):
        for number, embedding in enumerate(voice):
            rest = np.delete(voice, number, axis=0)
            if len(rest):
                same.append(float(embedding @ speaker_centre(rest)))
            other += [float(embedding @ c) for i, c in enumerate(centres) if i != index]
    return tuple(float(np.mean(found)) if found else float("nan") for found in (same, other))


def equal_error_rate(
    similarities: np.ndarray, targets: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray:
    """The equal error rate of verifying each recording as each speaker.

    A trial is a recording and a speaker, genuine where the speaker is the recording's target. The
    threshold moves through all similarities; the rate is where false acceptances (impostors at or
    above it) and false rejections (genuine trials below it) are equally frequent, on the straight
    line between the two thresholds around that place. 0: targets are always told from others,
    1/2: never.

    Args:
        similarities: (P, S).
        targets: (P,) the column of each recording's target.
        weights: (R, P) how often each recording counts; once each without it.

    Returns:
        (R,) float64, or () without weights; nan where trials of either kind are missing.
    """
    similarities = np.asarray(similarities, np.float64)
    is_genuine = np.zeros(similarities.shape, bool)
    is_genuine[np.arange(len(targets)), targets] = True
    flat = similarities.ravel()
    order = np.argsort(flat, kind="stable")
    genuine, owner = (
        is_genuine.ravel()[order],
        (np.arange(flat.size) // similarities.shape[1])[order],
    )
    # A threshold lies below each distinct value, and one above all.
    edges = np.flatnonzero(np.diff(flat[order], prepend=-np.inf, append=np.inf) > 0)
    rows = np.ones((1, len(similarities))) if weights is None else np.asarray(weights, np.float64)
    size = max(1, _BLOCK // max(1, flat.size))
    rates = [
        _equal_errors(rows[first : first + size, owner], genuine, edges)
        for first in range(0, len(rows), size)
    ]
    return np.concatenate(rates)[0] if weights is None else np.concatenate(rates)


def _equal_errors(weights: np.ndarray, genuine: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """(r,) rates of trials sorted by similarity, weights (r, N)."""
    below = [
        np.concatenate([np.zeros((len(weights), 1)), np.cumsum(weights * kind, axis=1)], axis=1)
        for kind in (genuine, ~genuine)
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        rejected, refused = (counts[:, edges] / counts[:, -1:] for counts in below)
    accepted = 1 - refused
    rates = np.full(len(weights), np.nan)
    for row in np.flatnonzero(~np.isnan(rejected[:, 0]) & ~np.isnan(accepted[:, 0])):
        gap = rejected[row] - accepted[row]  # rises from -1 to 1
        after = int(np.argmax(gap >= 0))
        step = gap[after] - gap[after - 1]
        share = -gap[after - 1] / step
        rates[row] = accepted[row, after - 1] + share * (
            accepted[row, after] - accepted[row, after - 1]
        )
    return rates
