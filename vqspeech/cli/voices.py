"""Commands that use a trained model: convert, encode, decode, speakers, models."""

import json
from pathlib import Path
from typing import Annotated

import typer

from vqspeech.cli.console import StageProgress, error, note
from vqspeech.errors import InputError, PartialError, UsageError

# The scores of a model that its line in a list has room for.
SHOWN = (
    ("bits", "bits a sample"),
    ("swap_gap", "swap gap"),
    ("codes_used", "codes used"),
    ("target_similarity", "similarity to target"),
    ("source_similarity", "to source"),
)

ModelOption = Annotated[
    str | None,
    typer.Option("--model", "-m", help="A run, a checkpoint, or the name of a packaged model."),
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
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")]
ThreadsOption = Annotated[
    int, typer.Option(min=1, max=256, help="CPU threads; small models run fastest on 1.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(convert)
    app.command()(encode)
    app.command()(decode)
    app.command()(speakers)
    app.command()(models)


def _load(model: str | None, device: str, threads: int = 1):
    import torch

    from vqspeech.devices import choose_device
    from vqspeech.generation.voice import load_voice

    torch.set_num_threads(threads)
    return load_voice(model, choose_device(device))


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
    overwrite: OverwriteOption = False,
    threads: ThreadsOption = 1,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line a file.")] = False,
) -> None:
    """Say recordings in other voices: the same words, another speaker."""
    from vqspeech.stages.convert import convert_files

    voice = _load(model, device, threads)
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
        _print_converted(item, voice.device, as_json, to_stdout=out != "-")
    report_failures(failures, len(failures) + len({item.source for item in written}))


def _print_converted(item, device, as_json: bool, *, to_stdout: bool) -> None:
    if as_json:
        facts = {**vars(item), "path": str(item.path), "source": str(item.source)}
        facts["device"] = str(device)
        typer.echo(json.dumps(facts), err=not to_stdout)
    else:
        typer.echo(f"{item} ({device})", err=not to_stdout)


def encode(
    sources: Annotated[
        list[Path], typer.Argument(help="Recordings, or one data directory.", metavar="AUDIO|DATA")
    ],
    out: Annotated[Path, typer.Option(help="A folder; for a data directory, the code directory.")],
    model: ModelOption = None,
    file_format: Annotated[
        str,
        typer.Option(
            "--format",
            help="Of recordings: npz or jsonl; to look at, textgrid (Praat) or audacity.",
        ),
    ] = "npz",
    device: DeviceOption = "auto",
    overwrite: OverwriteOption = False,
    threads: ThreadsOption = 1,
) -> None:
    """Turn speech into discrete codes."""
    from vqspeech.data.code_file import FORMATS
    from vqspeech.stages.encode import data_dir_among, encode_data_dir, encode_files, hash_model

    if file_format not in FORMATS:
        raise UsageError(f"--format {file_format}: one of {', '.join(FORMATS)} was wanted")
    folder = data_dir_among(sources)
    if folder is not None and file_format != "npz":
        raise UsageError(
            f"--format {file_format}: {folder} becomes a code directory, which has a format of its "
            "own; leave the option out or name recordings"
        )
    voice = _load(model, device, threads)
    model_hash = hash_model(model)
    if folder is not None:
        with StageProgress("encoding", "utterances") as progress:
            facts = encode_data_dir(voice, folder, out, model_hash=model_hash, progress=progress)
        rate = voice.model.code_rate
        typer.echo(
            f"wrote {out}  {facts['utterances']} utterances  {facts['frames']} frames at "
            f"{rate:g} Hz  {facts['codes_used']} of {voice.model.quantizer.num_codes} codes used"
        )
        return
    written, failures = encode_files(
        voice,
        sources,
        out,
        model_hash=model_hash,
        file_format=file_format,
        overwrite=overwrite,
        note=note,
    )
    for path, frames in written:
        typer.echo(f"wrote {path}  {frames} frames at {voice.model.code_rate:g} Hz")
    report_failures(failures, len(failures) + len(written))


def decode(
    codes: Annotated[Path, typer.Argument(help="A file that 'vqspeech encode' wrote.")],
    speaker: Annotated[str, typer.Option(help="Whose voice speaks.")],
    out: Annotated[
        str, typer.Option(help="The file to write, .wav, .flac, .ogg or .opus, or '-'.")
    ],
    model: ModelOption = None,
    device: DeviceOption = "auto",
    seed: SeedOption = 0,
    temperature: TemperatureOption = None,
    overwrite: OverwriteOption = False,
    threads: ThreadsOption = 1,
) -> None:
    """Speak codes in a voice."""
    from vqspeech.stages.convert import decode_file
    from vqspeech.stages.encode import hash_model

    voice = _load(model, device, threads)
    with StageProgress("decoding", "samples") as progress:
        item = decode_file(
            voice,
            codes,
            speaker,
            out,
            seed=seed,
            temperature=temperature,
            overwrite=overwrite,
            model_hash=hash_model(model),
            progress=progress,
        )
    _print_converted(item, voice.device, as_json=False, to_stdout=out != "-")


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
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List the models at hand: packaged ones, and runs below this folder."""
    from vqspeech.stages.list_models import list_models

    rows = list_models(Path())
    if as_json:
        typer.echo(json.dumps(rows))
        return
    for row in rows:
        typer.echo(
            f"{row['model']}  {row['sample_rate'] / 1000:g} kHz  "
            f"{row['code_rate']:g} codes/s of {row['num_codes']}  "
            f"{row['num_speakers']} speakers  {row['megabytes']:.1f} MB"
        )
        for data, scores in row["scores"].items():
            numbers = [
                f"{label} {scores[key]:.2f}"
                for key, label in SHOWN
                if isinstance(scores.get(key), int | float)
            ]
            if numbers:
                typer.echo(f"  on {data}: {', '.join(numbers)}")
    if not rows:
        note("no models here; egs/mini/run.sh trains one in minutes")
