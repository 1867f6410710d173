"""Bits per dimension of many runs, brought together: means, standard errors, paired differences.

Crops of one photograph are no independent pictures, and seeds of one model are no independent
sources. So the scores of a source are averaged first, over its pictures and over all runs that were
tested on it, and errors are taken over sources.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from recipes.frames.intervals import standard_error
from recipes.frames.pictures import PictureSet
from recipes.images.score_bits import SystemScore


def by_source(score: SystemScore, pictures: PictureSet) -> dict[str, dict[str, float]]:
    """Mean bits per dimension of each source: its name to `total` and, where known, `latents`."""
    dimensions = pictures.pixels[0].size
    scale = 1 / (dimensions * math.log(2))
    found = {}
    for number in np.unique(pictures.sources):
        own = pictures.sources == number
        entry = {"total": float(score.nats[own].mean() * scale)}
        if score.rate is not None:
            entry["latents"] = float(score.rate[own].mean() * scale)
        found[pictures.names[number]] = entry
    return found


def summarise(runs: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Each system's mean over sources, with its standard error.

    Args:
        runs: entries with `system`, `seed` and `sources` as `by_source` gives them.

    Returns:
        By system: bits_per_dim, standard_error (None of one source), latent_bits and pixel_bits
        (None where the parts are not apart), runs, sources.
    """
    gathered = _gather(runs)
    counts = Counter(run["system"] for run in runs)
    return {
        system: _summary([*sources.values()], counts[system])
        for system, sources in gathered.items()
    }


def _gather(runs: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, dict[str, float]]]:
    """System to source to the mean of its entries over runs."""
    entries: dict[str, dict[str, list]] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        for source, entry in run["sources"].items():
            entries[run["system"]][source].append(entry)
    return {
        system: {
            source: {key: float(np.mean([e[key] for e in found])) for key in found[0]}
            for source, found in sources.items()
        }
        for system, sources in entries.items()
    }


def _summary(entries: list[dict[str, float]], runs: int) -> dict[str, Any]:
    totals = np.array([entry["total"] for entry in entries])
    is_apart = all("latents" in entry for entry in entries)
    latents = float(np.mean([entry["latents"] for entry in entries])) if is_apart else None
    return {
        "bits_per_dim": float(totals.mean()),
        "standard_error": standard_error(totals),
        "latent_bits": latents,
        "pixel_bits": float(totals.mean()) - latents if latents is not None else None,
        "runs": runs,
        "sources": len(entries),
    }


def paired_differences(
    runs: Sequence[Mapping[str, Any]], systems: Sequence[str]
) -> list[dict[str, Any]]:
    """Second minus first of every pair of systems, source by source: mean and standard error."""
    gathered = _gather(runs)
    found = []
    for first, second in combinations([name for name in systems if name in gathered], 2):
        shared = sorted(gathered[first].keys() & gathered[second].keys())
        if not shared:
            continue
        gaps = np.array(
            [gathered[second][s]["total"] - gathered[first][s]["total"] for s in shared]
        )
        found.append(
            {
                "first": first,
                "second": second,
                "difference": float(gaps.mean()),
                "standard_error": standard_error(gaps),
                "sources": len(shared),
                "larger_in": int((gaps > 0).sum()),
            }
        )
    return found
