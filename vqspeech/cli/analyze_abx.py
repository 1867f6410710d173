"""The command `vqspeech analyze abx`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from vqspeech.cli.console import note
from vqspeech.cli.numbers import JsonOption, check_json, tell
from vqspeech.cli.voices import ModelOption, SeedOption


def register(group: typer.Typer) -> None:
    """Add the commands of this module."""
    group.command()(abx)


def abx(
    codes: Annotated[Path, typer.Argument(help="A code directory.", metavar="CODES")],
    items: Annotated[
        Path | None,
        typer.Option(help="Triphones of ZeroSpeech or Libri-Light, .item [default: phones.ctm]."),
    ] = None,
    model: ModelOption = None,
    distance: Annotated[
        str,
        typer.Option(
            help="cosine (of codebook vectors, needs --model), levenshtein (of codes, runs merged),"
            " levenshtein-frames, or auto: cosine with a model."
        ),
    ] = "auto",
    speakers: Annotated[
        str, typer.Option(help="X by the speaker of A and B or another: within, across or both.")
    ] = "both",
    max_per_class: Annotated[
        int, typer.Option(min=2, help="Tokens of one triphone and speaker, drawn at random.")
    ] = 10,
    max_x_speakers: Annotated[
        int, typer.Option(min=1, help="Speakers of X for one speaker of A and B.")
    ] = 5,
    seed: SeedOption = 0,
    json_file: JsonOption = None,
) -> None:
    """Triphone ABX: how often a phone is nearer to another phone than to itself."""
    from vqspeech.stages.analyze_abx import analyze_abx

    check_json(json_file)
    found = analyze_abx(
        codes,
        items=items,
        model=model,
        distance=distance,
        speakers=speakers,
        max_per_class=max_per_class,
        max_x_speakers=max_x_speakers,
        seed=seed,
        note=note,
    )
    tell(_as_text(found), found, json_file)


def _as_text(found: dict[str, Any]) -> str:
    lines = [
        f"ABX error of {found['codes']}, distance {found['distance']}: {found['distance_is']}",
        f"{found['tokens']} triphones of {found['triphones']}, {found['speakers']} speakers; "
        f"{found['rate']:g} frames a second, {found['num_codes']} codes",
    ]
    for mode, label in (("within", "within speakers"), ("across", "across speakers")):
        if mode not in found:
            continue
        score = found[mode]
        low_high = score["interval"]
        spread = "" if low_high is None else f"  [{low_high[0]:.1%}, {low_high[1]:.1%}]"
        lines.append(
            f"{label}  {score['error']:6.2%}{spread}  {score['pairs']} pairs of phones, "
            f"{score['contexts']} contexts, {score['triples']} triples"
        )
        hardest = ", ".join(f"{a}-{b} {error:.0%}" for a, b, error in score["hardest_pairs"][:5])
        lines.append(f"  hardest: {hardest}")
    lines.append("chance is 50 %; intervals are over speakers, where there are 10 or more")
    return "\n".join(lines)
