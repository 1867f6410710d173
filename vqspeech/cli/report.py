"""`vqspeech report`: one page on a run, to look at without a network."""

from pathlib import Path
from typing import Annotated

import typer

from vqspeech.cli.console import StageProgress, note
from vqspeech.cli.voices import SeedOption


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(report)


def report(
    run: Annotated[Path, typer.Argument(help="A run of 'vqspeech train vqvae'.")],
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path("report.html"),
    codes: Annotated[
        list[Path] | None,
        typer.Option(help="Codes of this run's model [default: codes*/ beside the run]."),
    ] = None,
    scores: Annotated[
        list[Path] | None,
        typer.Option(help="JSON of 'analyze' or 'evaluate' [default: analysis*/ beside the run]."),
    ] = None,
    prior: Annotated[
        Path | None,
        typer.Option(help="A prior over this run's codes [default: prior* beside the run]."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="The data that was encoded, for waveforms and listening.")
    ] = None,
    src: Annotated[
        list[Path] | None, typer.Option(help="A recording to convert; may be given several times.")
    ] = None,
    speaker: Annotated[
        list[str] | None, typer.Option(help="Whose voice it gets [default: a woman, a man].")
    ] = None,
    no_audio: Annotated[
        bool, typer.Option("--no-audio", help="Spectrograms without players.")
    ] = False,
    seed: SeedOption = 0,
) -> None:
    """Write one offline page: curves, codebook, phones, utterances, voices, prior."""
    import torch

    from vqspeech.stages.report import make_report

    torch.set_num_threads(1)
    with StageProgress("speaking", "samples") as progress:
        path = make_report(
            run,
            out,
            codes=codes or (),
            scores=scores or (),
            prior=prior,
            data=data,
            src=src or (),
            speakers=speaker or (),
            has_audio=not no_audio,
            seed=seed,
            note=note,
            progress=progress,
        )
    typer.echo(f"wrote {path}  {path.stat().st_size / 1e6:.2f} MB")
