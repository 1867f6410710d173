"""Codes of several systems spoken, and what is heard in them: voiced frames, and words.

The recordings themselves and their codes, decoded, say what the two listeners make of real speech
and of the decoder; what is drawn is told apart from noise by standing nearer to them than random
codes do.
"""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.signal import resample_poly

from vqspeech.audio.pitch import median_pitch
from vqspeech.data.data_dir import DataDir
from vqspeech.data.forced_alignment import SAMPLE_RATE
from vqspeech.data.word_recognition import Word, WordRecognizer
from vqspeech.errors import InputError, MissingError, name_some
from vqspeech.generation.voice import Voice
from vqspeech.stages.report_utterances import read_utterance

RECORDINGS = "recordings"


def check_recordings(
    data_dir: DataDir | None, utterances: Sequence[str], codes: str | os.PathLike
) -> None:
    """Refuse data that is not what was encoded, before the work.

    Raises:
        InputError: an utterance is not there.
    """
    if data_dir is None:
        return
    missing = [key for key in utterances if key not in data_dir]
    if missing:
        raise InputError(
            f"{data_dir.path}: no {name_some(missing, 2)}, of which {codes} has codes; give --data "
            "the directory that was encoded"
        )


def speak_systems(
    voice: Voice,
    data_dir: DataDir,
    utterances: Sequence[str],
    speakers: Sequence[str],
    systems: Mapping[str, Sequence[np.ndarray]],
    *,
    seed: int = 0,
    note: Callable[[str], None] = lambda text: None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Speak codes and listen.

    Args:
        utterances: whose recordings are listened to.
        speakers: of each utterance; whom the voice has not is spoken for by one whom it has.
        systems: by name, codes (L,) or (L, G) for each utterance and maybe more, which are not
            spoken.
        seed: of the waveforms.
        note: told when there is no recogniser.
        progress: told (samples drawn, their total).

    Returns:
        `recognizer` (name and version, None without one) and `spoken`, a row a system: name,
        seconds, voiced_share, words, words_per_second, distinct_words (their share),
        word_confidence; what a missing recogniser would tell is None.
    """
    try:
        recognizer = WordRecognizer()
    except MissingError as error:
        note(f"{error}; words are not counted")
        recognizer = None
    recorded = [read_utterance(data_dir, key, voice.sample_rate)[0] for key in utterances]
    rows = [{"name": RECORDINGS, **_listen(recorded, voice.sample_rate, recognizer)}]
    known = voice.speakers
    voices = [name if name in known else known[i % len(known)] for i, name in enumerate(speakers)]
    for number, (name, codes) in enumerate(systems.items()):
        told = None
        if progress is not None:

            def told(done: int, total: int, number: int = number) -> None:
                progress(number * total + done, len(systems) * total)

        spoken = voice.decode_batch(codes[: len(utterances)], voices, seed=seed, progress=told)
        rows.append({"name": name, **_listen(spoken, voice.sample_rate, recognizer)})
    named = None if recognizer is None else f"{recognizer.name} {recognizer.version}"
    return {"recognizer": named, "spoken": rows}


def _listen(
    waveforms: Sequence[np.ndarray], sample_rate: int, recognizer: WordRecognizer | None
) -> dict[str, Any]:
    """What is heard in all of them together."""
    sizes = [len(samples) for samples in waveforms]
    voiced = [median_pitch(samples, sample_rate).voiced_share for samples in waveforms]
    seconds = sum(sizes) / sample_rate
    heard: dict[str, Any] = {
        "seconds": seconds,
        "voiced_share": float(np.average(voiced, weights=sizes)),
    }
    words = None
    if recognizer is not None:
        words = [word for samples in waveforms for word in _hear(samples, sample_rate, recognizer)]
    return heard | {
        "words": None if words is None else len(words),
        "words_per_second": None if words is None else len(words) / seconds,
        "distinct_words": len({word.text for word in words}) / len(words) if words else None,
        "word_confidence": float(np.mean([w.confidence for w in words])) if words else None,
    }


def _hear(samples: np.ndarray, sample_rate: int, recognizer: WordRecognizer) -> list[Word]:
    common = math.gcd(sample_rate, SAMPLE_RATE)
    up, down = SAMPLE_RATE // common, sample_rate // common
    return recognizer.hear(samples if up == down else resample_poly(samples, up, down))
