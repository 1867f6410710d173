"""Batches of codes for training and scoring a prior. B batch, L frames, G groups."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from vqspeech.data.codes import CodeDir
from vqspeech.data.crop_order import CropOrder
from vqspeech.errors import InputError

FORMAT = ("model_hash", "num_codes", "groups", "hop", "sample_rate")


class CodeBatch(NamedTuple):
    """Stretches of codes of equal length."""

    codes: Tensor  # (B, L), or (B, L, G) with groups, int64; zeros after the end of a shorter one
    speaker: Tensor  # (B,) int64, index into the speakers given; their number for a stranger
    length: Tensor  # (B,) int64, frames before the zeros
    utterances: tuple[str, ...]  # B ids


class CodeCrops:
    """Random crops of codes in the order of `CropOrder`; `batch(step)` is a pure function.

    A crop may be drawn beyond either end of its utterance and is then moved inside: many begin
    where an utterance begins, as what the prior draws does.

    Args:
        code_dirs: one or several, of one model.
        batch_size: B.
        crop: L, frames.
        seed: order and positions follow from it.
        speakers: the names that `CodeBatch.speaker` indexes.

    Raises:
        InputError: no codes, codes of different models, or an utterance that is in two directories.
    """

    def __init__(
        self,
        code_dirs: Sequence[CodeDir],
        batch_size: int,
        crop: int,
        seed: int,
        speakers: tuple[str, ...] = (),
    ):
        self.crop = crop
        self._rows = dict(zip(speakers, range(len(speakers)), strict=True))
        owners: dict[str, CodeDir] = {}
        for code_dir in code_dirs:
            check_same_codes(code_dirs[0], code_dir)
            for key in code_dir:
                if key in owners:
                    raise InputError(
                        f"{code_dir.path}: {key} is in {owners[key].path} too; give one of them"
                    )
                if len(code_dir[key]):
                    owners[key] = code_dir
        if not owners:
            raise InputError(f"{code_dirs[0].path}: holds no codes; encode other recordings")
        self._owners = owners
        self._keys = sorted(owners)
        lengths = [len(owners[key][key]) for key in self._keys]
        self.order = CropOrder(self._keys, lengths, crop, batch_size, seed, overhang=crop // 2)

    def batch(self, step: int) -> CodeBatch:
        """Batch number `step`, counted from 0 without end."""
        pieces = [(self._keys[i], start) for i, start in self.order.pieces(step)]
        parts = [(self._owners[key], key, start) for key, start in pieces]
        return _make_batch(parts, self.crop, self._rows)


def whole_utterances(
    code_dir: CodeDir,
    batch_size: int,
    speakers: tuple[str, ...] = (),
    keys: Sequence[str] | None = None,
) -> Iterator[CodeBatch]:
    """Utterances from their first code to their last, like lengths together; without `keys` all.

    Those without codes are passed over.
    """
    rows = dict(zip(speakers, range(len(speakers)), strict=True))
    keys = _by_length(code_dir, keys)
    for first in range(0, len(keys), batch_size):
        chosen = keys[first : first + batch_size]
        longest = len(code_dir[chosen[-1]])
        yield _make_batch([(code_dir, key, 0) for key in chosen], longest, rows)


def spread_utterances(code_dir: CodeDir, seconds: float) -> list[str]:
    """About so many seconds of utterances, short and long ones, or all; at least one."""
    keys = _by_length(code_dir)
    every = max(1, round(len(code_dir.codes) / code_dir.rate / seconds))
    return keys[min(every // 2, len(keys) - 1) :: every]


def _by_length(code_dir: CodeDir, keys: Sequence[str] | None = None) -> list[str]:
    known = [key for key in (code_dir if keys is None else keys) if len(code_dir[key])]
    return sorted(known, key=lambda key: (len(code_dir[key]), key))


def check_same_codes(first: CodeDir, other: CodeDir) -> None:
    """Refuse codes of two models.

    Raises:
        InputError: they differ in model, number of codes, groups, hop or sample rate.
    """
    for name in FORMAT:
        wanted, found = getattr(first, name), getattr(other, name)
        if wanted != found:
            raise InputError(
                f"{other.path}: {name} {found}, {first.path} has {wanted}; encode both with one "
                "model"
            )


def _make_batch(
    parts: Sequence[tuple[CodeDir, str, int]], length: int, rows: dict[str, int]
) -> CodeBatch:
    groups = parts[0][0].groups
    shape = (len(parts), length) if groups == 1 else (len(parts), length, groups)
    codes, lengths = np.zeros(shape, np.int64), np.zeros(len(parts), np.int64)
    for row, (code_dir, key, start) in enumerate(parts):
        part = code_dir[key][start : start + length]
        codes[row, : len(part)] = part
        lengths[row] = len(part)
    speakers = [rows.get(code_dir.utterances[key].speaker, len(rows)) for code_dir, key, _ in parts]
    return CodeBatch(
        torch.from_numpy(codes),
        torch.tensor(speakers, dtype=torch.int64),
        torch.from_numpy(lengths),
        tuple(key for _, key, _ in parts),
    )
