"""Where LibriSpeech lies: its subsets below a folder, and what to say when they are not there."""

import difflib
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from vqspeech.data.corpora.as_found import can_name_part, check_folder, read_folder
from vqspeech.errors import InputError, UsageError, name_some

SUBSETS = (
    "train-clean-100",
    "train-clean-360",
    "train-other-500",
    "dev-clean",
    "dev-other",
    "test-clean",
    "test-other",
)
UNIONS: Mapping[str, tuple[str, ...]] = {
    "train-clean-460": SUBSETS[:2],  # hours
    "train-960": SUBSETS[:3],
}
LAYOUT = "SUBSET/READER/CHAPTER/READER-CHAPTER-NNNN.flac"
NUMBER = re.compile(r"[0-9]+")
ARCHIVE = (".tar.gz", ".tgz", ".tar")


def find_subsets(corpus: Path, leave_out: Path | None) -> tuple[Path, dict[str, Path]]:
    """The folder of the subsets, and the subsets in it by name: training first.

    A subset is one of the seven by its name, or any folder of readers, such as `train-clean-5`.

    Raises:
        InputError: there is none; the message says what was found.
    """
    check_folder(corpus, f"the folder of {LAYOUT}")
    # The name and the folders above matter, which `.` and `..` hide.
    corpus = Path(os.path.realpath(corpus)) if ".." in corpus.parts else corpus.absolute()
    if _holds_readers(corpus, leave_out):
        return corpus.parent, {corpus.name: corpus}
    children = read_folder(corpus, leave_out).folders
    # LibriSpeech/ before its neighbours, which may be alignments in the same folders.
    nested = sorted(children, key=lambda path: path.name.lower() != "librispeech")
    for root in (corpus, *nested):
        folders = children if root == corpus else read_folder(root, leave_out).folders
        there = {
            folder.name: folder
            for folder in folders
            if folder.name in SUBSETS or _holds_readers(folder, leave_out)
        }
        if there:
            return root, {name: there[name] for name in sorted(there, key=_rank)}
    if corpus.name in SUBSETS:
        raise InputError(f"{corpus}: no READER/CHAPTER folders in it; unpack the subset again")
    raise InputError(_absence(corpus, leave_out))


def choose_subsets(root: Path, there: Mapping[str, Path], wanted: Sequence[str]) -> dict[str, Path]:
    """The folders of the subsets that are wanted, all that are there when none is.

    Raises:
        InputError: a subset that is not there, or whose name cannot be that of a part.
        UsageError: a name that LibriSpeech does not have.
    """
    names: set[str] = set()
    for name in wanted:
        if name not in (*SUBSETS, *UNIONS, *there):
            close = difflib.get_close_matches(name, (*SUBSETS, *UNIONS), n=1, cutoff=0.5)
            near = f" (did you mean {close[0]}?)" if close else ""
            known = ", ".join((*SUBSETS, *UNIONS))
            raise UsageError(f"--subsets {name}: no subset of LibriSpeech{near}; one of {known}")
        names.update(UNIONS.get(name, (name,)))
    absent = sorted(names - set(there), key=_rank)
    if absent:
        packed = [path for path in read_folder(root).files if path.name.endswith(ARCHIVE)]
        at_hand = [path for path in packed if path.name.startswith(tuple(absent))]
        remedy = f"unpack {name_some(at_hand)}" if at_hand else "download it, or do without"
        raise InputError(
            f"{name_some(root / name for name in absent)}: no such subset; there are"
            f" {name_some(there, 7)}; {remedy}"
        )
    chosen = {name: folder for name, folder in there.items() if not wanted or name in names}
    for name, folder in chosen.items():
        if len(chosen) > 1 and not can_name_part(name):
            raise InputError(f"{folder}: cannot name a part of the corpus; rename the folder")
    return chosen


def explain_no_audio(folders: Sequence[Path], libritts: Path | None, num_alignments: int) -> str:
    """What to say of subsets in which no recording of LibriSpeech was found.

    Args:
        libritts: a file in them that is named as LibriTTS names its own.
        num_alignments: files of alignments in them.
    """
    place = name_some(folders)
    if libritts is not None:
        return (
            f"{place}: LibriTTS ({libritts.name}), not LibriSpeech ({LAYOUT});"
            f" 'vqspeech prepare folder {folders[0]} OUT' takes its audio"
        )
    found = "no audio"
    if num_alignments:
        found = f"only alignments ({num_alignments} files), no audio"
    return f"{place}: {found}; {LAYOUT} was wanted; give the folder that holds the audio"


def _rank(name: str) -> tuple[bool, int, str]:
    known = SUBSETS.index(name) if name in SUBSETS else len(SUBSETS)
    return not name.startswith("train"), known, name


def _holds_readers(folder: Path, leave_out: Path | None) -> bool:
    """Whether there are READER/CHAPTER folders in `folder`."""
    readers = (path for path in read_folder(folder, leave_out).folders if _is_number(path))
    return any(_is_number(path) for reader in readers for path in read_folder(reader).folders)


def _is_number(path: Path) -> bool:
    return NUMBER.fullmatch(path.name) is not None


def _absence(corpus: Path, leave_out: Path | None) -> str:
    folders, files = read_folder(corpus, leave_out)
    names = [path.name for path in (*folders, *files)]
    packed = [path.name for path in files if path.name.endswith(ARCHIVE)]
    found = f"found {name_some(names)}" if names else "the folder is empty"
    remedy = "give the folder that holds train-clean-100, dev-clean or another subset"
    if packed:
        remedy = f"unpack it first (tar xzf {name_some(packed, 1)})"
    elif "wav.scp" in names:
        remedy = f"'vqspeech prepare kaldi {corpus} OUT' takes a data directory of Kaldi"
    elif any(name.startswith("wav48") for name in names):
        remedy = f"'vqspeech prepare vctk {corpus} OUT' takes VCTK"
    elif _is_number(corpus):
        remedy = "this may be one reader or chapter: give the subset, such as dev-clean"
    return f"{corpus}: no LibriSpeech; {LAYOUT} was wanted, {found}; {remedy}"
