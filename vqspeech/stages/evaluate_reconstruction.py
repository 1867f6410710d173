"""What the codes lose: utterances encoded, and decoded in their own voice, beside the originals.

The evaluators are those of conversions; the target is the source's speaker. Distortion is of frames
at the same time, for a reconstruction is as long as its source.
"""

import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from vqspeech.errors import InputError, UsageError, name_some, tell_skipped
from vqspeech.generation.voice import Voice
from vqspeech.stages.conversion_judge import Judge
from vqspeech.stages.conversion_material import Material
from vqspeech.stages.evaluate_conversion import (
    FORMAT,
    TEXT,
    describe_model,
    find_references,
    join_words,
)
from vqspeech.stages.evaluation_data import open_data, usable_sources
from vqspeech.stages.evaluators import Evaluators
from vqspeech.stages.known_voices import KnownVoices
from vqspeech.stages.pair_list import Pair, take_turns
from vqspeech.stages.score_summary import summarize
from vqspeech.stages.speak_pairs import Job, check_audio_folder, speak_and_listen

KIND = "reconstruction-scores"
SYSTEMS = ("reconstruction", "original")


def find_utterances(
    voice: Voice,
    data: str | os.PathLike,
    *,
    count: int = 24,
    seed: int = 0,
    longest_seconds: float = 8.0,
    note: Callable[[str], None] = lambda text: None,
) -> Material:
    """Draw utterances of the model's speakers, who take turns.

    Raises:
        InputError: the data is broken, at another rate, or of none of the model's speakers.
        UsageError: there are not so many.
    """
    data_dir = open_data(data, voice.sample_rate)
    there = tuple(name for name in data_dir.speakers if name in voice.speakers)
    if not there:
        raise InputError(
            f"{data_dir.path}: no recordings of any speaker of {voice.name}, only of "
            f"{name_some(data_dir.speakers, 3)}; give the data of its speakers"
        )
    own = [key for key, utterance in data_dir.items() if utterance.speaker in there]
    strangers = [(key, f"not of a speaker of {voice.name}") for key in data_dir if key not in own]
    usable, skipped = usable_sources(data_dir, own, longest_seconds)
    for line in tell_skipped([*strangers, *skipped], len(data_dir)):
        note(line)
    if len(usable) < count:
        raise UsageError(f"--count {count}: {data} has {len(usable)} that can be drawn")
    turns = take_turns([data_dir[key] for key in usable], np.random.default_rng(seed))[:count]
    pairs = [Pair(utterance.id, utterance.speaker) for utterance in turns]
    return Material(data_dir, data_dir, there, pairs, data_dir.genders, None)


def evaluate_reconstruction(
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
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Reconstruct the utterances, listen, and score.

    Args and errors are those of `evaluate_conversion`.

    Returns:
        What stands in the JSON, but for `environment`.
    """
    began = time.perf_counter()
    pairs, jobs = material.pairs, [Job(*pair) for pair in material.pairs]
    check_audio_folder(keep_audio, jobs)
    voices = KnownVoices(material.targets, evaluators)
    listened = speak_and_listen(
        voice,
        material.sources,
        jobs,
        voices,
        material.speakers,
        seed=seed,
        temperature=temperature,
        longest_seconds=longest_seconds,
        keep_audio=keep_audio,
        progress=progress,
    )
    originals, heard = listened.originals, [listened.spoken[job] for job in jobs]
    references, reference = find_references(material, originals)
    judge = Judge(material, voices, originals, references, reference == TEXT)
    rows = [
        {
            "reconstruction": judge.score("reconstruction", found, pair),
            "original": judge.score("original", originals[pair.utterance], pair),
        }
        for pair, found in zip(pairs, heard, strict=True)
    ]
    return {
        "kind": KIND,
        "format": FORMAT,
        "data": name or material.sources.path.resolve().name,
        **describe_model(voice, model, seed, temperature),
        "evaluators": evaluators.describe(),
        "reference": reference,
        "summary": {system: summarize([row[system] for row in rows]) for system in SYSTEMS},
        "scale": voices.scale(judge.speakers) if evaluators.encoder is not None else None,
        "pairs": [
            {
                "id": pair.utterance,
                "source": pair.utterance,
                "source_speaker": pair.target,
                "target": pair.target,
                "seconds": listened.seconds[pair.utterance],
                "source_words": join_words(originals[pair.utterance].words),
                "reconstruction_words": join_words(found.words),
                "reference_words": join_words(references[pair.utterance]),
                **{system: row[system].metrics for system in SYSTEMS},
            }
            for pair, found, row in zip(pairs, heard, rows, strict=True)
        ],
        "analysis_seconds": time.perf_counter() - began,
    }
