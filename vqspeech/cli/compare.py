"""`vqspeech compare`: whether a change made anything better."""

from pathlib import Path
from typing import Annotated

import typer

from vqspeech.cli.console import note
from vqspeech.cli.numbers import JsonOption, check_json, tell


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(compare)


def compare(
    a: Annotated[
        Path, typer.Argument(metavar="A", help="Scores of 'vqspeech evaluate' or 'analyze', JSON.")
    ],
    b: Annotated[Path, typer.Argument(metavar="B", help="Others, of the same utterances.")],
    metric: Annotated[
        list[str] | None,
        typer.Option(
            help="What to compare, by its name in the files; several times [default: all]."
        ),
    ] = None,
    resamples: Annotated[int, typer.Option(min=100, help="Of the bootstrap.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Of the resamples.")] = 0,
    json_file: JsonOption = None,
) -> None:
    """Paired differences of two files of scores, with intervals: is B better than A?"""
    from vqspeech.stages.compare_scores import compare_scores
    from vqspeech.stages.compare_table import format_comparison

    check_json(json_file)
    found = compare_scores(a, b, measures=metric or (), resamples=resamples, seed=seed, note=note)
    tell(format_comparison(found), found, json_file)
