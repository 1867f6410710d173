"""Commands between speech and codes: encode, decode."""

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
    TemperatureOption,
    ThreadsOption,
    ThroughOption,
    load_model,
    print_converted,
    report_failures,
)
from vqspeech.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(encode)
    app.command()(decode)


def _load_with_prior(prior: str | None, model: str | None, device: str, threads: int):
    import torch

    from vqspeech.stages.find_prior import load_matching

    torch.set_num_threads(threads)
    loaded, voice, facts = load_matching(prior, model, device, note)
    return loaded.cpu(), voice, facts  # the coder's probabilities are those of the compiled steps


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
    compress: Annotated[
        bool, typer.Option("--compress", help="Write .vqz: in as few bits as the prior needs.")
    ] = False,
    prior: PriorOption = None,
    speaker: Annotated[
        str | None, typer.Option(help="With --compress: who speaks, where the prior knows.")
    ] = None,
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
    if compress:
        if folder is not None or file_format != "npz":
            raise UsageError(
                "--compress: takes recordings and has a format of its own; leave out "
                + (f"{folder}" if folder is not None else "--format")
            )
        _compress(sources, out, prior, model, speaker, device, overwrite, threads)
        return
    if prior is not None or speaker is not None:
        raise UsageError("--prior and --speaker go with --compress; give it too")
    voice = load_model(model, device, threads)
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


def _compress(
    sources: list[Path],
    out: Path,
    prior: str | None,
    model: str | None,
    speaker: str | None,
    device: str,
    overwrite: bool,
    threads: int,
) -> None:
    from vqspeech.stages.compress import compress_files, load_coder

    load_coder()
    loaded, voice, facts = _load_with_prior(prior, model, device, threads)
    written, failures = compress_files(
        voice,
        loaded,
        sources,
        out,
        model_hash=facts["model_hash"],
        speaker=speaker,
        overwrite=overwrite,
        note=note,
    )
    for item in written:
        typer.echo(str(item))
    report_failures(failures, len(failures) + len(written))


def decode(
    codes: Annotated[Path, typer.Argument(help="A file that 'vqspeech encode' wrote.")],
    out: Annotated[
        str,
        typer.Option(
            help="The file to write: .wav, .flac, .ogg, .opus or '-'; .npz or .jsonl for the codes."
        ),
    ],
    speaker: Annotated[
        str | None, typer.Option(help="Whose voice speaks; none for .npz or .jsonl.")
    ] = None,
    model: ModelOption = None,
    prior: PriorOption = None,
    device: DeviceOption = "auto",
    seed: SeedOption = 0,
    temperature: TemperatureOption = None,
    through: ThroughOption = None,
    overwrite: OverwriteOption = False,
    threads: ThreadsOption = 1,
) -> None:
    """Speak codes in a voice, or unpack compressed ones (.vqz)."""
    from vqspeech.data.compressed_codes import SUFFIX
    from vqspeech.data.targets import check_targets
    from vqspeech.stages.convert import decode_file
    from vqspeech.stages.encode import hash_model

    to_codes = Path(out).suffix in (".npz", ".jsonl")
    if to_codes == (speaker is not None):
        raise UsageError(
            f"--speaker {speaker}: {out} gets the codes, which nobody speaks; leave it out"
            if to_codes
            else "--speaker: whose voice speaks? 'vqspeech speakers' lists them"
        )
    recorded = None
    if codes.suffix.lower() == SUFFIX:
        from vqspeech.stages.compress import expand_file

        if out != "-":  # before the work
            check_targets([Path(out)], [codes], overwrite=overwrite)
        loaded, voice, facts = _load_with_prior(prior, model, device, threads)
        model_hash = facts["model_hash"]
        if speaker is not None:
            voice.speaker_index(speaker)
        recorded = expand_file(codes, loaded, voice.name)
    elif prior is not None:
        raise UsageError(f"--prior {prior}: {codes} is not compressed; leave it out")
    if to_codes:
        from vqspeech.stages.compress import unpack_codes

        frames = unpack_codes(codes, out, recorded, overwrite=overwrite)
        typer.echo(f"wrote {out}  {frames} frames")
        return
    if recorded is None:
        voice, model_hash = load_model(model, device, threads), hash_model(model)
    if through is not None:
        voice.speak_through(through)
    with StageProgress("decoding", "samples") as progress:
        item = decode_file(
            voice,
            codes,
            speaker,
            out,
            seed=seed,
            temperature=temperature,
            overwrite=overwrite,
            model_hash=model_hash,
            recorded=recorded,
            progress=progress,
        )
    print_converted(item, voice.device, as_json=False, to_stdout=out != "-")
