"""Scores of conversions for the report, and the picture of whose voices they have."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vqspeech.checkpoint import checkpoints
from vqspeech.errors import InputError
from vqspeech.report.conversion import (
    ConversionScores,
    conversion_scores,
    directions_table,
    systems_scores_table,
    value_of,
)
from vqspeech.report.page import Heading, Missing
from vqspeech.report.score_measures import CONVERSION, JUDGED, RECONSTRUCTION, show
from vqspeech.report.scores import facts_table, read_scores
from vqspeech.report.similarity import Similarities, draw_similarity, write_similarity
from vqspeech.stages.list_models import list_speakers
from vqspeech.stages.report_codes import quoted
from vqspeech.stages.report_phones import Scored
from vqspeech.stages.speaker_choice import Row

KINDS = tuple(JUDGED)  # of scores that are shown with the recordings
_TITLES = {CONVERSION: "Conversions", RECONSTRUCTION: "Reconstructions"}
_SHOWN = (
    *("kind", "format", "model_hash", "summary", "directions", "pairs"),
    *("similarity_matrix", "trials"),
)
# The best of the page: measure, its name there, and what it is of.
_TILES = (("nearer_target", "conversions nearer to the target"), ("wer", "word error rate"))


def conversion_blocks(run: Path, found: Sequence[Scored]) -> list[Any]:
    """Tables and a similarity matrix of each file; the command that makes one where there is none.

    Raises:
        InputError: a file is not as it should be.
    """
    blocks: list[Any] = []
    known = bool(checkpoints(run))
    for number, scored in enumerate(_of_conversions(found), 1):
        parts = conversion_scores(scored.scores, scored.path)
        kind = scored.scores["kind"]
        blocks.append(Heading(f"{_TITLES[kind]}: {scored.title}", _describe(scored, parts)))
        blocks.append(systems_scores_table(f"conversion-{number}", "Scores", parts))
        if parts.directions:
            table = directions_table(f"directions-{number}", "Scores by direction", parts)
            blocks.append(table)
        if parts.similarities is not None:
            title = "Whose voice the conversions have"
            matrix = with_genders(parts.similarities, list_speakers(run) if known else [])
            blocks.append(draw_similarity(f"similarity-{number}", title, matrix))
        facts = f"conversion-facts-{number}"
        blocks.append(facts_table(facts, "How it was measured", scored.scores, _SHOWN, True))
    if not any(scored.scores["kind"] == CONVERSION for scored in found):
        out = run.resolve().parent / "analysis" / "conversion.json"
        what = "How good its conversions are is measured with a recogniser and a speaker embedding:"
        command = f"vqspeech evaluate conversion --model {quoted(run)} --data DATA --pairs LIST"
        blocks.append(Missing(what, f"{command} --json {quoted(out)}"))
    return blocks


def conversion_tiles(found: Sequence[Scored]) -> tuple[tuple[str, str, str], ...]:
    """What stands on top of the page: label, value, and what to compare it with."""
    tiles = []
    for scored in _of_conversions(found):
        if scored.scores["kind"] != CONVERSION:
            continue
        parts = conversion_scores(scored.scores, scored.path)
        for name, label in _TILES:
            figure = value_of(parts, "converted", name)
            if figure is None:
                continue
            original = value_of(parts, "original", name) if name == "wer" else None
            compared = "" if original is None else f"recordings {show(name, original[0])} %"
            tiles.append((f"{label}, {scored.title}", f"{show(name, figure[0])} %", compared))
    return tuple(tiles[: 2 * len(_TILES)])


def draw_similarity_file(
    scores: str | os.PathLike, out: str | os.PathLike, model: str | os.PathLike | None = None
) -> Path:
    """The similarity matrix of a file of `vqspeech evaluate conversion` as a PNG.

    Args:
        scores: the file.
        out: the picture.
        model: that made the conversions, for the genders of its speakers; without it they are known
            of sources and targets only.

    Raises:
        InputError: the file is none of these, or has no similarities; or no model is there.
        WriteError: the picture cannot be written.
    """
    read = read_scores(scores)
    if read["kind"] not in KINDS:
        raise InputError(f"{scores}: {read['kind']}; give one of 'vqspeech evaluate conversion'")
    found = conversion_scores(read, scores).similarities
    if found is None:
        raise InputError(f"{scores}: has no similarity matrix; evaluate with a speaker embedding")
    write_similarity(out, with_genders(found, [] if model is None else list_speakers(model)))
    return Path(out)


def with_genders(found: Similarities, rows: Sequence[Row]) -> Similarities:
    """The same, with the genders of a model's speakers: rows are those of `list_speakers`."""
    of_model = {row["speaker"]: row["gender"] for row in rows if row["gender"]}
    return found._replace(genders={**of_model, **found.genders})


def _of_conversions(found: Sequence[Scored]) -> list[Scored]:
    """Conversions first."""
    return sorted(
        (scored for scored in found if scored.scores["kind"] in KINDS),
        key=lambda scored: scored.scores["kind"] != CONVERSION,
    )


def _describe(scored: Scored, parts: ConversionScores) -> str:
    """How many pairs of which model, at which temperature."""
    words = [f"{parts.pairs} {'pairs' if scored.scores['kind'] == CONVERSION else 'recordings'}"]
    for key, text in (("model", "model {}"), ("temperature", "temperature {}")):
        if scored.scores.get(key) is not None:
            words.append(text.format(scored.scores[key]))
    return ", ".join(words) + "."
