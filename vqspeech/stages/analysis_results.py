"""What `vqspeech analyze` wrote, as Markdown: the paper's figure, ours, the baselines, the command.

RESULTS.md of a recipe holds these tables as they come out here.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from vqspeech.errors import InputError
from vqspeech.report.scores import read_scores
from vqspeech.stages.phoneme_table import ROWS, show_measure

PAPER = {"accuracy": "49.3", "majority": "7.2"}  # section 4.3, in percent, on its own data
KINDS = ("phonemes", "codes", "speakers", "abx", "stability")


def read_analyses(paths: Iterable[str | os.PathLike]) -> list[dict[str, Any]]:
    """The files in the order given, each checked to be one of `vqspeech analyze --json`.

    Raises:
        InputError: a file that is none.
    """
    found = []
    for path in paths:
        facts = read_scores(path)
        if facts["kind"] not in KINDS:
            raise InputError(f"{path}: a {facts['kind']}; give a file of 'vqspeech analyze --json'")
        found.append(facts | {"folder": Path(path).resolve().parent.name})
    return found


def format_analyses(found: Sequence[dict[str, Any]]) -> str:
    """A table for each folder that holds a `phonemes.json`, the other measures below its rows.

    Raises:
        InputError: a folder without one, or a file without the numbers that its kind has.
    """
    folders = list(dict.fromkeys(facts["folder"] for facts in found))
    tables = []
    for folder in folders:
        own = {facts["kind"]: facts for facts in found if facts["folder"] == folder}
        if "phonemes" not in own:
            raise InputError(f"{folder}: no phonemes.json among the files; give that one too")
        try:
            tables.append(_format_folder(folder, own))
        except (KeyError, TypeError, IndexError) as error:
            raise InputError(
                f"{folder}: a file lacks {error}; run 'vqspeech analyze' again"
            ) from error
    return "\n".join(tables)


def _format_folder(folder: str, own: dict[str, dict[str, Any]]) -> str:
    phonemes = own["phonemes"]
    systems = phonemes["systems"]
    header = ("", "the paper's", *(system["name"] for system in systems))
    rows: list[Sequence[str]] = []
    for key, label, percent in ROWS:
        cells = [show_measure(system["measures"].get(key), percent) for system in systems]
        if any(cells):
            rows.append((label + (", %" if percent else ""), PAPER.get(key, ""), *cells))
    blank = [""] * (len(systems) - 1)
    rows += [(label, "", value, *blank) for label, value in _other_rows(own)]
    made = phonemes["environment"]
    unseen = phonemes["speakers"] - phonemes["shared_speakers"]
    silence = "silence dropped" if phonemes["drop_silence"] else "silence kept"
    at = "at a frame's centre" if phonemes["frame"] == "centre" else "that fills most of a frame"
    return "\n".join(
        [
            f"**{folder}**: {phonemes['utterances']} utterances, {phonemes['frames']} frames at "
            f"{phonemes['rate']:g} Hz, {phonemes['speakers']} speakers, {unseen} of them not in "
            f"the fit; {phonemes['num_codes']} codes, map of {phonemes['context']} fitted on "
            f"{phonemes['fit_frames']} frames ({phonemes['frames_per_code']:.0f} a code); "
            f"{phonemes['phone_set']} phones, {silence}, the phone {at}; intervals of "
            f"{phonemes['interval']['level']:.0%} over {phonemes['interval']['resampled']}.",
            "",
            *(_markdown(row) for row in (header, ["---"] * len(header), *rows)),
            "",
            f"    {made['command']}",
            "",
            f"Commit {made['commit'] or '-'}, {', '.join(made['gpus']) or made['processor']}, "
            f"{phonemes['seconds']:.0f} s.",
            "",
        ]
    )


def _other_rows(own: dict[str, dict[str, Any]]) -> list[tuple[str, str]]:
    """Figures of the commands that need no map, of the codes alone."""
    rows = []
    if probe := own.get("speakers", {}).get("probe"):
        accuracy = f"{probe['accuracy'] * 100:.1f}, chance {probe['chance'] * 100:.1f}"
        rows.append((f"1 of {probe['speakers']} speakers named by a linear probe, %", accuracy))
    if information := own.get("speakers", {}).get("information"):
        rows.append(
            (
                "I(speaker; code) / H(speaker), above shuffled, %",
                f"{information['excess'] * 100:.1f}",
            )
        )
    abx = own.get("abx", {})
    for mode in ("within", "across"):
        if mode in abx:
            rows.append(
                (
                    f"ABX error {mode} speakers, {abx['distance']}, %",
                    f"{abx[mode]['error'] * 100:.1f}",
                )
            )
    for row in own.get("stability", {}).get("disturbances", ()):
        rows.append((f"unit edit distance, {row['name']}", f"{row['ued']:.2f}"))
    if others := own.get("stability", {}).get("other_utterances"):
        rows.append(("unit edit distance, another utterance", f"{others['ued']:.2f}"))
    return rows


def _markdown(row: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |"
