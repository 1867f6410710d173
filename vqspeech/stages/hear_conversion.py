"""One recording to be heard three times: as it is, and its codes in two voices of the model.

The speaker of the recording is a stranger to the model, so none of its voices can be theirs. What
is called the reconstruction is spoken by a stand-in: of the voices that are asked for the one under
which the recording is likeliest. T samples, L frames, G groups.
"""

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from vqspeech.audio.stream import MonoStream
from vqspeech.audio.waveform import read_header
from vqspeech.errors import InputError
from vqspeech.generation.voice import Voice
from vqspeech.stages.evaluate_likelihood import nats_by_row

MOST_SECONDS = 30.0  # of a recording; spoken twice, they take some 15 s on one core
LEAST_SECONDS = 0.1  # less is no sound of speech
SILENCE = 1e-3  # a peak 60 dB below full scale
PROBE_SECONDS = 1.0  # that choose the stand-in; scoring them takes about as long as speaking them

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class HeardConversion:
    """A recording, and its codes spoken by a stand-in for its speaker and by another."""

    name: str  # of the recording's file
    sample_rate: int
    source: np.ndarray  # (T,) float32, as the three are
    reconstruction: np.ndarray
    conversion: np.ndarray
    codes: np.ndarray  # (L,) or (L, G)
    code_rate: float  # codes a second, in each group
    num_codes: int  # that a group chooses from
    speaker: str
    stand_in: str  # who speaks the reconstruction
    notes: tuple[str, ...]  # what had to be changed in the recording
    work_seconds: float  # to encode the recording and to speak its codes

    @property
    def seconds(self) -> float:
        """Of the recording."""
        return len(self.source) / self.sample_rate

    @property
    def bits_a_second(self) -> float:
        """Of the codes, each as likely as any other."""
        groups = 1 if self.codes.ndim == 1 else self.codes.shape[1]
        return self.code_rate * groups * math.log2(self.num_codes)

    @property
    def spoken_seconds(self) -> float:
        """Of speech that was made, by both voices."""
        return self.seconds * (1 if self.stand_in == self.speaker else 2)

    @property
    def real_time(self) -> float:
        """Seconds of speech that were made in a second of work."""
        return self.spoken_seconds / max(self.work_seconds, 1e-9)


def hear_conversion(
    voice: Voice,
    source: str | os.PathLike,
    speaker: str,
    stand_ins: Sequence[str],
    *,
    seed: int = 0,
    temperature: float | None = None,
    choosing: Progress | None = None,
    progress: Progress | None = None,
) -> HeardConversion:
    """Convert a recording, and reconstruct it as well as the voices of the model allow.

    The conversion is, sample for sample, that of `convert_files` with the same seed.

    Args:
        source: a file; of a longer one the first 30 s.
        speaker: who says the conversion.
        stand_ins: who may say the reconstruction; of several, the voice under which the loudest
            second of the recording is likeliest.
        seed: of the random numbers.
        temperature: divides the logits; the model's own without it.
        choosing: told (stand-ins tried, all of them).
        progress: told (samples drawn, their total).

    Raises:
        InputError: no audio, hardly any, or silence.
        UsageError: an unknown speaker.
    """
    target = voice.speakers[voice.speaker_index(speaker)]
    samples, notes = read_beginning(source, voice.sample_rate)
    stand_in = likeliest_voice(voice, samples, stand_ins, choosing)
    voice.get_ready()
    began = time.perf_counter()
    codes = voice.encode(samples)
    names = list(dict.fromkeys([stand_in, target]))
    drawn = voice.decode_batch(
        [codes] * len(names), names, seed=seed, temperature=temperature, progress=progress
    )
    spent = time.perf_counter() - began
    return HeardConversion(
        name=Path(source).name,
        sample_rate=voice.sample_rate,
        source=samples,
        reconstruction=drawn[0][: len(samples)],
        conversion=drawn[-1][: len(samples)],
        codes=codes,
        code_rate=voice.sample_rate / voice.hop,
        num_codes=voice.model.quantizer.num_codes,
        speaker=target,
        stand_in=stand_in,
        notes=notes,
        work_seconds=spent,
    )


def read_beginning(path: str | os.PathLike, sample_rate: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """At most the first 30 s of a recording, (T,) float32, and what had to be changed in it.

    Raises:
        InputError: no audio, hardly any, or silence.
    """
    path = Path(path)
    header = read_header(path)
    is_long = header.length > MOST_SECONDS * header.sample_rate
    stretch = (0.0, MOST_SECONDS) if is_long else (None, None)
    stream = MonoStream(path, sample_rate, *stretch)
    samples = np.concatenate(list(stream.blocks()))
    # A header that guesses may have promised less than there is.
    most = round(MOST_SECONDS * sample_rate)
    notes = stream.notes
    if is_long or len(samples) > most:
        notes = (
            *notes,
            f"{path}: longer than {MOST_SECONDS:g} s; the first {MOST_SECONDS:g} s of it are taken",
        )
    samples = samples[:most]
    seconds = len(samples) / sample_rate
    if seconds < LEAST_SECONDS:
        raise InputError(
            f"{path}: {seconds:.2f} s of audio, at least {LEAST_SECONDS:g} s were wanted;"
            " record a sentence"
        )
    if np.abs(samples).max() < SILENCE:
        raise InputError(f"{path}: silence; check the microphone, or take another recording")
    return samples, notes


def likeliest_voice(
    voice: Voice, samples: np.ndarray, speakers: Sequence[str], progress: Progress | None = None
) -> str:
    """Of the speakers the one as whose the loudest second of samples (T,) is likeliest.

    Args:
        progress: told (speakers tried, all of them).

    Raises:
        UsageError: an unknown speaker.
    """
    rows = [voice.speaker_index(speaker) for speaker in speakers]
    if len(rows) == 1:
        return voice.speakers[rows[0]]
    model = voice.model
    size = max(1, round(PROBE_SECONDS * model.code_rate)) * voice.hop
    power = np.add.reduceat(samples.astype(np.float64) ** 2, np.arange(0, len(samples), size))
    start = int(power.argmax()) * size
    piece = torch.from_numpy(samples[start : start + size].copy())[None]  # (1, T')
    nats = []
    for number in nats_by_row(model, model.pad(piece), torch.tensor([piece.shape[1]]), rows):
        nats.append(number)
        if progress is not None:
            progress(len(nats), len(rows))
    return voice.speakers[rows[nats.index(min(nats))]]
