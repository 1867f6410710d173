"""The ABX error of a code directory: how well its codes tell triphones apart, whoever speaks.

M tokens, N frames, K codes that occur, D dimensions of a codebook vector.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vqspeech.analysis.abx import FEWEST_SPEAKERS, AbxError, abx_error
from vqspeech.analysis.abx_cells import token_frames
from vqspeech.analysis.dtw import TokenDistance, angular_table, dtw_distance, edit_distance
from vqspeech.data.alignment import END_SECONDS
from vqspeech.data.codes import CodeDir, read_code_dir
from vqspeech.data.item_file import Item, read_items, triphone_items
from vqspeech.errors import InputError, UsageError, name_some

# How each distance is described, in text and in JSON.
DISTANCES = {
    "cosine": "angle between codebook vectors over pi, mean along the DTW path",
    "levenshtein": "edits between codes over the length of the longer, equal neighbours merged",
    "levenshtein-frames": "edits between the codes of all frames over the length of the longer",
}
MODES = ("within", "across")
SPEAKERS = ("both", *MODES)
MOST_CODES = 8192  # a table of their distances takes half a gigabyte
HARDEST = 10  # pairs of phones that are listed


class _Tokens(NamedTuple):
    """The tokens that have a frame."""

    items: list[Item]
    first: np.ndarray  # (M,) in all codes end to end
    length: np.ndarray  # (M,)
    short: int  # how many had none


def analyze_abx(
    codes: str | os.PathLike,
    *,
    items: str | os.PathLike | None = None,
    model: str | None = None,
    distance: str = "auto",
    speakers: str = "both",
    max_per_class: int = 10,
    max_x_speakers: int = 5,
    seed: int = 0,
    note: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Measure the ABX error of codes, ready for JSON.

    Args:
        codes: a code directory.
        items: an `.item` file; without it, the triphones of the directory's `phones.ctm`.
        model: that made the codes, for the vectors of its codebook.
        distance: one of `DISTANCES`, or auto: cosine with a model, else levenshtein.
        speakers: one of `SPEAKERS`.
        max_per_class: tokens of one triphone and speaker, drawn at random.
        max_x_speakers: whose X are compared with one speaker's A and B, drawn at random.
        seed: of the draws.
        note: is told once what is left out.

    Returns:
        The settings, counts, and `within` and `across` with what `AbxError` has; shares, not
        percent.

    Raises:
        UsageError: no such distance, or cosine without a model.
        InputError: broken files, tokens outside the codes, codes of another model, fewer than two
            speakers, or no triples.
    """
    if distance not in ("auto", *DISTANCES):
        raise UsageError(f"--distance {distance}: one of auto, {', '.join(DISTANCES)} was wanted")
    if speakers not in SPEAKERS:
        raise UsageError(f"--speakers {speakers}: one of {', '.join(SPEAKERS)} was wanted")
    if distance == "auto":
        distance = "levenshtein" if model is None else "cosine"
    if distance == "cosine" and model is None:
        raise UsageError("--distance cosine: needs a codebook; give --model, which made the codes")
    code_dir = read_code_dir(codes)
    source = Path(items) if items is not None else code_dir.path / "phones.ctm"
    tokens = _lay_on_codes(_read_tokens(code_dir, source, items is not None), code_dir, source)
    if tokens.short:
        total = len(tokens.items) + tokens.short
        note(f"left out {tokens.short} of {total} triphones: no centre of a frame within them")
    measure = _distance(code_dir, tokens, distance, model)
    phone_names, phone = _number([item.phone for item in tokens.items])
    _, context = _number([(item.previous_phone, item.next_phone) for item in tokens.items])
    names, speaker = _number([item.speaker for item in tokens.items])
    if speakers != "within" and len(names) < 2:
        raise InputError(
            f"{source}: triphones of {len(names)} speaker, 2 are needed to compare across them; "
            "give more, or --speakers within"
        )
    found: dict[str, Any] = {
        "kind": "abx",
        "codes": str(codes),
        "model_hash": code_dir.model_hash,
        "triphones": source.name,
        "distance": distance,
        "distance_is": DISTANCES[distance],
        "model": model if distance == "cosine" else None,
        "rate": code_dir.rate,
        "num_codes": code_dir.num_codes,
        "tokens": len(tokens.items),
        "tokens_without_frame": tokens.short,
        "speakers": len(names),
        "max_per_class": max_per_class,
        "max_x_speakers": max_x_speakers,
        "seed": seed,
    }
    for mode in MODES:
        if speakers in ("both", mode):
            error = abx_error(
                phone,
                context,
                speaker,
                measure,
                across=mode == "across",
                max_per_class=max_per_class,
                max_x_speakers=max_x_speakers,
                seed=seed,
            )
            if error is None:
                note(f"{source}: no triple {mode} speakers among {len(tokens.items)} triphones")
                continue
            found[mode] = _describe(error, phone_names)
            if error.cells < error.cells_found:
                note(
                    f"{mode} speakers: {error.cells} of {error.cells_found} cells, drawn at random"
                )
    if not any(mode in found for mode in MODES):
        raise InputError(
            f"{source}: no triple among {len(tokens.items)} triphones: two phones in one context, "
            "one of them twice; give more data"
        )
    return found


def _read_tokens(code_dir: CodeDir, source: Path, is_item_file: bool) -> list[Item]:
    if is_item_file:
        items = read_items(source)
        place = {item.utterance: f"{source}:{line}" for line, item in enumerate(items, start=2)}
    else:
        owners = {key: found.speaker for key, found in code_dir.utterances.items()}
        phones = code_dir.phones()
        place = dict.fromkeys(phones, str(source))
        items = triphone_items(phones, owners, source=source)
    if strangers := [key for key in place if key not in code_dir]:
        raise InputError(
            f"{place[strangers[0]]}: {len(strangers)} utterances are not in {code_dir.path}: "
            f"{name_some(strangers)}; give the codes of the same data"
        )
    if not items:
        raise InputError(f"{source}: no phone between two others; a longer alignment was wanted")
    return items


def _lay_on_codes(items: list[Item], code_dir: CodeDir, source: Path) -> _Tokens:
    spans = [code_dir.spans[item.utterance] for item in items]
    offset = np.array([span.start for span in spans])
    available = np.array([span.stop - span.start for span in spans])
    start = np.array([item.start_seconds for item in items])
    end = np.array([item.end_seconds for item in items])
    outside = np.flatnonzero(end > available / code_dir.rate + END_SECONDS + 1e-6)
    if len(outside):
        worst = outside[0]
        raise InputError(
            f"{source}: {items[worst].utterance} has a triphone until {end[worst]:.3f} s and codes "
            f"until {available[worst] / code_dir.rate:.3f} s; give the codes of the same data"
        )
    first, length = token_frames(start, end, code_dir.rate)
    length = np.minimum(length, available - first)
    kept = length > 0
    if not kept.any():
        raise InputError(
            f"{source}: no triphone has a frame at {code_dir.rate:g} frames a second; encode with "
            "a model of more frames a second"
        )
    chosen = [item for item, is_kept in zip(items, kept.tolist(), strict=True) if is_kept]
    return _Tokens(chosen, (offset + first)[kept], length[kept], int((~kept).sum()))


def _distance(code_dir: CodeDir, tokens: _Tokens, name: str, model: str | None) -> TokenDistance:
    # Of several groups, the codes of a frame together are one symbol.
    symbols, codes = np.unique(code_dir.codes, axis=0, return_inverse=True)
    codes = codes.ravel()
    if name != "cosine":
        merge_runs = name == "levenshtein"
        return edit_distance(codes, tokens.first, tokens.length, merge_runs=merge_runs)
    if len(symbols) > MOST_CODES:
        raise InputError(
            f"{code_dir.path}: {len(symbols)} different codes, at most {MOST_CODES} can be "
            "compared by cosine; use --distance levenshtein"
        )
    table = angular_table(_vectors(code_dir, symbols, model))
    return dtw_distance(codes, tokens.first, tokens.length, table)


def _vectors(code_dir: CodeDir, symbols: np.ndarray, model: str | None) -> np.ndarray:
    """(K, D) float32 of the codebook, for codes (K,) or (K, groups)."""
    import torch

    from vqspeech.generation.voice import load_voice
    from vqspeech.stages.encode import hash_model

    voice, made_by = load_voice(model), hash_model(model)
    quantizer = voice.model.quantizer
    shape = (code_dir.num_codes, code_dir.groups)
    if code_dir.model_hash != made_by or shape != (quantizer.num_codes, quantizer.groups):
        raise InputError(
            f"{code_dir.path}: codes of another model ({code_dir.model_hash}) than {model} "
            f"({made_by}); give the model that made them"
        )
    with torch.no_grad():
        return quantizer.lookup(torch.from_numpy(symbols.astype(np.int64))).numpy()


def _number(names: Sequence[Any]) -> tuple[list[Any], np.ndarray]:
    """The different names, sorted, and (M,) the index of each among them."""
    different = sorted(set(names))
    index = {name: i for i, name in enumerate(different)}
    return different, np.array([index[name] for name in names])


def _describe(found: AbxError, phone_names: list[str]) -> dict[str, Any]:
    hardest = np.argsort(-found.pair_errors, kind="stable")[:HARDEST]
    return {
        "error": found.error,
        "interval": found.interval,
        "interval_over": f"speakers, {FEWEST_SPEAKERS} or more",
        "cells": found.cells,
        "cells_found": found.cells_found,
        "triples": found.triples,
        "contexts": found.contexts,
        "speakers": found.speakers,
        "pairs": len(found.pairs),
        "hardest_pairs": [
            [*(phone_names[p] for p in found.pairs[i]), float(found.pair_errors[i])]
            for i in hardest
        ],
    }
