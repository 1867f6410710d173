"""Commands about a model as a whole: what it scores, and the folder that is shared."""

import json
from pathlib import Path
from typing import Annotated

import typer

from vqspeech.cli import evaluate_speech, exports
from vqspeech.cli.console import note
from vqspeech.cli.voices import DeviceOption, ModelOption, OverwriteOption, ThreadsOption
from vqspeech.errors import UsageError

PrecisionOption = Annotated[
    str, typer.Option(help="Of the weights in the file: float16, bfloat16 or float32.")
]
AboutOption = Annotated[
    Path | None, typer.Option(help="Markdown that opens the model card: data, licence, use.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    scores = typer.Typer(help="Score a model.", no_args_is_help=True, rich_markup_mode=None)
    scores.command("likelihood")(likelihood)
    evaluate_speech.register(scores)
    app.add_typer(scores, name="evaluate")
    shared = typer.Typer(
        help="Share a model, a prior, or codes.", no_args_is_help=True, rich_markup_mode=None
    )
    shared.command("model")(export_model)
    shared.command("prior")(export_prior)
    exports.register(shared, app)
    app.add_typer(shared, name="export")


def likelihood(
    data: Annotated[list[Path], typer.Argument(help="Data directories at the model's rate.")],
    model: ModelOption = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="Of audio for the likelihood [default: all].")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="What the scores are called [default: the folder's name].")
    ] = None,
    by_utterance: Annotated[
        bool,
        typer.Option("--by-utterance", help="With --json: of each too, for 'vqspeech compare'."),
    ] = False,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 1,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Bits a sample, how much the decoder listens to its codes, and how many codes are used."""
    import torch

    from vqspeech.devices import choose_device, keep_freed_memory
    from vqspeech.generation.voice import load_voice
    from vqspeech.stages.evaluate_likelihood import evaluate_likelihood

    if by_utterance and not as_json:
        raise UsageError("--by-utterance: is for a file; add --json")
    names = {path.resolve().name for path in data} if name is None else {name}
    if len(names) < len(data):
        raise UsageError(
            f"{len(data)} folders, {len(names)} names; score them one by one, with --name"
        )
    torch.set_num_threads(threads)
    keep_freed_memory()
    voice = load_voice(model, choose_device(device))
    settings = {"seconds": seconds, "name": name, "by_utterance": by_utterance, "note": note}
    rows = [evaluate_likelihood(voice, path, **settings) for path in data]
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    for row in rows:
        gap = f"{row['swap_gap'] + 0.0:.3f} nats" if "swap_gap" in row else "unknown"
        typer.echo(
            f"{row['data']}  {row['utterances']} utterances  {row['bits']:.3f} bits a sample  "
            f"swap gap {gap}  {row['codes_used']:g} of {voice.model.quantizer.num_codes} codes "
            f"used  perplexity {row['perplexity']:.1f}"
        )


def export_model(
    model: Annotated[str, typer.Argument(help="A run, a checkpoint or a model folder.")],
    out: Annotated[Path, typer.Option(help="The folder to make.")],
    precision: PrecisionOption = "float16",
    about: AboutOption = None,
    scores: Annotated[
        list[Path] | None, typer.Option(help="Output of 'vqspeech evaluate --json'.")
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(min=0.0, max=10.0, help="At which it speaks by default.")
    ] = None,
    through: Annotated[
        str | None, typer.Option(help="wavenet or vocoder: by which it speaks by default.")
    ] = None,
    speaker: Annotated[
        list[str] | None,
        typer.Option(help="A voice, or a pattern of several, that is shared [default: all]."),
    ] = None,
    measure_voices: Annotated[
        list[Path] | None,
        typer.Option(help="Data directories of its speakers: what their voices are like."),
    ] = None,
    measure_speed: Annotated[
        bool, typer.Option("--measure-speed", help="Write down how fast it speaks on this machine.")
    ] = False,
    overwrite: OverwriteOption = False,
) -> None:
    """Write the folder that others load: settings, weights, model card, manifest."""
    from vqspeech.stages.export_model import export_model as run

    folder = run(
        model,
        out,
        precision=precision,
        about=about,
        scores=scores or (),
        temperature=temperature,
        through=through,
        speakers=speaker or (),
        voices=measure_voices or (),
        measure=measure_speed,
        overwrite=overwrite,
        note=note,
    )
    _tell_folder(folder)


def export_prior(
    prior: Annotated[str, typer.Argument(help="A run, a checkpoint or a folder of a prior.")],
    out: Annotated[Path, typer.Option(help="The folder to make.")],
    precision: PrecisionOption = "float16",
    about: AboutOption = None,
    scores: Annotated[
        list[Path] | None, typer.Option(help="Output of 'vqspeech analyze likelihood --json'.")
    ] = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Write the folder of a prior that others load: settings, weights, model card, manifest."""
    from vqspeech.stages.export_prior import export_prior as run

    _tell_folder(
        run(
            prior,
            out,
            precision=precision,
            about=about,
            scores=scores or (),
            overwrite=overwrite,
        )
    )


def _tell_folder(folder: Path) -> None:
    megabytes = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
    typer.echo(f"wrote {folder}  {megabytes:.2f} MB")
