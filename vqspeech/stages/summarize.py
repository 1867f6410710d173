"""A run's numbers as a table, with what made them: RESULTS.md is written from these lines."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vqspeech.checkpoint import load_json
from vqspeech.errors import InputError

COLUMNS = (
    "run",
    "steps",
    "bits a sample",
    "swap gap, nats",
    "codes used",
    "perplexity",
    "training",
    "hardware",
    "commit",
)


def summarize_run(run: str | os.PathLike) -> dict[str, Any]:
    """The best checkpoint's validation, the time it all took, and where.

    Args:
        run: a folder that `vqspeech train` made, with a finished validation.

    Raises:
        InputError: no such run, or none of its validations is logged.
    """
    run = Path(run)
    log = run / "log.jsonl"
    try:
        entries = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        valid = {entry["step"]: entry["valid"] for entry in entries if "valid" in entry}
    except OSError as error:
        raise InputError(f"{log}: {error.strerror}; give a run of 'vqspeech train'") from error
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{log}: no valid JSON lines; resume the run to mend it") from error
    state = load_json(run / "latest" / "state.json")
    if state.get("best_step") not in valid:
        raise InputError(f"{log}: no validation yet; let the run reach its first checkpoint")
    return {
        "run": run.name,
        "steps": state["step"],
        "best_step": state["best_step"],
        **valid[state["best_step"]],
        "num_codes": load_json(run / "latest" / "config.json")["model"]["quantizer"]["num_codes"],
        "seconds": state["seconds"],
        "environment": load_json(run / "environment.json"),
    }


def format_summaries(summaries: Sequence[dict[str, Any]]) -> str:
    """A Markdown table, a row a run, and the command of each below it."""
    rows = [COLUMNS, ("---",) * len(COLUMNS)]
    commands = []
    for summary in summaries:
        made = summary["environment"]
        rows.append(
            (
                summary["run"],
                f"{summary['steps']}",
                f"{summary['bits']:.3f}",
                f"{summary['swap_gap']:.3f}" if "swap_gap" in summary else "-",
                f"{summary['codes_used']:g} of {summary['num_codes']}",
                f"{summary['perplexity']:.1f}",
                f"{summary['seconds'] / 60:.1f} min",
                f"{', '.join(made['gpus']) or made['processor']}, {made['threads']} threads",
                f"{made['commit'] or '-'}",
            )
        )
        commands.append(f"    {made['command']}")
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    return table + "\n\n" + "\n".join(commands) + "\n"
