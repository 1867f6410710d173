"""What the commands of the recipes have in common: how they are declared and how they end."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from vqspeech.cli.leave import leave_with_status
from vqspeech.errors import UsageError
from vqspeech.files import check_writable, write_text


def _finite(temperature: float) -> float:
    """Refuse what a lower bound alone lets through: infinity, and no number at all."""
    if not math.isfinite(temperature):
        raise UsageError(f"--temperature {temperature}: give a number from 0")
    return temperature


DATA = (
    "photos, photos:FOLD, photos:scales, photos:FOLD:scales, cifar10:DIR, imagenet:DIR, folder:DIR"
    " or frames:FILE.npz"
)
DataOption = Annotated[str, typer.Option(help=DATA)]
SizeOption = Annotated[int, typer.Option(min=4, help="pixels a side")]
CacheOption = Annotated[Path, typer.Option(help="where decoded pictures are kept")]
LimitOption = Annotated[
    int | None, typer.Option(min=1, help="pictures at most, of a class in each part")
]
ResumeOption = Annotated[str, typer.Option(help="auto, never or must")]
SetOption = Annotated[list[str] | None, typer.Option("--set", help="NAME=VALUE of a setting")]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu or cuda:0")]
TemperatureOption = Annotated[
    float,
    typer.Option(min=0, callback=_finite, help="below 1 likelier codes; 0 is the likeliest"),
]
QuietOption = Annotated[bool, typer.Option("--quiet", help="no progress")]
JsonOption = Annotated[Path, typer.Option("--json", help="the numbers as JSON")]


class RunOptions(NamedTuple):
    """How a run is trained, beside its settings."""

    overrides: Sequence[str] = ()  # `training.steps=100` and the like
    resume: str = "auto"  # or "never", "must"
    device: str = "auto"
    quiet: bool = False  # no progress


PLAIN = RunOptions()


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


def write_page(out: Path, make: Callable[[], str]) -> None:
    """Write a page of a recipe and say so; it is made once it is known that it can be written.

    Raises:
        UsageError: `out` is no name of a page.
        WriteError: it cannot be written.
    """
    if out.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"--out {out}: a page is .html; give it such a name")
    check_writable(out)
    write_text(out, make())
    print(f"wrote {out}")
