"""Many pairs as a few numbers with intervals: means, error rates, the matrix and the trials.

Intervals are percentiles over resamples of the pairs. P pairs, S speakers.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vqspeech.analysis.bootstrap import Resamples, draw_items, interval
from vqspeech.analysis.speaker_scores import equal_error_rate
from vqspeech.errors import InputError
from vqspeech.stages.speech_scores import METRICS, Scored

# Rates are of sums: name of the measure, errors, their references.
RATES = {"wer": ("word_errors", "words"), "cer": ("character_errors", "characters")}

# What of a file of scores goes with a model: the system, and before the measure's name a word that
# tells it from others.
SHARED = {
    "conversion-scores": {"converted": "", "original": "source_"},
    "reconstruction-scores": {"reconstruction": "reconstruction_"},
}
SOURCE_METRICS = ("wer", "cer", "voiced_share", "dnsmos")  # of the original

Summary = dict[str, dict[str, float | int]]


def summarize(scored: Sequence[Scored]) -> Summary:
    """Value, low, high and count of each measure that any pair has.

    Error rates are sums of errors over sums of reference words; all others are means over the pairs
    that have them.
    """
    if not scored:
        return {}
    resamples = draw_items(len(scored), "pairs")
    found = {}
    for metric in METRICS:
        if metric in RATES:
            parts, wholes = (
                np.array([0 if s.errors is None else getattr(s.errors, name) for s in scored])
                for name in RATES[metric]
            )
            known = np.array([s.errors is not None for s in scored])
        else:
            values = [s.metrics.get(metric) for s in scored]
            known = np.array([value is not None for value in values])
            parts = np.array([value or 0.0 for value in values], np.float64)
            wholes = known.astype(np.int64)
        if known.any():
            found[metric] = {**_quotient(parts, wholes, resamples), "count": int(known.sum())}
    return found


def _quotient(parts: np.ndarray, wholes: np.ndarray, resamples: Resamples) -> dict[str, float]:
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = resamples.resampled(parts) / resamples.resampled(wholes)
    low, high = interval(drawn)
    return {"value": float(parts.sum() / wholes.sum()), "low": float(low), "high": float(high)}


def by_direction(scored: Sequence[Scored], directions: Sequence[str | None]) -> dict[str, Summary]:
    """Summaries of the pairs of each direction that is known."""
    return {
        name: summarize([s for s, d in zip(scored, directions, strict=True) if d == name])
        for name in sorted({d for d in directions if d is not None})
    }


def similarity_matrix(
    similarities: Sequence[np.ndarray | None], targets: Sequence[str], speakers: Sequence[str]
) -> dict[str, Any] | None:
    """Mean similarity of the conversions to each target (rows) with each speaker (columns).

    Args:
        similarities: (S,) of each pair; None where nothing is to be heard.
        targets: of each pair.
        speakers: whose the columns are.
    """
    rows: dict[str, list[np.ndarray]] = {}
    for row, target in zip(similarities, targets, strict=True):
        if row is not None:
            rows.setdefault(target, []).append(row)
    if not rows:
        return None
    names = sorted(rows)
    values = [np.mean(rows[name], axis=0).tolist() for name in names]
    return {"targets": names, "speakers": list(speakers), "values": values}


def verify(
    similarities: Sequence[np.ndarray | None], targets: Sequence[str], speakers: Sequence[str]
) -> dict[str, Any] | None:
    """The equal error rate of telling conversions to each speaker from those to others.

    Genuine: a conversion to t against t; impostors: the same conversion against every other
    speaker. 0.5 would be a voice that is nobody's; nan has no place in JSON and is None.
    """
    chosen = [i for i, row in enumerate(similarities) if row is not None]
    if not chosen or len(speakers) < 2:
        return None
    matrix = np.array([similarities[i] for i in chosen])
    columns = np.array([list(speakers).index(targets[i]) for i in chosen])
    value = float(equal_error_rate(matrix, columns))
    weights = draw_items(len(chosen), "pairs").weights
    low, high = interval(equal_error_rate(matrix, columns, weights))
    return {
        "eer": {"value": value, "low": float(low), "high": float(high)},
        "genuine": len(chosen),
        "impostor": len(chosen) * (len(speakers) - 1),
    }


def format_trials(
    pairs: Mapping[str, str], similarities: Sequence[np.ndarray | None], speakers: Sequence[str]
) -> str:
    """A table of all trials: pair, speaker, genuine or impostor, similarity.

    Args:
        pairs: the target by the name of the pair.
        similarities: (S,) of each pair.
        speakers: whose the columns are.
    """
    lines = ["pair\tspeaker\tkind\tsimilarity\n"]
    for (name, target), row in zip(pairs.items(), similarities, strict=True):
        if row is None:
            continue
        for speaker, similarity in zip(speakers, row, strict=True):
            kind = "genuine" if speaker == target else "impostor"
            lines.append(f"{name}\t{speaker}\t{kind}\t{similarity:.6f}\n")
    return "".join(lines)


def is_speech_scores(facts: object) -> bool:
    """Whether this is what `evaluate conversion` or `reconstruction` wrote."""
    return isinstance(facts, dict) and facts.get("kind") in SHARED


def model_scores(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers that go with a model, by name, and `data`: what they are of.

    Raises:
        InputError: the file is not as it was written.
    """
    row: dict[str, Any] = {"data": facts.get("data")}
    try:
        for system, start in SHARED[facts["kind"]].items():
            for metric, found in facts["summary"][system].items():
                if system != "original" or metric in SOURCE_METRICS:
                    row[start + metric] = float(found["value"])
        pairs = "pairs" if facts["kind"] == "conversion-scores" else "reconstructions"
        row[pairs] = len(facts["pairs"])
        if recogniser := facts["evaluators"]["recogniser"]:
            row["recogniser"] = " ".join(recogniser[k] for k in ("name", "version", "model"))
        if trials := facts.get("trials"):
            row["eer"] = float(trials["eer"]["value"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"scores of {facts.get('data')}: not as 'vqspeech evaluate' writes them ({error}); "
            "make them again"
        ) from error
    return row
