"""What preparation may do to a recording besides its rate: cut silent edges, set the loudness.

The recording is heard once to find where the speech is and how loud, and once more to write it; a
short one is kept in between. Frames are 10 ms; a frame is loud that is at most `LOUD_DB` below the
loudest one. T' is the samples of a block.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vqspeech.audio.stream import MonoStream
from vqspeech.audio.waveform import write_stream
from vqspeech.errors import InputError

FRAME_SECONDS = 0.01
LOUD_DB = 40.0
MARGIN_SECONDS = 0.1  # kept around the loud frames: soft beginnings and ends of words
KEPT_SECONDS = 30.0  # of audio that is held in memory instead of being decoded twice
SILENCE = 1e-5  # amplitude; below half a step of 16 bits there is nothing to find edges in


@dataclass(frozen=True)
class Treatment:
    """Settings of how recordings are written."""

    sample_rate: int = 16000
    trim: bool = False  # cut silent edges
    loudness: float | None = None  # dB of full scale, RMS over the loud frames; None leaves it


class Treated(NamedTuple):
    """What became of one recording."""

    length: int  # samples written
    trimmed_start: int  # samples cut off the beginning
    trimmed_end: int
    notes: tuple[str, ...]  # what had to be changed; for the user, once


def write_treated(source: MonoStream, target: Path, treatment: Treatment) -> Treated:
    """Write `source`, at the rate of `treatment`, to the WAV file `target`, whole or not at all.

    Raises:
        InputError: the recording cannot be read, or is to be trimmed and holds nothing but silence.
        WriteError: the target cannot be written.
    """
    path, notes = source.path, []
    if not treatment.trim and treatment.loudness is None:
        written = write_stream(target, source.blocks(), source.sample_rate, source.most_samples())
        start = end = 0
    else:
        blocks, kept = source.blocks(), []
        speech = find_speech(_keep(blocks, kept, source.sample_rate), source.sample_rate)
        start, stop = 0, speech.length
        if treatment.trim:
            if speech.loudest < SILENCE:
                raise InputError(f"{path}: nothing but silence; leave it out")
            margin = round(MARGIN_SECONDS * source.sample_rate)
            start = max(0, speech.start - margin)
            stop = min(speech.length, speech.stop + margin)
        end = speech.length - stop
        gain = 1.0
        if treatment.loudness is not None and speech.loudest >= SILENCE:
            gain = 10 ** (treatment.loudness / 20) / speech.rms
            if gain * speech.peak > 1:
                gain = 1 / speech.peak
                notes.append(f"{path}: louder would clip; left below the loudness asked for")
        again = kept if speech.length == sum(map(len, kept)) else source.blocks()
        written = write_stream(
            target, _stretch(again, start, stop, gain), source.sample_rate, stop - start
        )
    if written.clipped:
        notes.append(f"{path}: {written.clipped} samples clipped after resampling")
    return Treated(written.length, start, end, (*source.notes, *notes))


class Speech(NamedTuple):
    """Where a recording is loud, and how loud."""

    length: int  # samples of the whole recording
    start: int  # of the first loud frame
    stop: int  # of the last one, its end
    loud: int  # samples of the loud frames
    rms: float  # of the loud frames together
    loudest: float  # root mean square of the loudest frame
    peak: float


def find_speech(blocks: Iterable[np.ndarray], sample_rate: int) -> Speech:
    """Hear a recording, in blocks (T',) of one sample or more altogether."""
    frame = max(1, round(FRAME_SECONDS * sample_rate))
    energies, rest, peak, length = [], np.empty(0, np.float32), 0.0, 0
    for block in blocks:
        length += len(block)
        peak = max(peak, float(np.abs(block).max()))
        samples = np.concatenate((rest, block))
        whole = len(samples) // frame * frame
        frames = samples[:whole].reshape(-1, frame)  # (frames, samples of one)
        energies.append(np.mean(np.square(frames, dtype=np.float64), axis=1))
        rest = samples[whole:]
    if len(rest):
        energies.append([float(np.mean(np.square(rest, dtype=np.float64)))])
    energy = np.concatenate(energies)
    is_loud = energy >= energy.max() * 10 ** (-LOUD_DB / 10)
    where = np.flatnonzero(is_loud)
    return Speech(
        length,
        int(where[0]) * frame,
        min(length, (int(where[-1]) + 1) * frame),
        min(length, len(where) * frame),
        float(np.sqrt(energy[is_loud].mean())),
        float(np.sqrt(energy.max())),
        peak,
    )


def _keep(
    blocks: Iterable[np.ndarray], kept: list[np.ndarray], sample_rate: int
) -> Iterator[np.ndarray]:
    """Pass the blocks on and keep them, until they are too many."""
    room = int(KEPT_SECONDS * sample_rate)
    for block in blocks:
        if room >= 0:
            room -= len(block)
            kept.append(block)
        if room < 0:
            kept.clear()
        yield block


def _stretch(
    blocks: Iterable[np.ndarray], start: int, stop: int, gain: float
) -> Iterator[np.ndarray]:
    """Samples `start` to `stop` of all blocks, times `gain`."""
    position = 0
    for block in blocks:
        part = block[max(0, start - position) : max(0, stop - position)]
        position += len(block)
        if len(part):
            yield part if gain == 1 else part * np.float32(gain)
