"""`vqspeech analyze phonemes`: how phone-like codes are."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from vqspeech.cli.console import note
from vqspeech.cli.numbers import JsonOption, check_json, tell
from vqspeech.errors import UsageError


class Frame(StrEnum):
    """Which phone a frame has."""

    CENTRE = "centre"
    MAJORITY = "majority"


def register(group: typer.Typer) -> None:
    """Add the commands of this module."""
    group.command()(phonemes)


def phonemes(
    codes: Annotated[Path, typer.Argument(help="The code directory that is scored.")],
    fit_on: Annotated[
        Path, typer.Option(help="Another of the same model, which the map is fitted on.")
    ],
    baseline: Annotated[
        Path | None, typer.Option(help="The same utterances in codes of 'vqspeech cluster'.")
    ] = None,
    baseline_fit_on: Annotated[
        Path | None, typer.Option(help="The utterances of --fit-on in codes of 'vqspeech cluster'.")
    ] = None,
    phones: Annotated[
        int, typer.Option(help="41, 40 (SPN is silence) or 39 (neither is scored).")
    ] = 41,
    drop_silence: Annotated[
        bool, typer.Option("--drop-silence", help="Leave silence out of all that phones measure.")
    ] = False,
    frame: Annotated[
        Frame, typer.Option(help="The phone at a frame's centre, or that of most of it.")
    ] = Frame.CENTRE,
    context: Annotated[
        int, typer.Option(min=1, max=3, help="Codes that are read at once, with back-off.")
    ] = 1,
    resamples: Annotated[int, typer.Option(min=10, help="Of the bootstrap.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of resamples and controls.")] = 0,
    save_map: Annotated[
        Path | None, typer.Option(help="Write the map, for 'vqspeech transcribe'.")
    ] = None,
    by_utterance: Annotated[
        bool,
        typer.Option("--by-utterance", help="With --json: of each too, for 'vqspeech compare'."),
    ] = False,
    json_file: JsonOption = None,
) -> None:
    """Map each code to its likeliest phone on one split, and score that on another."""
    from vqspeech.stages.analyze_phonemes import analyze_phonemes
    from vqspeech.stages.phoneme_table import format_phonemes

    if phones not in (41, 40, 39):
        raise UsageError(f"--phones {phones}: 41, 40 or 39 was wanted")
    if by_utterance and json_file is None:
        raise UsageError("--by-utterance: is for a file; add --json FILE")
    check_json(json_file)
    if save_map is not None and json_file is not None and save_map == Path(json_file):
        raise UsageError(f"--json and --save-map {save_map}: give them two names")
    found = analyze_phonemes(
        codes,
        fit_on,
        baseline=baseline,
        baseline_fit_on=baseline_fit_on,
        phone_set=phones,
        drop_silence=drop_silence,
        frame=frame.value,
        context=context,
        resamples=resamples,
        seed=seed,
        save_map=save_map,
        by_utterance=by_utterance,
        note=note,
    )
    tell(format_phonemes(found), found, json_file)
