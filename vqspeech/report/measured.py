"""What a file of `vqspeech analyze` other than "phonemes" found, in words: a short table a kind.

All numbers of such a file are in the table of scores.py; this one holds those that are quoted, with
the names and units that they are quoted in.
"""

import math
from collections.abc import Mapping
from typing import Any

from vqspeech.report.page import Cell, Table, csv_text

HARDEST = 5  # pairs of phones that are named
# Of each kind: where a value is, what it is called, how it is written, and what stands below it.
_ROWS = {
    "abx": (
        ("distance_is", "distance", "text", ""),
        ("within.error", "error within speakers", "percent", "chance is 50 %"),
        ("within.triples", "triples within speakers", "count", ""),
        ("within.hardest_pairs", "hardest pairs within speakers", "pairs", ""),
        ("across.error", "error across speakers", "percent", "chance is 50 %"),
        ("across.triples", "triples across speakers", "count", ""),
        ("across.hardest_pairs", "hardest pairs across speakers", "pairs", ""),
        ("tokens", "triphones compared", "count", ""),
        ("tokens_without_frame", "triphones shorter than a frame, left out", "count", ""),
    ),
    "codes": (
        ("codes_used", "codes used", "count", ""),
        ("perplexity", "perplexity", "number", ""),
        ("entropy_bits", "entropy of a code, bits", "number", ""),
        ("top_mass", "frames of the 10 most frequent codes", "percent", ""),
        ("bit_rate.nominal", "bits a second, rate × log2 K", "number", ""),
        ("bit_rate.empirical", "bits a second, by entropy", "number", ""),
        ("bit_rate.merged", "bits a second, runs merged", "number", ""),
        ("mean_run_frames", "frames a run", "number", ""),
        ("mean_run_seconds", "a run lasts", "milliseconds", ""),
    ),
    "speakers": (
        ("probe.accuracy", "speaker told from codes, linear probe", "percent", ""),
        ("probe.chance", "always the commonest speaker", "percent", ""),
        ("information.share", "speaker's share in codes, I / H(speaker)", "percent", ""),
        ("information.shuffled", "the same of shuffled speakers", "percent", ""),
        ("information.excess", "difference of the two", "percent", ""),
    ),
    "stability": (
        ("disturbances", "unit edit distance after ", "distances", ""),
        ("other_utterances.ued", "unit edit distance to another utterance", "share", ""),
    ),
}
_CAPTIONS = {
    "stability": "Edits from the codes of a recording to those of the same one disturbed, runs"
    " merged, for each run of the first; 0 is best.",
    "speakers": "Less is better: codes that keep the words let the speaker go.",
}


def measured_table(name: str, title: str, scores: Mapping[str, Any]) -> Table | None:
    """What is quoted of scores of a kind, a row each; None of a kind that is not known."""
    rows: list[tuple[Cell, Cell]] = []
    plain: list[tuple[object, ...]] = [("name", "value", "low", "high")]
    for path, label, form, note in _ROWS.get(scores.get("kind"), ()):
        entry, parent = _find(scores, path)
        if form == "distances":
            parts = [part for part in _listed(entry) if isinstance(part, Mapping)]
            found = [(f"{label}{part.get('name')}", part.get("ued"), part) for part in parts]
            form = "share"
        else:
            found = [(label, entry, parent)]
        for what, value, around in found:
            text = _shown(value, form)
            if not text:
                continue
            low, high = _interval(around, path)
            between = "" if low is None else f"{_shown(low, form)} to {_shown(high, form)}"
            rows.append((Cell(what), Cell(text, "; ".join(filter(None, (between, note))))))
            plain.append((what, value if _number(value) is not None else text, low, high))
    if not rows:
        return None
    caption = _CAPTIONS.get(scores["kind"], "")
    return Table(name, title, ("name", "value"), tuple(rows), csv_text(plain), caption)


def _find(scores: Mapping[str, Any], path: str) -> tuple[object, Mapping[str, Any]]:
    """The value at `a.b`, None where there is none, and the table that it stands in."""
    *outer, last = path.split(".")
    for name in outer:
        inner = scores.get(name)
        scores = inner if isinstance(inner, Mapping) else {}
    return scores.get(last), scores


def _interval(around: Mapping[str, Any], path: str) -> tuple[float | None, float | None]:
    """`interval` beside an error, `low` and `high` beside a probe or a distance."""
    if not path.endswith((".error", ".accuracy", ".ued", "disturbances")):
        return None, None
    pair = around.get("interval")
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        pair = (around.get("low"), around.get("high"))
    low, high = map(_number, pair)
    return (None, None) if low is None or high is None else (low, high)


def _shown(value: object, form: str) -> str:
    """The value as it is written in this form; empty where it is none of it."""
    if form == "text":
        return value if isinstance(value, str) else ""
    if form == "pairs":
        return ", ".join(
            f"{pair[0]}–{pair[1]} {100 * pair[2]:.0f} %"
            for pair in _listed(value)[:HARDEST]
            if isinstance(pair, list | tuple) and len(pair) == 3 and _number(pair[2]) is not None
        )
    number = _number(value)
    if number is None:
        return ""
    match form:
        case "percent":
            return f"{100 * number:.1f} %"
        case "milliseconds":
            return f"{1000 * number:.0f} ms"
        case "count":
            return f"{number:,.0f}"
        case "share":
            return f"{number:.3f}"
    return f"{number:.2f}" if abs(number) < 10 else f"{number:.1f}"


def _listed(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _number(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None
