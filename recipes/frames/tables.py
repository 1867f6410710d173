"""A table of results, worked out once: as text on a console, as Markdown, and on the page.

A number carries the form that it is written in, so that a column may hold figures of several kinds
and the page's CSV has them unrounded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from vqspeech.report.page import Cell, Table, csv_text


class Number(NamedTuple):
    """A figure; None is one that there is not, and stays blank."""

    value: float | None
    form: str = ".3f"  # as `format` takes it; with a z there is no -0.0

    def __str__(self) -> str:
        return "" if self.value is None else format(self.value, self.form)


@dataclass(frozen=True)
class Figures:
    """Rows under a title.

    Attributes:
        title: what it is of.
        columns: their names; the first one's cells name the rows.
        rows: cells, as many as there are columns.
        remarks: sentences below the table.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | Number, ...], ...]
    remarks: tuple[str, ...] = ()


def without_blanks(figures: Figures) -> Figures:
    """The table without columns in which every cell is blank."""
    kept = [i for i in range(len(figures.columns)) if any(str(row[i]) for row in figures.rows)]
    return Figures(
        figures.title,
        tuple(figures.columns[i] for i in kept),
        tuple(tuple(row[i] for i in kept) for row in figures.rows),
        figures.remarks,
    )


def as_text(figures: Figures) -> str:
    """Lines for a console: names to the left, numbers to the right."""
    figures = without_blanks(figures)
    rows = [figures.columns, *([str(cell) for cell in row] for row in figures.rows)]
    first, *rest = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [figures.title]
    for name, *cells in rows:
        numbers = (cell.rjust(width) for cell, width in zip(cells, rest, strict=True))
        lines.append("  ".join([name.ljust(first), *numbers]).rstrip())
    return "\n".join([*lines, *figures.remarks])


def as_markdown(figures: Figures) -> str:
    """The same as a Markdown table, its title bold above it and its remarks below."""
    figures = without_blanks(figures)
    ruler = ["---", *["--:"] * (len(figures.columns) - 1)]
    lines = [f"**{figures.title}**", ""]
    for row in (figures.columns, ruler, *figures.rows):
        lines.append(f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in row)} |")
    return "\n".join([*lines, *(f"\n{remark}" for remark in figures.remarks)])


def as_block(name: str, figures: Figures) -> Table:
    """The same as a block of the page; its CSV has every digit."""
    figures = without_blanks(figures)
    plain = [[cell.value if isinstance(cell, Number) else cell for cell in r] for r in figures.rows]
    return Table(
        name,
        figures.title,
        figures.columns,
        tuple(tuple(Cell(str(cell)) for cell in row) for row in figures.rows),
        csv_text([figures.columns, *plain]),
        " ".join(figures.remarks),
    )


def made_by(facts: Mapping[str, Any]) -> str:
    """The command that made a result; its commit, hardware and, where it is known, its time."""
    made = facts["environment"]
    told = [f"Commit {made['commit'] or '-'}", describe_hardware(made)]
    trained = facts.get("training_seconds") or {}
    told += [f"training of {name} {describe_seconds(time)}" for name, time in trained.items()]
    if not trained and facts.get("seconds") is not None:
        told.append(describe_seconds(facts["seconds"]))
    return f"    {made['command']}\n\n{', '.join(told)}."


def describe_hardware(made: Mapping[str, Any]) -> str:
    """The accelerators by name, or else the processor and how many threads it had."""
    threads = made["threads"]
    processor = f"{made['processor']} ({threads} thread{'' if threads == 1 else 's'})"
    return ", ".join(made["gpus"]) or processor


def describe_seconds(seconds: float) -> str:
    """`42 s`, `5 min 3 s` or `2 h 5 min`."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def markdown_with_source(tables: Sequence[Figures], facts: Mapping[str, Any]) -> str:
    """All tables of a file of results, and what made it, as RESULTS.md holds them."""
    return "\n\n".join([*map(as_markdown, tables), made_by(facts)]) + "\n"
