"""Batches for training and validation, cut from prepared audio.

B batch, T samples of a crop.
"""

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from vqspeech.audio.waveform import read_header, read_segment
from vqspeech.data.crop_order import CropOrder
from vqspeech.data.data_dir import DataDir
from vqspeech.errors import InputError


class Batch(NamedTuple):
    """Stretches of speech of equal length."""

    waveform: Tensor  # (B, T) float32; zeros after the end of a shorter utterance
    speaker: Tensor  # (B,) int64, index into the speakers the batches were made with
    length: Tensor  # (B,) int64, samples before the zeros
    utterances: tuple[str, ...]  # B ids


class Stretch(NamedTuple):
    """The samples of one utterance within its file."""

    utterance: str
    audio: Path
    start: int
    length: int
    speaker: int


class CropBatches:
    """Random crops of audio in the order of `CropOrder`; `batch(step)` is a pure function.

    Args:
        data_dirs: one or several, prepared at `sample_rate` in mono.
        batch_size: B.
        crop: T, samples; a multiple of the model's hop.
        seed: order and positions follow from it.
        speakers: the names that `Batch.speaker` indexes.

    Raises:
        InputError: audio of another rate or not mono, a speaker who is not in `speakers`, or an
            utterance that is in two directories.
    """

    def __init__(
        self,
        data_dirs: DataDir | Sequence[DataDir],
        batch_size: int,
        crop: int,
        seed: int,
        speakers: tuple[str, ...],
        sample_rate: int = 16000,
    ) -> None:
        self.crop = crop
        data_dirs = [data_dirs] if isinstance(data_dirs, DataDir) else data_dirs
        self._stretches = list_stretches(data_dirs, speakers, sample_rate)
        ids = [stretch.utterance for stretch in self._stretches]
        lengths = [stretch.length for stretch in self._stretches]
        self.order = CropOrder(ids, lengths, crop, batch_size, seed)

    def batch(self, step: int) -> Batch:
        """Batch number `step`, counted from 0 without end.

        Raises:
            InputError: a file was damaged or removed since the batches were made.
        """
        pieces = [(self._stretches[i], position) for i, position in self.order.pieces(step)]
        return make_batch(pieces, self.crop)


def validation_windows(
    data_dir: DataDir,
    window: int,
    batch_size: int,
    speakers: tuple[str, ...],
    sample_rate: int = 16000,
) -> Iterator[Batch]:
    """Tile every utterance with windows of `window` samples, always in the same order.

    First come the first windows of all utterances, then the second ones, and so on: neighbours in
    a batch are of different utterances unless only one is left, so a test may swap their codes.
    The last window of an utterance is filled with zeros, `length` says from where; the last batch
    may be smaller.

    Raises:
        InputError: as for `CropBatches`.
    """
    stretches = list_stretches([data_dir], speakers, sample_rate)
    pieces = [
        (stretch, start)
        for start in range(0, max(stretch.length for stretch in stretches), window)
        for stretch in stretches
        if start < stretch.length
    ]
    for first in range(0, len(pieces), batch_size):
        yield make_batch(pieces[first : first + batch_size], window)


def make_batch(pieces: Sequence[tuple[Stretch, int]], length: int) -> Batch:
    """Read `length` samples of each stretch from a position within it.

    Raises:
        InputError: a file that cannot be read or ends too early.
    """
    waveform = torch.zeros(len(pieces), length)
    lengths = torch.zeros(len(pieces), dtype=torch.int64)
    for row, (stretch, position) in enumerate(pieces):
        count = min(length, stretch.length - position)
        samples = read_segment(stretch.audio, stretch.start + position, count)
        waveform[row, :count] = torch.from_numpy(samples)
        lengths[row] = count
    speaker = torch.tensor([stretch.speaker for stretch, _ in pieces], dtype=torch.int64)
    return Batch(waveform, speaker, lengths, tuple(stretch.utterance for stretch, _ in pieces))


def list_stretches(
    data_dirs: Sequence[DataDir], speakers: tuple[str, ...], sample_rate: int
) -> list[Stretch]:
    """Where every utterance lies, sorted by id; opens the header of every file.

    Raises:
        InputError: as for `CropBatches`, or no utterances at all.
    """
    indices = {speaker: index for index, speaker in enumerate(speakers)}
    read = functools.cache(read_header)  # segments share files
    stretches: dict[str, Stretch] = {}
    for data_dir in data_dirs:
        for utterance in data_dir.values():
            if utterance.id in stretches:
                raise InputError(
                    f"{data_dir.path}: {utterance.id} is in another data directory too; give one"
                )
            if utterance.speaker not in indices:
                raise InputError(
                    f"{data_dir.path / 'utt2spk'}: {utterance.id} is of {utterance.speaker}, who is"
                    f" none of the model's {len(speakers)} speakers; leave that speaker out"
                )
            rate, channels = (header := read(utterance.audio)).sample_rate, header.channels
            if rate != sample_rate or channels != 1:
                raise InputError(
                    f"{utterance.audio}: {rate} Hz, {channels} channels; {sample_rate} Hz mono was"
                    " wanted; run 'vqspeech prepare'"
                )
            start, end = 0, header.length
            if utterance.start_seconds is not None:
                start = round(utterance.start_seconds * rate)
                end = min(round(utterance.end_seconds * rate), header.length)
            if end <= start:
                raise InputError(f"{utterance.audio}: {utterance.id} has 0 samples; leave it out")
            stretches[utterance.id] = Stretch(
                utterance.id, utterance.audio, start, end - start, indices[utterance.speaker]
            )
    if not stretches:
        raise InputError(f"{', '.join(str(d.path) for d in data_dirs)}: no utterances")
    return [stretches[key] for key in sorted(stretches)]
