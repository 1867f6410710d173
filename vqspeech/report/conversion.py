"""Scores of conversions for the page: systems side by side, directions, and whose voice it is.

They are files of `vqspeech evaluate conversion` and `evaluate reconstruction`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vqspeech.errors import InputError
from vqspeech.report.page import Cell, Table, csv_text
from vqspeech.report.score_measures import FORMAT, in_order, measure, show
from vqspeech.report.similarity import Similarities

_SYSTEMS = {
    "converted": "conversion",
    "reconstruction": "reconstruction",
    "copy_synthesis": "copy-synthesis",
    "original": "recording",
}
_GENDERS = {"f": "woman", "m": "man"}
_ARROWS = {1: "↑", -1: "↓", 0: ""}
_REMEDY = "make it again with 'vqspeech evaluate'"
_EER = "eer"

Interval = tuple[float, float | None, float | None]  # value, low, high
Columns = dict[str, dict[str, Interval]]  # by system or direction, then by measure


@dataclass(frozen=True, eq=False)
class ConversionScores:
    """What such a file says; empty or None is what it does not say."""

    systems: Columns
    directions: Columns
    pairs: int
    reference: str
    evaluators: tuple[str, ...]
    similarities: Similarities | None
    trials: tuple[Interval, int, int] | None  # equal error rate, genuine and impostor trials


def conversion_scores(scores: Mapping[str, Any], path: object) -> ConversionScores:
    """The parts of a file, checked.

    Raises:
        InputError: of another format, or a part is not of the form it should be.
    """
    if scores.get("format") != FORMAT:
        raise InputError(f"{path}: format {scores.get('format')}, {FORMAT} was wanted; {_REMEDY}")
    try:
        pairs = scores.get("pairs") or ()
        return ConversionScores(
            _columns(scores["summary"]),
            _columns(scores.get("directions") or {}),
            len(pairs),
            str(scores.get("reference") or ""),
            tuple(
                " ".join(str(one[key]) for key in ("name", "model", "version") if key in one)
                for one in (scores.get("evaluators") or {}).values()
                if one
            ),
            _similarities(scores.get("similarity_matrix"), _genders(pairs)),
            _trials(scores.get("trials")),
        )
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        told = f"lacks {error}" if isinstance(error, KeyError) else f"not as it should be ({error})"
        raise InputError(f"{path}: {told}; {_REMEDY}") from error


def systems_scores_table(name: str, title: str, found: ConversionScores) -> Table:
    """A row a measure, a column a system: what was made beside what it could be at best."""
    heads = {key: _SYSTEMS.get(key, key) for key in found.systems}
    extra, plain = [], []
    if found.trials is not None:
        (rate, genuine, impostor), first = found.trials, next(iter(heads))
        label = f"equal error rate of {genuine} own and {impostor} other voices, % ↓"
        extra = [(Cell(label), _cell("wer", rate), *[Cell("–")] * (len(heads) - 1))]
        plain = [(_EER, first, *rate)]
    caption = "↑ more is better, ↓ less. Below a value: its interval of 95 %."
    if found.reference:
        caption += f" Word errors are counted against the {found.reference}."
    if found.evaluators:
        caption += f" Measured with {', '.join(found.evaluators)}."
    return _table(name, title, found.systems, heads, caption, extra, plain)


def directions_table(name: str, title: str, found: ConversionScores) -> Table:
    """The conversions alone, a column a direction, such as from a woman to a man."""
    heads = {key: _direction(key) for key in found.directions}
    caption = "Conversions alone, by the genders of source and target."
    return _table(name, title, found.directions, heads, caption)


def value_of(found: ConversionScores, system: str, name: str) -> Interval | None:
    """A figure with its interval; None where it was not measured."""
    return found.systems.get(system, {}).get(name)


def _table(
    name: str,
    title: str,
    columns: Columns,
    heads: Mapping[str, str],
    caption: str,
    extra: list[tuple[Cell, ...]] | None = None,
    extra_plain: list[tuple[object, ...]] | None = None,
) -> Table:
    measures = in_order({name for column in columns.values() for name in column})
    rows, plain = [], [("measure", "system", "value", "low", "high")]
    for key in measures:
        told = measure(key)
        cells = [Cell(f"{told.title} {_ARROWS[told.better]}".rstrip())]
        for head, column in columns.items():
            cells.append(_cell(key, column[key]) if key in column else Cell("–"))
            if key in column:
                plain.append((key, head, *column[key]))
        rows.append(tuple(cells))
    rows += extra or []
    plain += extra_plain or []
    return Table(name, title, ("", *heads.values()), tuple(rows), csv_text(plain), caption)


def _cell(key: str, interval: Interval) -> Cell:
    value, low, high = interval
    between = "" if low is None or high is None else f"{show(key, low)} to {show(key, high)}"
    return Cell(show(key, value), between)


def _direction(key: str) -> str:
    """`woman to man` of `f-m`."""
    source, _, target = key.partition("-")
    names = [_GENDERS.get(one, one) for one in (source, target)]
    return " to ".join(names) if target else key


def _columns(found: Mapping[str, Mapping[str, Any]]) -> Columns:
    return {
        str(head): {
            str(key): interval
            for key, entry in column.items()
            if entry is not None and (interval := _interval(entry)) is not None
        }
        for head, column in found.items()
        if column
    }


def _interval(entry: Mapping[str, Any]) -> Interval | None:
    """None where there is no value, as of a measure that no pair has."""
    if entry["value"] is None:
        return None
    return _number(entry["value"]), _optional(entry.get("low")), _optional(entry.get("high"))


def _optional(value: object) -> float | None:
    return None if value is None else _number(value)


def _number(value: object) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value):
        raise ValueError(f"{value!r} is no number")
    return float(value)


def _genders(pairs: Any) -> dict[str, str]:
    """Of sources and targets, as far as the directions tell."""
    found: dict[str, str] = {}
    for pair in pairs:
        source, _, target = str(pair.get("direction") or "").partition("-")
        for name, gender in ((pair["source_speaker"], source), (pair["target"], target)):
            if gender in _GENDERS:
                found[str(name)] = gender
    return found


def _similarities(
    found: Mapping[str, Any] | None, genders: Mapping[str, str]
) -> Similarities | None:
    if not found:
        return None
    targets, speakers = (tuple(map(str, found[key])) for key in ("targets", "speakers"))
    values = np.array(found["values"], np.float64)
    if values.shape != (len(targets), len(speakers)) or not np.isfinite(values).all():
        raise ValueError(
            f"similarity_matrix of {len(targets)} targets and {len(speakers)} speakers has values "
            f"of {' x '.join(map(str, values.shape))}"
        )
    return Similarities(targets, speakers, values, genders) if values.size else None


def _trials(found: Mapping[str, Any] | None) -> tuple[Interval, int, int] | None:
    if not found or found.get("eer") is None:
        return None
    rate = _interval(found["eer"])
    return None if rate is None else (rate, int(found["genuine"]), int(found["impostor"]))
