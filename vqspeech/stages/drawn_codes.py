"""Real codes in two halves, and codes drawn to the lengths of real ones.

L frames, G groups.
"""

from collections.abc import Callable, Sequence

import numpy as np

from vqspeech.analysis.ngrams import KneserNey, Unigram
from vqspeech.data.codes import CodeDir
from vqspeech.errors import InputError
from vqspeech.generation.code_sampling import sample_codes
from vqspeech.models.prior import SpeechPrior

BATCH = 16  # sequences of like length that are drawn together


def split_real(
    code_dir: CodeDir, seconds: float, count: int | None, rng: np.random.Generator
) -> tuple[list[str], list[str]]:
    """Two sets of utterances without a sentence in common, as far as sentences are known.

    Args:
        seconds: of the second one, reached by its last utterance where half of all is as much.
        count: of its utterances, at most.

    Returns:
        The reference, sorted, which is about half of all frames; and as much of the other half as
        is asked for, in random order.

    Raises:
        InputError: all is one sentence, or there are no codes.
    """
    sentences: dict[str, list[str]] = {}
    for key in sorted(code_dir):
        if len(code_dir[key]):
            sentences.setdefault(code_dir.utterances[key].text or key, []).append(key)
    if len(sentences) < 2:
        raise InputError(
            f"{code_dir.path}: codes of {len(sentences)} sentences, two are wanted to halve; "
            "encode other recordings"
        )
    said = [list(sentences.values())[i] for i in rng.permutation(len(sentences))]
    frames = np.cumsum([sum(len(code_dir[key]) for key in keys) for keys in said])
    half = int(np.clip(np.searchsorted(frames, frames[-1] / 2), 1, len(said) - 1))
    reference = sorted(key for keys in said[:half] for key in keys)
    rest = [key for keys in said[half:] for key in keys]
    rest = [rest[i] for i in rng.permutation(len(rest))]
    return reference, first_seconds(code_dir, rest, seconds)[:count]


def draw_like(
    prior: SpeechPrior,
    lengths: Sequence[int],
    rows: Sequence[int],
    *,
    seed: int,
    temperature: float,
    top_k: int,
    progress: Callable[[int, int], None] | None = None,
) -> list[np.ndarray]:
    """A sequence from the prior for each length, by the speaker of its row: (L,) or (L, G) each."""
    order = sorted(range(len(lengths)), key=lambda i: lengths[i])
    batches = [order[i : i + BATCH] for i in range(0, len(order), BATCH)]
    sizes = [len(batch) * lengths[batch[-1]] for batch in batches]
    drawn, done, first = [np.zeros(0, np.int64)] * len(lengths), 0, 0
    for batch, size in zip(batches, sizes, strict=True):
        told = None
        if progress is not None:

            def told(n: int, total: int, done: int = done, size: int = size) -> None:
                progress(done + size * n // max(total, 1), sum(sizes))

        codes = sample_codes(
            prior,
            lengths[batch[-1]],
            [rows[i] for i in batch],
            seed=seed,
            first=first,
            temperature=temperature,
            top_k=top_k,
            progress=told,
        )
        for i, row in zip(batch, codes, strict=True):
            drawn[i] = row[: lengths[i]]
        done, first = done + size, first + len(batch)
    return drawn


def draw_ngrams(
    model: Unigram | KneserNey, lengths: Sequence[int], code_dir: CodeDir, rng: np.random.Generator
) -> list[np.ndarray]:
    """A sequence from an n-gram model for each length, as codes of `code_dir`: (L,) or (L, G)."""
    symbols = model.sample(len(lengths), max(lengths), rng)
    if code_dir.groups > 1:
        # What `join_groups` undid.
        powers = code_dir.num_codes ** np.arange(code_dir.groups)[::-1]
        symbols = symbols[..., None] // powers % code_dir.num_codes
    return [row[:length] for row, length in zip(symbols, lengths, strict=True)]


def first_seconds(code_dir: CodeDir, keys: Sequence[str], seconds: float) -> list[str]:
    """As many of the first utterances as it takes."""
    frames = np.cumsum([len(code_dir[key]) for key in keys])
    return list(keys[: int(np.searchsorted(frames, seconds * code_dir.rate)) + 1])
