"""The fit of a new row of the speaker table: what it hears, in which order, and what is held out.

Recordings are encoded once, whole, and cut into pieces of some seconds. Every so many pieces one is
held out; crops of the others are what the row is fitted to. First the guide alone, where the model
has one: it costs a small part of what the likelihood does. Then the likelihood.

T samples, L frames.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vqspeech.data.crop_order import CropOrder
from vqspeech.generation.voice import Voice
from vqspeech.models.new_speaker import (
    GUIDE,
    NLL,
    SpokenCodes,
    add_speaker,
    enrolment_terms,
    known_terms,
    nearest_speaker,
)
from vqspeech.models.speech import SpeechVQVAE
from vqspeech.training.few_parameters import fit_few

PIECE_SECONDS = 4.0
HELD_OUT_SHARE, HELD_OUT_SECONDS = 0.1, (4.0, 30.0)
PROBE_PIECES, PROBE_SECONDS = 4, 1.5  # of each, which choose the speaker to begin with


@dataclass(frozen=True)
class FitSettings:
    """How a row is fitted."""

    guide_steps: int = 400  # by the guide alone, where the model has one
    guide_batch_size: int = 16  # it costs little
    steps: int = 100  # by the likelihood
    batch_size: int = 4  # 8 came as far in twice the time
    guide_weight: float = 1.0  # of the guide beside the likelihood, which is in nats a sample
    crop_seconds: float = 0.64
    learning_rate: float = 0.05
    validate_every: int = 20


class Piece(NamedTuple):
    """A stretch of a recording."""

    waveform: Tensor  # (T,) float32
    codes: Tensor  # (L,) or (L, G) int64, L = ceil(T / hop)


def cut_pieces(voice: Voice, recordings: Iterable[np.ndarray]) -> list[Piece]:
    """Pieces of at most `PIECE_SECONDS` of recordings (T,) at the voice's rate, in order."""
    frames, hop = max(1, round(PIECE_SECONDS * voice.model.code_rate)), voice.hop
    pieces = []
    for samples in recordings:
        waveform, codes = torch.from_numpy(samples), torch.from_numpy(voice.encode(samples))
        for first in range(0, len(codes), frames):
            last = first + frames
            pieces.append(Piece(waveform[first * hop : last * hop], codes[first:last]))
    return pieces


def hold_out(pieces: Sequence[Piece], sample_rate: int) -> tuple[list[Piece], list[Piece]]:
    """The pieces to train on, and those that are held out, spread evenly over all."""
    seconds = sum(len(piece.waveform) for piece in pieces) / sample_rate
    low, high = HELD_OUT_SECONDS
    wanted = min(max(HELD_OUT_SHARE * seconds, low), high)
    every = max(2, round(seconds / wanted))
    held_out = list(pieces[every // 2 :: every])
    train = [piece for number, piece in enumerate(pieces) if number % every != every // 2]
    return train, held_out


class _Phase(NamedTuple):
    steps: int
    batch_size: int
    weights: dict[str, float]  # of the terms whose sum is minimised


class RowFit:
    """A new row of a model's speaker table, and what it is fitted to.

    Args:
        model: gets the new speaker; all else of it is frozen.
        name: of the speaker.
        train: pieces that crops are cut from.
        held_out: pieces that choose the best step.
        settings: how.
        seed: of the crops.
    """

    def __init__(
        self,
        model: SpeechVQVAE,
        name: str,
        train: Sequence[Piece],
        held_out: Sequence[Piece],
        settings: FitSettings,
        seed: int,
    ):
        self.model, self.settings, self._train, self._seed = model, settings, train, seed
        self.terms = known_terms(model)
        self._crop = max(1, round(settings.crop_seconds * model.code_rate))
        held_out = sorted(held_out, key=lambda piece: len(piece.codes))  # less to fill up
        starts, size = range(0, len(held_out), settings.batch_size), settings.batch_size
        self._windows = [_batch(held_out[i : i + size], model.hop) for i in starts]
        # The row that it begins as:
        self.like = nearest_speaker(model, _batch(self._probe(), model.hop), self.terms[0])
        self.row = len(model.speakers)
        self._table = add_speaker(model, name, self.like)

    def _probe(self) -> list[Piece]:
        """The middles of some pieces, spread over all."""
        frames = max(1, round(PROBE_SECONDS * self.model.code_rate))
        chosen = self._train[:: max(1, len(self._train) // PROBE_PIECES)][:PROBE_PIECES]
        starts = [max(0, len(piece.codes) - frames) // 2 for piece in chosen]
        return [self._cut(p, first, frames) for p, first in zip(chosen, starts, strict=True)]

    def _cut(self, piece: Piece, first: int, frames: int) -> Piece:
        hop, last = self.model.hop, first + frames
        return Piece(piece.waveform[first * hop : last * hop], piece.codes[first:last])

    def run(self, deadline: float, progress: Callable[[int, int], None] | None = None) -> int:
        """Fit the row; returns the steps taken.

        Args:
            deadline: of `time.monotonic`; no step begins after it.
            progress: told the steps taken and their total.
        """
        settings, phases = self.settings, []
        if GUIDE in self.terms:
            phases.append(_Phase(settings.guide_steps, settings.guide_batch_size, {GUIDE: 1.0}))
        weights = {NLL: 1.0, GUIDE: settings.guide_weight}
        weights = {name: weights[name] for name in self.terms}
        phases.append(_Phase(settings.steps, settings.batch_size, weights))
        taken, total = 0, sum(phase.steps for phase in phases)
        for phase in phases:

            def tell(step: int, before: int = taken) -> None:
                if progress is not None:
                    progress(before + step, total)

            taken += self._run_phase(phase, deadline, tell)
        return taken

    def _run_phase(self, phase: _Phase, deadline: float, progress: Callable[[int], None]) -> int:
        names = [str(number) for number in range(len(self._train))]
        lengths = [len(piece.codes) for piece in self._train]
        order = CropOrder(names, lengths, self._crop, phase.batch_size, self._seed)

        def compute_loss(step: int) -> Tensor:
            places = order.pieces(step)
            crops = [self._cut(self._train[index], first, self._crop) for index, first in places]
            batch = _batch(crops, self.model.hop)
            terms = enrolment_terms(self.model, batch, self.row, phase.weights)
            return _weighted(terms, phase.weights)

        return fit_few(
            [self._table],
            compute_loss,
            lambda: _weighted(self.held_out(self.row, phase.weights), phase.weights),
            steps=phase.steps,
            learning_rate=self.settings.learning_rate,
            validate_every=self.settings.validate_every,
            deadline=deadline,
            progress=progress,
        ).taken

    @torch.no_grad()
    def held_out(self, row: int, names: Collection[str]) -> dict[str, float]:
        """The mean of each term, spoken by `row`, over the samples that were held out."""
        total = sum(int(batch.lengths.sum()) for batch in self._windows)
        means = dict.fromkeys(names, 0.0)
        for batch in self._windows:
            share = int(batch.lengths.sum()) / total
            for name, value in enrolment_terms(self.model, batch, row, names).items():
                means[name] += share * float(value)
        return means

    @torch.no_grad()
    def rounded_row(self, dtype: torch.dtype) -> Tensor:
        """The new row (channels,) float32, on the CPU, as a file of `dtype` will hold it.

        The model speaks with it from here on.
        """
        self._table[self.row] = self._table[self.row].to(dtype).float()
        return self._table[self.row].detach().cpu().clone()


def _batch(pieces: Sequence[Piece], hop: int) -> SpokenCodes:
    """Pieces side by side, the shorter ones filled up: with zeros, and with code 0."""
    frames = max(len(piece.codes) for piece in pieces)
    waveform = [F.pad(p.waveform, (0, frames * hop - len(p.waveform))) for p in pieces]
    filler = [p.codes.new_zeros(frames - len(p.codes), *p.codes.shape[1:]) for p in pieces]
    codes = [torch.cat((p.codes, rest)) for p, rest in zip(pieces, filler, strict=True)]
    lengths = torch.tensor([len(p.waveform) for p in pieces])
    return SpokenCodes(torch.stack(waveform), torch.stack(codes), lengths)


def _weighted(terms: Mapping, weights: Mapping[str, float]):
    """The sum of the terms, each by its weight: a tensor or a number, as the terms are."""
    return sum(weight * terms[name] for name, weight in weights.items())
