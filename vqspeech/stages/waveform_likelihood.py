"""The decoder's likelihood of the recordings that a code directory was made from.

N recordings, sorted by id.
"""

import math
import os
from collections.abc import Callable, Sequence

import numpy as np
import torch

from vqspeech.audio.waveform import read_segment
from vqspeech.data.codes import CodeDir
from vqspeech.data.crops import Stretch, list_stretches
from vqspeech.data.data_dir import DataDir
from vqspeech.errors import InputError, tell_skipped
from vqspeech.generation.voice import Voice
from vqspeech.models.utterance_likelihood import waveform_nats
from vqspeech.stages.evaluate_likelihood import likeliest_row


def choose_recordings(
    voice: Voice,
    scored: CodeDir,
    data: str | os.PathLike,
    keys: Sequence[str],
    seconds: float | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> list[Stretch]:
    """The recordings of the utterances `keys`, all or some spread evenly over them.

    Args:
        voice: the model that made the codes.
        scored: the code directory.
        data: the data directory that was encoded.
        seconds: of audio, about; at least one utterance, and whole ones.
        note: told which utterances the data has no recording of.

    Raises:
        InputError: data of another rate, or whose recordings are not those of the codes.
    """
    data_dir = DataDir.read(data)
    stretches = {
        stretch.utterance: stretch
        for stretch in list_stretches([data_dir], data_dir.speakers, voice.sample_rate)
    }
    found = [stretches[key] for key in keys if key in stretches]
    if not found:
        raise InputError(
            f"{data}: none of its {len(stretches)} utterances is in {scored.path}; give the data "
            "that was encoded"
        )
    missing = [(key, "without a recording") for key in keys if key not in stretches]
    for line in tell_skipped(missing, len(keys)):
        note(f"{data}: {line}")
    for stretch in found:
        frames = -(-stretch.length // voice.hop)
        if frames != len(scored[stretch.utterance]):
            raise InputError(
                f"{data}: {stretch.utterance} has {stretch.length} samples, {frames} frames; "
                f"{scored.path} has {len(scored[stretch.utterance])} of it; encode the data again"
            )
    return found if seconds is None else _spread(found, seconds * voice.sample_rate)


def score_recordings(
    voice: Voice,
    scored: CodeDir,
    stretches: Sequence[Stretch],
    *,
    note: Callable[[str], None] = lambda text: None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[np.ndarray, dict[str, str]]:
    """Bits of each recording given its codes and its speaker.

    For a speaker whom the model does not know stands in the row of its table under which the first
    seconds of the speaker's first recordings are likeliest.

    Args:
        stretches: of `choose_recordings`.
        note: told who stands in for whom.
        progress: told the samples scored so far, and their total.

    Returns:
        (N,) float64 bits, and the stand-ins by speaker.
    """
    total, done = sum(stretch.length for stretch in stretches), 0
    owners = [scored.utterances[stretch.utterance].speaker for stretch in stretches]
    rows = {name: row for row, name in enumerate(voice.speakers)}
    stand_ins = {}
    for name in sorted(set(owners) - rows.keys()):
        own = [s for s, owner in zip(stretches, owners, strict=True) if owner == name]
        rows[name] = likeliest_row(voice.model, own)
        stand_ins[name] = voice.speakers[rows[name]]
        note(f"{name} is no speaker of {voice.name}; {stand_ins[name]} stands in")
    nats = []
    for stretch, owner in zip(stretches, owners, strict=True):
        nats.append(_nats(voice, scored, stretch, rows[owner]))
        done += stretch.length
        if progress is not None:
            progress(done, total)
    return np.array(nats) / math.log(2), stand_ins


def _spread(stretches: Sequence[Stretch], wanted: float) -> list[Stretch]:
    """Some of the stretches, evenly among them, of about `wanted` samples."""
    share = wanted / sum(stretch.length for stretch in stretches)
    chosen, passed, taken = [], 0, 0
    for stretch in stretches:
        passed += stretch.length
        # What is taken keeps as close as it can to the share of what has passed.
        if taken + stretch.length / 2 <= share * passed:
            chosen.append(stretch)
            taken += stretch.length
    return chosen or list(stretches[:1])


def _nats(voice: Voice, scored: CodeDir, stretch: Stretch, row: int) -> float:
    """Nats of a recording."""
    codes = np.array(scored[stretch.utterance], np.int64)
    waveform = read_segment(stretch.audio, stretch.start, stretch.length)
    pair = (torch.from_numpy(waveform), torch.from_numpy(codes))
    return float(waveform_nats(voice.model, *pair, row).double().sum())
