"""Files of results that the commands of this recipe write, read and known by their kind."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from recipes.frames.tables import Figures, markdown_with_source
from recipes.images.bits_table import comparison_tables
from recipes.images.stage_tables import first_stage_table, second_stage_table
from vqspeech.errors import InputError

BITS, FIRST, SECOND = "bits-per-dim", "first-stage-scores", "second-stage-scores"
WRITERS = {BITS: "bits_per_dim", FIRST: "examine", SECOND: "examine_second"}  # modules
TABLES: dict[str, Callable[[Mapping[str, Any]], list[Figures]]] = {
    BITS: comparison_tables,
    FIRST: lambda facts: [first_stage_table(facts)],
    SECOND: lambda facts: [second_stage_table(facts)],
}


class Results(NamedTuple):
    """A file of results: what it says, and its tables."""

    facts: dict[str, Any]
    tables: list[Figures]


def read_results(path: str | os.PathLike, kind: str | None = None) -> Results:
    """A file that one of `WRITERS` wrote.

    Args:
        kind: that it should be of; None for any.

    Raises:
        InputError: it cannot be read, is of no such kind, or lacks a part of it.
    """
    wanted = [kind] if kind else [*WRITERS]
    remedy = "give a file of " + " or ".join(f"recipes.images.{WRITERS[k]}" for k in wanted)
    try:
        facts = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or "no valid JSON"
        raise InputError(f"{path}: {reason}; {remedy}") from error
    found = facts.get("kind") if isinstance(facts, dict) else None
    if not isinstance(found, str) or found not in wanted:
        what = f"of kind {found}" if isinstance(found, str) else "no results (no kind)"
        raise InputError(f"{path}: {what}; {remedy}")
    try:
        tables = TABLES[found](facts)
        markdown_with_source(tables, facts)
    except (KeyError, IndexError, AttributeError, TypeError, ValueError) as error:
        fault = f"no {error}" if isinstance(error, KeyError) else error
        raise InputError(
            f"{path}: not as {found} are written ({fault}); run recipes.images.{WRITERS[found]} "
            "again"
        ) from error
    return Results(facts, tables)


def markdown_of(path: str | os.PathLike) -> str:
    """The tables of a file, whatever its kind, and what made it.

    Raises:
        InputError: as of `read_results`.
    """
    results = read_results(path)
    return markdown_with_source(results.tables, results.facts)
