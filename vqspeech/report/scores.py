"""The JSON files of `vqspeech analyze`: read, checked, and made into tables.

A file of kind "phonemes" has its own pictures; of any other kind all numbers are listed, so that
nothing a measure found is lost on the page. K codes, P phones.
"""

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vqspeech.errors import InputError
from vqspeech.report.measures import format_measure, measure_label, measure_place
from vqspeech.report.page import Cell, Table, csv_text

LONG = 12  # entries of a list that are shown one by one
REMEDY = "make it again with 'vqspeech analyze'"


@dataclass(frozen=True, eq=False)
class PhonemeScores:
    """What a file of kind "phonemes" says; None or empty is what it does not say."""

    phones: tuple[str, ...]
    code_phones: tuple[str, ...]
    counts: np.ndarray | None  # (K, P) frames of the split that was scored
    confusion: np.ndarray | None  # (P, P), a row a reference phone
    per_phone: tuple[tuple[str, int, float], ...]  # phone, frames, accuracy
    majority: tuple[str, float] | None
    systems: tuple[tuple[str, dict[str, Any]], ...]  # name, measures


def read_scores(path: str | os.PathLike) -> dict[str, Any]:
    """A file that `vqspeech analyze` wrote.

    Raises:
        InputError: it cannot be read, or holds no scores.
    """
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or "no valid JSON"
        raise InputError(f"{path}: {reason}; give a file of 'vqspeech analyze --json'") from error
    if isinstance(found, list):
        raise InputError(
            f"{path}: a list of scores; measure each by itself, with a --json of its own"
        )
    if not isinstance(found, dict) or not isinstance(found.get("kind"), str):
        raise InputError(f"{path}: no scores (no kind); give a file of 'vqspeech analyze --json'")
    return found


def phoneme_scores(scores: Mapping[str, Any], path: str | os.PathLike) -> PhonemeScores:
    """The parts of scores of kind "phonemes"; what is there is checked, the rest is empty.

    Raises:
        InputError: a part is of another form than it should be.
    """
    phones = _names(scores.get("phones", []), f"{path}: phones")
    code_phones = _names(scores.get("code_phones", []), f"{path}: code_phones")
    shape = (len(code_phones) or None, len(phones))
    counts = _matrix(scores.get("counts"), shape, f"{path}: counts")
    confusion = _matrix(scores.get("confusion"), (len(phones),) * 2, f"{path}: confusion")
    try:
        per_phone = tuple(
            (str(row["phone"]), int(row["frames"]), float(row["accuracy"]))
            for row in scores.get("per_phone") or ()
            if row["accuracy"] is not None
        )
        majority = scores.get("majority")
        if majority is not None:
            majority = (str(majority["phone"]), float(majority["accuracy"]))
        systems = tuple(
            (str(system["name"]), dict(system["measures"]))
            for system in scores.get("systems") or ()
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: per_phone, majority or systems are not as they should be ({error}); {REMEDY}"
        ) from error
    return PhonemeScores(phones, code_phones, counts, confusion, per_phone, majority, systems)


def measure_of(parts: PhonemeScores, system: str, measure: str) -> float | None:
    """A value by the names of its system and measure; None where it is not there."""
    for name, measures in parts.systems:
        if name == system:
            value = _value(measures.get(measure))
            return value if value is not None and math.isfinite(value) else None
    return None


def systems_table(name: str, title: str, parts: PhonemeScores, caption: str) -> Table:
    """All measures of all systems, a row a measure, in the groups of measures.py."""
    known = {key: None for _, measures in parts.systems for key in measures}
    labels = [(*measure_label(key), key) for key in known]
    labels.sort(key=lambda item: (item[0], measure_place(item[2])))
    rows: list[tuple[Cell, ...] | str] = []
    plain: list[tuple[object, ...]] = [("measure", "system", "value", "low", "high")]
    group = None
    for (_, heading), label, key in labels:
        if heading != group:
            group = heading
            rows.append(heading)
        cells = [Cell(label)]
        for system, measures in parts.systems:
            entry = measures.get(key)
            value = _value(entry)
            low, high = (
                (_value(entry.get("low")), _value(entry.get("high")))
                if isinstance(entry, dict)
                else (None, None)
            )
            if value is None:
                cells.append(Cell("–"))
                continue
            note = ""
            if low is not None and high is not None:
                note = f"{format_measure(key, low)} to {format_measure(key, high)}"
            cells.append(Cell(format_measure(key, value), note))
            plain.append((key, system, value, low, high))
        rows.append(tuple(cells))
    columns = ("measure", *(system for system, _ in parts.systems))
    return Table(name, title, columns, tuple(rows), csv_text(plain), caption)


def facts_table(
    name: str, title: str, scores: Mapping[str, Any], skip: Sequence[str], is_folded: bool = False
) -> Table:
    """Every number and text of scores of any kind, nested ones by their path.

    Args:
        skip: keys that are shown elsewhere.
        is_folded: whether it is shown on demand only.
    """
    facts = [fact for key, value in scores.items() if key not in skip for fact in flat(key, value)]
    rows = tuple((Cell(key), Cell(_shown(value))) for key, value in facts)
    return Table(
        name,
        title,
        ("name", "value"),
        rows,
        csv_text([("name", "value"), *facts]),
        is_folded=is_folded,
    )


def flat(key: str, value: object) -> Iterator[tuple[str, object]]:
    """`(a.b.c, value)` for each value in nested dicts and short lists; a list of lists has a text
    for each inner one."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from flat(f"{key}.{name}", inner)
    elif isinstance(value, list):
        if len(value) > LONG and not any(isinstance(item, Mapping) for item in value):
            yield key, f"{len(value)} values, in the JSON file"
            return
        for number, inner in enumerate(value):
            if isinstance(inner, list) and len(inner) <= LONG and not any(map(_is_nested, inner)):
                inner = ", ".join(map(_shown, inner))
            named = isinstance(inner, Mapping) and isinstance(inner.get("name"), str)
            yield from flat(f"{key}.{inner['name'] if named else number}", inner)
    else:
        yield key, value


def _is_nested(value: object) -> bool:
    return isinstance(value, Mapping | list)


def _shown(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _value(entry: object) -> float | None:
    if isinstance(entry, Mapping):
        entry = entry.get("value")
    is_number = isinstance(entry, int | float) and not isinstance(entry, bool)
    return float(entry) if is_number and math.isfinite(entry) else None


def _names(found: object, place: str) -> tuple[str, ...]:
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise InputError(f"{place} is no list of names; {REMEDY}")
    return tuple(found)


def _matrix(found: object, shape: tuple[int | None, int], place: str) -> np.ndarray | None:
    if found is None:
        return None
    try:
        matrix = np.array(found, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise InputError(f"{place} is no matrix of numbers; {REMEDY}") from error
    fits = matrix.ndim == 2 and all(
        wanted in (None, size) for wanted, size in zip(shape, matrix.shape, strict=True)
    )
    if not fits or not np.isfinite(matrix).all() or (matrix < 0).any():
        wanted = " x ".join("K" if size is None else str(size) for size in shape)
        raise InputError(f"{place} is no matrix of {wanted} frame counts; {REMEDY}")
    return matrix
