"""How good conversions are: are the words kept, is it the target's voice, its pitch, its rhythm?

Source utterances are spoken by targets, and in their own voice where the model has it (copy
synthesis); the same evaluators hear these and the sources. What each number means is in
`speech_scores.py`.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from vqspeech.analysis.word_errors import normalize_words
from vqspeech.errors import name_some
from vqspeech.files import write_text
from vqspeech.generation.voice import Voice
from vqspeech.stages.conversion_judge import Judge
from vqspeech.stages.conversion_material import Material
from vqspeech.stages.encode import hash_model
from vqspeech.stages.evaluators import Evaluators, Heard
from vqspeech.stages.known_voices import KnownVoices
from vqspeech.stages.pair_list import direction_of, format_pairs
from vqspeech.stages.score_summary import (
    by_direction,
    format_trials,
    similarity_matrix,
    summarize,
    verify,
)
from vqspeech.stages.speak_pairs import Job, check_audio_folder, speak_and_listen

KIND, FORMAT = "conversion-scores", 1
SYSTEMS = ("converted", "copy_synthesis", "original")
TEXT, RECOGNISED = "text", "source as recognised"
Note = Callable[[str], None]


def evaluate_conversion(
    voice: Voice,
    model: str | os.PathLike | None,
    material: Material,
    evaluators: Evaluators,
    *,
    name: str | None = None,
    seed: int = 0,
    temperature: float | None = None,
    longest_seconds: float = 8.0,
    keep_audio: str | os.PathLike | None = None,
    beside: str | os.PathLike | None = None,
    note: Note = lambda text: None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Speak all pairs, listen, and score.

    Args:
        model: what the voice was loaded from, for its hash.
        name: of the data in the result; its folder's name without it.
        longest_seconds: to which sources without text are cut.
        keep_audio: a folder for what is spoken.
        beside: the JSON file beside which the trials and a drawn list of pairs are written.
        progress: told (done, total) in seconds of audio.

    Returns:
        What stands in the JSON, but for `environment`.

    Raises:
        InputError: a recording that cannot be read.
        WriteError: audio is there already.
    """
    began = time.perf_counter()
    pairs = material.pairs
    owners = {p.utterance: material.sources[p.utterance].speaker for p in pairs}
    jobs = [Job(*pair) for pair in pairs]
    copies = [Job(key, owner) for key, owner in owners.items() if owner in voice.speakers]
    check_audio_folder(keep_audio, [*jobs, *copies])
    if material.drawn is not None:
        _write_beside(beside, "pairs", format_pairs(pairs, material.drawn))
    voices = KnownVoices(material.targets, evaluators)
    listened = speak_and_listen(
        voice,
        material.sources,
        [*jobs, *copies],
        voices,
        material.speakers,
        seed=seed,
        temperature=temperature,
        longest_seconds=longest_seconds,
        keep_audio=keep_audio,
        progress=progress,
    )
    originals = listened.originals
    converted = [listened.spoken[job] for job in jobs]
    copied = {job.utterance: listened.spoken[job] for job in copies}
    references, reference = find_references(material, originals)
    judge = Judge(material, voices, originals, references, reference == TEXT)
    likeness = [judge.similarities(h, p) for h, p in zip(converted, pairs, strict=True)]
    silent = [p.id for p, row in zip(pairs, likeness, strict=True) if row is None]
    if silent and evaluators.encoder is not None:
        note(f"nothing is to be heard in {len(silent)} conversions: {name_some(silent)}")
    rows = []
    for pair, heard in zip(pairs, converted, strict=True):
        systems = (heard, copied.get(pair.utterance), originals[pair.utterance])
        rows.append(
            {
                system: judge.score(system, found, pair)
                for system, found in zip(SYSTEMS, systems, strict=True)
                if found is not None
            }
        )
    directions = [direction_of(pair, owners[pair.utterance], material.genders) for pair in pairs]
    targets = [pair.target for pair in pairs]
    trials = verify(likeness, targets, judge.speakers)
    if trials is not None:
        names = {pair.id: pair.target for pair in pairs}
        table = format_trials(names, likeness, judge.speakers)
        trials["file"] = _write_beside(beside, "trials", table)
    return {
        "kind": KIND,
        "format": FORMAT,
        "data": name or material.sources.path.resolve().name,
        **describe_model(voice, model, seed, temperature),
        "evaluators": evaluators.describe(),
        "reference": reference,
        "summary": {
            system: summarize([row[system] for row in rows if system in row]) for system in SYSTEMS
        },
        "directions": by_direction([row["converted"] for row in rows], directions),
        "scale": voices.scale(judge.speakers) if evaluators.encoder is not None else None,
        "pairs": [
            {
                "id": pair.id,
                "source": pair.utterance,
                "source_speaker": owners[pair.utterance],
                "target": pair.target,
                "direction": direction,
                "seconds": listened.seconds[pair.utterance],
                "source_words": join_words(originals[pair.utterance].words),
                "converted_words": join_words(heard.words),
                "reference_words": join_words(references[pair.utterance]),
                **{system: row[system].metrics if system in row else None for system in SYSTEMS},
            }
            for pair, direction, heard, row in zip(pairs, directions, converted, rows, strict=True)
        ],
        "similarity_matrix": similarity_matrix(likeness, targets, judge.speakers),
        "trials": trials,
        "analysis_seconds": time.perf_counter() - began,
    }


def describe_model(
    voice: Voice, model: str | os.PathLike | None, seed: int, temperature: float | None
) -> dict[str, Any]:
    """Which model spoke, and how: model, model_hash, sample_rate, through, temperature, seed."""
    return {
        "model": voice.name,
        "model_hash": hash_model(model),
        "sample_rate": voice.sample_rate,
        "through": voice.through,
        "temperature": voice.temperature if temperature is None else temperature,
        "seed": seed,
    }


def join_words(words: Sequence[str] | None) -> str | None:
    """Words as they stand in the JSON; None where nobody listened."""
    return None if words is None else " ".join(words)


def find_references(
    material: Material, originals: Mapping[str, Heard]
) -> tuple[dict[str, list[str] | None], str]:
    """The words that should be heard, by utterance, and where they are from.

    Texts, where all sources have one; else what the recogniser hears in the sources, for a rate
    that is partly against texts and partly not would be neither.
    """
    texts = {key: material.sources[key].text for key in originals}
    if all(texts.values()):
        return {key: normalize_words(text) for key, text in texts.items()}, TEXT
    return {key: heard.words for key, heard in originals.items()}, RECOGNISED


def _write_beside(path: str | os.PathLike | None, what: str, text: str) -> str | None:
    """Write a table beside the JSON file, `a.json` and `a-pairs.tsv`; its name, None without."""
    if path is None:
        return None
    place = Path(path).with_name(f"{Path(path).stem}-{what}.tsv")
    write_text(place, text)
    return place.name
