"""Commands that train, and say what came of it."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from vqspeech.cli.voices import DeviceOption
from vqspeech.errors import UsageError


class Resume(StrEnum):
    """What to do about a run that is there already."""

    AUTO = "auto"
    NEVER = "never"
    MUST = "must"


ConfigArgument = Annotated[
    Path, typer.Argument(help="Settings, as egs/mini/conf/{vqvae,prior}.yaml.")
]
RunOption = Annotated[Path, typer.Option(help="The run: checkpoints, log and settings.")]
ResumeOption = Annotated[Resume, typer.Option(help="Go on from a checkpoint.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="One setting, as training.steps=1000."),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="Train a model.", no_args_is_help=True, rich_markup_mode=None)
    group.command("vqvae")(train_vqvae)
    group.command("prior")(train_prior)
    app.add_typer(group, name="train")
    app.command()(results)


def train_vqvae(
    config: ConfigArgument,
    train: Annotated[
        list[Path], typer.Option(help="A data directory to train on; may be given several times.")
    ],
    valid: Annotated[Path, typer.Option(help="A data directory of held-out utterances.")],
    out: RunOption,
    resume: ResumeOption = Resume.AUTO,
    override: SetOption = None,
    device: DeviceOption = "auto",
) -> None:
    """Train the speech VQ-VAE: encoder, codes, and a decoder told the speaker."""
    from vqspeech.stages.train_vqvae import train_vqvae as run

    _train(run, config, train, valid, out, resume, override, device)


def train_prior(
    config: ConfigArgument,
    train: Annotated[
        list[Path], typer.Option(help="A code directory to train on; may be given several times.")
    ],
    valid: Annotated[Path, typer.Option(help="A code directory of held-out utterances.")],
    out: RunOption,
    resume: ResumeOption = Resume.AUTO,
    override: SetOption = None,
    device: DeviceOption = "auto",
) -> None:
    """Train the prior: which codes of a trained VQ-VAE follow which."""
    from vqspeech.stages.train_prior import train_prior as run

    _train(run, config, train, valid, out, resume, override, device)


def _train(
    run: Callable[..., object],
    config: Path,
    train: list[Path],
    valid: Path,
    out: Path,
    resume: Resume,
    override: list[str] | None,
    device: str,
) -> None:
    summary = run(
        config, train, valid, out, resume=resume.value, overrides=override or (), device=device
    )
    typer.echo(f"done: {summary}")


def results(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN|JSON...",
            help="Folders of 'vqspeech train', or files of 'analyze --json' or 'evaluate --json'.",
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Print what runs or analyses came to as Markdown, with command, commit and hardware."""
    import json

    from vqspeech.stages.analysis_results import format_analyses, read_analyses
    from vqspeech.stages.summarize import format_summaries, summarize_run

    files = [path for path in paths if path.suffix == ".json"]
    if files and len(files) < len(paths):
        raise UsageError("runs and JSON files together; ask for them one after the other")
    found = read_analyses(files) if files else [summarize_run(run) for run in paths]
    show = format_analyses if files else format_summaries
    typer.echo(json.dumps(found) if as_json else show(found), nl=as_json)
