"""Speech to be scored: sources through the codes, in the voices that are asked for."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vqspeech.audio.waveform import write_waveform
from vqspeech.data.targets import check_targets
from vqspeech.generation.voice import Voice


class Job(NamedTuple):
    """A source that is spoken by someone."""

    utterance: str
    speaker: str


class Work:
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


def speak(
    voice: Voice,
    jobs: Sequence[Job],
    sources: dict[str, np.ndarray],
    *,
    seed: int,
    temperature: float | None,
    work: Work,
    keep_audio: str | os.PathLike | None = None,
) -> list[np.ndarray]:
    """Each job spoken, as long as its source; a file is written as soon as it is ready.

    Args:
        sources: waveforms (T,) by utterance; each is encoded once.
        seed: of the random numbers.
        temperature: of the decoder; the voice's own when None.
        work: told how far it is.
        keep_audio: a folder for `<utterance>-<speaker>.wav`.
    """
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
