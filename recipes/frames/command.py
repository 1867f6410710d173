"""What the commands of the recipes have in common: how they are declared and how they end."""

import typer

from vqspeech.cli.leave import leave_with_status


def make_app() -> typer.Typer:
    """A command line of one command, plain as that of `vqspeech`."""
    return typer.Typer(
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )


def run(app: typer.Typer) -> None:
    """Run it and leave with the documented exit status; errors are one line."""
    leave_with_status(app)
