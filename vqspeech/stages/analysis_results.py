"""What `analyze` and `evaluate` wrote, as Markdown: the paper's figure, ours, baselines, command.

RESULTS.md of a recipe holds these tables as they come out here.
"""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from vqspeech.errors import InputError
from vqspeech.report.scores import read_scores
from vqspeech.stages.likelihood_table import format_likelihood
from vqspeech.stages.phoneme_table import PERCENT, ROWS, Scale, describe_labels, show_measure
from vqspeech.stages.samples_table import format_samples
from vqspeech.stages.speech_table import format_speech

PAPER = {"accuracy": "49.3", "majority": "7.2"}  # section 4.3, in percent, on its own data
PHONEME_KINDS = ("phonemes", "codes", "speakers", "abx", "stability")  # one table together
# Of `vqspeech evaluate`: a table each, also where several are of one kind or of several models.
SPEECH_KINDS = ("conversion-scores", "reconstruction-scores")
KINDS = (*PHONEME_KINDS, "likelihood", "samples", *SPEECH_KINDS)


def read_analyses(paths: Iterable[str | os.PathLike]) -> list[dict[str, Any]]:
    """The files in the order given, each checked to be one of `vqspeech analyze` or `evaluate`.

    To each comes `folder`, where it lies: the name of the folder, or as much of its path as tells
    it from others of that name.

    Raises:
        InputError: a file that is none, or a second of its kind in one folder whose table has one.
    """
    found: dict[tuple[Path, str, str], dict[str, Any]] = {}
    for path in paths:
        facts = read_scores(path)
        kind, place = facts["kind"], Path(path).resolve().parent
        if kind not in KINDS:
            raise InputError(
                f"{path}: a {kind}; give a file of 'vqspeech analyze --json' or 'evaluate --json'"
            )
        name = Path(path).name if kind in SPEECH_KINDS else ""
        if (place, kind, name) in found:
            raise InputError(
                f"{path}: the second file of kind {kind} in {place.name}, a table has one; give "
                "one, or put them into folders of their own"
            )
        found[place, kind, name] = facts
    titles = _tell_apart({place for place, *_ in found})
    return [facts | {"folder": titles[place]} for (place, *_), facts in found.items()]


def _tell_apart(places: Iterable[Path]) -> dict[Path, str]:
    """The last name of each path, or as many of the last as no other has."""
    titles: dict[Path, str] = {}
    left, size = set(places), 1
    while left:
        ends = {place: "/".join(place.parts[-size:]) for place in left}
        often = Counter(ends.values())
        alone = {place: end for place, end in ends.items() if often[end] == 1}
        titles |= alone
        left -= alone.keys()
        size += 1
    return titles


def format_analyses(found: Sequence[dict[str, Any]]) -> str:
    """The tables of each folder: codes against phones, likelihoods, samples, scores of speech.

    Measures of codes stand below the rows of a `phonemes.json`.

    Raises:
        InputError: a folder with measures of codes but without that file, or with files of two
            models, or a file without the numbers that its kind has.
    """
    folders = list(dict.fromkeys(facts["folder"] for facts in found))
    tables = []
    for folder in folders:
        here = [facts for facts in found if facts["folder"] == folder]
        own = {facts["kind"]: facts for facts in here if facts["kind"] not in SPEECH_KINDS}
        mapped = {kind: own[kind] for kind in own if kind in PHONEME_KINDS}
        if mapped and "phonemes" not in own:
            raise InputError(f"{folder}: no phonemes.json among the files; give that one too")
        models = {kind: facts["model_hash"] for kind, facts in own.items() if "model_hash" in facts}
        first = "phonemes" if "phonemes" in models else next(iter(models), "")
        for kind, model in models.items():
            if model != models[first]:
                raise InputError(
                    f"{folder}: {kind} is of model {model}, {first} of {models[first]}; "
                    "measure both of one model"
                )
        try:
            if mapped:
                tables.append(_format_phonemes(folder, mapped))
            for kind in ("likelihood", "samples"):
                if kind in own:
                    tables.append(_format_facts(own[kind]))
            tables += [_format_facts(facts) for facts in here if facts["kind"] in SPEECH_KINDS]
        except KeyError as error:
            raise InputError(
                f"{folder}: a file lacks {error}; run 'vqspeech {_command(here)}' again"
            ) from error
        except (AttributeError, TypeError, ValueError) as error:
            raise InputError(
                f"{folder}: a file is not as 'vqspeech {_command(here)}' writes it ({error}); "
                "run it again"
            ) from error
    return "\n".join(tables)


def _command(files: Sequence[dict[str, Any]]) -> str:
    """What writes files of these kinds."""
    is_speech = [facts["kind"] in SPEECH_KINDS for facts in files]
    if all(is_speech):
        return "evaluate"
    return "analyze' or 'evaluate" if any(is_speech) else "analyze"


def _format_facts(facts: dict[str, Any]) -> str:
    """The tables of one file, and what made it."""
    formats = {"likelihood": format_likelihood, "samples": format_samples}
    table = formats.get(facts["kind"], format_speech)(facts)
    return "\n".join([table.rstrip("\n"), "", *_made_by(facts, [facts])])


def _format_phonemes(folder: str, own: dict[str, dict[str, Any]]) -> str:
    phonemes = own["phonemes"]
    systems = phonemes["systems"]
    header = ("", "the paper's", *(system["name"] for system in systems))
    rows: list[Sequence[str]] = []
    for key, label, scale in ROWS:
        cells = [show_measure(system["measures"].get(key), scale) for system in systems]
        if any(cells):
            unit = ", %" if scale == PERCENT else ""
            rows.append((label + unit, PAPER.get(key, ""), *cells))
    blank = [""] * (len(systems) - 1)
    rows += [(label, "", value, *blank) for label, value in _other_rows(own)]
    unseen = phonemes["speakers"] - phonemes["shared_speakers"]
    return "\n".join(
        [
            f"**{folder}**: {phonemes['utterances']} utterances, {phonemes['frames']} frames at "
            f"{phonemes['rate']:g} Hz, {phonemes['speakers']} speakers, {unseen} of them not in "
            f"the fit; {phonemes['num_codes']} codes, map of {phonemes['context']} fitted on "
            f"{phonemes['fit_frames']} frames ({phonemes['frames_per_code']:.0f} a code); "
            f"{describe_labels(phonemes)}; intervals of "
            f"{phonemes['interval']['level']:.0%} over {phonemes['interval']['resampled']}.",
            "",
            *(_markdown(row) for row in (header, ["---"] * len(header), *rows)),
            "",
            *_made_by(phonemes, [*own.values()]),
        ]
    )


def _made_by(facts: dict[str, Any], files: Sequence[dict[str, Any]]) -> list[str]:
    """The commands of `files`; commit, hardware and time of `facts`."""
    made = facts["environment"]
    return [
        *(f"    {file['environment']['command']}" for file in files),
        "",
        f"Commit {made['commit'] or '-'}, {', '.join(made['gpus']) or made['processor']}, "
        f"{facts['analysis_seconds']:.0f} s.",
        "",
    ]


def _other_rows(own: dict[str, dict[str, Any]]) -> list[tuple[str, str]]:
    """Figures of the commands that need no map, of the codes alone."""
    rows = []
    if probe := own.get("speakers", {}).get("probe"):
        accuracy = show_measure({**probe, "value": probe["accuracy"]}, PERCENT)
        label = f"1 of {probe['speakers']} speakers named by a linear probe, %"
        rows.append((label, f"{accuracy}, chance {probe['chance'] * 100:.1f}"))
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
            low, high = abx[mode]["interval"] or (None, None)
            error = {"value": abx[mode]["error"], "low": low, "high": high}
            label = f"ABX error {mode} speakers, {abx['distance']}, %"
            rows.append((label, show_measure(error, PERCENT)))
    stability = own.get("stability", {})
    disturbed = [*stability.get("disturbances", ())]
    if others := stability.get("other_utterances"):
        disturbed.append({**others, "name": "another utterance"})
    for row in disturbed:
        distance = show_measure({**row, "value": row["ued"]}, Scale(1, 2))
        rows.append((f"unit edit distance, {row['name']}", distance))
    return rows


def _markdown(row: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |"
