"""Where VCTK lies below a folder: its recordings, its texts and its speakers.

Known are release 0.80 (`wav48/p225/p225_001.wav`), release 0.92
(`wav48_silence_trimmed/p225/p225_001_mic1.flac`), copies of either at another rate or in another
format (`wav16`, `wav22_silence_trimmed`, ...) and all recordings in one folder. Copies are nested
in many ways, so the names of the recordings decide, not those of the folders above them.
"""

import os
from pathlib import Path
from typing import NamedTuple

from vqspeech.data.corpora.as_found import check_folder
from vqspeech.data.corpora.vctk_files import (
    is_recording,
    leads_to_folder,
    list_entries,
    read_speaker,
)
from vqspeech.errors import InputError, name_some
from vqspeech.files import is_folder

MAX_DEPTH = 3  # how many folders below CORPUS that of the audio may lie
WANTED = (
    "wav48_silence_trimmed/SPEAKER/SPEAKER_001_mic1.flac (0.92) or wav48/SPEAKER/SPEAKER_001.wav"
    " (0.80)"
)
FOLDERS = ("wav48_silence_trimmed", "wav48")  # of several, the first of these is taken
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")


class VctkLayout(NamedTuple):
    """The parts of a corpus that was found."""

    audio: Path  # a folder of speakers, or of recordings
    is_flat: bool
    names: tuple[str, ...]  # of the folder of all speakers, and of what that links to
    above: tuple[str, ...]  # of the folders above that one, by either way
    speaker: str | None  # whose folder `audio` is; None where it is that of the corpus
    texts: Path | None
    speaker_info: Path | None
    looked_in: tuple[Path, ...]  # for texts and speaker-info.txt
    notes: tuple[str, ...]


class _Candidate(NamedTuple):
    """A folder that holds recordings, ordered by how much it looks like the corpus."""

    is_flat: bool
    rank: int  # within FOLDERS
    names: tuple[str, ...]
    depth: int
    path: Path


def find_vctk(corpus: Path, leave_out: Path | None = None) -> VctkLayout:
    """The parts of the VCTK that lies in `corpus` or at most three folders below.

    Raises:
        InputError: no such folder, a folder that cannot be read, or no recordings; the message
            says what is there instead.
    """
    check_folder(corpus, f"the folder that holds {WANTED}")
    left_out = None if leave_out is None else os.path.realpath(leave_out)
    candidates, unread = _search(corpus, left_out)
    if not candidates:
        raise InputError(f"{corpus}: no recordings of VCTK; {_absence(corpus, unread)}")
    chosen, *others = sorted(candidates)
    notes = [f"{error}, and was not searched" for error in unread]
    # Loose recordings above the folder of speakers cannot be had by giving their folder.
    above = [other for other in others if chosen.path.is_relative_to(other.path)]
    beside = [other for other in others if other not in above]
    if beside:
        left = ", ".join(str(other.path) for other in beside)
        notes.append(f"took {chosen.path}, left {left}; give one of these as the corpus instead")
    notes += [f"{other.path}: recordings that lie loose in it are left out" for other in above]
    return _complete(corpus, chosen, tuple(notes))


def _search(corpus: Path, left_out: str | None) -> tuple[list[_Candidate], list[InputError]]:
    """All folders with recordings, and what could not be read where none was to be expected."""
    candidates: list[_Candidate] = []
    unread: list[InputError] = []
    seen: set[str] = set()  # links may lead to the same folder twice
    queue = [(corpus, 0)]
    for folder, depth in queue:
        real = os.path.realpath(folder)
        if real in seen or (left_out is not None and real == left_out):
            continue
        seen.add(real)
        try:
            entries = list_entries(folder)
        except InputError as error:
            # Volumes hold folders of the system; those of the corpus must not go amiss.
            if depth == 0 or folder.name.lower().startswith("wav"):
                raise
            unread.append(error)
            continue
        folders = [entry for entry in entries if leads_to_folder(entry)]
        voices = [entry for entry in folders if read_speaker(entry.name)]
        is_flat = not any(_holds_recordings(Path(entry.path), left_out) for entry in voices)
        if not is_flat or any(is_recording(entry.name) for entry in entries):
            names = _names(folder)
            rank = min(FOLDERS.index(n) if n in FOLDERS else len(FOLDERS) for n in names)
            candidates.append(_Candidate(is_flat, rank, names, depth, folder))
        if depth < MAX_DEPTH:
            queue += [
                (folder / entry.name, depth + 1)
                for entry in folders
                if entry not in voices and entry.name.lower() != "txt"
            ]
    return candidates, unread


def _names(folder: Path) -> tuple[str, ...]:
    """What a folder is called and what it is called where it really lies, in small letters."""
    return tuple(Path(p).name.lower() for p in (os.path.abspath(folder), os.path.realpath(folder)))


def _holds_recordings(folder: Path, left_out: str | None) -> bool:
    """Whether the folder of a speaker holds any of theirs; reads no further than the first."""
    speaker = read_speaker(folder.name)
    if left_out is not None and os.path.realpath(folder) == left_out:
        return False
    try:
        with os.scandir(folder) as entries:
            return any(is_recording(entry.name, speaker) for entry in entries)
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror}); allow it") from error


def _complete(corpus: Path, chosen: _Candidate, notes: tuple[str, ...]) -> VctkLayout:
    """The texts and speakers that belong to a folder of recordings."""
    audio = chosen.path
    whole = Path(os.path.abspath(audio))
    speaker = read_speaker(whole.name) if chosen.is_flat else None
    parents = (whole.parent, whole.parent.parent)
    if audio != corpus and not speaker:
        # Above the given folder only its own parent may belong to the corpus.
        inside = Path(os.path.abspath(corpus))
        parents = tuple(parent for parent in parents if parent.is_relative_to(inside))
    elif not speaker:
        parents = parents[:1]
    places = (audio, *parents)
    texts = next((p / "txt" for p in places if is_folder(p / "txt")), None)
    if texts is not None and is_folder(texts / "txt"):  # unpacked into a folder of its own
        texts = texts / "txt"
    tables = (place / "speaker-info.txt" for place in places)
    info = next((table for table in tables if os.path.lexists(table)), None)
    voices = whole.parent if speaker else whole
    above = tuple(
        parent.name.lower()
        for path in (voices, Path(os.path.realpath(voices)))
        for parent in path.parents[:MAX_DEPTH]
    )
    names = _names(voices)
    return VctkLayout(audio, chosen.is_flat, names, above, speaker, texts, info, places, notes)


def _absence(corpus: Path, unread: list[InputError]) -> str:
    """What is there instead of recordings, what was wanted, and what to do."""
    wanted = f"{WANTED} was looked for, at most {MAX_DEPTH} folders down"
    if unread:
        return f"{wanted}; {unread[0]}"
    entries = list_entries(corpus)
    within = ""
    while len(entries) == 1 and within.count("/") < MAX_DEPTH:
        only = entries[0]
        if not leads_to_folder(only) or only.name.lower() == "txt" or read_speaker(only.name):
            break
        within += f"{only.name}/"
        entries = list_entries(corpus / within)
    names = [entry.name for entry in entries]
    packed = [name for name in names if name.lower().endswith(ARCHIVES)]
    if packed:
        only = "only " if len(packed) == len(names) else ""
        return f"{wanted}; {only}{within}{packed[0]} is there: unpack it first"
    found = name_some([f"{within}{name}" for name in names]) or (
        f"nothing in {within}" if within else "nothing"
    )
    audio = [entry.name for entry in entries if entry.name.lower().startswith("wav")]
    if not audio and "txt" in names:
        only = "only txt/ is there" if len(names) == 1 else f"txt/ is there ({found})"
        return f"{wanted}; {only}, the folder of audio is missing: unpack that too"
    if audio and is_folder(corpus / within / audio[0]):
        inside = [entry.name for entry in list_entries(corpus / within / audio[0])]
        held = name_some(inside) or "nothing"
        return f"{wanted}; {within}{audio[0]} holds {held}, no recordings: unpack the corpus again"
    return f"{wanted}; found {found}: give the folder that holds wav48_silence_trimmed or wav48"
