"""`vqspeech sample`: speech that nobody said, drawn from a prior and said by its model."""

import json
from pathlib import Path
from typing import Annotated

import typer

from vqspeech.cli.console import StageProgress, note
from vqspeech.cli.voices import (
    DeviceOption,
    ModelOption,
    OverwriteOption,
    PriorOption,
    SeedOption,
    ThreadsOption,
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(sample)


def sample(
    prior: PriorOption = None,
    model: ModelOption = None,
    out: Annotated[Path, typer.Option(help="The folder to write to.")] = Path("samples"),
    speaker: Annotated[
        list[str] | None,
        typer.Option(help="A voice; several take turns [default: all, women and men in turn]."),
    ] = None,
    seconds: Annotated[float, typer.Option(help="Of new speech, in each sample.")] = 2.56,
    count: Annotated[int, typer.Option(help="Of samples.")] = 8,
    temperature: Annotated[
        float, typer.Option(help="Of the codes: below 1 likelier ones; 0 is argmax.")
    ] = 1.0,
    top_k: Annotated[
        int, typer.Option(help="Draw from the likeliest codes alone, as many; 0 is all.")
    ] = 0,
    decoder_temperature: Annotated[
        float | None, typer.Option(help="Of the voice; 0 is argmax. [default: the model's own]")
    ] = None,
    prompt: Annotated[
        Path | None, typer.Option(help="A recording that every sample begins with and goes on.")
    ] = None,
    prompt_seconds: Annotated[float, typer.Option(help="How much of the prompt.")] = 1.0,
    seed: SeedOption = 0,
    overwrite: OverwriteOption = False,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 1,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Speak without being told what: draw codes from a prior, say them in the model's voices."""
    import torch

    from vqspeech.stages.sample import draw_samples

    torch.set_num_threads(threads)
    with StageProgress("sampling", "steps") as progress:
        made = draw_samples(
            out,
            prior=prior,
            model=model,
            speakers=speaker or (),
            seconds=seconds,
            count=count,
            temperature=temperature,
            top_k=top_k,
            decoder_temperature=decoder_temperature,
            prompt=prompt,
            prompt_seconds=prompt_seconds,
            seed=seed,
            overwrite=overwrite,
            device=device,
            note=note,
            progress=progress,
        )
    if as_json:
        typer.echo(json.dumps(_facts(made)))
        return
    for item in made.files:
        typer.echo(str(item))
    typer.echo(f"wrote {made.picture}  spectrograms of the first {min(len(made.files), 8)}")
    after = ""
    if made.prompt_seconds:
        after = f", the first {made.prompt_seconds:.2f} s of each as the prompt"
    typer.echo(
        f"done: {len(made.files)} samples, {made.speech_seconds:.1f} s of speech in "
        f"{made.seconds:.1f} s, {made.real_time:.2f}x real time ({made.device}){after}"
    )


def _facts(made) -> dict[str, object]:
    """What was made, for a machine."""
    files = [
        {
            "path": str(item.path),
            "codes": str(item.codes),
            "speaker": item.speaker,
            "samples": item.samples,
            "sample_rate": item.sample_rate,
        }
        for item in made.files
    ]
    return {
        "samples": files,
        "picture": str(made.picture),
        "prior": made.prior,
        "model": made.model,
        "prompt_seconds": made.prompt_seconds,
        "codes_used": made.codes_used,
        "num_codes": made.num_codes,
        "seconds": made.seconds,
        "real_time": made.real_time,
        "device": made.device,
    }
