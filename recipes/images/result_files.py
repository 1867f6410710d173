"""Files of results that the commands of this recipe write, read and known by their kind."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from recipes.images.bits_table import markdown_bits
from recipes.images.stage_tables import markdown_first_stage, markdown_second_stage
from vqspeech.errors import InputError

# Of each kind: the module that writes it, and its tables as Markdown.
KINDS: dict[str, tuple[str, Callable[[Mapping[str, Any]], str]]] = {
    "bits-per-dim": ("bits_per_dim", markdown_bits),
    "first-stage-scores": ("examine", markdown_first_stage),
    "second-stage-scores": ("examine_second", markdown_second_stage),
}
# What a file that lacks a part, or has one of another form, makes of code that reads it.
UNLIKE = (KeyError, IndexError, AttributeError, TypeError, ValueError)


def read_results(path: str | os.PathLike) -> dict[str, Any]:
    """The facts of a file of one of `KINDS`.

    Raises:
        InputError: it cannot be read, or is of no such kind.
    """
    wanted = f"give a file of {', '.join(f'recipes.images.{name}' for name, _ in KINDS.values())}"
    try:
        facts = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or "no valid JSON"
        raise InputError(f"{path}: {reason}; {wanted}") from error
    kind = facts.get("kind") if isinstance(facts, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        what = f"a {kind}" if isinstance(kind, str) else "no results (no kind)"
        raise InputError(f"{path}: {what}; {wanted}")
    return facts


def markdown_of(path: str | os.PathLike) -> str:
    """The tables of a file, whatever its kind.

    Raises:
        InputError: as of `read_results`, or parts are missing.
    """
    facts = read_results(path)
    try:
        return KINDS[facts["kind"]][1](facts)
    except UNLIKE as error:
        raise unlike(path, facts["kind"], error) from error


def unlike(path: str | os.PathLike, kind: str, error: Exception) -> InputError:
    """A file of a kind whose parts are not as its command writes them."""
    fault = f"no {error}" if isinstance(error, KeyError) else str(error)
    return InputError(
        f"{path}: not as a {kind} is written ({fault}); run recipes.images.{KINDS[kind][0]} again"
    )
