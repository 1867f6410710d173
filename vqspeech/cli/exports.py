"""Commands that hand on codes, as phones to read and to other tools, and models as ONNX."""

from pathlib import Path
from typing import Annotated

import typer

from vqspeech.cli.console import StageProgress, note
from vqspeech.cli.voices import (
    DeviceOption,
    ModelOption,
    OverwriteOption,
    ThreadsOption,
    report_failures,
)
from vqspeech.errors import UsageError


def register(export_group: typer.Typer, app: typer.Typer) -> None:
    """Add `codes` and `onnx` to the group `export`, and `transcribe` to the app."""
    export_group.command("codes")(export_codes)
    export_group.command("onnx")(export_onnx)
    app.command()(transcribe)


def export_codes(
    codes: Annotated[Path, typer.Argument(help="A code directory of 'vqspeech encode'.")],
    out: Annotated[
        Path, typer.Option(help="The folder to write; for fairseq, the file.", metavar="PATH")
    ],
    file_format: Annotated[
        str,
        typer.Option(
            "--format",
            help="discophon, fastabx, zerospeech, fairseq, textgrid (Praat) or audacity.",
        ),
    ],
    mapping: Annotated[
        Path | None,
        typer.Option("--map", help="Of 'analyze phonemes --save-map': adds a tier of phones."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="That made the codes: its latents, for fastabx and zerospeech, not one-hot codes.",
        ),
    ] = None,
    pool: Annotated[
        int, typer.Option(min=1, help="Take so many frames as one, by their commonest code.")
    ] = 1,
    language: Annotated[
        str, typer.Option(help="In discophon's file name; it says eng, deu, fra and so on.")
    ] = "eng",
    split: Annotated[str, typer.Option(help="In discophon's file name: dev or test.")] = "test",
    device: DeviceOption = "auto",
    threads: ThreadsOption = 1,
    overwrite: OverwriteOption = False,
) -> None:
    """Write codes in the format of another tool, or as tiers to look at."""
    import torch

    from vqspeech.devices import choose_device
    from vqspeech.generation.voice import load_voice
    from vqspeech.stages.encode import hash_model
    from vqspeech.stages.export_codes import export_codes as run

    torch.set_num_threads(threads)
    voice = None if model is None else load_voice(model, choose_device(device))
    with StageProgress("exporting", "utterances") as progress:
        written = run(
            codes,
            out,
            file_format=file_format,
            mapping=mapping,
            voice=voice,
            model_hash="" if model is None else hash_model(model),
            pool=pool,
            language=language,
            split=split,
            overwrite=overwrite,
            progress=progress,
        )
    for text in written.notes:
        note(text)
    typer.echo(
        f"wrote {written.path}  {written.utterances} utterances  {written.frames} units, one every "
        f"{1000 * written.step_seconds:g} ms"
    )


def export_onnx(
    model: Annotated[
        str, typer.Argument(help="A run, a checkpoint, a model folder or a packaged model.")
    ],
    out: Annotated[Path, typer.Option(help="The folder to make.")],
    overwrite: OverwriteOption = False,
) -> None:
    """Write a model for other runtimes: encoder, conditions and decoder step as ONNX."""
    from vqspeech.stages.export_onnx import export_onnx as run
    from vqspeech.stages.onnx_comparison import CHECK_SECONDS, CHECK_STEPS

    folder, found = run(model, out, overwrite=overwrite)
    for file in sorted(folder.glob("*.onnx")):
        typer.echo(f"wrote {file}  {file.stat().st_size / 1e6:.2f} MB")
    lags = "" if found.equal_lags is None else f" and {100 * found.equal_lags:g} % of the lags"
    acoustics = "" if found.acoustics is None else f"acoustics within {found.acoustics:.1e}, "
    typer.echo(
        f"onnxruntime against torch: {100 * found.equal_codes:g} % of the codes{lags} of "
        f"{CHECK_SECONDS:g} s are equal, conditions within {found.conditions:.1e}, {acoustics}"
        f"logits of {CHECK_STEPS} steps within {found.logits:.1e}"
    )


def transcribe(
    sources: Annotated[list[Path], typer.Argument(help="Recordings.", metavar="AUDIO...")],
    mapping: Annotated[
        Path, typer.Option("--map", help="Written by 'vqspeech analyze phonemes --save-map'.")
    ],
    model: ModelOption = None,
    file_format: Annotated[
        str,
        typer.Option("--format", help="text, json (a line a recording), textgrid (Praat) or ctm."),
    ] = "text",
    out: Annotated[
        Path | None,
        typer.Option(help="A folder for a file a recording [default: standard output]."),
    ] = None,
    with_times: Annotated[
        bool, typer.Option("--with-times", help="Start and end of each phone, in text.")
    ] = False,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 1,
    overwrite: OverwriteOption = False,
) -> None:
    """Read speech as phones: its codes through a saved map."""
    import torch

    from vqspeech.devices import choose_device
    from vqspeech.generation.voice import load_voice
    from vqspeech.stages.encode import hash_model
    from vqspeech.stages.mapping_file import check_mapping, load_mapping
    from vqspeech.stages.transcribe import check_output, transcribe_files, write_transcript

    if with_times and file_format != "text":
        raise UsageError(f"--with-times: {file_format} has times without it; leave it out")
    targets = check_output(sources, file_format, out, overwrite=overwrite)
    phonemes = load_mapping(mapping)
    torch.set_num_threads(threads)
    voice = load_voice(model, choose_device(device))
    check_mapping(
        phonemes,
        mapping,
        num_codes=voice.model.quantizer.num_codes**voice.model.quantizer.groups,
        rate=voice.model.code_rate,
        model_hash=hash_model(model),
        whose=voice.name,
    )
    options = {"with_times": True} if with_times else {}

    def show(transcript) -> None:
        if targets:
            target = targets[transcript.source]
            write_transcript(target, transcript, file_format, **options)
            typer.echo(f"wrote {target}  {len(transcript.phones)} phones")
        else:
            typer.echo(transcript.format(file_format, **options))

    done, failures = transcribe_files(voice, sources, phonemes, done=show, note=note)
    report_failures(failures, len(done) + len(failures))
