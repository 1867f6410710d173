"""`vqspeech cluster`: the baseline that codes of a model stand beside."""

from pathlib import Path
from typing import Annotated

import typer

from vqspeech.cli.console import StageProgress, note


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(cluster)


def cluster(
    data: Annotated[list[Path], typer.Argument(help="Data directories that get codes.")],
    train: Annotated[Path, typer.Option(help="The data directory that the centres are fitted on.")],
    out: Annotated[Path, typer.Option(help="Code directories go to OUT/<name of DATA>.")],
    like: Annotated[
        Path | None, typer.Option(help="A code directory whose rate and number of codes to take.")
    ] = None,
    num_codes: Annotated[
        int | None, typer.Option(min=2, max=65536, help="Clusters, without --like.")
    ] = None,
    hop: Annotated[int | None, typer.Option(min=1, help="Samples a code, without --like.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the first centres.")] = 0,
) -> None:
    """Make codes by k-means over MFCC: the classical baseline of an analysis."""
    from vqspeech.stages.cluster_features import cluster_features

    with StageProgress("clustering", "utterances") as progress:
        made = cluster_features(
            data,
            train,
            out,
            like=like,
            num_codes=num_codes,
            hop=hop,
            seed=seed,
            progress=progress,
            note=note,
        )
    for item in made:
        typer.echo(
            f"wrote {item.path}  {item.utterances} utterances  {item.frames} frames  "
            f"{item.codes_used} codes used"
        )
