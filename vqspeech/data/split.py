"""Seeded splits: by utterance into train, valid and test, and by speaker.

An utterance's place depends on (seed, its id) alone, through a hash: it is the same on every
machine and Python, whatever the order of the input, and a new utterance moves few others.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from vqspeech.data.corpora.as_found import can_name_part
from vqspeech.data.corpora.source import Source
from vqspeech.errors import InputError, UsageError

PARTS = ("train", "valid", "test")
FEWEST = 3  # utterances of a speaker from which one is held out, however small the share


@dataclass(frozen=True)
class Splits:
    """How what the corpus does not split itself is split; a count (int) or a fraction (float)."""

    valid: int | float = 0.05  # of the utterances of each speaker
    test: int | float = 0.05
    unseen: int | float = 0  # of the speakers, held out whole
    seed: int = 0  # another seed, another split


def assign_parts(sources: Sequence[Source], splits: Splits) -> dict[str, list[Source]]:
    """Recordings by part: the corpus's own where it has one, else drawn.

    Speakers who have nothing but what the corpus assigns are never held out as unseen.

    Raises:
        UsageError: amounts that are out of range or leave nothing.
        InputError: a part of the corpus that cannot name a folder.
    """
    parts: dict[str, list[Source]] = {}
    free = [source for source in sources if source.split is None]
    try:
        held_out = choose_speakers({s.speaker for s in free}, splits.unseen, seed=splits.seed)
        drawn = _draw([source for source in free if source.speaker not in held_out], splits)
    except (ValueError, TypeError) as error:
        asked = f"--valid {splits.valid} --test {splits.test} --unseen {splits.unseen}"
        raise UsageError(f"{asked}: {error}") from error
    for source in sources:
        if source.speaker in held_out:
            part = "unseen"  # all that they say, also what others are compared on
        else:
            part = drawn[source.id] if source.split is None else source.split
        # It becomes the name of a folder beside the audio.
        if not can_name_part(part):
            raise InputError(f"{source.id}: split {part!r} cannot name a folder; rename the split")
        parts.setdefault(part, []).append(source)
    order = (*PARTS, *sorted(set(parts) - set(PARTS)))
    return {part: parts[part] for part in order if part in parts}


def _draw(sources: Sequence[Source], splits: Splits) -> dict[str, str]:
    """Part by utterance."""
    if not sources:
        return {}
    speakers = {source.id: source.speaker for source in sources}
    amounts = {"valid": splits.valid, "test": splits.test}
    drawn = split_utterances(speakers, seed=splits.seed, **amounts)
    return {key: part for part, keys in drawn.items() for key in keys}


def split_utterances(
    speakers: Mapping[str, str],
    *,
    valid: int | float = 0.05,
    test: int | float = 0,
    seed: int = 0,
) -> dict[str, tuple[str, ...]]:
    """Utterances of each part, sorted.

    Every speaker keeps at least one utterance in train; where that leaves too few, valid comes
    before test. So a speaker of one utterance is in train alone. A share that comes to nothing for
    all speakers takes one of each who has at least `FEWEST`.

    Args:
        speakers: speaker by utterance.
        valid: utterances of each speaker, as a count (int) or a fraction below 1 (float).
        test: the same for test.
        seed: another seed, another split.

    Returns:
        `train`, `valid` and `test`, each a tuple that may be empty but for train.

    Raises:
        ValueError: a negative amount, a fraction of 1 or more, or no utterances.
    """
    if not speakers:
        raise ValueError("no utterances to split")
    by_speaker: dict[str, list[str]] = {}
    for utterance, speaker in speakers.items():
        by_speaker.setdefault(speaker, []).append(utterance)
    counts = {len(utterances) for utterances in by_speaker.values()}
    parts: dict[str, list[str]] = {"train": [], "valid": [], "test": []}
    for utterances in by_speaker.values():
        utterances.sort(key=lambda utterance: _place(seed, utterance))
        spare = len(utterances) - 1  # all but the one that train keeps
        num_valid = min(_amount_of_each(valid, len(utterances), counts), spare)
        num_test = min(_amount_of_each(test, len(utterances), counts), spare - num_valid)
        parts["valid"] += utterances[:num_valid]
        parts["test"] += utterances[num_valid : num_valid + num_test]
        parts["train"] += utterances[num_valid + num_test :]
    return {name: tuple(sorted(part)) for name, part in parts.items()}


def choose_speakers(speakers: Iterable[str], amount: int | float, *, seed: int = 0) -> set[str]:
    """Speakers to hold out whole, as voices that no model hears in training.

    A speaker's place depends on (seed, its id) alone; the choice of fewer is within that of more.

    Args:
        speakers: all of them; at least one is left.
        amount: how many, as a count (int) or a fraction below 1 (float).

    Raises:
        ValueError: a negative amount, a fraction of 1 or more, or nobody would be chosen or left.
    """
    names = sorted(set(speakers), key=lambda name: _place(seed, f"speaker {name}"))
    count = _amount(amount, len(names))
    if amount and not count:
        raise ValueError(f"{amount} of {len(names)} speakers is none; give a count of 1 or more")
    if count and count >= len(names):
        raise ValueError(f"{count} of {len(names)} speakers held out leaves none to train on")
    return set(names[:count])


def _place(seed: int, utterance: str) -> bytes:
    return hashlib.sha256(f"{seed} {utterance}".encode()).digest()


def _amount_of_each(wanted: int | float, count: int, counts: Collection[int]) -> int:
    """How many of a speaker's `count` utterances, where the speakers have `counts`."""
    if wanted and not any(_amount(wanted, other) for other in counts):
        return int(count >= FEWEST)  # the share rounds to nothing, but something was asked for
    return _amount(wanted, count)


def _amount(wanted: int | float, count: int) -> int:
    if wanted < 0 or (isinstance(wanted, float) and wanted >= 1):
        raise ValueError(f"{wanted}: a count or a fraction from 0 to below 1 was wanted")
    return wanted if isinstance(wanted, int) else int(wanted * count + 0.5)
