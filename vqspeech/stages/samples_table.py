"""What `analyze samples` found, as text for eyes and as Markdown for RESULTS.md."""

from collections.abc import Callable, Sequence
from typing import Any

from vqspeech.stages.phoneme_table import align_columns, markdown_rows

Table = list[tuple[str, ...]]
_PERCENT: Callable[[float], str] = "{:.1%}".format
# Columns: what is measured, by its name in a row, and how it is written.
PHONES = (
    ("phones_jsd", "JSD phones", "{:.4f}".format),
    ("bigrams_jsd", "JSD bigrams", "{:.4f}".format),
    ("new_bigrams", "new bigrams", _PERCENT),
    ("phones_per_second", "phones/s", "{:.2f}".format),
    ("run_seconds", "ms a phone", lambda seconds: f"{seconds * 1000:.0f}"),
    ("silence_share", "silence", _PERCENT),
)
SPOKEN = (
    ("seconds", "seconds", "{:.0f}".format),
    ("voiced_share", "voiced", _PERCENT),
    ("words_per_second", "words/s", "{:.2f}".format),
    ("distinct_words", "distinct words", _PERCENT),
    ("word_confidence", "confidence", "{:.2f}".format),
)


def describe_samples(found: dict[str, Any]) -> str:
    """The text that the command prints."""
    lines = [
        f"{found['codes']}: {_describe_drawn(found)}",
        _describe_halves(found),
        f"phones by {found['map']}; n-grams fitted on {', '.join(found['fit_on'])}",
        "",
        align_columns(_rows("codes", found["systems"], PHONES), right=True),
    ]
    if found["spoken"]:
        rows = _rows("speech", found["spoken"], SPOKEN)
        lines += ["", _describe_listeners(found), align_columns(rows, right=True)]
    return "\n".join(lines)


def format_samples(found: dict[str, Any]) -> str:
    """Markdown tables: the phones of what was drawn, and what is heard where it was spoken.

    Raises:
        KeyError, TypeError, ValueError: numbers are missing or of another form.
    """
    title = found.get("folder") or found["codes"]
    lines = [
        f"**{title}**, samples: {_describe_drawn(found)}; {_describe_halves(found)}.",
        "",
        *markdown_rows(_rows("codes", found["systems"], PHONES)),
    ]
    if found["spoken"]:
        listeners = _describe_listeners(found)
        rows = markdown_rows(_rows("speech", found["spoken"], SPOKEN))
        lines += ["", f"{listeners[:1].upper()}{listeners[1:]}:", "", *rows]
    return "\n".join(lines) + "\n"


def _rows(
    what: str,
    systems: Sequence[dict[str, Any]],
    columns: Sequence[tuple[str, str, Callable[[float], str]]],
) -> Table:
    """A row a system; columns that nothing was measured for are left out."""
    shown = [column for column in columns if any(row.get(column[0]) is not None for row in systems)]
    rows: Table = [(what, *(label for _, label, _ in shown))]
    for row in systems:
        cells = ("-" if row.get(key) is None else write(row[key]) for key, _, write in shown)
        rows.append((row["name"], *cells))
    return rows


def _describe_drawn(found: dict[str, Any]) -> str:
    top_k = f", top {found['top_k']}" if found["top_k"] else ""
    return (
        f"{found['samples']} samples of the prior {found['prior']}, {found['seconds']:.0f} s, at "
        f"temperature {found['temperature']:g}{top_k}, told of {found['speakers_known']} of the "
        f"{found['speakers']} speakers"
    )


def _describe_halves(found: dict[str, Any]) -> str:
    return (
        f"JSD: Jensen-Shannon divergence in bits from {found['reference_seconds']:.0f} s of real "
        "speech, which shares no sentence with the other half; all rows are of one length; new "
        "bigrams: those of phones that the reference never has"
    )


def _describe_listeners(found: dict[str, Any]) -> str:
    recognizer = found["recognizer"]
    heard = f", words as {recognizer} hears them" if recognizer else ""
    return f"spoken by {found['model']}: voiced frames by pYIN{heard}"
