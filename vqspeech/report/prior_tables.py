"""The JSON files of `vqspeech analyze likelihood` and `analyze samples`, as tables.

What a file does not say is left out, and what it says in another form than a number is not shown
here: all of a file is in the table of scores.py.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from vqspeech.report.page import Cell, Table, csv_text

LIKELIHOOD, SAMPLES = "likelihood", "samples"  # kinds of files
_MODELS = {
    "uniform": "uniform",
    "unigram": "unigram",
    "bigram": "bigram",
    "trigram": "trigram, interpolated Kneser-Ney",
    "prior_nobody": "prior, told of no speaker",
    "prior": "prior",
}
_WAVEFORM = {
    "decoder": "decoder, given the codes",
    "prior": "codes, by the prior",
    "total": "both",
    "uniform_prior": "codes, by the uniform prior",
    "total_uniform": "decoder and uniform prior",
}


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


# Of what was drawn: what it is called in the head of a column, and how it is written.
_COLUMNS: dict[str, tuple[str, Callable[[float], str]]] = {
    "phones_jsd": ("JSD of phones, bits", "{:.4f}".format),
    "bigrams_jsd": ("JSD of pairs of phones", "{:.4f}".format),
    "new_bigrams": ("pairs not in real speech", _percent),
    "phones_per_second": ("phones a second", "{:.2f}".format),
    "run_seconds": ("mean phone, ms", lambda seconds: f"{1000 * seconds:.0f}"),
    "silence_share": ("silence", _percent),
    "seconds": ("seconds", "{:.0f}".format),
    "voiced_share": ("voiced frames", _percent),
    "words": ("words", "{:.0f}".format),
    "words_per_second": ("words a second", "{:.2f}".format),
    "distinct_words": ("distinct words", _percent),
    "word_confidence": ("confidence", "{:.2f}".format),
}


def likelihood_tables(name: str, scores: Mapping[str, Any]) -> list[Table]:
    """Bits a code and a second of each model of the codes, and bits a sample of the waveform.

    Args:
        name: the tables' own begin with it.
        scores: of kind "likelihood".
    """
    tables = []
    rows: list[tuple[Cell, ...]] = []
    plain: list[tuple[object, ...]] = [
        ("model", "bits_a_code", "low", "high", "bits_a_second", "low", "high")
    ]
    found = _mapping(scores.get("rows"))
    for key in (*_MODELS, *sorted(set(found) - set(_MODELS))):
        row = _mapping(found.get(key))
        bits = _number(row.get("bits"))
        if bits is None:
            continue
        label = _MODELS.get(key, key)
        low, high = _number(row.get("low")), _number(row.get("high"))
        speed = _number(row.get("bits_per_second"))
        factor = speed / bits if speed is not None and bits else math.nan
        speeds = [None if one is None else one * factor for one in (low, high)]
        rows.append((Cell(label), _cell(bits, low, high, 3), _cell(speed, *speeds, 1)))
        plain.append((label, bits, low, high, speed, *speeds))
    if rows:
        title = "Likelihood of the codes"
        caption = "Less is better." + _interval_words(scores)
        caption += _gain_words(_mapping(scores.get("gain")))
        columns = ("model of the codes", "bits a code", "bits a second")
        tables.append(Table(f"{name}-codes", title, columns, tuple(rows), csv_text(plain), caption))
    table = _waveform_table(f"{name}-waveform", _mapping(scores.get("waveform")))
    return tables if table is None else [*tables, table]


def samples_tables(name: str, scores: Mapping[str, Any]) -> list[Table]:
    """How like real speech what was drawn is: its phones, and what is heard in it.

    Args:
        name: the tables' own begin with it.
        scores: of kind "samples".
    """
    systems = _listed_table(
        *(f"{name}-phones", "Phones of what was drawn, against real speech", "codes"),
        scores.get("systems"),
        "Jensen-Shannon divergence from real speech: 0 is the same, 1 has nothing in common. The"
        " other half of real speech is as near as anything gets.",
    )
    spoken = _listed_table(
        *(f"{name}-spoken", "What is heard in it", "spoken"),
        scores.get("spoken"),
        _recognizer_words(scores),
    )
    return [table for table in (systems, spoken) if table is not None]


def prior_bits(scores: Mapping[str, Any], row: str) -> float | None:
    """Bits a code of a row of a file of kind "likelihood"."""
    return _number(_mapping(_mapping(scores.get("rows")).get(row)).get("bits"))


def _waveform_table(name: str, found: Mapping[str, Any]) -> Table | None:
    rows: list[tuple[Cell, ...]] = []
    plain: list[tuple[object, ...]] = [("part", "bits_a_sample", "low", "high")]
    for key, label in _WAVEFORM.items():
        entry = _mapping(found.get(key))
        value, low, high = (_number(entry.get(part)) for part in ("value", "low", "high"))
        if value is not None:
            rows.append((Cell(label), _cell(value, low, high, 4)))
            plain.append((label, value, low, high))
    if not rows:
        return None
    seconds = _number(found.get("seconds"))
    caption = "" if seconds is None else f"Over {seconds:.0f} s of speech."
    return Table(
        name,
        "Likelihood of the waveform",
        ("part", "bits a sample"),
        tuple(rows),
        csv_text(plain),
        caption,
    )


def _listed_table(name: str, title: str, first: str, found: object, caption: str) -> Table | None:
    """A row for each system that has a name, a column for each number that one of them has."""
    systems = [_mapping(one) for one in (found if isinstance(found, list) else ())]
    systems = [one for one in systems if isinstance(one.get("name"), str)]
    there = {key for one in systems for key in one if _number(one[key]) is not None}
    keys = [key for key in _COLUMNS if key in there] + sorted(there - set(_COLUMNS))
    if not keys:
        return None
    rows = []
    for one in systems:
        values = [(key, _number(one.get(key))) for key in keys]
        cells = [
            Cell("–" if value is None else _COLUMNS.get(key, ("", "{:.4g}".format))[1](value))
            for key, value in values
        ]
        rows.append((Cell(one["name"]), *cells))
    plain = [
        (first, *keys),
        *((one["name"], *(_number(one.get(k)) for k in keys)) for one in systems),
    ]
    columns = (first, *(_COLUMNS.get(key, (key, ""))[0] for key in keys))
    return Table(name, title, columns, tuple(rows), csv_text(plain), caption)


def _cell(value: float | None, low: float | None, high: float | None, digits: int) -> Cell:
    if value is None:
        return Cell("–")
    note = ""
    if low is not None and high is not None and math.isfinite(low + high) and low < high:
        note = f"{_minus(low, digits)} to {_minus(high, digits)}"
    return Cell(_minus(value, digits), note)


def _minus(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def _interval_words(scores: Mapping[str, Any]) -> str:
    resampled = scores.get("resampled")
    over = f", by resampling {resampled}" if isinstance(resampled, str) and resampled else ""
    return f" Below a value: interval of 95 %{over}."


def _gain_words(gain: Mapping[str, Any]) -> str:
    """How much less, or more, the prior needs than the trigram."""
    bits, low, high = (_number(gain.get(name)) for name in ("bits", "low", "high"))
    if bits is None:
        return ""
    if bits < 0:
        bits, low, high = -bits, *(None if end is None else -end for end in (high, low))
        which = "more"
    else:
        which = "less"
    cell = _cell(bits, low, high, 3)
    between = f" ({cell.note})" if cell.note else ""
    return f" The prior needs {cell.text} bits a code {which} than the trigram{between}."


def _recognizer_words(scores: Mapping[str, Any]) -> str:
    """Who recognised the words, where the file says it."""
    told = scores.get("recognizer")
    return f"Words as {told} hears them." if isinstance(told, str) and told else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: object) -> float | None:
    if isinstance(value, Mapping):
        value = value.get("value")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None
