"""Files of scores as what `vqspeech compare` needs of them: numbers of each utterance to add up.

Conversions, reconstructions and likelihoods are written by stages that know their own measures;
here each becomes a part and a whole of every utterance: errors and words, or nats and samples.
"""

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from vqspeech.errors import InputError, printable
from vqspeech.report.score_measures import CONVERSION, FORMAT, JUDGED

EVALUATED = "evaluated likelihood"  # a file of `evaluate likelihood`, which names no kind itself
# How a measure's whole is called where it is not 1 of each utterance.
_WHOLES = {"wer": "reference words", "cer": "reference characters", "accuracy": "scored frames"}
_WHOLES |= dict.fromkeys(("nll", "swap_gap", "decoder", "total"), "samples")
_WHOLES |= dict.fromkeys(("prior_bits", "trigram_bits"), "codes")


class Owner(NamedTuple):
    """Whose an utterance is; of a conversion, the recording and the speaker that it came from."""

    recording: str
    speaker: str


@dataclass
class ScoreSet:
    """What one system scored on one set of utterances (or pairs).

    Attributes:
        path: of the file.
        kind: of the scores; two of the same kind can be compared.
        data: what the set is called.
        model: what made it, as far as the file says.
        facts: what both sides should have in common, by name.
        owners: of each utterance, by id.
        values: by measure and utterance, a part and a whole; an utterance without a value is left
            out.
    """

    path: str
    kind: str
    data: str
    model: str
    facts: dict[str, str] = field(default_factory=dict)
    owners: dict[str, Owner] = field(default_factory=dict)
    values: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict)

    def add(self, measure: str, utterance: str, part: float, whole: float = 1.0) -> None:
        """Take a value; one of no words, samples or frames is none."""
        own = self.values.setdefault(measure, {})
        if whole > 0:
            own[utterance] = (part, whole)

    @property
    def things(self) -> str:
        """What is compared."""
        return "pairs" if self.kind == CONVERSION else "utterances"


def whole_name(measure: str) -> str | None:
    """What the values of a measure are counted by, such as words; None for plain means."""
    return _WHOLES.get(measure)


def read_score_sets(path: str | os.PathLike) -> list[ScoreSet]:
    """The sets of a file, one each except of `vqspeech evaluate likelihood`, with at least one.

    Raises:
        InputError: it cannot be read, is of no kind that can be compared, of another format, holds
            no values of utterances, or some that are not as they should be.
    """
    content = _read_json(path)
    rows = content if isinstance(content, list) else [content]
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise _not_scores(path)
    if isinstance(content, list) or "kind" not in content:
        if not all("nll" in row for row in rows):
            raise _not_scores(path)
        sets = [_read(path, row, EVALUATED) for row in rows]
        names = [one.data for one in sets]
        if len(set(names)) < len(names):
            raise InputError(f"{path}: two rows of data of one name; score them into two files")
        return sets
    return [_read(path, content, content["kind"])]


def _read(path: str | os.PathLike, row: Mapping[str, Any], kind: object) -> ScoreSet:
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise InputError(
            f"{path}: {kind!r}; conversion-scores, reconstruction-scores, a likelihood or phonemes "
            "were wanted"
        )
    data = row.get("data") or row.get("codes") or "-"
    model = " ".join(str(row[key]) for key in ("model", "model_hash") if row.get(key))
    found = ScoreSet(str(path), kind, Path(str(data)).name, model)
    try:
        reader(found, row)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        told = (
            f"lacks {error}" if isinstance(error, KeyError) else f"is not as it should be ({error})"
        )
        raise InputError(f"{path}: {told}; make it again") from error
    if not found.owners:
        raise InputError(f"{path}: scores of no utterance; score some data")
    return found


def _read_json(path: str | os.PathLike) -> object:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or "no valid JSON"
        raise InputError(f"{path}: {reason}; give a file that --json wrote") from error


def _not_scores(path: str | os.PathLike) -> InputError:
    return InputError(
        f"{path}: no scores; give a file of 'vqspeech evaluate' or 'vqspeech analyze' with --json"
    )


def _read_pairs(found: ScoreSet, row: Mapping[str, Any]) -> None:
    """Conversions or reconstructions; unknown measures come along by their own names."""
    if row["format"] != FORMAT:
        raise InputError(
            f"{found.path}: format {row['format']}, {FORMAT} was wanted; make it again with this "
            "version"
        )
    for name in ("sample_rate", "temperature", "seed", "reference"):
        if name in row:
            found.facts[name] = str(row[name])
    for name, evaluator in (row.get("evaluators") or {}).items():
        words = evaluator.values() if isinstance(evaluator, Mapping) else ["none"]
        found.facts[name] = " ".join(map(str, words))
    for pair in row["pairs"]:
        key = _add_owner(found, pair, "id", pair["source"], pair["source_speaker"])
        spoken = pair.get("reference_words") or ""
        wholes = {"wer": len(spoken.split()), "cer": len(spoken)}
        for measure, value in pair[JUDGED[found.kind]].items():
            found.values.setdefault(measure, {})
            if value is not None:
                whole = wholes.get(measure, 1)
                found.add(measure, key, _number(value, measure) * whole, whole)


def _read_evaluated(found: ScoreSet, row: Mapping[str, Any]) -> None:
    """Rows of `vqspeech evaluate likelihood`."""
    for one in _by_utterance(found, row, "vqspeech evaluate likelihood --json --by-utterance"):
        key = _add_owner(found, one, "utterance")
        found.add("nll", key, _number(one["nats"], "nats"), one["samples"])
        found.add("swap_gap", key, _number(one["swap_nats"], "swap_nats"), one["swap_samples"])


def _read_likelihood(found: ScoreSet, row: Mapping[str, Any]) -> None:
    """Codes and waveforms of `vqspeech analyze likelihood`."""
    # Bits a code of other codes are bits of another thing.
    found.facts["codes"] = f"{row['model_hash']} at {row['rate']:g} Hz"
    found.model = f"{row['prior']} {row.get('prior_hash') or ''}".strip()
    for one in _by_utterance(found, row, "vqspeech analyze likelihood --json"):
        key = _add_owner(found, one, "utterance")
        codes = one["frames"] * row["groups"]
        for name in ("prior_bits", "trigram_bits"):
            found.add(name, key, _number(one[name], name) * codes, codes)
        for name in ("decoder", "total"):
            if name in one:  # of those whose recording was scored
                found.add(name, key, _number(one[name], name) * one["samples"], one["samples"])


def _read_phonemes(found: ScoreSet, row: Mapping[str, Any]) -> None:
    """Frames of `vqspeech analyze phonemes`."""
    for name in ("phone_set", "drop_silence", "frame", "context"):
        found.facts[name] = str(row[name])
    for one in _by_utterance(found, row, "vqspeech analyze phonemes --json FILE --by-utterance"):
        key = _add_owner(found, one, "utterance")
        found.add("accuracy", key, _number(one["right"], "right"), one["frames"])


_READERS: dict[str, Callable[[ScoreSet, Mapping[str, Any]], None]] = {
    **dict.fromkeys(JUDGED, _read_pairs),
    EVALUATED: _read_evaluated,
    "likelihood": _read_likelihood,
    "phonemes": _read_phonemes,
}


def _by_utterance(
    found: ScoreSet, row: Mapping[str, Any], command: str
) -> Iterator[Mapping[str, Any]]:
    if not row.get("by_utterance"):
        raise InputError(f"{found.path}: no values by utterance; make it again with '{command}'")
    yield from row["by_utterance"]


def _add_owner(
    found: ScoreSet,
    one: Mapping[str, Any],
    name: str,
    recording: str | None = None,
    speaker: str | None = None,
) -> str:
    """Note whose an utterance is, and return its id."""
    key = str(one[name])
    if key in found.owners:
        raise InputError(f"{found.path}: {printable(key)} is there twice; score each once")
    found.owners[key] = Owner(
        str(recording if recording is not None else key),
        str(speaker if speaker is not None else one["speaker"]),
    )
    return key


def _number(value: object, name: str) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value):
        raise ValueError(f"{name} is {value!r}, a number was wanted")
    return float(value)
