"""`vqspeech enrol`: a model learns to speak as one person more."""

import math
from pathlib import Path
from typing import Annotated

import typer

from vqspeech.cli.console import StageProgress, note
from vqspeech.cli.voices import (
    DeviceOption,
    ModelOption,
    OverwriteOption,
    SeedOption,
    ThreadsOption,
)
from vqspeech.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(enrol)


def enrol(
    name: Annotated[str, typer.Argument(help="What the new voice is called.")],
    wav: Annotated[
        list[Path],
        typer.Option(help="A folder of recordings, or one; may be given several times."),
    ],
    out: Annotated[Path, typer.Option(help="The model folder to make.")],
    model: ModelOption = None,
    gender: Annotated[str | None, typer.Option(help="f or m, for lists of speakers.")] = None,
    accent: Annotated[str | None, typer.Option(help="Likewise, in a word.")] = None,
    steps: Annotated[int | None, typer.Option(min=0, help="Of the fit by the likelihood.")] = None,
    guide_steps: Annotated[
        int | None, typer.Option(min=0, help="Of the fit by the spectrum, which comes first.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0.0, help="Begin no step later than this [default: none].")
    ] = None,
    seed: SeedOption = 0,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 2,
    overwrite: OverwriteOption = False,
) -> None:
    """Learn a new target voice from 1 to 10 minutes of recordings, with the person's consent."""
    if gender not in (None, "f", "m"):
        raise UsageError(f"--gender {gender}: f or m was wanted")

    import torch

    from vqspeech.devices import keep_freed_memory
    from vqspeech.stages.enrol import enrol as run
    from vqspeech.stages.enrolment_fit import FitSettings

    torch.set_num_threads(threads)
    keep_freed_memory()
    wanted = {"steps": steps, "guide_steps": guide_steps}
    settings = FitSettings(**{key: value for key, value in wanted.items() if value is not None})
    with StageProgress("enrolling", "steps") as progress:
        done = run(
            name,
            wav,
            model,
            out,
            gender=gender,
            accent=accent,
            settings=settings,
            minutes=math.inf if minutes is None else minutes,
            seed=seed,
            device=device,
            overwrite=overwrite,
            note=note,
            progress=progress,
        )
    typer.echo(str(done))
