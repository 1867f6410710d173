"""A run's numbers as a table, with what made them: RESULTS.md is written from these lines."""

import json
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from vqspeech.checkpoint import load_json
from vqspeech.errors import InputError

# Column and how it is written, by the kind of model that was trained.
COLUMNS: dict[str, dict[str, Callable[[dict[str, Any]], str]]] = {
    "speech-vqvae": {
        "bits a sample": lambda run: f"{run['bits']:.3f}",
        "swap gap, nats": lambda run: f"{run['swap_gap']:.3f}" if "swap_gap" in run else "-",
        "codes used": lambda run: f"{run['codes_used']:g} of {run['num_codes']}",
        "perplexity": lambda run: f"{run['perplexity']:.1f}",
    },
    "speech-prior": {
        "bits a code": lambda run: f"{run['bits']:.3f}",
        **{
            name: lambda run, name=name: (
                f"{run['ngrams'][name] / math.log(2):.3f}" if name in run["ngrams"] else "-"
            )
            for name in ("trigram", "bigram", "unigram", "uniform")
        },
        "bits a second": lambda run: f"{run['bits_per_second']:.1f}",
    },
}


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
    config = load_json(run / "latest" / "config.json")
    summary = {
        "run": run.name,
        "kind": config["kind"],
        "steps": state["step"],
        "best_step": state["best_step"],
        **valid[state["best_step"]],
        "seconds": state["seconds"],
        "environment": load_json(run / "environment.json"),
    }
    if config["kind"] == "speech-prior":
        ngrams = run / "ngrams.json"
        return {**summary, "ngrams": load_json(ngrams)["nats"] if ngrams.is_file() else {}}
    return {**summary, "num_codes": config["model"]["quantizer"]["num_codes"]}


def format_summaries(summaries: Sequence[dict[str, Any]]) -> str:
    """A Markdown table for each kind of model, a row a run, and the command of each below it."""
    tables = []
    for kind in dict.fromkeys(summary["kind"] for summary in summaries):
        own = [summary for summary in summaries if summary["kind"] == kind]
        columns = COLUMNS[kind]
        header = ("run", "steps", *columns, "training", "hardware", "commit")
        rows = [header, ("---",) * len(header)]
        for summary in own:
            made = summary["environment"]
            rows.append(
                (
                    summary["run"],
                    f"{summary['steps']}",
                    *(write(summary) for write in columns.values()),
                    f"{summary['seconds'] / 60:.1f} min",
                    f"{', '.join(made['gpus']) or made['processor']}, {made['threads']} threads",
                    f"{made['commit'] or '-'}",
                )
            )
        table = "\n".join("| " + " | ".join(row) + " |" for row in rows)
        commands = "\n".join(f"    {summary['environment']['command']}" for summary in own)
        tables.append(f"{table}\n\n{commands}\n")
    return "\n".join(tables)
