"""Measures of codes that need no phones: usage, what is left of the speaker, stability."""

from pathlib import Path
from typing import Annotated

import typer

from vqspeech.cli.console import StageProgress, note
from vqspeech.cli.numbers import JsonOption, check_json, tell
from vqspeech.cli.voices import DeviceOption, ModelOption, SeedOption, ThreadsOption


def register(group: typer.Typer) -> None:
    """Add the commands of this module."""
    group.command()(codes)
    group.command()(speakers)
    group.command()(stability)


def codes(
    folders: Annotated[
        list[Path], typer.Argument(metavar="CODES...", help="Code directories, side by side.")
    ],
    json_file: JsonOption = None,
) -> None:
    """How many codes are used, how evenly, for how long, at how many bits a second."""
    from vqspeech.stages.analyze_codes import analyze_codes
    from vqspeech.stages.phoneme_table import align_columns

    check_json(json_file)
    found = [analyze_codes(folder) for folder in folders]
    rows = [
        ("codes", *(row["codes"] for row in found)),
        ("model", *(row["model_hash"] for row in found)),
        ("utterances", *(f"{row['utterances']:,}" for row in found)),
        ("speakers", *(f"{row['speakers']:,}" for row in found)),
        ("frames", *(f"{row['frames']:,} at {row['rate']:g} Hz" for row in found)),
        ("codes used", *(f"{row['codes_used']:,} of {row['num_codes']:,}" for row in found)),
        ("perplexity", *(f"{row['perplexity']:.1f}" for row in found)),
        ("entropy", *(f"{row['entropy_bits']:.3f} bits" for row in found)),
        ("10 most frequent", *(f"{row['top_mass']:.1%} of frames" for row in found)),
        ("bits/s nominal", *(f"{row['bit_rate']['nominal']:.1f}" for row in found)),
        ("bits/s empirical", *(f"{row['bit_rate']['empirical']:.1f}" for row in found)),
        ("bits/s runs merged", *(f"{row['bit_rate']['merged']:.1f}" for row in found)),
        (
            "mean run",
            *(
                f"{row['mean_run_frames']:.2f} frames, {row['mean_run_seconds'] * 1000:.0f} ms"
                for row in found
            ),
        ),
    ]
    tell(align_columns(rows), found[0] if len(found) == 1 else found, json_file)


def speakers(
    folder: Annotated[Path, typer.Argument(metavar="CODES", help="A code directory.")],
    seed: SeedOption = 0,
    json_file: JsonOption = None,
) -> None:
    """How much of the speaker the codes still tell: a linear probe, and the information."""
    from vqspeech.stages.analyze_speakers import analyze_speakers
    from vqspeech.stages.phoneme_table import align_columns

    check_json(json_file)
    found = analyze_speakers(folder, seed=seed)
    probe, information = found["probe"], found["information"]
    rows = [
        ("codes", found["codes"]),
        ("model", found["model_hash"]),
        ("utterances", f"{found['utterances']:,} of {found['speakers']:,} speakers"),
    ]
    if probe is None:
        rows.append(("linear probe", "none: no two speakers have two utterances each"))
    else:
        told = (
            f"the probe tells {probe['speakers']:,} of {probe['speakers_in_all']:,} speakers "
            f"apart, on {probe['utterances']:,} of {found['utterances']:,} utterances"
        )
        if probe["too_few"]:
            note(f"{told}; left out for having one utterance: {probe['too_few']}")
        elif probe["utterances"] < found["utterances"]:
            note(told)
        rows += [
            ("linear probe", f"{probe['accuracy']:.1%}  [{probe['low']:.1%}, {probe['high']:.1%}]"),
            ("  interval over", probe["resampled"]),
            ("  commonest speaker", f"{probe['chance']:.1%}"),
            ("  1 / speakers", f"{probe['uniform']:.1%}"),
        ]
    rows += [
        ("I(s; c) / H(s)", f"{information['share']:.2%}"),
        ("  speakers shuffled", f"{information['shuffled']:.2%}"),
        ("  difference", f"{information['excess']:.2%}"),
        ("I(s; c)", f"{information['bits']:.3f} of {information['entropy_bits']:.3f} bits"),
    ]
    tell(align_columns(rows), found, json_file)


def stability(
    sources: Annotated[
        list[Path], typer.Argument(help="Recordings, or one data directory.", metavar="AUDIO|DATA")
    ],
    model: ModelOption = None,
    count: Annotated[int, typer.Option(min=1, help="Utterances of a data directory.")] = 50,
    seed: SeedOption = 0,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 1,
    json_file: JsonOption = None,
) -> None:
    """How much the codes change under noise, gain, a shift in time and another pitch."""
    import torch

    from vqspeech.devices import choose_device
    from vqspeech.generation.voice import load_voice
    from vqspeech.stages.analyze_stability import analyze_stability
    from vqspeech.stages.encode import hash_model
    from vqspeech.stages.phoneme_table import align_columns

    check_json(json_file)
    torch.set_num_threads(threads)
    voice = load_voice(model, choose_device(device))
    with StageProgress("encoding", "recordings") as progress:
        found = analyze_stability(
            voice,
            sources,
            model_hash=hash_model(model),
            count=count,
            seed=seed,
            note=note,
            progress=progress,
        )
    rows = [
        ("model", f"{found['model']} ({found['model_hash']})"),
        ("utterances", f"{found['utterances']:,}, {found['seconds']:.1f} s"),
        (
            "runs of codes",
            f"{found['runs']:,} of {found['frames']:,} frames at {found['rate']:g} Hz",
        ),
        ("", "unit edit distance [95 % over utterances]"),
        *((row["name"], _distance(row)) for row in found["disturbances"]),
    ]
    if found["other_utterances"] is not None:
        rows.append(("another utterance", _distance(found["other_utterances"])))
    tell(align_columns(rows), found, json_file)


def _distance(row: dict[str, float | None]) -> str:
    if row["low"] is None:
        return f"{row['ued']:.3f}"
    return f"{row['ued']:.3f}  [{row['low']:.3f}, {row['high']:.3f}]"
