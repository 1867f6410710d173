"""Speech to be scored: sources through the codes in the voices that are asked for, and heard."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vqspeech.audio.waveform import write_waveform
from vqspeech.data.data_dir import DataDir
from vqspeech.data.targets import check_targets
from vqspeech.generation.voice import Voice
from vqspeech.stages.evaluation_data import read_source, seconds_of
from vqspeech.stages.evaluators import Heard
from vqspeech.stages.known_voices import KnownVoices


class Job(NamedTuple):
    """A source that is spoken by someone."""

    utterance: str
    speaker: str


class Listened(NamedTuple):
    """What was heard."""

    seconds: dict[str, float]  # of each source as it was used, by utterance
    originals: dict[str, Heard]  # by utterance
    spoken: dict[Job, Heard]


class _Work:
    """How much is done of work in parts, each of so many seconds of audio.

    Args:
        seconds: of the parts together.
        progress: told (done, total) in seconds.
    """

    def __init__(self, seconds: float, progress: Callable[[int, int], None] | None):
        self._total, self._progress, self._before = seconds, progress, 0.0

    def tell(self, seconds: float) -> None:
        """So much of the part at hand is done."""
        if self._progress is not None:
            self._progress(round(self._before + seconds), max(1, round(self._total)))

    def finish(self, seconds: float) -> None:
        """A part of so many seconds is done."""
        self._before += seconds
        self.tell(0.0)


def check_audio_folder(folder: str | os.PathLike | None, jobs: Sequence[Job]) -> None:
    """Refuse, before the work, a folder where the audio could not be written.

    Raises:
        WriteError: a file is there already, or the folder cannot be written.
    """
    if folder is not None:
        check_targets([_path(folder, job) for job in jobs], [], overwrite=False)


def speak_and_listen(
    voice: Voice,
    data_dir: DataDir,
    jobs: Sequence[Job],
    voices: KnownVoices,
    speakers: Sequence[str],
    *,
    seed: int = 0,
    temperature: float | None = None,
    longest_seconds: float,
    keep_audio: str | os.PathLike | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Listened:
    """Get to know the voices, speak all jobs, and hear them and their sources.

    Args:
        data_dir: where the sources are.
        jobs: each once.
        voices: of the speakers that will be asked for; their evaluators listen.
        speakers: whose voices are needed.
        seed: of the random numbers.
        temperature: of the decoder; the voice's own when None.
        longest_seconds: to which sources without text are cut.
        keep_audio: a folder for what is spoken.
        progress: told (done, total) in seconds of audio.
    """
    rate, evaluators = voice.sample_rate, voices.evaluators
    sources = {
        job.utterance: read_source(data_dir, job.utterance, rate, longest_seconds) for job in jobs
    }
    seconds = {key: len(samples) / rate for key, samples in sources.items()}
    # Every second that is spoken is heard too; those of the sources are heard only.
    to_speak = sum(seconds[job.utterance] for job in jobs)
    known = voices.keys_of(speakers) if evaluators.encoder is not None else []
    lengths = [seconds_of(voices.data_dir[key]) for key in known]
    work = _Work(sum(lengths) + 2 * to_speak + sum(seconds.values()), progress)
    for key, length in zip(known, lengths, strict=True):
        voices.embedding(key)
        work.finish(length)
    spoken = _speak(
        voice,
        jobs,
        sources,
        seed=seed,
        temperature=temperature,
        work=work,
        keep_audio=keep_audio,
    )

    def listen(samples: np.ndarray) -> Heard:
        heard = evaluators.listen(samples)
        work.finish(len(samples) / rate)
        return heard

    originals = {key: listen(samples) for key, samples in sources.items()}
    heard = {job: listen(samples) for job, samples in zip(jobs, spoken, strict=True)}
    return Listened(seconds, originals, heard)


def _speak(
    voice: Voice,
    jobs: Sequence[Job],
    sources: dict[str, np.ndarray],
    *,
    seed: int,
    temperature: float | None,
    work: _Work,
    keep_audio: str | os.PathLike | None,
) -> list[np.ndarray]:
    """Each job spoken, as long as its source (T,); a file is written as soon as it is ready."""
    codes = {key: voice.encode(sources[key]) for key in dict.fromkeys(j.utterance for j in jobs)}
    lengths = [len(sources[job.utterance]) for job in jobs]
    seconds = sum(lengths) / voice.sample_rate

    def keep(index: int, speech: np.ndarray) -> None:
        if keep_audio is not None:
            path = _path(keep_audio, jobs[index])
            write_waveform(path, speech[: lengths[index]], voice.sample_rate)

    if keep_audio is not None:
        Path(keep_audio).mkdir(parents=True, exist_ok=True)
    voice.get_ready()
    spoken = voice.decode_batch(
        [codes[job.utterance] for job in jobs],
        [job.speaker for job in jobs],
        seed=seed,
        temperature=temperature,
        progress=lambda done, total: work.tell(seconds * done / max(total, 1)),
        done=keep,
    )
    work.finish(seconds)
    return [speech[:length] for speech, length in zip(spoken, lengths, strict=True)]


def _path(folder: str | os.PathLike, job: Job) -> Path:
    return Path(folder) / f"{job.utterance}-{job.speaker}.wav"
