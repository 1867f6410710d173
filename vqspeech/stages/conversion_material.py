"""What is converted to whom: sources, targets, and the list of pairs, read or drawn."""

import os
from collections.abc import Callable
from typing import NamedTuple

from vqspeech.data.data_dir import DataDir
from vqspeech.errors import InputError, UsageError, name_some, tell_skipped
from vqspeech.generation.voice import Voice
from vqspeech.stages.evaluation_data import open_data, open_recordings, usable_sources
from vqspeech.stages.pair_list import Pair, draw_pairs, read_pairs


class Material(NamedTuple):
    """What is converted to whom."""

    sources: DataDir
    targets: DataDir
    speakers: tuple[str, ...]  # of the model, whose voices are known by recordings
    pairs: list[Pair]
    genders: dict[str, str]
    drawn: str | None  # how, where the list was drawn


def find_material(
    voice: Voice,
    *,
    data: str | os.PathLike | None = None,
    recordings: str | os.PathLike | None = None,
    targets: str | os.PathLike | None = None,
    pairs: str | os.PathLike | None = None,
    count: int = 24,
    seed: int = 0,
    longest_seconds: float = 8.0,
    note: Callable[[str], None] = lambda text: None,
) -> Material:
    """Open what was given, and read the list of pairs or draw one.

    Raises:
        UsageError: not one of `data` and `recordings`, recordings without targets, or a count that
            cannot be had.
        InputError: broken data, data at another rate, no recordings of the model's speakers, or a
            list that names what is not there.
    """
    if (data is None) == (recordings is None):
        raise UsageError("--data, or --recordings with --targets: one of the two was wanted")
    if data is None and targets is None:
        raise UsageError("--recordings: whose voices they get is to be known; give --targets DATA")
    sources = open_recordings(recordings) if data is None else open_data(data, voice.sample_rate)
    known = sources if targets is None else open_data(targets, voice.sample_rate)
    there = tuple(name for name in known.speakers if name in voice.speakers)
    if not there:
        raise InputError(
            f"{known.path}: no recordings of any speaker of {voice.name}, only of "
            f"{name_some(known.speakers, 3)}; give --targets the data of its speakers"
        )
    if missing := [name for name in voice.speakers if name not in known.speakers]:
        note(f"{known.path}: no recordings of {name_some(missing)}; nobody is converted to them")
    genders = {**sources.genders, **known.genders}
    if pairs is not None:
        chosen = read_pairs(pairs, sources, voice.speakers, voice.name)
        if absent := sorted({p.target for p in chosen} - set(there)):
            raise InputError(
                f"{known.path}: no recordings of {name_some(absent)}, who are targets in {pairs}; "
                "give --targets with recordings of them"
            )
        return Material(sources, known, there, chosen, genders, None)
    usable, skipped = usable_sources(sources, sources, longest_seconds)
    for line in tell_skipped(skipped, len(sources)):
        note(line)
    if not usable:
        raise InputError(f"{sources.path}: no utterance that can be drawn; see the notes above")
    utterances = [sources[key] for key in usable]
    chosen = draw_pairs(utterances, there, genders, count, seed)
    drawn = f"{count} pairs of {sources.path.resolve().name}, drawn with seed {seed}"
    return Material(sources, known, there, chosen, genders, drawn)
