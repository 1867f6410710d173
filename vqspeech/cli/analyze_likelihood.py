"""`vqspeech analyze likelihood`: bits a code under the prior, and bits a sample of the waveform."""

from pathlib import Path
from typing import Annotated

import typer

from vqspeech.cli.console import StageProgress, note
from vqspeech.cli.numbers import JsonOption, check_json, tell
from vqspeech.cli.voices import DeviceOption, ModelOption, PriorOption, ThreadsOption


def register(group: typer.Typer) -> None:
    """Add the commands of this module."""
    group.command()(likelihood)


def likelihood(
    codes: Annotated[Path, typer.Argument(help="The code directory that is scored.")],
    fit_on: Annotated[
        list[Path],
        typer.Option(help="What the prior was trained on, for the n-grams; several times."),
    ],
    tune_on: Annotated[Path, typer.Option(help="What the n-grams' discounts are tuned on.")],
    prior: PriorOption = None,
    model: ModelOption = None,
    data: Annotated[
        Path | None, typer.Option(help="The data that was encoded: score its waveforms too.")
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(min=0.0, help="Of waveforms, whole utterances spread evenly. [default: all]"),
    ] = None,
    resamples: Annotated[int, typer.Option(min=10, help="Of the bootstrap.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of the resamples.")] = 0,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 1,
    json_file: JsonOption = None,
) -> None:
    """Score held-out codes under the prior and n-grams, and the waveform as decoder and prior."""
    import torch

    from vqspeech.devices import keep_freed_memory
    from vqspeech.stages.analyze_likelihood import analyze_likelihood
    from vqspeech.stages.likelihood_table import describe_likelihood

    check_json(json_file)
    torch.set_num_threads(threads)
    keep_freed_memory()
    with StageProgress("scoring", "samples") as progress:
        found = analyze_likelihood(
            codes,
            fit_on=fit_on,
            tune_on=tune_on,
            prior=prior,
            model=model,
            data=data,
            seconds=seconds,
            resamples=resamples,
            seed=seed,
            device=device,
            note=note,
            progress=progress,
        )
    tell(describe_likelihood(found), found, json_file)
