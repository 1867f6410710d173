"""Triphones to compare in an ABX test: from an alignment, or from an `.item` file.

The file is that of ZeroSpeech and Libri-Light: a header and a line a token, separated by spaces,

    #file onset offset #phone prev-phone next-phone speaker
    6295-244435-0009 0.2925 0.4725 IH L NG 6295

The times, in seconds, span all three phones: from the start of the previous one to the end of the
next one. The file is an utterance. Speakers and phones are any words.
"""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from vqspeech.data.alignment import OVERLAP_SECONDS, Phone
from vqspeech.data.phone_set import SILENCE, SPOKEN_NOISE, describe_unknown, phone_of
from vqspeech.data.tables import parse_seconds
from vqspeech.errors import InputError
from vqspeech.files import write_text

COLUMNS = ("#file", "onset", "offset", "#phone", "prev-phone", "next-phone", "speaker")
HEADER = " ".join(COLUMNS)


class Item(NamedTuple):
    """One token: a phone between two others, said by somebody."""

    utterance: str
    start_seconds: float  # of the previous phone
    end_seconds: float  # of the next phone
    phone: str
    previous_phone: str
    next_phone: str
    speaker: str


def read_items(path: str | os.PathLike) -> list[Item]:
    """The tokens of an `.item` file; token i stands in line i + 2.

    Raises:
        InputError: no such file, another header, no tokens, or the first line in breach.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; an .item file of ZeroSpeech was wanted") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise InputError(f"{path}: cannot be read ({reason}); check the name") from error
    if not lines or lines[0].split() != list(COLUMNS):
        raise InputError(f"{path}:1: the header '{HEADER}' was wanted; is it an .item file?")
    items = []
    for number, line in enumerate(lines[1:], start=2):
        words = line.split()
        if breach := _line_breach(words):
            raise InputError(f"{path}:{number}: {breach}")
        items.append(Item(words[0], float(words[1]), float(words[2]), *words[3:]))
    if not items:
        raise InputError(f"{path}: a header and no tokens; the file may be cut off")
    return items


def write_items(path: str | os.PathLike, items: Iterable[Item]) -> None:
    """Write an `.item` file; times in tenths of milliseconds, as Libri-Light has them.

    Raises:
        ValueError: a word is empty or holds a space.
        WriteError: the file cannot be written.
    """
    lines = [HEADER]
    for item in items:
        words = (item.phone, item.previous_phone, item.next_phone, item.speaker)
        line = f"{item.utterance} {item.start_seconds:.4f} {item.end_seconds:.4f} {' '.join(words)}"
        if len(line.split()) != len(COLUMNS):
            raise ValueError(f"{item} has an empty word, or one with a space in it")
        lines.append(line)
    write_text(path, "\n".join(lines) + "\n")


def triphone_items(
    phones: Mapping[str, Sequence[Phone]],
    speakers: Mapping[str, str],
    *,
    source: str | os.PathLike = "phones.ctm",
) -> list[Item]:
    """Every phone of an alignment that has a phone on either side.

    Silence and spoken noise are no phones, neither in the middle nor beside; nor is a gap that
    nobody labelled, which is silence too.

    Args:
        phones: the alignment, by utterance, in order of time.
        speakers: by utterance; utterances without one are left out.
        source: where the alignment comes from, for messages.

    Raises:
        InputError: labels that are no phones, by how often they occur.
    """
    names = {phone.label for segments in phones.values() for phone in segments}
    folded = {label: phone_of(label) for label in names}
    if None in folded.values():
        labels = (phone.label for segments in phones.values() for phone in segments)
        unknown = Counter(label for label in labels if folded[label] is None)
        raise InputError(f"{source}: {describe_unknown(unknown)}")
    items = []
    for utterance, segments in phones.items():
        if (speaker := speakers.get(utterance)) is None:
            continue
        labels = [folded[phone.label] for phone in segments]
        spoken = [label not in (SILENCE, SPOKEN_NOISE) for label in labels]
        ends = [phone.start_seconds + phone.duration_seconds for phone in segments]
        joined = [  # with the one before
            spoken[i - 1]
            and spoken[i]
            and segments[i].start_seconds - ends[i - 1] <= OVERLAP_SECONDS
            for i in range(1, len(segments))
        ]
        items += [
            Item(
                utterance,
                segments[i - 1].start_seconds,
                ends[i + 1],
                labels[i],
                labels[i - 1],
                labels[i + 1],
                speaker,
            )
            for i in range(1, len(segments) - 1)
            if joined[i - 1] and joined[i]
        ]
    return items


def _line_breach(words: list[str]) -> str | None:
    if len(words) != len(COLUMNS):
        return f"{len(words)} fields, '{HEADER}' was wanted"
    start, end = parse_seconds(words[1]), parse_seconds(words[2])
    if start is None or end is None or not 0 <= start < end:
        return (
            f"onset {words[1]} and offset {words[2]} must be seconds, the onset before the offset"
        )
    return None
