"""Commands that use a trained model: convert, speakers, models."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from vqspeech.cli.console import StageProgress, error, note
from vqspeech.errors import InputError, PartialError

# The scores of a model that its line in a list has room for.
SHOWN = (
    ("bits", "bits a sample"),
    ("swap_gap", "swap gap"),
    ("codes_used", "codes used"),
    ("wer", "WER"),
    ("source_wer", "of the source"),
    ("similarity_target", "similarity to target"),
    ("similarity_source", "to source"),
    ("target_similarity", "similarity to target"),
    ("source_similarity", "to source"),
    ("nearer_target", "nearer the target"),
    ("nearer_to_target", "nearer the target"),
    ("identified", "identified"),
)
SHOWN_OF_PRIORS = (
    ("bits", "bits a code"),
    ("trigram_bits", "trigram"),
    ("uniform_bits", "uniform"),
)

ModelOption = Annotated[
    str | None,
    typer.Option("--model", "-m", help="A run, a checkpoint, or the name of a model."),
]
PriorOption = Annotated[
    str | None,
    typer.Option(
        "--prior",
        "-p",
        help="A run, a checkpoint, or the name of a packaged prior [default: that of the model].",
    ),
]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
SeedOption = Annotated[int, typer.Option(min=0, help="Of the random numbers.")]
TemperatureOption = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        help="Below 1 the voice is cleaner and flatter; 0 is argmax. [default: the model's own]",
    ),
]
ThroughOption = Annotated[
    str | None,
    typer.Option(
        help="wavenet or vocoder: what makes the sound of the codes. [default: the model's own]"
    ),
]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")]
ThreadsOption = Annotated[
    int, typer.Option(min=1, max=256, help="CPU threads; small models run fastest on 1.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(convert)
    app.command()(speakers)
    app.command()(models)


def load_model(model: str | None, device: str, threads: int = 1, through: str | None = None):
    import torch

    from vqspeech.devices import choose_device
    from vqspeech.generation.voice import load_voice

    torch.set_num_threads(threads)
    voice = load_voice(model, choose_device(device))
    if through is not None:
        voice.speak_through(through)
    return voice


def report_failures(failures: list[str], total: int) -> None:
    for failure in failures:
        error(failure)
    if len(failures) == total == 1:
        raise typer.Exit(3)
    if len(failures) == total:
        raise InputError(f"none of the {total} recordings could be used")
    if failures:
        raise PartialError(f"{len(failures)} of {total} recordings failed; the rest is done")


def convert(
    src: Annotated[list[Path], typer.Option(help="A recording; may be given several times.")],
    speaker: Annotated[
        list[str], typer.Option(help="Whose voice it gets; may be given several times.")
    ],
    out: Annotated[
        str | None,
        typer.Option(help="A file, '-', or a folder for <source>-<speaker>.wav [default: here]."),
    ] = None,
    model: ModelOption = None,
    device: DeviceOption = "auto",
    seed: SeedOption = 0,
    temperature: TemperatureOption = None,
    through: ThroughOption = None,
    overwrite: OverwriteOption = False,
    threads: ThreadsOption = 1,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line a file.")] = False,
) -> None:
    """Say recordings in other voices: the same words, another speaker."""
    from vqspeech.stages.convert import convert_files

    voice = load_model(model, device, threads, through)
    with StageProgress("converting", "samples") as progress:
        written, failures = convert_files(
            voice,
            src,
            speaker,
            out,
            seed=seed,
            temperature=temperature,
            overwrite=overwrite,
            note=note,
            progress=progress,
        )
    for item in written:
        print_converted(item, voice.device, as_json, to_stdout=out != "-")
    report_failures(failures, len(failures) + len({item.source for item in written}))


def print_converted(item, device, as_json: bool, *, to_stdout: bool) -> None:
    if as_json:
        facts = {**vars(item), "path": str(item.path), "source": str(item.source)}
        facts["device"] = str(device)
        typer.echo(json.dumps(facts), err=not to_stdout)
    else:
        typer.echo(f"{item} ({device})", err=not to_stdout)


def speakers(
    model: ModelOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List the voices that a model speaks with."""
    from vqspeech.stages.list_models import list_speakers

    rows = list_speakers(model)
    if as_json:
        typer.echo(json.dumps(rows))
        return
    for row in rows:
        known = "  ".join(row[key] for key in ("gender", "accent") if row.get(key))
        typer.echo(f"{row['speaker']}  {known}".rstrip())


def models(
    measure: Annotated[
        bool, typer.Option("--measure", help="Measure here how fast each converts speech.")
    ] = False,
    device: DeviceOption = "cpu",
    threads: ThreadsOption = 1,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List the models at hand, and their priors: packaged, of this checkout, runs below here."""
    from vqspeech.stages.list_models import list_models, list_priors

    priors = list_priors(Path())
    rows = list_models(Path())
    for row in rows:
        row["priors"] = [prior for prior in priors if prior["model_hash"] == row["model_hash"]]
    if measure:
        from vqspeech.stages.measure_speed import measure_speed  # brings torch

        for row in rows:
            row["speed"] = measure_speed(load_model(row["model"], device, threads))
    if as_json:
        typer.echo(json.dumps(rows))
        return
    for row in rows:
        typer.echo(_describe_model(row))
        for data, scores in row["scores"].items():
            _print_scores(data, scores, SHOWN)
        for prior in row["priors"]:
            typer.echo(f"  prior {prior['prior']}  {prior['megabytes']:.1f} MB")
            for data, scores in prior["scores"].items():
                _print_scores(data, scores, SHOWN_OF_PRIORS)
    for prior in priors:
        if prior["model"] is None:
            typer.echo(f"prior {prior['prior']}  of a model that is not here")
    if not rows:
        note("no models here; egs/mini/run.sh trains one in minutes")


def _describe_model(row: dict[str, Any]) -> str:
    side_by_side = f"{row['groups']} x " if row["groups"] > 1 else ""
    parts = [
        row["model"],
        f"{row['sample_rate'] / 1000:g} kHz",
        f"{side_by_side}{row['code_rate']:g} codes/s of {row['num_codes']}",
        f"{row['num_speakers']} speakers",
        f"{row['megabytes']:.1f} MB",
    ]
    if row["speed"]:
        parts.append(f"{row['speed']['times_real_time']:g}x real time")
    if row["place"] == "checkout":
        parts.append("(this checkout)")
    return "  ".join(parts)


def _print_scores(data: str, scores: dict[str, object], shown: tuple[tuple[str, str], ...]) -> None:
    numbers = [
        f"{label} {scores[key]:.2f}"
        for key, label in shown
        if isinstance(scores.get(key), int | float)
    ]
    if numbers:
        typer.echo(f"  on {data}: {', '.join(numbers)}")
