"""What `vqspeech compare` found, as text for eyes."""

from collections.abc import Iterable
from typing import Any

from vqspeech.report.score_measures import MINUS, measure, show
from vqspeech.stages.phoneme_table import align_columns

_HEAD = ("", "better", "A", "B", "B - A", "95 % interval", "B better", "n", "")


def format_comparison(found: dict[str, Any]) -> str:
    """Both files, then a table for each set of data: a row a measure."""
    lines = [
        f"{side.upper()}: {found[side]['file']}  {found[side]['model']}".rstrip() for side in "ab"
    ]
    for one in found["sets"]:
        rows = one["measures"]
        drawn = _counted((row["units"], row["resampled"]) for row in rows.values())
        alone = "".join(
            f", {one[f'only_{side}']} in {side.upper()} only"
            for side in "ab"
            if one[f"only_{side}"]
        )
        lines += [
            "",
            f"{one['data']}: {one['matched']} {one['things']} in both{alone}; intervals of "
            f"{found['level']:.0%} from {found['resamples']} resamples of {drawn}",
            "",
            align_columns([_HEAD, *(_row(name, row) for name, row in rows.items())], right=True),
        ]
    return "\n".join(lines)


def _row(name: str, row: dict[str, Any]) -> tuple[str, ...]:
    unit = measure(name).unit
    ends = ""
    if row["low"] is not None:
        ends = f"[{_signed(name, row['low'])}, {_signed(name, row['high'])}]"
    share = f"{row['b_better'] / row['count']:.0%}"
    if not row["better"]:
        share += " higher"
    if row["alike"]:
        share += f" (alike {row['alike'] / row['count']:.0%})"
    return (
        name if unit.lower() in name else f"{name}, {unit}",
        row["better"] or "-",
        show(name, row["a"]),
        show(name, row["b"]),
        _signed(name, row["difference"]),
        ends,
        share,
        str(row["count"]),
        row["verdict"],
    )


def _signed(name: str, value: float) -> str:
    text = show(name, value)
    return text if text.startswith(MINUS) or float(text) == 0 else f"+{text}"


def _counted(kinds: Iterable[tuple[int, str]]) -> str:
    """`24 speakers`; all numbers where measures have different ones: `20 or 24 speakers`."""
    numbers: dict[str, set[int]] = {}
    for number, what in kinds:
        numbers.setdefault(what, set()).add(number)
    return " or ".join(
        f"{' or '.join(map(str, sorted(own)))} {what}" for what, own in numbers.items()
    )
