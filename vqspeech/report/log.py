"""What a run wrote down of its training: log.jsonl, and where it was resumed.

A line of log.jsonl has a step and numbers, or a step and the numbers of a validation. It says
nothing of interruptions, so that a run that was resumed has the log of one that was not; these are
in resumed.jsonl, a line {"step": ...} each, where the run keeps one.
"""

import json
import math
import os
from pathlib import Path
from typing import Any

from vqspeech.errors import InputError


def read_log(run: str | os.PathLike) -> list[dict[str, Any]]:
    """The lines of log.jsonl, by step; numbers that are not finite are left out.

    A line that a crash cut off at the end is left out, as the run itself does on resuming.

    Raises:
        InputError: no such file, or a line that is none of a log.
    """
    path = Path(run) / "log.jsonl"
    entries = _lines(path)
    kept = {}
    for entry in entries:
        valid = entry.get("valid")
        if valid is not None and not isinstance(valid, dict):
            raise InputError(f"{path}: a validation without numbers; resume the run to mend it")
        entry = _numbers(entry) | ({"valid": _numbers(valid)} if valid is not None else {})
        # A step that was done twice counts as it was done last.
        kept[entry["step"], valid is not None] = entry
    return [kept[key] for key in sorted(kept)]


def resumed_steps(run: str | os.PathLike) -> tuple[int, ...]:
    """Steps at which the run went on, in order: by resumed.jsonl, or where its log goes back.

    A line of resumed.jsonl that is none is left out: a crash cuts it off, the next one follows it.
    """
    steps = {entry["step"] for entry in _lines(Path(run) / "resumed.jsonl", is_needed=False)}
    before = -1
    for entry in _lines(Path(run) / "log.jsonl"):
        if entry["step"] < before:
            steps.add(entry["step"])
        before = entry["step"]
    return tuple(sorted(steps))


def _lines(path: Path, is_needed: bool = True) -> list[dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        if not is_needed and isinstance(error, FileNotFoundError):
            return []
        raise InputError(f"{path}: {error.strerror}; give a run of 'vqspeech train'") from error
    entries = []
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
            if type(entry["step"]) is not int:
                raise TypeError("no step")
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            if number == len(lines) or not is_needed:
                continue
            raise InputError(
                f"{path}:{number}: no JSON object with a step; resume the run to mend it"
            ) from error
        entries.append(entry)
    return entries


def _numbers(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value
        for key, value in entry.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }
