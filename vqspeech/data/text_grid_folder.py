"""Folders of TextGrids: where they lie, and which utterance of a data directory each one is of.

Aligners name their files after the recordings, data directories their utterances after speakers and
recordings, so that names are compared in several ways: as they are; without case and with every
separator alike; without the microphone of VCTK; and with folders before the file's name, as
`vqspeech prepare folder` makes ids of them. A way that fits two utterances fits none.
"""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from vqspeech.data.corpora.as_found import read_folder
from vqspeech.data.corpora.folder import clean_id
from vqspeech.errors import InputError
from vqspeech.files import is_folder

SUFFIX = ".textgrid"
FOLDERS = 4  # above a file that may be in its utterance's id
WORDS_ONLY = (
    "words and no phones, which are needed; take the TextGrids with a tier 'phones' of the same"
    " project, or run 'vqspeech align make'"
)
_MICROPHONE = re.compile(r"[_-]mic[12]$", re.IGNORECASE)


class Matches(NamedTuple):
    """TextGrids by the utterance that they are of."""

    paths: Mapping[str, Path]  # by utterance, sorted
    repeated: tuple[Path, ...]  # of an utterance that has another one
    foreign: tuple[Path, ...]  # of no utterance


def find_text_grids(place: Path) -> list[Path]:
    """All TextGrids in a folder and below, sorted, hidden ones left out; or the one given.

    Raises:
        InputError: nothing there, no TextGrid in it, or a folder that may not be read.
    """
    if not is_folder(place):
        if place.suffix.lower() == SUFFIX and place.exists():
            return [place]
        found = "is no TextGrid" if place.exists() else "no such file or folder"
        raise InputError(f"{place}: {found}; give a folder of TextGrids, unpacked, or one of them")
    others: Counter[str] = Counter()
    text_grids = []
    for path in _files(place):
        if path.suffix.lower() == SUFFIX:
            text_grids.append(path)
        else:
            is_words = path.name.lower().endswith(".alignment.txt")
            others[".alignment.txt" if is_words else path.suffix.lower() or "no suffix"] += 1
    if text_grids:
        return text_grids
    if others[".alignment.txt"]:
        raise InputError(f"{place}: *.alignment.txt of LibriSpeech-alignments holds {WORDS_ONLY}")
    found = ", ".join(f"{count} {suffix}" for suffix, count in others.most_common(3))
    raise InputError(
        f"{place}: no *.TextGrid in it or below, {others.total()} other files"
        f"{f' ({found})' if found else ''}; give the folder that an aligner wrote, unpacked"
    )


def match_text_grids(paths: Iterable[Path], utterances: Iterable[str]) -> Matches:
    """Which utterance each TextGrid is of.

    Args:
        paths: TextGrids, sorted: of two that fit an utterance alike, the first is taken.
        utterances: ids.
    """
    ids = set(utterances)
    by_key = _unique((_key(name), name) for name in ids)
    by_bare_key = _unique((_key(_MICROPHONE.sub("", name)), name) for name in ids)

    def utterance_of(path: Path) -> str | None:
        for name in _names(path):
            keys = _key(name), _key(_MICROPHONE.sub("", name))
            found = name if name in ids else by_key.get(keys[0]) or by_bare_key.get(keys[1])
            if found:
                return found
        return None

    chosen: dict[str, tuple[bool, int, Path]] = {}
    repeated, foreign = [], []
    for number, path in enumerate(paths):
        if (utterance := utterance_of(path)) is None:
            foreign.append(path)
            continue
        # One that is called as the utterance is comes before all others.
        candidate = (path.stem != utterance, number, path)
        kept = min(candidate, chosen.get(utterance, candidate))
        repeated += [
            other[2] for other in (chosen.get(utterance), candidate) if other not in (None, kept)
        ]
        chosen[utterance] = kept
    matched = {utterance: chosen[utterance][2] for utterance in sorted(chosen)}
    return Matches(matched, tuple(repeated), tuple(foreign))


def _files(folder: Path) -> list[Path]:
    """All files below, in an order that the file system does not choose; links are followed."""
    seen, left, files = set(), [folder], []
    while left:
        place = left.pop()
        if (real := os.path.realpath(place)) in seen:  # a link that leads in a circle
            continue
        seen.add(real)
        content = read_folder(place)
        left += content.folders
        files += content.files
    return sorted(files)


def _names(path: Path) -> Iterator[str]:
    """What the utterance of a TextGrid may be called, the likeliest first."""
    stem = path.stem.strip()
    yield stem
    folders = path.absolute().parent.parts[1:][-FOLDERS:]
    for first in reversed(range(len(folders))):
        yield "-".join((*folders[first:], stem))
        # `prepare folder` leaves out a speaker's name that the rest repeats.
        rest = "-".join(map(clean_id, (*folders[first + 1 :], stem)))
        speaker = clean_id(folders[first])
        if rest.startswith((f"{speaker}_", f"{speaker}-")):
            rest = rest[len(speaker) + 1 :]
        yield f"{speaker}-{rest}"


def _key(name: str) -> str:
    """`name` without case, its separators all alike."""
    name = unicodedata.normalize("NFC", name).casefold()
    return "-".join("".join(c if c.isalnum() else " " for c in name).split())


def _unique(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Names by key; keys of several names are left out."""
    names: dict[str, set[str]] = {}
    for key, name in pairs:
        names.setdefault(key, set()).add(name)
    return {key: found.pop() for key, found in names.items() if len(found) == 1}
