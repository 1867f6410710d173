"""`vqspeech demo`: the packaged recording in several voices, with a picture and its codes."""

import math
import shlex
from pathlib import Path
from typing import Annotated

import typer

from vqspeech.cli.console import StageProgress, note
from vqspeech.cli.serve import PortOption, open_page
from vqspeech.cli.voices import (
    DeviceOption,
    ModelOption,
    SeedOption,
    TemperatureOption,
    ThroughOption,
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    out: Annotated[Path, typer.Option(help="The folder to write to.")] = Path("demo"),
    model: ModelOption = None,
    src: Annotated[
        Path | None, typer.Option(help="A recording of your own [default: the packaged one].")
    ] = None,
    speaker: Annotated[
        list[str] | None,
        typer.Option(help="A voice; may be given several times [default: two women, two men]."),
    ] = None,
    seed: SeedOption = 0,
    temperature: TemperatureOption = None,
    through: ThroughOption = None,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, max=256, help="Conversions at a time [default: 2, on one core 1]."),
    ] = None,
    device: DeviceOption = "auto",
    measure: Annotated[
        bool, typer.Option("--measure", help="Print the pitch and rhythm of each voice.")
    ] = False,
    web: Annotated[
        bool,
        typer.Option("--web", help="Write nothing and show the page of 'vqspeech serve' instead."),
    ] = False,
    port: PortOption = 7860,
) -> None:
    """Say one recording in several voices, with a picture of them."""
    if web:
        first = speaker[0] if speaker else None
        beginning = {"source": src, "speaker": first, "seed": seed, "temperature": temperature}
        open_page(model, port, device, through=through, **beginning)
        return
    import torch

    from vqspeech.stages.demo import run_demo

    torch.set_num_threads(1)
    with StageProgress("speaking", "samples") as progress:
        made = run_demo(
            out,
            model=model,
            source=src,
            speakers=speaker,
            seed=seed,
            temperature=temperature,
            through=through,
            jobs=jobs,
            device=device,
            measure=measure,
            note=note,
            progress=progress,
        )
    _print_files(made)
    if measure:
        _print_measures(made)
    _print_next(made, model)


def _print_files(made) -> None:
    first = made.voices[0].converted
    length = f"{first.samples / first.sample_rate:.2f} s  {first.sample_rate} Hz"
    typer.echo(f"wrote {made.source}  {length}  {made.recording.name}")
    for item in made.voices:
        spoken = f"{item.converted.speaker}  {item.description}".rstrip()
        typer.echo(f"wrote {item.converted.path}  {length}  {spoken}")
    typer.echo(
        f"wrote {made.text_grid}  {made.frames} codes at {made.code_rate:g} Hz, "
        f"{made.codes_used} of {made.num_codes} used"
    )
    typer.echo(f"wrote {made.picture}  the source and its conversions, one below the other")
    for item in made.unconditional:
        spoken = f"{item.speaker}  {item.description}".rstrip()
        typer.echo(f"wrote {item.path}  {item.seconds:.2f} s  drawn from the prior  {spoken}")
    if made.unconditional_picture is not None:
        typer.echo(f"wrote {made.unconditional_picture}  what nobody said, in two voices")


def _print_measures(made) -> None:
    typer.echo(_measure_line(made.source, made.source_measured))
    for item in made.voices:
        alike = item.measured.energy_correlation
        rhythm = "no rhythm to compare"
        if not math.isnan(alike):
            rhythm = f"energy correlation with the source {alike:.2f}"
        typer.echo(f"{_measure_line(item.converted.path, item.measured)}  {rhythm}")


def _measure_line(path: Path, measured) -> str:
    hz, share = measured.pitch
    pitch = "no pitch" if math.isnan(hz) else f"pitch {hz:.0f} Hz (median)"
    return f"measured {path}  {pitch}  voiced {100 * share:.0f} %"


def _print_next(made, model: str | None) -> None:
    first = made.voices[0].converted
    seconds = len(made.voices) * first.samples / first.sample_rate
    typer.echo(
        f"done: {seconds:.1f} s of speech in {made.seconds:.1f} s, {first.real_time:.2f}x real "
        f"time, {made.at_a_time} at a time ({made.device})"
    )
    option = "" if model is None else f" --model {shlex.quote(model)}"
    typer.echo(f"next: vqspeech convert --src your.wav --speaker {first.speaker}{option}")
    typer.echo(f"      vqspeech speakers{option}")
    if made.unconditional:
        typer.echo(f"      vqspeech sample --count 4{option}")
