"""How the commands of `analyze` give their numbers: a table for eyes, JSON for machines."""

import json
from typing import Annotated, Any

import typer

JsonOption = Annotated[
    str | None,
    typer.Option(
        "--json", metavar="FILE", help="Write the numbers there as well; - prints them instead."
    ),
]


def check_json(json_file: str | None) -> None:
    """Refuse a place that cannot be written before the work is done."""
    from vqspeech.stages.analyze_codes import check_facts_target

    if json_file not in (None, "-"):
        check_facts_target(json_file)


def tell(text: str, found: Any, json_file: str | None) -> None:
    """Print the text, or the JSON in its place, and write the file; with what made the numbers."""
    if json_file is None:
        typer.echo(text)
        return
    # Only now: it takes torch, which not every analysis does.
    from vqspeech.environment import describe_environment
    from vqspeech.stages.analyze_codes import write_facts

    for facts in found if isinstance(found, list) else [found]:
        facts["environment"] = describe_environment()
    if json_file == "-":
        typer.echo(json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False))
        return
    typer.echo(text)
    write_facts(json_file, found)
    typer.echo(f"wrote {json_file}")
