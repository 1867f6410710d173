"""Whose voices are heard when nobody is named, and what they are called in a line.

Rows are those of `list_speakers`: speaker, gender (f or m) and accent, the last two where known.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import zip_longest

GENDERS = {"f": "female", "m": "male"}
VOICES = 4  # unless another number is wanted

Row = Mapping[str, str | None]


def choose_speakers(rows: Sequence[Row], count: int = VOICES) -> list[str]:
    """Half women and half men, each half of accents as different as there are.

    Args:
        rows: of all speakers, in any order.
        count: how many, even.

    Returns:
        Women, then men, each by name; the first speakers by name where there are too few of
        either.
    """
    by_name = sorted(rows, key=lambda row: row["speaker"])
    chosen: list[Row] = []
    for gender in GENDERS:
        of_gender = [row for row in by_name if row.get("gender") == gender]
        half = _by_accents(of_gender, chosen)[: count // 2]
        if len(half) < count // 2:
            return [row["speaker"] for row in by_name[:count]]
        chosen += sorted(half, key=lambda row: row["speaker"])
    return [row["speaker"] for row in chosen]


def take_turns(rows: Sequence[Row]) -> list[str]:
    """All speakers: a woman, a man, a woman and so on, then those whose gender is not known.

    Each is of the accent that was heard least so far among the women, or the men; of several,
    the first by name. The order depends on the rows alone, not on a seed.
    """
    by_name = sorted(rows, key=lambda row: row["speaker"])
    women, men = (
        _by_accents([row for row in by_name if row.get("gender") == gender], [])
        for gender in GENDERS
    )
    others = [row for row in by_name if row.get("gender") not in GENDERS]
    pairs = zip_longest(women, men)
    in_turn = [row for pair in pairs for row in pair if row is not None]
    return [row["speaker"] for row in in_turn + others]


def describe_speaker(row: Row) -> str:
    """Gender and accent in words, as far as they are known: `female, British`."""
    gender = GENDERS.get(row.get("gender") or "", row.get("gender"))
    return ", ".join(word for word in (gender, row.get("accent")) if word)


def _by_accents(left: Sequence[Row], others: Sequence[Row]) -> list[Row]:
    """All of `left`, each of the accent heard least before it, here first and then in `others`."""
    left, ordered = list(left), []
    here, heard = Counter(), Counter(row.get("accent") for row in others)
    while left:
        # min() keeps the first of equals, so the names decide last.
        best = min(left, key=lambda row: (here[row.get("accent")], heard[row.get("accent")]))
        left.remove(best)
        ordered.append(best)
        here[best.get("accent")] += 1
    return ordered
