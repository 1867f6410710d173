"""Seeded split of the utterances of each speaker into train, valid and test.

An utterance's place depends on (seed, its id) alone, through a hash: it is the same on every
machine and Python, whatever the order of the input, and a new utterance moves few others.
"""

import hashlib
from collections.abc import Mapping


def split_utterances(
    speakers: Mapping[str, str],
    *,
    valid: int | float = 0.05,
    test: int | float = 0,
    seed: int = 0,
) -> dict[str, tuple[str, ...]]:
    """Utterances of each part, sorted.

    Every speaker keeps at least one utterance in train; where that leaves too few, valid comes
    before test. So a speaker of one utterance is in train alone.

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
    parts: dict[str, list[str]] = {"train": [], "valid": [], "test": []}
    for utterances in by_speaker.values():
        utterances.sort(key=lambda utterance: _place(seed, utterance))
        spare = len(utterances) - 1  # all but the one that train keeps
        num_valid = min(_amount(valid, len(utterances)), spare)
        num_test = min(_amount(test, len(utterances)), spare - num_valid)
        parts["valid"] += utterances[:num_valid]
        parts["test"] += utterances[num_valid : num_valid + num_test]
        parts["train"] += utterances[num_valid + num_test :]
    return {name: tuple(sorted(part)) for name, part in parts.items()}


def _place(seed: int, utterance: str) -> bytes:
    return hashlib.sha256(f"{seed} {utterance}".encode()).digest()


def _amount(wanted: int | float, count: int) -> int:
    if wanted < 0 or (isinstance(wanted, float) and wanted >= 1):
        raise ValueError(f"{wanted}: a count or a fraction from 0 to below 1 was wanted")
    return wanted if isinstance(wanted, int) else int(wanted * count + 0.5)
