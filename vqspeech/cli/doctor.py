"""`vqspeech doctor`: what is installed, what works, what does not."""

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            help="Check these alone, such as gpu or pocketsphinx; exit status 4 where one is"
            " missing, also an optional one.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Check the installation and say what this machine offers."""
    import json

    from vqspeech.errors import MissingError
    from vqspeech.stages.examine import examine

    checks = examine(names or ())
    if as_json:
        typer.echo(json.dumps([vars(check) for check in checks]))
    else:
        for check in checks:
            typer.echo(f"{'ok' if check.is_fine else 'no':4}{check.name:14}{check.finding}")
    if any((names or check.is_needed) and not check.is_fine for check in checks):
        raise typer.Exit(MissingError.exit_code)
