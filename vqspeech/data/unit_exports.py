"""Codes in the formats of other people's tools for discrete units.

discophon   units-LANGUAGE-SPLIT.jsonl, a line `{"file": id, "units": [12, 12, 4]}` an utterance
            (DiscoPhon, arXiv 2603.18612); units are a multiple of 10 ms apart
fairseq     a line `id|12 12 4` an utterance, as the GSLM tools of fairseq write and read
fastabx     units.jsonl with a line `{"audio": "id.wav", "units": [12, 12, 4]}` an utterance, or
            a tensor (L, D) `id.pt` for each; beside it the tokens to compare, `triphones.item`
zerospeech  id.txt with a line of D numbers a frame (ZeroSpeech 2019 and 2020)

A unit is one integer a frame: of G groups of K codes, one of K^G. Tools that want vectors get
one-hot codes, or the latents of a model. L is frames, D numbers a vector.
"""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from vqspeech.data.item_file import Item
from vqspeech.errors import InputError, UsageError

Units = Iterable[tuple[str, np.ndarray]]  # id and codes (L,) or (L, G) of each utterance
Vectors = Callable[[np.ndarray], np.ndarray]  # codes (L,) or (L, G) to (L, D) float32

STEP_MILLISECONDS = 10  # the grid of the alignments that DiscoPhon scores against
MOST_POOLED_SECONDS = 0.1  # a longer step than this passes over whole phones
_LINES_KEPT = 1 << 14  # texts of vectors that are remembered


def pool_codes(codes: np.ndarray, frames: int) -> np.ndarray:
    """The commonest code of every `frames` frames, (ceil(L / frames),) or (..., G).

    Of codes that are equally common the one that comes first counts. What is left at the end is
    pooled by itself. Of (L, G), a frame counts with all its groups together.

    Raises:
        ValueError: fewer than one frame.
    """
    if frames < 1:
        raise ValueError(f"{frames} frames in one")
    codes = np.asarray(codes)
    if frames == 1 or not len(codes):
        return codes
    rows = codes.reshape(len(codes), -1).astype(np.int64)  # (L, G)
    rows = np.pad(rows, ((0, -len(rows) % frames), (0, 0)), constant_values=-1)
    rows = rows.reshape(-1, frames, rows.shape[1])  # (M, frames, G)
    counts = np.zeros(rows.shape[:2], np.int64)
    for other in range(frames):  # (M, frames) at a time: all pairs at once need frames times it
        counts += (rows == rows[:, other : other + 1]).all(axis=-1)
    counts[rows[..., 0] < 0] = 0
    first = counts.argmax(axis=1)  # the first of the highest counts
    pooled = rows[np.arange(len(rows)), first].astype(codes.dtype)  # (M, G)
    return pooled.reshape(-1, *codes.shape[1:])


def check_step(hop: int, sample_rate: int, pool: int, place: str) -> int:
    """The step of units in milliseconds, a multiple of 10 ms.

    Args:
        hop: samples a frame.
        sample_rate: Hz.
        pool: frames that become one.
        place: where the codes lie, for the message.

    Raises:
        UsageError: it is none; the message names the pooling that makes it one.
    """
    grid = 1000 // STEP_MILLISECONDS
    if hop * pool * grid % sample_rate == 0:
        return hop * pool * 1000 // sample_rate
    smallest = sample_rate // math.gcd(hop * grid, sample_rate)
    step, seconds = 1000 * hop * pool / sample_rate, hop * smallest / sample_rate
    if seconds <= MOST_POOLED_SECONDS:
        remedy = f"--pool {smallest} takes {smallest} frames as one of {1000 * seconds:g} ms"
    else:
        remedy = f"no --pool below {MOST_POOLED_SECONDS:g} s helps; choose another --format"
    raise UsageError(
        f"{place}: units every {step:g} ms, a multiple of {STEP_MILLISECONDS} ms was wanted; "
        f"{remedy}"
    )


def discophon_lines(units: Units) -> Iterator[str]:
    """Lines of a `units-LANGUAGE-SPLIT.jsonl`; codes are (L,)."""
    for utterance, codes in units:
        yield _json_line({"file": utterance, "units": codes.tolist()})


def fairseq_lines(units: Units) -> Iterator[str]:
    """Lines of a file of units; codes are (L,).

    Raises:
        InputError: an id holds the bar that ends it.
    """
    for utterance, codes in units:
        if "|" in utterance:
            raise InputError(
                f"{utterance}: fairseq ends an id with '|', which it holds; rename the utterance"
            )
        yield f"{utterance}|{' '.join(map(str, codes.tolist()))}\n"


def fastabx_lines(units: Units) -> Iterator[str]:
    """Lines of the units that `fastabx.Dataset.from_item_and_units` reads; codes are (L,)."""
    for utterance, codes in units:
        # fastabx takes the suffix off, and of an id with a dot its end.
        yield _json_line({"audio": f"{utterance}.wav", "units": codes.tolist()})


def fit_items(
    items: Iterable[Item], frames: Mapping[str, int], hop: int, sample_rate: int
) -> tuple[list[Item], int]:
    """Tokens that hold the centre of a frame, and how many hold none.

    fastabx refuses a file with a token that holds none, or one that ends behind the last frame: it
    is cut there. Of utterances without frames the tokens are left out and not counted.

    Args:
        frames: of each utterance.
        hop: samples a frame.
        sample_rate: Hz.
    """
    kept, short = [], 0
    for item in items:
        if not (length := frames.get(item.utterance, 0)):
            continue
        # In the tenths of milliseconds of the file, which are exact: frame i is in the token when
        # start <= (i + 1/2) hop / sample_rate <= end.
        start, end = (round(1e4 * time) for time in (item.start_seconds, item.end_seconds))
        end = min(end, length * hop * 10_000 // sample_rate)
        whole, half = 20_000 * hop, 10_000 * hop
        first = -((half - 2 * start * sample_rate) // whole)
        last = (2 * end * sample_rate - half) // whole
        if max(first, 0) <= last:
            kept.append(item._replace(end_seconds=end / 1e4))
        else:
            short += 1
    return kept, short


def save_tensors(folder: Path, units: Units, vectors: Vectors) -> None:
    """Write `id.pt`, a tensor (L, D) float32, for each utterance: `fastabx.Dataset.from_item`."""
    import torch

    for utterance, codes in units:
        torch.save(torch.from_numpy(vectors(codes)), folder / f"{utterance}.pt")


def save_vector_texts(folder: Path, units: Units, vectors: Vectors) -> None:
    """Write `id.txt` for each utterance, a line a frame: D numbers with a space between.

    The challenge counts different lines as different symbols, so equal codes give equal text and
    nine digits keep different float32 apart.
    """
    lines: dict[bytes, str] = {}
    for utterance, codes in units:
        codes = np.asarray(codes)
        different, places = np.unique(codes, axis=0, return_inverse=True)
        keys = [code.tobytes() for code in different]
        if len(lines) > _LINES_KEPT:
            lines.clear()
        if unknown := [i for i, key in enumerate(keys) if key not in lines]:
            for i, row in zip(unknown, vectors(different[unknown]).tolist(), strict=True):
                lines[keys[i]] = " ".join([f"{value:.9g}" for value in row])
        texts = [lines[key] for key in keys]
        content = "\n".join([texts[place] for place in places.reshape(-1).tolist()])
        (folder / f"{utterance}.txt").write_text(content + "\n", encoding="utf-8", newline="\n")


def one_hot(num_codes: int) -> Vectors:
    """Codes (L,) to vectors (L, K) of one 1 and zeros; (L, G) to (L, G x K)."""

    def vectors(codes: np.ndarray) -> np.ndarray:
        rows = np.asarray(codes).reshape(len(codes), -1, 1) == np.arange(num_codes)  # (L, G, K)
        return rows.reshape(len(codes), -1).astype(np.float32)

    return vectors


def _json_line(value: dict[str, object]) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"
