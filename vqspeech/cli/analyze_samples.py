"""`vqspeech analyze samples`: whether what a prior draws is speech."""

from pathlib import Path
from typing import Annotated

import typer

from vqspeech.cli.console import StageProgress, note
from vqspeech.cli.numbers import JsonOption, check_json, tell
from vqspeech.cli.voices import DeviceOption, ModelOption, PriorOption, SeedOption, ThreadsOption


def register(group: typer.Typer) -> None:
    """Add the commands of this module."""
    group.command()(samples)


def samples(
    codes: Annotated[Path, typer.Argument(help="Real codes, which the prior was not trained on.")],
    phoneme_map: Annotated[
        Path, typer.Option("--map", help="Of 'vqspeech analyze phonemes --save-map'.")
    ],
    prior: PriorOption = None,
    model: ModelOption = None,
    fit_on: Annotated[
        list[Path] | None,
        typer.Option(help="What n-grams are fitted on; several times [default: half of CODES]."),
    ] = None,
    tune_on: Annotated[
        Path | None, typer.Option(help="What they are tuned on; goes with --fit-on.")
    ] = None,
    seconds: Annotated[float, typer.Option(help="To draw; at most half of CODES.")] = 600.0,
    count: Annotated[int | None, typer.Option(help="Utterances to draw, at most.")] = None,
    temperature: Annotated[
        float, typer.Option(help="Of the codes: below 1 likelier ones; 0 is argmax.")
    ] = 1.0,
    top_k: Annotated[int, typer.Option(help="Only the likeliest k codes; 0 is all.")] = 0,
    seed: SeedOption = 0,
    data: Annotated[
        Path | None, typer.Option(help="The data that was encoded: speak samples, and listen.")
    ] = None,
    spoken_seconds: Annotated[float, typer.Option(help="Of each system, with --data.")] = 60.0,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 1,
    json_file: JsonOption = None,
) -> None:
    """Draw codes from a prior, and compare their phones and their sound with real speech."""
    import torch

    from vqspeech.devices import keep_freed_memory
    from vqspeech.stages.analyze_samples import analyze_samples
    from vqspeech.stages.samples_table import describe_samples

    check_json(json_file)
    torch.set_num_threads(threads)
    keep_freed_memory()
    with StageProgress("drawing and speaking", "steps") as progress:
        found = analyze_samples(
            codes,
            phoneme_map,
            prior=prior,
            model=model,
            fit_on=fit_on or (),
            tune_on=tune_on,
            seconds=seconds,
            count=count,
            temperature=temperature,
            top_k=top_k,
            seed=seed,
            data=data,
            spoken_seconds=spoken_seconds,
            device=device,
            note=note,
            progress=progress,
        )
    tell(describe_samples(found), found, json_file)
