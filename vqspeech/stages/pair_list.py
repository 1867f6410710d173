"""Which utterance is converted to whom: a list that stands beside the scores, to be given again.

A line is `utterance<TAB>target`; `#` begins a comment.
"""

import itertools
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vqspeech.data.data_dir import DataDir, Utterance
from vqspeech.errors import InputError, UsageError, name_some

GENDERS = ("f", "m")
# From the gender of the source's speaker to that of the target.
DIRECTIONS = tuple(f"{a}-{b}" for a, b in itertools.product(GENDERS, GENDERS))


class Pair(NamedTuple):
    """An utterance and the speaker whose voice it gets."""

    utterance: str
    target: str

    @property
    def id(self) -> str:
        """Its name in tables."""
        return f"{self.utterance}>{self.target}"


def read_pairs(
    path: str | os.PathLike, data_dir: DataDir, targets: Collection[str], model: str
) -> list[Pair]:
    """The pairs of a list, each of an utterance and a target that are there.

    Args:
        data_dir: where the utterances are.
        targets: speakers that can be spoken as.
        model: what they are speakers of, for messages.

    Raises:
        InputError: with file and line: another form, an unknown name, the source's own speaker as
            the target, or a pair twice; or no pairs at all.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no UTF-8 text"
        raise InputError(f"{path}: {reason}; a list of pairs was wanted") from error
    pairs: dict[Pair, int] = {}
    for number, line in enumerate(lines, start=1):
        fields = line.partition("#")[0].split()
        if not fields:
            continue
        if len(fields) != 2:
            raise InputError(f"{path}:{number}: {line!r}; an utterance and a target were wanted")
        pair = Pair(*fields)
        if pair.utterance not in data_dir:
            some = name_some(data_dir, 2)
            raise InputError(
                f"{path}:{number}: {pair.utterance} is no utterance of {data_dir.path} ({some}); "
                "give the --data that the list was made for"
            )
        if pair.target not in targets:
            raise InputError(
                f"{path}:{number}: {pair.target} is no speaker of {model}; see 'vqspeech speakers'"
            )
        if pair.target == data_dir[pair.utterance].speaker:
            raise InputError(
                f"{path}:{number}: {pair.utterance} is spoken by {pair.target} already; give "
                "another target"
            )
        if pair in pairs:
            raise InputError(
                f"{path}:{number}: {pair.id} stands in line {pairs[pair]} too; keep one"
            )
        pairs[pair] = number
    if not pairs:
        raise InputError(f"{path}: no pairs; write lines of an utterance, a tab and a target")
    return list(pairs)


def draw_pairs(
    utterances: Sequence[Utterance],
    targets: Sequence[str],
    genders: Mapping[str, str],
    count: int,
    seed: int,
) -> list[Pair]:
    """Pairs by a seed, as many of each direction between genders as of any other.

    Speakers take turns, as sources and as targets. Where the gender of no source, or of no target,
    is known, that side is drawn from all.

    Raises:
        UsageError: there are not so many different pairs.
    """
    rng = np.random.default_rng(seed)
    sources = _groups(utterances, lambda utterance: genders.get(utterance.speaker))
    wanted = _groups(targets, genders.get)
    queues = {gender: itertools.cycle(take_turns(own, rng)) for gender, own in sources.items()}
    directions = list(itertools.product(sources, wanted))
    voices = {
        direction: itertools.cycle(_shuffled(wanted[direction[1]], rng)) for direction in directions
    }
    pairs: dict[Pair, None] = {}
    # A direction is given up when as many draws as it has pairs were in vain.
    tries = {(a, b): len(sources[a]) * len(wanted[b]) for a, b in directions}
    for direction in itertools.cycle(directions):
        if len(pairs) >= count or not any(tries.values()):
            break
        pair = None
        while pair is None and tries[direction]:
            tries[direction] -= 1
            utterance = next(queues[direction[0]])
            pair = _new_pair(utterance, voices[direction], len(wanted[direction[1]]), pairs)
        if pair is not None:
            pairs[pair] = None
    if len(pairs) < count:
        raise UsageError(
            f"--count {count}: there are {len(pairs)} different pairs of {len(utterances)} "
            f"utterances and {len(targets)} targets; give at most so many"
        )
    return list(pairs)


def take_turns(utterances: Iterable[Utterance], rng: np.random.Generator) -> list[Utterance]:
    """One utterance of each speaker, then another of each, in a drawn order."""
    by_speaker: dict[str, list[Utterance]] = {}
    for utterance in utterances:
        by_speaker.setdefault(utterance.speaker, []).append(utterance)
    rows = [_shuffled(by_speaker[name], rng) for name in _shuffled(sorted(by_speaker), rng)]
    turns = itertools.chain.from_iterable(itertools.zip_longest(*rows))
    return [utterance for utterance in turns if utterance is not None]


def direction_of(pair: Pair, speaker: str, genders: Mapping[str, str]) -> str | None:
    """`f-m` for a woman's utterance in a man's voice; None where either is not known."""
    ends = genders.get(speaker), genders.get(pair.target)
    return None if None in ends else "-".join(ends)


def format_pairs(pairs: Iterable[Pair], about: str) -> str:
    """The text of a list, which begins with a comment."""
    return "".join([f"# {about}\n", *(f"{pair.utterance}\t{pair.target}\n" for pair in pairs)])


def _new_pair(
    utterance: Utterance, voices: Iterator[str], most: int, known: Collection[Pair]
) -> Pair | None:
    """The utterance with the next voice that is not its own and that it does not have yet."""
    for target in itertools.islice(voices, most):
        pair = Pair(utterance.id, target)
        if target != utterance.speaker and pair not in known:
            return pair
    return None


def _groups(items: Iterable, gender_of) -> dict[str | None, list]:
    """Items by gender; those of unknown gender only where none is known."""
    items = list(items)
    groups = {g: own for g in GENDERS if (own := [i for i in items if gender_of(i) == g])}
    return groups or {None: items}


def _shuffled(items: Sequence, rng: np.random.Generator) -> list:
    return [items[i] for i in rng.permutation(len(items))]
