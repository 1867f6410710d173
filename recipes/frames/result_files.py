"""Files of results that the commands of a recipe write, read and known by their kind."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from recipes.frames.tables import Figures, markdown_with_source
from vqspeech.errors import InputError


class ResultKind(NamedTuple):
    """Files of one kind."""

    writer: str  # the command that writes them, such as recipes.images.examine
    tables: Callable[[Mapping[str, Any]], list[Figures]]  # of what such a file says


class Results(NamedTuple):
    """A file of results: what it says, and its tables."""

    facts: dict[str, Any]
    tables: list[Figures]


class ResultFiles:
    """The kinds of files that a recipe knows.

    Args:
        kinds: what stands as `kind` in a file, and what such a file is.
    """

    def __init__(self, kinds: Mapping[str, ResultKind]):
        self._kinds = dict(kinds)

    def read(self, path: str | os.PathLike, kind: str | None = None) -> Results:
        """A file of results.

        Args:
            kind: that it should be of; None for any.

        Raises:
            InputError: it cannot be read, is of no such kind, or lacks a part of it.
        """
        wanted = [kind] if kind else [*self._kinds]
        remedy = "give a file of " + " or ".join(self._kinds[k].writer for k in wanted)
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
            tables = self._kinds[found].tables(facts)
            markdown_with_source(tables, facts)
        except (KeyError, IndexError, AttributeError, TypeError, ValueError) as error:
            fault = f"no {error}" if isinstance(error, KeyError) else error
            raise InputError(
                f"{path}: not as {found} are written ({fault}); run {self._kinds[found].writer} "
                "again"
            ) from error
        return Results(facts, tables)

    def markdown_of(self, path: str | os.PathLike) -> str:
        """The tables of a file, whatever its kind, and what made it.

        Raises:
            InputError: as of `read`.
        """
        results = self.read(path)
        return markdown_with_source(results.tables, results.facts)
