"""Recordings on their way into codes: the beginning of every command that takes several."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vqspeech.audio.waveform import read_waveform
from vqspeech.errors import InputError
from vqspeech.generation.voice import Voice


class EncodedRecording(NamedTuple):
    """A recording as codes."""

    source: Path
    codes: np.ndarray  # (L,) or (L, G) int64
    samples: int  # of the audio at the voice's rate


def encode_recordings(
    voice: Voice,
    sources: Sequence[str | os.PathLike],
    failures: list[str],
    note: Callable[[str], None] = lambda text: None,
) -> Iterator[EncodedRecording]:
    """Read and encode one recording after the other; what cannot be read does not end the rest.

    Args:
        voice: whose encoder it is.
        sources: files of audio.
        failures: gets a line for each recording that failed.
        note: told what had to be changed in a recording.

    Yields:
        Those that could be read, in order.
    """
    for source in sources:
        try:
            waveform = read_waveform(source, voice.sample_rate)
        except InputError as error:
            failures.append(str(error))
            continue
        for text in waveform.notes:
            note(text)
        samples = waveform.samples
        yield EncodedRecording(Path(source), voice.encode(samples), len(samples))
