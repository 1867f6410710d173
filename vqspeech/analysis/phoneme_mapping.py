"""Codes read as phones: each code is the phone it met most often where the map was fitted.

Section 4.3 of the paper. A map is fitted on one split and scored on another: on the minute of audio
that it was fitted on, even random codes of a codebook of 512 get a third of the frames right. The
controls of that mistake are here too. Contexts are the code bigrams and trigrams of footnote 1: a
code is read together with its neighbours where that was seen often enough, else alone. N frames,
U utterances, K codes, P phones, C contexts.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from vqspeech.analysis.aligned_codes import LEFT_OUT, AlignedCodes
from vqspeech.analysis.clustering import count_pairs
from vqspeech.analysis.mapping_json import mapping_to_json, parse_mapping
from vqspeech.analysis.runs import check_starts

MIN_COUNT = 5  # frames of a context below which the shorter one answers


class Contexts(NamedTuple):
    """Contexts whose phone is not what the shorter context says."""

    codes: np.ndarray  # (C, 2 or 3) int64, sorted: previous, code, next; K beyond an edge
    phones: np.ndarray  # (C,) int16


@dataclass(frozen=True, eq=False)
class PhonemeMapping:
    """A fitted map from codes to phones.

    Attributes:
        phones: P names.
        num_codes: K.
        rate: frames a second of the codes.
        model_hash: of the model whose codes these are; empty if not known.
        context: codes that are read at once: 1, 2 (previous, code) or 3 (previous, code, next).
        min_count: scored frames that a context was seen in, at least.
        code_frames: (K,) int64, scored frames of each code in the fit.
        code_phones: (K,) int16, the phone of each code alone; codes without a frame have the
            majority phone of the fit.
        pairs: contexts of two codes.
        triples: contexts of three codes.
    """

    phones: tuple[str, ...]
    num_codes: int
    rate: float
    model_hash: str
    context: int
    min_count: int
    code_frames: np.ndarray
    code_phones: np.ndarray
    pairs: Contexts
    triples: Contexts

    @property
    def frames_per_code(self) -> float:
        """Scored frames of the fit for each code of the book; below 100 scores are not honest."""
        return float(self.code_frames.sum() / self.num_codes)

    def apply(self, codes: np.ndarray, frame_starts: np.ndarray) -> np.ndarray:
        """The phone of each frame, (N,) int16.

        Args:
            codes: (N,) from 0 to K - 1, all utterances end to end.
            frame_starts: (U + 1,) int64; no context reaches across utterances.

        Raises:
            ValueError: a code out of range, or `frame_starts` that do not cover the codes.
        """
        starts = check_starts(frame_starts, len(codes))
        if len(codes) and not 0 <= codes.min() <= codes.max() < self.num_codes:
            raise ValueError(f"codes from {codes.min()} to {codes.max()}, of {self.num_codes}")
        found = self.code_phones[codes]
        for contexts, size in ((self.pairs, 2), (self.triples, 3)):
            if len(contexts.phones):
                keys = _context_keys(codes, starts, self.num_codes, size)
                found = _look_up(contexts, keys, self.num_codes, otherwise=found)
        return found

    def to_json(self) -> dict[str, Any]:
        """The map as lists and names, for `from_json` and for a reader's eyes."""
        return mapping_to_json(self)

    @classmethod
    def from_json(cls, value: object) -> "PhonemeMapping":
        """Undo `to_json`.

        Raises:
            ValueError: not what `to_json` gives; the message is one line.
        """
        parts = parse_mapping(value)
        for name in ("pairs", "triples"):
            parts[name] = _sorted_contexts(*parts[name])
        return cls(**parts)


def fit_mapping(
    aligned: AlignedCodes,
    *,
    context: int = 1,
    min_count: int = MIN_COUNT,
    model_hash: str = "",
) -> PhonemeMapping:
    """The likeliest phone of each code, m(k) = argmax_p n_kp; of equals the first.

    Args:
        aligned: codes and labels; frames that are `LEFT_OUT` are not counted, but their codes are
            context of their neighbours.
        context: codes that are read at once, 1 to 3.
        min_count: scored frames that a context needs, else the shorter one answers.
        model_hash: of the model whose codes these are.

    Raises:
        ValueError: no scored frame, a code or label out of range, or no such context.
    """
    num_codes, num_phones = aligned.num_codes, len(aligned.phone_names)
    if context not in (1, 2, 3) or min_count < 1:
        raise ValueError(f"context of {context} codes seen {min_count} times; 1 to 3 seen once")
    if (num_codes + 1) ** context * num_phones >= 2**63:
        raise ValueError(f"contexts of {context} of {num_codes} codes are too many to number")
    counts = count_pairs(aligned.codes, aligned.labels, num_codes, num_phones)
    majority, _ = majority_phone(aligned.labels, num_phones)
    code_frames = counts.sum(axis=1)
    mapping = PhonemeMapping(
        phones=aligned.phone_names,
        num_codes=num_codes,
        rate=float(aligned.rate),
        model_hash=model_hash,
        context=context,
        min_count=min_count,
        code_frames=code_frames,
        code_phones=np.where(code_frames > 0, counts.argmax(axis=1), majority).astype(np.int16),
        pairs=_no_contexts(2),
        triples=_no_contexts(3),
    )
    for size in range(2, context + 1):
        contexts = _fit_contexts(mapping, aligned, size)
        mapping = replace(mapping, **{"pairs" if size == 2 else "triples": contexts})
    return mapping


def mapping_accuracy(predicted: np.ndarray, labels: np.ndarray) -> float:
    """Share of the scored frames whose phone is right.

    Args:
        predicted: (N,) phones.
        labels: (N,) the reference, or `LEFT_OUT`.

    Raises:
        ValueError: different numbers of frames, or none is scored.
    """
    if predicted.shape != labels.shape:
        raise ValueError(f"{predicted.shape} predicted phones for {labels.shape} labels")
    scored = np.count_nonzero(labels != LEFT_OUT)
    if not scored:
        raise ValueError("no scored frames")
    return np.count_nonzero((predicted == labels) & (labels != LEFT_OUT)) / scored


def majority_phone(labels: np.ndarray, num_phones: int) -> tuple[int, float]:
    """The most frequent phone and its share of the scored frames; of equals the first.

    Raises:
        ValueError: no frame is scored.
    """
    counts = np.bincount(labels[labels != LEFT_OUT], minlength=num_phones)
    if not counts.sum():
        raise ValueError("no scored frames")
    return int(counts.argmax()), float(counts.max() / counts.sum())


def shuffle_codes(aligned: AlignedCodes, rng: np.random.Generator) -> AlignedCodes:
    """The control: the codes of all scored frames change places, over the whole corpus.

    Each code stays as frequent as it was, and knows nothing of its phone.
    """
    scored = aligned.labels != LEFT_OUT
    codes = aligned.codes.copy()
    codes[scored] = rng.permutation(codes[scored])
    return aligned.with_codes(codes, aligned.num_codes)


def random_codes(frames: int, num_codes: int, rng: np.random.Generator) -> np.ndarray:
    """Codes of no model, each equally likely at each frame: (frames,) int32."""
    return rng.integers(num_codes, size=frames, dtype=np.int32)


def _no_contexts(size: int) -> Contexts:
    return Contexts(np.empty((0, size), dtype=np.int64), np.empty(0, dtype=np.int16))


def _sorted_contexts(codes: np.ndarray, phones: np.ndarray) -> Contexts:
    order = np.lexsort(codes.T[::-1])
    return Contexts(codes[order], phones[order])


def _context_keys(codes: np.ndarray, starts: np.ndarray, num_codes: int, size: int) -> np.ndarray:
    """(previous, code) or (previous, code, next) of each frame as one number, (N,) int64."""
    base = num_codes + 1  # the last one is what lies beyond an edge
    full = starts[:-1] < starts[1:]  # utterances with frames
    keys = np.empty(len(codes), dtype=np.int64)
    keys[1:] = codes[:-1]
    keys[starts[:-1][full]] = num_codes
    keys *= base
    keys += codes
    if size == 3:
        keys *= base
        keys[:-1] += codes[1:]
        last = starts[1:][full] - 1
        # Taken back where the next frame is another utterance's.
        keys[last[:-1]] -= codes[last[:-1] + 1]
        keys[last] += num_codes
    return keys


def _number(contexts: np.ndarray, num_codes: int) -> np.ndarray:
    """Rows of (C, 2 or 3) codes as the keys of `_context_keys`, (C,) int64."""
    keys = np.zeros(len(contexts), dtype=np.int64)
    for column in contexts.T:
        keys = keys * (num_codes + 1) + column
    return keys


def _look_up(
    contexts: Contexts, keys: np.ndarray, num_codes: int, otherwise: np.ndarray
) -> np.ndarray:
    """The phone of each key (N,), or of `otherwise` (N,) where it is no context."""
    if not len(contexts.phones):
        return otherwise
    known = _number(contexts.codes, num_codes)
    place = np.searchsorted(known, keys)
    place[place == len(known)] = 0
    return np.where(known[place] == keys, contexts.phones[place], otherwise)


def _fit_contexts(mapping: PhonemeMapping, aligned: AlignedCodes, size: int) -> Contexts:
    """Contexts of `size` codes that were seen often enough and say something of their own."""
    num_codes, num_phones, base = mapping.num_codes, len(mapping.phones), mapping.num_codes + 1
    keys = _context_keys(aligned.codes, aligned.frame_starts, num_codes, size)
    scored = aligned.labels != LEFT_OUT
    joint, counts = np.unique(
        keys[scored] * num_phones + aligned.labels[scored], return_counts=True
    )
    keys, labels = np.divmod(joint, num_phones)  # each context with each of its phones
    heads = np.flatnonzero(np.diff(keys, prepend=-1))
    # The most frequent phone, of equals the first, as one number.
    best = np.maximum.reduceat(counts * num_phones + (num_phones - 1 - labels), heads)
    phones = (num_phones - 1 - best % num_phones).astype(np.int16)
    keys = keys[heads]
    shorter = mapping.code_phones[keys % base if size == 2 else keys // base % base]
    if size == 3:
        shorter = _look_up(mapping.pairs, keys // base, num_codes, otherwise=shorter)
    kept = (np.add.reduceat(counts, heads) >= mapping.min_count) & (phones != shorter)
    digits = [keys // base**power % base for power in reversed(range(size))]
    return Contexts(np.stack(digits, axis=-1)[kept], phones[kept])
