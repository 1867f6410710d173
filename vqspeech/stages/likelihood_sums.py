"""Bits of utterances, added up: a code, a second, a sample; with intervals over speakers.

U utterances.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from vqspeech.analysis.bootstrap import Resamples, ratio


def code_row(
    bits: np.ndarray, elements: np.ndarray, drawn: Resamples, codes_a_second: float
) -> dict[str, float]:
    """Bits a code with the ends of their interval, nats a code, and bits a second."""
    found = saving(bits, np.zeros_like(bits), elements, drawn)
    more = {"nats": found["bits"] * math.log(2), "bits_per_second": found["bits"] * codes_a_second}
    return found | more


def saving(
    before: np.ndarray, after: np.ndarray, elements: np.ndarray, drawn: Resamples
) -> dict[str, float]:
    """Bits a code by which `after` is less than `before`, in the same resamples."""
    bits, low, high = ratio(before - after, elements, drawn)
    return {"bits": bits, "low": low, "high": high}


def waveform_sums(
    rows: Sequence[dict[str, Any]],
    lengths: Mapping[str, int],
    decoder: np.ndarray,
    bits: Mapping[str, np.ndarray],
    draw: Callable[[Sequence[str]], Resamples],
) -> dict[str, Any]:
    """Bits a sample of the recordings; each utterance's are written into its row.

    Args:
        rows: of all utterances whose codes are scored.
        lengths: samples of each whose recording is, in the order of `rows`.
        decoder: bits of each of these.
        bits: (U,) bits of the codes of all.
    """
    places = [i for i, row in enumerate(rows) if row["utterance"] in lengths]
    samples = np.array(list(lengths.values()))
    prior, uniform = bits["prior"][places], bits["uniform"][places]
    parts = {
        "decoder": decoder,
        "prior": prior,
        "uniform_prior": uniform,
        "total": decoder + prior,
        "total_uniform": decoder + uniform,
    }
    for i, place in enumerate(places):
        rows[place]["samples"] = int(samples[i])
        rows[place] |= {name: float(parts[name][i] / samples[i]) for name in ("decoder", "total")}
    drawn = draw([rows[place]["speaker"] for place in places])
    return {
        "samples": int(samples.sum()),
        "utterances": len(places),
        "resampled": drawn.what,
        **{name: ratio(part, samples, drawn)._asdict() for name, part in parts.items()},
    }
