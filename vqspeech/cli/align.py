"""Commands that give a data directory its phones: align import, align make."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vqspeech.cli.console import StageProgress, note

if TYPE_CHECKING:
    from vqspeech.stages.aligned import Aligned

PhonesOption = Annotated[
    int,
    typer.Option(help="41; or 40, spoken noise is silence; or 39, without noise and silence."),
]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace a phones.ctm.")]
DataArgument = Annotated[list[Path], typer.Argument(help="Data directories.")]

align = typer.Typer(
    help="Say which phone sounds when: write phones.ctm of data directories.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(align, name="align")


@align.command("import")
def import_(
    text_grids: Annotated[
        Path,
        typer.Argument(
            metavar="TEXTGRIDS",
            help="Folder of TextGrids with a tier 'phones', as of LibriSpeech-alignments or MFA.",
        ),
    ],
    data: DataArgument,
    phones: PhonesOption = 41,
    overwrite: OverwriteOption = False,
) -> None:
    """Write DATA/phones.ctm from TextGrids; each is found by the name of its utterance."""
    from vqspeech.stages.aligned import check_alignment_target
    from vqspeech.stages.import_alignments import NoMatchError, import_alignments

    for folder in data:  # before the first one is written
        check_alignment_target(folder, phones=phones, overwrite=overwrite)
    unmatched = []
    for folder in data:
        try:
            with StageProgress("importing", "TextGrids") as progress:
                done = import_alignments(
                    text_grids, folder, phones=phones, overwrite=overwrite, progress=progress
                )
        except NoMatchError as error:
            unmatched.append(error)
            continue
        _tell(done)
    # An archive of some parts of a corpus is in order, one of none of them is not.
    if len(unmatched) == len(data):
        raise unmatched[0]
    for error in unmatched:
        note(f"{error}; no phones.ctm was written there")


@align.command()
def make(
    data: DataArgument,
    phones: PhonesOption = 41,
    num_jobs: Annotated[int, typer.Option("--nj", min=1, help="Processes.")] = 2,
    overwrite: OverwriteOption = False,
) -> None:
    """Write DATA/phones.ctm by forced alignment of audio and English text, with PocketSphinx."""
    from vqspeech.stages.aligned import check_alignment_target
    from vqspeech.stages.make_alignments import make_alignments

    for folder in data:
        check_alignment_target(folder, phones=phones, overwrite=overwrite)
    for folder in data:
        with StageProgress("aligning", "utterances") as progress:
            done = make_alignments(
                folder, phones=phones, num_jobs=num_jobs, overwrite=overwrite, progress=progress
            )
        _tell(done)


def _tell(done: "Aligned") -> None:
    for text in done.notes:
        note(text)
    typer.echo(
        f"wrote {done.path}  {done.num_aligned} of {done.num_utterances} utterances"
        f"  {done.num_labels} phones  {done.seconds / 60:.1f} min"
    )
