"""The audio of a corpus, written once for each recording and treatment.

    OUT/audio/SPEAKER/UTTERANCE.wav     16-bit mono at the rate of the models
    OUT/audio/.sources.json             the recording that each of them was made of, and how

What is there already and was made of the same recording in the same way is left alone, so that a
run may be killed at any time and goes on where it was.
"""

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from vqspeech.audio.stream import MonoStream
from vqspeech.audio.treatment import Treatment, write_treated
from vqspeech.audio.waveform import Header, read_header
from vqspeech.data.corpora.source import Source
from vqspeech.data.origins import (
    Origin,
    add_line,
    open_journal,
    origin_of,
    read_origins,
    write_origins,
)
from vqspeech.errors import InputError, UsageError
from vqspeech.files import sweep_temporaries


class Outcome(NamedTuple):
    """What became of one recording; without a length it is skipped, for a reason."""

    length: int = 0  # samples
    is_new: bool = False
    trimmed_start: int = 0  # samples cut off the beginning
    trimmed_end: int = 0
    notes: tuple[str, ...] = ()
    reason: str = ""


class AudioPlan(NamedTuple):
    """Recordings by utterance id, as they were when they were last read and as they are."""

    known: Mapping[str, Origin]  # of the files that are there
    origins: Mapping[str, Origin]  # of the corpus now; what cannot be opened is left out
    stale: frozenset[str]  # utterances whose file is not there, or of something else


def audio_path(out: Path, source: Source) -> Path:
    """Where the audio of a recording is written."""
    return out / "audio" / source.speaker / f"{source.id}.wav"


def plan_audio(sources: Sequence[Source], out: Path, treatment: Treatment) -> AudioPlan:
    """What there is to do; nothing is changed.

    Raises:
        UsageError: a recording is one that an earlier preparation wrote to `out`.
    """
    known = read_origins(out / "audio")
    written = f"{os.path.realpath(out / 'audio')}{os.sep}"
    origins = {}
    for source in sources:
        with suppress(InputError):  # the reader will name it
            origin = origin_of(source.audio, _describe(treatment, source))
            if origin.path.startswith(written):
                raise UsageError(
                    f"{source.audio}: is in {out} itself; give another folder to write"
                )
            origins[source.id] = origin
    fresh = {key for key, origin in origins.items() if origin.is_same_work(known.get(key))}
    return AudioPlan(known, origins, frozenset(source.id for source in sources) - fresh)


def write_audio(
    sources: Sequence[Source],
    plan: AudioPlan,
    out: Path,
    treatment: Treatment,
    num_jobs: int,
    progress: Callable[[int, int], None] | None,
) -> dict[str, Outcome]:
    """Write all recordings that are not there yet; what became of each, by utterance id.

    Raises:
        WriteError: no space or no permission; what is written so far stays for the next run.
    """
    audio = out / "audio"
    for folder in {audio_path(out, source).parent for source in sources}:
        sweep_temporaries(folder)
    sweep_temporaries(audio)
    valid = {key: origin for key, origin in plan.known.items() if key not in plan.stale}
    write_origins(audio, valid)
    outcomes = {}
    with open_journal(audio) as journal:

        def convert(source: Source) -> Outcome:
            target = audio_path(out, source)
            outcome = _convert(source, target, treatment, valid.get(source.id))
            if outcome.is_new and source.id in plan.origins:
                cuts = {"trimmed_start": outcome.trimmed_start, "trimmed_end": outcome.trimmed_end}
                add_line(journal, source.id, plan.origins[source.id]._replace(**cuts))
            return outcome

        # soundfile and soxr let go of the interpreter's lock, so threads are enough.
        executor = ThreadPoolExecutor(num_jobs)
        try:
            jobs = [executor.submit(convert, source) for source in sources]
            for source, job in zip(sources, jobs, strict=True):
                outcomes[source.id] = job.result()
                if progress is not None:
                    progress(len(outcomes), len(sources))
        finally:
            executor.shutdown(cancel_futures=True)
    write_origins(audio, read_origins(audio))
    return outcomes


def tally_notes(outcomes: Mapping[str, Outcome]) -> list[str]:
    """One line for all files with the same note, which may be the whole corpus."""
    counts: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for outcome in outcomes.values():
        for note in outcome.notes:
            path, _, change = note.rpartition(": ")
            counts[change] += 1
            examples.setdefault(change, path)
    return [
        f"{examples[change]}: {change}"
        if count == 1
        else f"{count} files such as {examples[change]}: {change}"
        for change, count in counts.items()
    ]


def _describe(treatment: Treatment, source: Source) -> str:
    """All that the written samples depend on besides the recording."""
    words = [f"{treatment.sample_rate} Hz"]
    if source.start_seconds is not None:
        words.append(f"{source.start_seconds!r} to {source.end_seconds!r} s")
    if treatment.trim:
        words.append("trimmed")
    if treatment.loudness is not None:
        words.append(f"loudness {treatment.loudness!r} dB")
    return ", ".join(words)


def _convert(source: Source, target: Path, treatment: Treatment, made: Origin | None) -> Outcome:
    if made is not None and (ready := _finished(target, treatment.sample_rate)) is not None:
        return Outcome(ready.length, False, made.trimmed_start, made.trimmed_end)
    stretch = (source.start_seconds, source.end_seconds)
    try:
        stream = MonoStream(source.audio, treatment.sample_rate, *stretch)
        done = write_treated(stream, target, treatment)
    except InputError as error:
        return Outcome(reason=str(error).removeprefix(f"{source.audio}: "))
    return Outcome(done.length, True, done.trimmed_start, done.trimmed_end, done.notes)


def _finished(target: Path, sample_rate: int) -> Header | None:
    """The header of `target` when it is there and whole."""
    try:
        header = read_header(target)
    except InputError:  # absent or damaged: it is written anew
        return None
    is_ours = header.sample_rate == sample_rate and header.channels == 1 and header.length > 0
    return header if is_ours else None
