"""Actions as text: `forward*10`, or one after the other as in `forward*3, left*2, right`.

A name is whatever a frames file calls the action, without `*` and commas.
"""

import difflib
import itertools
from collections.abc import Sequence
from typing import NamedTuple

from vqspeech.errors import InputError, name_some

MOST_FRAMES = 1000  # that a list may lead to: codes wander off long before
_MOST_DIGITS = 9  # of a number that is looked at
_SHOWN = 60  # characters of a list, in a message


class Repeated(NamedTuple):
    """One entry of a list."""

    name: str
    times: int


def split_actions(text: str) -> tuple[Repeated, ...]:
    """The entries of a list, whether or not a model knows their names.

    Raises:
        InputError: an entry is empty, its number is no whole number from 1, or there are more than
            `MOST_FRAMES` actions in all.
    """
    entries = tuple(_entry(text, part) for part in text.split(","))
    count = sum(entry.times for entry in entries)
    if count > MOST_FRAMES:
        raise InputError(
            f"{_place(text)}: {count} actions, at most {MOST_FRAMES} are followed; give fewer"
        )
    return entries


def _entry(text: str, part: str) -> Repeated:
    name, star, times = (piece.strip() for piece in part.partition("*"))
    if not name:
        raise InputError(
            f"{_place(text)}: an entry without a name; give names as in forward*3,right"
        )
    if not star:
        return Repeated(name, 1)
    if not (times.isdecimal() and len(times) <= _MOST_DIGITS and int(times)):
        raise InputError(
            f"{_place(text)}: '{_short(times)}' is no number of times for {_short(name)}; give a "
            f"whole number from 1 to {MOST_FRAMES}"
        )
    return Repeated(name, int(times))


def parse_actions(text: str, names: Sequence[str]) -> tuple[int, ...]:
    """The actions of a list, one for each frame that it leads to.

    Args:
        names: as the model knows them; an action is the index of its name.

    Raises:
        InputError: see `split_actions`, and a name that is not among these.
    """
    actions: list[int] = []
    for name, times in split_actions(text):
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
            meant = f" (did you mean {near[0]}?)" if near else ""
            raise InputError(
                f"{_place(text)}: no action is called {_short(name)}{meant}; there are "
                f"{name_some(names, 20)}"
            )
        actions += [names.index(name)] * times
    return tuple(actions)


def format_actions(actions: Sequence[int], names: Sequence[str]) -> str:
    """The list that `parse_actions` reads as these actions: `forward*3,left`."""
    runs = [(action, len(list(run))) for action, run in itertools.groupby(actions)]
    return ",".join(names[action] + (f"*{times}" if times > 1 else "") for action, times in runs)


def _place(text: str) -> str:
    return f"--actions {_short(text)}"


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
