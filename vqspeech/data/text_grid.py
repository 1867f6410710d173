"""TextGrids of Praat and of aligners: tiers of labelled intervals, read whole or refused in a line.

Praat reads a text file as strings in double quotes, numbers that stand free and flags; whatever
else is there, such as `xmax =`, is comment. The long and the short form are the same under that
rule. Here the tokens are found by it, every string is replaced by a name that no label can imitate,
and praatio, given the short form, finds the tiers among them: its own readers trip over labels such
as `intervals [2]:`, lose minus signs and end quietly where a file is cut off.
"""

import math
import os
import re
from pathlib import Path
from typing import NamedTuple

from praatio.utilities.errors import PraatioException
from praatio.utilities.textgrid_io import parseTextgridStr

from vqspeech.data.alignment import OVERLAP_SECONDS
from vqspeech.errors import InputError

MAX_BYTES = 50 << 20
MAX_TOKENS = 2_000_000  # half a day of phones; a token needs some 100 bytes here
MAX_TIERS = 1000
INTERVALS, POINTS = "IntervalTier", "TextTier"

_TOKEN = re.compile(
    # Possessive: of `"a""` the first three are no string, and long ones need no memory.
    r'"(?P<string>(?:[^"]++|"")*+)"'
    r"|(?P<number>(?<!\S)[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?(?!\S))"
    r"|![^\n]*"  # a comment
    r'|(?P<open>")'
)
_NEXT_STEP = "open it in Praat and save it as a text file, or align the recording again"


class Interval(NamedTuple):
    """A labelled stretch of time."""

    start_seconds: float
    end_seconds: float
    label: str  # as it stands in the file, with the space around it


class Tier(NamedTuple):
    """Intervals in order, which do not overlap by more than rounding does."""

    name: str
    intervals: tuple[Interval, ...]


class TextGrid(NamedTuple):
    """The interval tiers of a file; tiers of points are left out."""

    start_seconds: float
    end_seconds: float
    tiers: tuple[Tier, ...]


class _UnusableError(Exception):
    """Why a file is no TextGrid that can be used, and what helps."""

    def __init__(self, reason: str, remedy: str = _NEXT_STEP):
        super().__init__(f"{reason}; {remedy}")


def read_text_grid(path: str | os.PathLike) -> TextGrid:
    """The interval tiers of a TextGrid in text form, long or short.

    UTF-8 and UTF-16 are read with and without a byte order mark, anything else as Latin-1.

    Raises:
        InputError: missing, empty, larger than 50 MB, binary, JSON, chronological, cut off or
            damaged; or its intervals overlap or run backwards.
    """
    try:
        return _parse(_read_bytes(Path(path)))
    except _UnusableError as reason:
        raise InputError(f"{path}: {reason}") from reason


def _read_bytes(path: Path) -> bytes:
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):  # a pipe would never end
            raise _UnusableError("neither a file nor a folder", "leave it out")
        with open(path, "rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _UnusableError(
            f"cannot be read ({error.strerror})", "allow it or leave it out"
        ) from error
    if len(content) > MAX_BYTES:
        raise _UnusableError(f"more than {MAX_BYTES >> 20} MB", "cut the recording into utterances")
    return content


def _parse(content: bytes) -> TextGrid:
    """The tiers in the bytes of a file; why there are none is an `_UnusableError`."""
    if not content.strip(b"\0\t\r\n "):
        raise _UnusableError("an empty file", "align the recording again")
    if content.startswith(b"ooBinaryFile"):
        raise _UnusableError("a binary TextGrid", "open it in Praat and save it as a text file")
    text = _decode(content)
    if text.lstrip().startswith("{"):
        raise _UnusableError(
            "JSON", "let the aligner write long TextGrids (of MFA: --output_format)"
        )
    if "Praat chronological TextGrid" in text[:200]:
        raise _UnusableError(
            "a chronological TextGrid", "open it in Praat and save it as a text file"
        )
    tokens = _tokens(text)
    if tokens[:2] == ['"ooTextFile"', '"Collection"']:
        raise _UnusableError("a collection of Praat", "save each TextGrid as a file of its own")
    if len(tokens) < 5 or tokens[1] != '"TextGrid"':
        raise _UnusableError("no TextGrid of Praat", "give TextGrids in text form")
    return _build(tokens)


def _decode(content: bytes) -> str:
    encoding = "utf-8-sig"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    # The header is ASCII: in UTF-16 every other byte of it is zero.
    elif content[1:80:2].count(0) > 20:
        encoding = "utf-16-le"
    elif content[0:80:2].count(0) > 20:
        encoding = "utf-16-be"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8-sig":
            raise _UnusableError(f"damaged at byte {error.start}, no {encoding}") from error
        text = content.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _tokens(text: str) -> list[str]:
    """The strings, in their quotes, and the numbers of a file, in order."""
    tokens = []
    for match in _TOKEN.finditer(text):
        if match["open"]:
            line = text.count("\n", 0, match.start()) + 1
            raise _UnusableError(
                f"the quotation mark in line {line} is never closed: cut off or damaged"
            )
        if match.lastgroup:
            tokens.append(match.group())
        if len(tokens) > MAX_TOKENS:
            raise _UnusableError(
                f"more than {MAX_TOKENS} numbers and labels", "cut the recording into utterances"
            )
    return tokens


def _build(tokens: list[str]) -> TextGrid:
    heads = _tier_heads(tokens)
    if not 0 < len(heads) <= MAX_TIERS:
        raise _UnusableError(f"{len(heads)} tiers in it", "align the recording again")
    if tokens[4] != str(len(heads)):
        raise _UnusableError(f"{len(heads)} tiers, {tokens[4]} were announced: cut off or damaged")
    short, strings = _short_form(tokens, set(heads))
    try:
        parsed = parseTextgridStr(short, includeEmptyIntervals=True)
        tiers = []
        for tier, head in zip(parsed["tiers"], heads, strict=True):
            name = strings[tier["name"]]
            found, wanted = len(tier["entries"]), float(tokens[head + 4])
            if found != wanted:
                raise _UnusableError(
                    f"tier {name!r} has {found} intervals, {wanted:g} were announced:"
                    " cut off or damaged"
                )
            if tier["class"] == INTERVALS:
                intervals = [(float(s), float(e), strings[x]) for s, e, x in tier["entries"]]
                tiers.append(Tier(name, tuple(Interval(*row) for row in intervals)))
        grid = TextGrid(float(tokens[2]), float(tokens[3]), tuple(tiers))
    # praatio 6.2 was seen to raise ValueError (a number that is none, a line that ends early),
    # IndexError (a line that is not there) and its own ParsingError; KeyError is a label where a
    # number was wanted, or the reverse.
    except (ValueError, IndexError, KeyError, PraatioException) as error:
        raise _UnusableError(
            "its numbers and labels are out of order: cut off or damaged"
        ) from error
    _check_times(grid)
    return grid


def _short_form(tokens: list[str], heads: set[int]) -> tuple[str, dict[str, str]]:
    """The text of a short TextGrid with a name in place of each string, and the strings by name."""
    strings = {}
    lines = ['File type = "ooTextFile short"', '"TextGrid"', ""]
    for place, token in enumerate(tokens[2:], start=2):
        if token[0] == '"' and place not in heads:  # praatio finds the tiers by their heads
            strings[f"s{place}"] = token[1:-1].replace('""', '"')
            token = f'"s{place}"'
        lines.append(token)
    return "\n".join((*lines, "")), strings


def _tier_heads(tokens: list[str]) -> list[int]:
    """Where tiers begin: a class, a name, the times of begin and end, the number of intervals."""
    heads = []
    for place, token in enumerate(tokens[:-4]):
        if token in (f'"{INTERVALS}"', f'"{POINTS}"'):
            name, *numbers = tokens[place + 1 : place + 5]
            # A label of the same letters is followed by a number, or by the class of a next tier.
            if name[0] == '"' and all(number[0] != '"' for number in numbers):
                heads.append(place)
    return heads


def _check_times(grid: TextGrid) -> None:
    times = [grid.start_seconds, grid.end_seconds]
    times += [time for tier in grid.tiers for row in tier.intervals for time in row[:2]]
    if not all(map(math.isfinite, times)):
        raise _UnusableError("a time without end: damaged")
    if grid.end_seconds <= grid.start_seconds:
        raise _UnusableError(f"lasts from {grid.start_seconds:g} to {grid.end_seconds:g} s")
    for name, intervals in grid.tiers:
        before = grid.start_seconds
        for number, (start, end, _) in enumerate(intervals, start=1):
            place = f"interval {number} of tier {name!r}"
            if end < start:
                raise _UnusableError(f"{place} ends at {end:g} s, before it starts at {start:g} s")
            if start < before - OVERLAP_SECONDS:
                raise _UnusableError(
                    f"{place} starts at {start:g} s, within what ends at {before:g} s"
                )
            before = max(before, end)
