"""Commands that make and check data directories: prepare, validate."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from vqspeech.cli.console import StageProgress, note
from vqspeech.errors import InputError, UsageError

MAX_ROWS = 120  # speakers that are listed one by one; VCTK has 110, LibriSpeech 2484


class Microphone(StrEnum):
    """The two of VCTK 0.92."""

    MIC1 = "mic1"
    MIC2 = "mic2"


Corpus = Annotated[Path, typer.Argument(help="The folder that it was unpacked to.")]
Out = Annotated[Path, typer.Argument(help="Where to write.")]
Speakers = Annotated[
    list[str] | None,
    typer.Option(help="Only these, as 'p225 p226'; may be given several times."),
]
Match = Annotated[
    str | None, typer.Option(help="Only files of this pattern, such as 'mary/*.flac'.")
]
Valid = Annotated[
    float, typer.Option(min=0.0, help="Held out of each speaker: a share, or a count of 1 on.")
]
Test = Annotated[float, typer.Option(min=0.0, help="The same for the test set.")]
Unseen = Annotated[
    float, typer.Option(min=0.0, help="Speakers held out whole: a share, or a count of 1 on.")
]
Seed = Annotated[int, typer.Option(min=0, help="Chooses what is held out.")]
SampleRate = Annotated[
    int, typer.Option(min=4000, max=48000, help="Hz, as in the model's settings.")
]
Trim = Annotated[
    bool | None,
    typer.Option(
        "--trim/--no-trim",
        help="Cut silent edges; without either, for corpora with long ones (VCTK 0.80).",
    ),
]
Loudness = Annotated[
    float | None,
    typer.Option(
        min=-60.0, max=0.0, help="Bring each recording to this level of speech (RMS), in dBFS."
    ),
]
Jobs = Annotated[int, typer.Option("--nj", min=1, help="Files at a time.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(
        help="Turn a corpus into data directories of mono audio: OUT/train, OUT/valid, OUT/test.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    for command in (vctk, librispeech, folder, kaldi, mini):
        group.command()(command)
    app.add_typer(group, name="prepare")
    app.command()(validate)


def vctk(
    corpus: Corpus,
    out: Out,
    mic: Annotated[Microphone, typer.Option(help="Of release 0.92.")] = Microphone.MIC1,
    speakers: Speakers = None,
    valid: Valid = 0.05,
    test: Test = 0.05,
    unseen: Unseen = 0,
    seed: Seed = 0,
    sample_rate: SampleRate = 16000,
    trim: Trim = None,
    loudness: Loudness = None,
    nj: Jobs = 2,
) -> None:
    """VCTK 0.80 or 0.92, or a copy of it at another rate; sentences 001-024 become OUT/parallel."""
    how = _how(speakers, valid, test, unseen, seed, sample_rate, trim, loudness, nj)
    _prepare("vctk", corpus, out, **how, mic=mic.value)


def librispeech(
    corpus: Corpus,
    out: Out,
    subsets: Annotated[
        list[str] | None,
        typer.Option(help="Only these, as 'train-clean-460 dev-clean'; all that are there else."),
    ] = None,
    readers: Annotated[
        int | None, typer.Option(min=1, help="Only so many readers to train on, by the seed.")
    ] = None,
    speakers: Speakers = None,
    valid: Valid = 0.05,
    test: Test = 0.05,
    unseen: Unseen = 0,
    seed: Seed = 0,
    sample_rate: SampleRate = 16000,
    trim: Trim = None,
    loudness: Loudness = None,
    nj: Jobs = 2,
) -> None:
    """LibriSpeech, any of its subsets; the speaker is the reader. Dev and test sets stay apart."""
    how = _how(speakers, valid, test, unseen, seed, sample_rate, trim, loudness, nj)
    chosen = {"subsets": _words(subsets), "readers": readers, "seed": seed}
    _prepare("librispeech", corpus, out, **how, **chosen)


def folder(
    corpus: Corpus,
    out: Out,
    match: Match = None,
    speakers: Speakers = None,
    valid: Valid = 0.05,
    test: Test = 0.05,
    unseen: Unseen = 0,
    seed: Seed = 0,
    sample_rate: SampleRate = 16000,
    trim: Trim = None,
    loudness: Loudness = None,
    nj: Jobs = 2,
) -> None:
    """A folder of speakers: CORPUS/SPEAKER/**/*.wav, or any other format that can be read."""
    how = _how(speakers, valid, test, unseen, seed, sample_rate, trim, loudness, nj)
    _prepare("folder", corpus, out, **how, match=match)


def kaldi(
    corpus: Annotated[Path, typer.Argument(help="A data directory, or a folder of several.")],
    out: Out,
    speakers: Speakers = None,
    valid: Valid = 0.05,
    test: Test = 0.05,
    unseen: Unseen = 0,
    seed: Seed = 0,
    sample_rate: SampleRate = 16000,
    trim: Trim = None,
    loudness: Loudness = None,
    nj: Jobs = 2,
) -> None:
    """Data directories of Kaldi or ESPnet: wav.scp of files, utt2spk, segments, text."""
    how = _how(speakers, valid, test, unseen, seed, sample_rate, trim, loudness, nj)
    _prepare("kaldi", corpus, out, **how)


def mini(
    paths: Annotated[
        list[Path], typer.Argument(help="OUT for the embedded corpus, or CORPUS OUT for one alike.")
    ],
    match: Annotated[
        str | None, typer.Option(help="Only utterances of this pattern, such as 'p901_*'.")
    ] = None,
    speakers: Speakers = None,
    sample_rate: SampleRate = 16000,
    trim: Trim = None,
    loudness: Loudness = None,
    nj: Jobs = 2,
) -> None:
    """The embedded corpus of eight synthetic voices, with its own split and phone alignment."""
    if len(paths) not in (1, 2):
        raise UsageError(f"prepare mini: {len(paths)} folders given, OUT or CORPUS OUT wanted")
    corpus = paths[0] if len(paths) == 2 else None
    how = _how(speakers, 0, 0, 0, 0, sample_rate, trim, loudness, nj)
    _prepare("mini", corpus, paths[-1], **how, match=match)


def _how(
    speakers: list[str] | None,
    valid: float,
    test: float,
    unseen: float,
    seed: int,
    sample_rate: int,
    trim: bool | None,
    loudness: float | None,
    nj: int,
) -> dict[str, Any]:
    """The options that all corpora share, as `prepare_corpus` calls them."""
    from vqspeech.data.split import Splits

    return {
        "splits": Splits(
            _amount("valid", valid), _amount("test", test), _amount("unseen", unseen), seed
        ),
        "sample_rate": sample_rate,
        "trim": trim,
        "loudness": loudness,
        "speakers": _words(speakers),
        "num_jobs": nj,
    }


def _amount(option: str, value: float) -> int | float:
    if value > 1 and value != int(value):
        raise UsageError(f"--{option} {value}: a share below 1 or a whole number was wanted")
    return int(value) if value >= 1 else value


def _words(texts: list[str] | None) -> list[str]:
    return [word for text in texts or () for word in text.replace(",", " ").split()]


def _prepare(name: str, corpus: Path | None, out: Path, **options: Any) -> None:
    from vqspeech.stages.prepare import prepare_corpus

    with StageProgress("preparing", "files") as progress:
        done = prepare_corpus(name, corpus, out, progress=progress, **options)
    note(done.layout)
    for text in done.notes:
        note(text)
    speakers = sorted({speaker for part in done.parts.values() for speaker in part.speakers})
    typer.echo("  ".join(["speaker", *done.parts]))
    for speaker in speakers[:MAX_ROWS]:
        counts = (f"{part.speakers.get(speaker, 0)}" for part in done.parts.values())
        typer.echo("  ".join([speaker, *counts]))
    if len(speakers) > MAX_ROWS:
        typer.echo(f"... {len(speakers) - MAX_ROWS} more speakers in {out / 'prepared.json'}")
    for part, found in done.parts.items():
        typer.echo(
            f"wrote {out / part}  {found.utterances} utterances  {found.seconds / 60:.1f} min"
            f"  {len(found.speakers)} speakers"
        )


def validate(
    data: Annotated[Path, typer.Argument(help="A data directory.")],
    read_audio: Annotated[
        bool, typer.Option("--read-audio", help="Decode every file too.")
    ] = False,
) -> None:
    """Report every breach of the format, with file and line."""
    from vqspeech.data.validate import validate_data_dir

    breaches = validate_data_dir(data, read_audio=read_audio)
    for breach in breaches:
        typer.echo(breach)
    if breaches:
        raise InputError(
            f"{data}: {len(breaches)} breaches, listed above; mend or prepare it again"
        )
    typer.echo(f"{data}: in order")
