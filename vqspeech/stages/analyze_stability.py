"""How much the codes of recordings change when the sound is disturbed; no labels needed."""

import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vqspeech.analysis.stability import (
    UnitEditDistance,
    pair_with_others,
    summarize_distances,
    unit_edit_distances,
)
from vqspeech.audio.disturbances import GAIN_DB, list_disturbances, room_db
from vqspeech.audio.waveform import read_waveform
from vqspeech.data.crops import list_stretches, make_batch
from vqspeech.data.data_dir import DataDir
from vqspeech.data.targets import unique_files
from vqspeech.generation.voice import Voice
from vqspeech.stages.encode import data_dir_among

COUNT = 50  # utterances of a data directory


class _Codes(NamedTuple):
    """Codes of several recordings, end to end."""

    rows: np.ndarray  # (N, G)
    starts: np.ndarray  # (U + 1,)


def analyze_stability(
    voice: Voice,
    sources: Sequence[str | os.PathLike],
    *,
    model_hash: str = "",
    count: int = COUNT,
    seed: int = 0,
    note: Callable[[str], None] = lambda text: None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Unit edit distance between the codes of recordings as they are and disturbed.

    Args:
        voice: the model.
        sources: recordings, or one data directory prepared at the model's rate.
        model_hash: of the model, for the result.
        count: utterances that are drawn of a data directory.
        seed: of that draw, of the noise, and of the pairs of different utterances.
        note: told what had to be changed in a recording.
        progress: told (done, total) after each recording that was encoded.

    Returns:
        What can be written as JSON: data, model, model_hash, rate, num_codes, groups, utterances,
        seconds, frames, runs, seed, mean_gain_db (what fitted of the louder gain), disturbances (a
        list of name, ued, low, high; a single utterance has no interval, low and high are None),
        and other_utterances (ued, low, high of codes of different utterances), None for a single
        one.

    Raises:
        InputError: a recording that cannot be read, or a broken data directory.
        UsageError: a folder and something else.
    """
    sources = unique_files([Path(source) for source in sources])
    folder = data_dir_among(sources)
    if folder is not None:
        waveforms = list(_read_utterances(voice, folder, count, seed))
    else:
        waveforms = list(_read_recordings(voice, sources, note))
    disturbances = list_disturbances(voice.sample_rate, voice.hop)
    gains = np.array([min(GAIN_DB, room_db(waveform)) for waveform in waveforms])
    if limited := int((gains < GAIN_DB).sum()):
        note(
            f"gain {GAIN_DB:+g} dB: {limited} of {len(waveforms)} utterances would clip and got as "
            f"much as fits; the mean is {gains.mean():+.1f} dB"
        )
    total, done = len(waveforms) * (1 + len(disturbances)), 0

    def encode(variants: Iterator[np.ndarray]) -> _Codes:
        nonlocal done
        parts = []
        for waveform in variants:
            parts.append(voice.encode(waveform).reshape(-1, voice.model.quantizer.groups))
            done += 1
            if progress is not None:
                progress(done, total)
        return _Codes(np.concatenate(parts), np.cumsum([0, *map(len, parts)]))

    clean = encode(iter(waveforms))
    rows = []
    for number, disturbance in enumerate(disturbances):
        disturbed = encode(
            disturbance.apply(waveform, np.random.default_rng((seed, number, u)))
            for u, waveform in enumerate(waveforms)
        )
        first, second = _symbols(clean.rows, disturbed.rows)
        distances = unit_edit_distances(first, clean.starts, second, disturbed.starts)
        rows.append(
            {"name": disturbance.name, **_facts(summarize_distances(*distances, seed=seed))}
        )
    symbols, _ = _symbols(clean.rows, clean.rows)
    _, runs = unit_edit_distances(symbols, clean.starts, symbols, clean.starts)
    others = None
    if len(waveforms) > 1:
        pairs = unit_edit_distances(*pair_with_others(symbols, clean.starts, seed=seed))
        others = _facts(summarize_distances(*pairs, seed=seed))
    return {
        "kind": "stability",
        "data": [str(source) for source in sources],
        "model": voice.name,
        "model_hash": model_hash,
        "rate": voice.model.code_rate,
        "num_codes": voice.model.quantizer.num_codes,
        "groups": voice.model.quantizer.groups,
        "utterances": len(waveforms),
        "seconds": sum(map(len, waveforms)) / voice.sample_rate,
        "frames": len(clean.rows),
        "runs": int(runs.sum()),
        "seed": seed,
        "mean_gain_db": float(gains.mean()),
        "disturbances": rows,
        "other_utterances": others,
    }


def _read_utterances(voice: Voice, folder: Path, count: int, seed: int) -> Iterator[np.ndarray]:
    data_dir = DataDir.read(folder)
    names = sorted(data_dir)
    if len(names) > count:
        chosen = np.random.default_rng(seed).choice(len(names), count, replace=False)
        names = [names[number] for number in sorted(chosen)]
    # Fewer utterances before their files are opened, of which there may be tens of thousands.
    part = dataclasses.replace(data_dir, utterances={name: data_dir[name] for name in names})
    for stretch in list_stretches([part], part.speakers, voice.sample_rate):
        yield make_batch([(stretch, 0)], stretch.length).waveform[0].numpy()


def _read_recordings(
    voice: Voice, sources: Sequence[Path], note: Callable[[str], None]
) -> Iterator[np.ndarray]:
    for source in sources:
        waveform = read_waveform(source, voice.sample_rate)
        for text in waveform.notes:
            note(text)
        yield waveform.samples


def _symbols(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Equal rows (N, G) of both become equal numbers."""
    found = np.unique(np.concatenate([first, second]), axis=0, return_inverse=True)[1].reshape(-1)
    return found[: len(first)], found[len(first) :]


def _facts(distance: UnitEditDistance) -> dict[str, float | None]:
    if distance.utterances < 2:  # drawn again it is the same: an interval of no width would lie
        return {"ued": distance.ued, "low": None, "high": None}
    return {"ued": distance.ued, "low": distance.low, "high": distance.high}
