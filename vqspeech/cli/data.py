"""Commands that make and check data directories: prepare, validate."""

from pathlib import Path
from typing import Annotated

import typer

from vqspeech.cli.console import StageProgress, note
from vqspeech.errors import InputError, UsageError


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(prepare)
    app.command()(validate)


def prepare(
    corpus: Annotated[str, typer.Argument(help="folder (a folder of speakers) or mini.")],
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="CORPUS OUT; mini takes OUT alone for the embedded corpus, or a CORPUS like it."
        ),
    ],
    match: Annotated[
        str | None, typer.Option(help="Only files of this pattern, such as '*_mic1.flac'.")
    ] = None,
    valid: Annotated[
        float, typer.Option(min=0.0, help="Held out: a share, or a count of 1 on.")
    ] = 0.05,
    test: Annotated[float, typer.Option(min=0.0, help="The same for the test set.")] = 0.05,
    seed: Annotated[int, typer.Option(min=0, help="Chooses what is held out.")] = 0,
    sample_rate: Annotated[
        int, typer.Option(min=4000, max=48000, help="Hz, as in the model's settings.")
    ] = 16000,
    num_jobs: Annotated[int, typer.Option("--nj", min=1, help="Files at a time.")] = 2,
) -> None:
    """Turn a corpus into data directories OUT/train, OUT/valid, OUT/test of mono audio."""
    from vqspeech.stages.prepare import prepare_corpus

    is_embedded = corpus == "mini" and len(paths) == 1
    if len(paths) != 2 and not is_embedded:
        wanted = "OUT or CORPUS OUT" if corpus == "mini" else "CORPUS OUT"
        raise UsageError(f"prepare {corpus}: {len(paths)} folders given, {wanted} wanted")
    splits = {name: int(v) if v >= 1 else v for name, v in (("valid", valid), ("test", test))}
    with StageProgress("preparing", "files") as progress:
        done = prepare_corpus(
            corpus,
            None if is_embedded else paths[0],
            paths[-1],
            splits=splits,
            seed=seed,
            sample_rate=sample_rate,
            match=match,
            num_jobs=num_jobs,
            progress=progress,
        )
    for text in done.notes:
        note(text)
    for part, count in done.utterances.items():
        minutes = done.seconds[part] / 60
        typer.echo(f"wrote {paths[-1] / part}  {count} utterances  {minutes:.1f} min")


def validate(
    data: Annotated[Path, typer.Argument(help="A data directory.")],
    read_audio: Annotated[
        bool, typer.Option("--read-audio", help="Decode every file too.")
    ] = False,
) -> None:
    """Report every breach of the format, with file and line."""
    from vqspeech.data.validate import validate_data_dir

    breaches = validate_data_dir(data, read_audio=read_audio)
    for breach in breaches:
        typer.echo(breach)
    if breaches:
        raise InputError(
            f"{data}: {len(breaches)} breaches, listed above; mend or prepare it again"
        )
    typer.echo(f"{data}: in order")
