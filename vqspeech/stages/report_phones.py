"""Phones for the report: the scores of `vqspeech analyze`, in pictures and tables."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vqspeech.analysis.mapping_json import KIND as MAPPING
from vqspeech.data.codes import CodeDir
from vqspeech.errors import InputError, VQSpeechError
from vqspeech.report.measured import measured_table
from vqspeech.report.page import Heading, Missing, Section
from vqspeech.report.phones import draw_code_phones, draw_confusion, draw_phone_accuracy
from vqspeech.report.scores import (
    PhonemeScores,
    facts_table,
    measure_of,
    phoneme_scores,
    read_scores,
    systems_table,
)
from vqspeech.stages.report_codes import CodesMaterial, analyze_command

CODES = "codes"  # what the scored codes are called among the systems
PICTURED = (
    *("kind", "phones", "code_phones", "counts", "confusion", "per_phone", "systems"),
    *("model_hash", "by_utterance"),
)
TITLES = {
    "phonemes": "Phones",
    "codes": "Use of the codes",
    "speakers": "Speakers in the codes",
    "stability": "Stability of the codes",
    "abx": "ABX",
}


@dataclass(frozen=True, eq=False)
class Scored:
    """A file of scores; `parts` where it is of kind "phonemes"."""

    path: Path
    title: str
    scores: Mapping[str, Any]
    parts: PhonemeScores | None


def find_scores(
    run: Path,
    given: Sequence[str | os.PathLike],
    hashes: frozenset[str],
    note: Callable[[str], None],
) -> tuple[Scored, ...]:
    """Scores: the files given, or those in `analysis*` beside the run that are of its model.

    Raises:
        InputError: a file that was given holds no scores, or those of another model.
    """
    found, others = [], 0
    for path in map(Path, given):
        scores = read_scores(path)
        if scores.get("model_hash", None) not in (None, *hashes):
            raise InputError(
                f"{path}: scores of another model ({scores['model_hash']}) than {run}; leave it out"
            )
        found.append((path, scores))
    if not given:
        beside = run.resolve().parent
        for path in sorted([*beside.glob("analysis*/*.json"), *beside.glob("analysis*/*/*.json")]):
            try:
                scores = read_scores(path)
            except VQSpeechError as error:
                note(f"left out: {error}")
                continue
            if scores["kind"] == MAPPING:
                continue
            if scores.get("model_hash") in hashes:
                found.append((path, scores))
            else:
                others += 1
    if others:
        note(f"left out scores of other models beside {run}: {others}")
    return tuple(
        Scored(
            path,
            _title(path, scores),
            scores,
            phoneme_scores(scores, path) if scores["kind"] == "phonemes" else None,
        )
        for path, scores in sorted(found, key=lambda item: item[1]["kind"] != "phonemes")
    )


def scored_dir(directories: Sequence[CodeDir], found: Sequence[Scored]) -> CodeDir | None:
    """The directory that was scored, or else one with phones, or else the first."""
    told = [Path(s.scores["codes"]) for s in found if isinstance(s.scores.get("codes"), str)]
    for path in told:
        for code_dir in directories:
            if path.resolve() == code_dir.path.resolve():
                return code_dir
    for path in told:  # a run that was moved since
        for code_dir in directories:
            if path.name == code_dir.path.name:
                return code_dir
    with_phones = [one for one in directories if (one.path / "phones.ctm").is_file()]
    return next(iter([*with_phones, *directories]), None)


def best_scores(found: Sequence[Scored]) -> tuple[tuple[str, str, str], ...]:
    """Accuracy of each file of phones for the top of the page, with what to compare it with."""
    tiles = []
    for scored in found:
        value = None if scored.parts is None else measure_of(scored.parts, CODES, "accuracy")
        if value is not None:
            compared = ""
            if scored.parts.majority is not None:
                phone, share = scored.parts.majority
                compared = f"always {phone}: {100 * share:.1f} %"
            tiles.append((f"frames right, {scored.title}", f"{100 * value:.1f} %", compared))
    return tuple(tiles[:3])


def phones_section(material: CodesMaterial, found: Sequence[Scored]) -> Section:
    """Matrix, confusion, accuracy by phone and all measures, of each file of scores."""
    blocks: list[Any] = []
    for number, scored in enumerate(found, 1):
        heading = TITLES.get(scored.scores["kind"], scored.scores["kind"])
        blocks.append(Heading(f"{heading}: {scored.title}", describe_scores(scored.scores)))
        parts = scored.parts
        if parts is not None:
            if parts.systems:
                table = f"measures-{number}"
                blocks.append(
                    systems_table(table, "All measures", parts, _intervals(scored.scores))
                )
            if parts.counts is not None and parts.counts.sum() and parts.code_phones:
                blocks.append(
                    draw_code_phones(
                        f"code-phone-matrix-{number}",
                        matrix_title(parts),
                        parts.counts,
                        parts.phones,
                        parts.code_phones,
                    )
                )
            if parts.per_phone:
                phones, frames, accuracy = zip(*parts.per_phone, strict=True)
                blocks.append(
                    draw_phone_accuracy(f"phone-accuracy-{number}", phones, accuracy, frames)
                )
            if parts.confusion is not None and parts.confusion.sum():
                blocks.append(draw_confusion(f"confusion-{number}", parts.confusion, parts.phones))
        table = measured_table(f"measured-{number}", "Measured", scored.scores)
        if table is not None:
            blocks.append(table)
        skip = PICTURED if parts is not None else ("kind", "model_hash")
        title = "How it was measured" if parts is not None else "All numbers"
        is_folded = parts is not None or table is not None
        blocks.append(facts_table(f"facts-{number}", title, scored.scores, skip, is_folded))
    if not any(scored.parts is not None for scored in found):
        what = "How phone-like the codes are is measured on codes with a phone alignment:"
        blocks.append(Missing(what, analyze_command(material)))
    lead = (
        "Each code is read as the phone that it most often meant in the data the map was fitted"
        " on. An accuracy means little without its baselines, so they stand beside it."
    )
    return Section("phones", "Phones", lead, tuple(blocks))


def matrix_title(parts: PhonemeScores) -> str:
    """Accuracy and baselines in a line."""
    words = []
    value = measure_of(parts, CODES, "accuracy")
    if value is not None:
        words.append(f"{100 * value:.1f} % of frames right")
    if parts.majority is not None:
        words.append(f"always {parts.majority[0]} {100 * parts.majority[1]:.1f} %")
    shuffled = measure_of(parts, CODES, "shuffled")
    if shuffled is not None:
        words.append(f"shuffled codes {100 * shuffled:.1f} %")
    for name, _ in parts.systems:
        other = measure_of(parts, name, "accuracy")
        if name != CODES and other is not None:
            words.append(f"{name} {100 * other:.1f} %")
    return "; ".join(words) or "Codes and phones"


def describe_scores(scores: Mapping[str, Any]) -> str:
    """What was fitted and scored on what, in a sentence."""
    words = []
    if "fit_on" in scores:
        words.append(f"map fitted on {_count(scores, 'fit_frames')}{scores['fit_on']}")
    if "codes" in scores:
        words.append(f"scored on {_count(scores, 'frames')}{scores['codes']}")
    if "speakers" in scores and "utterances" in scores:
        words.append(f"{scores['utterances']} utterances of {scores['speakers']} speakers")
    text = ", ".join(words)
    return text[:1].upper() + text[1:] + "." if text else ""


def _title(path: Path, scores: Mapping[str, Any]) -> str:
    """The last part of the codes that were scored, or of the data, or else the file's name."""
    data = scores.get("data")
    for place in (scores.get("codes"), *(data if isinstance(data, list) else (data,))):
        if isinstance(place, str) and place:
            return Path(place).resolve().name
    return path.stem


def _count(scores: Mapping[str, Any], name: str) -> str:
    return f"{scores[name]:,} frames of " if isinstance(scores.get(name), int) else ""


def _intervals(scores: Mapping[str, Any]) -> str:
    interval = scores.get("interval")
    if not isinstance(interval, dict) or "level" not in interval:
        return ""
    count = f", {interval['count']} times" if "count" in interval else ""
    what = interval.get("resampled", "")
    return f"Below a value: interval of {100 * interval['level']:g} %, by resampling {what}{count}."
