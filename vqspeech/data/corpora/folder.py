"""A folder of speakers: CORPUS/SPEAKER/**/*.wav, any format that can be read.

The words of `a.wav` may stand beside it in `a.txt` or `a.lab`.
"""

import fnmatch
import os
import unicodedata
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from vqspeech.data.corpora.as_found import check_folder, read_words
from vqspeech.data.corpora.source import Corpus, Source
from vqspeech.errors import InputError, printable

# Of one recording in several formats the first is taken, most likely the original.
AUDIO = (".flac", ".wav", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".au", ".caf", ".w64")
UNREADABLE = (".m4a", ".aac", ".wma", ".mp4", ".webm", ".amr")  # audio, but libsndfile has no part
TEXT = (".txt", ".lab")
LAYOUT = "CORPUS/SPEAKER/**/*.wav"
MAX_STEM_BYTES = 120  # leaves room for the speaker within the longest id

OUTSIDE = "outside speakers' folders"
NO_AUDIO = "no audio file"


@dataclass
class _Files:
    """What lies in a corpus; keys are paths within it without their suffix."""

    audio: dict[Path, Path] = field(default_factory=dict)  # the best file of each recording
    texts: dict[Path, Path] = field(default_factory=dict)
    skipped: list[tuple[str, str]] = field(default_factory=list)  # name within it, and reason
    num_unmatched: int = 0  # audio that the pattern leaves out


def list_folder(
    corpus: Path | None, *, leave_out: Path | None = None, match: str | None = None
) -> Corpus:
    """The recordings in a folder of speakers.

    Ids are made of the names of folder and file: `mary/day 1/a.wav` is `mary-day_1-a`. Letters and
    digits of all scripts stay; everything else becomes `_`.

    Args:
        corpus: the folder.
        leave_out: a folder within `corpus` that is no part of it.
        match: take only files whose path within `corpus` matches this pattern, as `mary/*.flac`.

    Raises:
        InputError: no such folder, no audio in it, a folder that may not be read, or two names
            that would become one id.
    """
    wanted = f"a corpus laid out as {LAYOUT}"
    if corpus is None:
        raise InputError(f"no folder to read; give {wanted}")
    check_folder(corpus, wanted)
    files = _sort_files(corpus, leave_out, match)
    sources: dict[str, Source] = {}
    folders: dict[str, str] = {}  # by speaker
    stems: dict[str, Path] = {}
    for stem, path in files.audio.items():
        source = _source(stem, path)
        folder = folders.setdefault(source.speaker, stem.parts[0])
        if folder != stem.parts[0]:
            raise InputError(
                f"{corpus / stem.parts[0]}: would be speaker {source.speaker}, as"
                f" {corpus / folder}; rename one"
            )
        if source.id in sources:
            raise InputError(
                f"{path}: would be called {source.id}, as {sources[source.id].audio}; rename one"
            )
        sources[source.id] = source
        stems[source.id] = stem
    if not sources:
        raise InputError(f"{corpus}: {_absence(files, match)}; {LAYOUT} was wanted")
    words, notes = read_words(
        {key: files.texts[stem] for key, stem in stems.items() if stem in files.texts}
    )
    if files.num_unmatched:
        notes.append(f"{corpus}: {files.num_unmatched} audio files do not match {match!r}")
    found = f"{len(sources)} recordings of {len(folders)} speakers, {len(words)} with their words"
    return Corpus(
        tuple(replace(sources[key], text=words.get(key)) for key in sorted(sources)),
        layout=f"{corpus}: a folder of speakers, {found}",
        notes=tuple(notes),
        skipped=tuple(sorted(files.skipped)),
    )


def _sort_files(corpus: Path, leave_out: Path | None, match: str | None) -> _Files:
    files = _Files()
    heard = set()  # also what the pattern leaves out, so that its text is no stray one
    found: dict[Path, list[Path]] = {}
    texts: dict[Path, list[Path]] = {}
    for path in _walk(corpus, leave_out):
        relative = path.relative_to(corpus)
        suffix = path.suffix.lower()
        stem = relative.with_suffix("")
        if suffix in TEXT:
            texts.setdefault(stem, []).append(path)
        elif suffix not in AUDIO:
            reason = f"{suffix} cannot be read, convert it" if suffix in UNREADABLE else NO_AUDIO
            files.skipped.append((printable(relative), reason))
        else:
            heard.add(stem)
            if match is not None and not fnmatch.fnmatch(relative.as_posix(), match):
                files.num_unmatched += 1
            elif len(relative.parts) < 2:
                files.skipped.append((printable(relative), OUTSIDE))
            else:
                found.setdefault(stem, []).append(path)
    for stem, paths in found.items():
        best, *others = sorted(paths, key=lambda path: (AUDIO.index(path.suffix.lower()), path))
        files.audio[stem] = best
        reason = f"also there as {best.suffix}"
        files.skipped += [(printable(other.relative_to(corpus)), reason) for other in others]
    for stem, paths in texts.items():
        files.texts[stem] = min(paths, key=lambda path: TEXT.index(path.suffix.lower()))
        if stem not in heard:
            names = (printable(path.relative_to(corpus)) for path in paths)
            files.skipped += [(name, "a text without audio") for name in names]
    return files


def _walk(corpus: Path, leave_out: Path | None) -> list[Path]:
    """All files but hidden ones, in an order that the file system does not choose."""

    def refuse(error: OSError) -> None:
        raise InputError(f"{error.filename}: cannot be read ({error.strerror}); allow it")

    left_out = None if leave_out is None else os.path.realpath(leave_out)
    files = []
    for folder, folders, names in os.walk(corpus, onerror=refuse):
        if left_out is not None and os.path.realpath(folder) == left_out:
            folders.clear()
            continue
        folders[:] = [name for name in folders if not name.startswith(".")]
        files += [Path(folder, name) for name in names if not name.startswith(".")]
    return sorted(files)


def _source(stem: Path, path: Path) -> Source:
    speaker = clean_id(stem.parts[0])
    name = "-".join(clean_id(part) for part in stem.parts[1:])
    # VCTK and its like repeat the speaker in the file name.
    if name.startswith(speaker) and name[len(speaker) : len(speaker) + 1] in ("_", "-"):
        name = name[len(speaker) + 1 :]
    return Source(f"{speaker}-{_shorten(name)}", speaker, path)


def clean_id(name: str) -> str:
    """`name` as a part of an id: without spaces, separators and what sorts before `-`."""
    # With no such character in a speaker's id, utterances in order are speakers in order.
    name = unicodedata.normalize("NFC", name.strip())
    name = "".join(c if c.isalnum() else "_" for c in name)
    return _shorten(name, 60) or "_"


def _shorten(name: str, limit: int = MAX_STEM_BYTES) -> str:
    return name.encode()[-limit:].decode("utf-8", "ignore")


def _absence(files: _Files, match: str | None) -> str:
    """What was found instead of recordings."""
    reasons = Counter(reason for _, reason in files.skipped)
    if reasons[OUTSIDE]:
        return f"{reasons[OUTSIDE]} audio files but no folders of speakers with audio"
    if files.num_unmatched:
        return f"none of {files.num_unmatched} audio files matches {match!r}"
    suffixes = {Path(name).suffix.lower() for name, _ in files.skipped}
    if foreign := sorted(suffixes & set(UNREADABLE)):
        return f"only audio that cannot be read ({', '.join(foreign)}), convert it with ffmpeg"
    return f"no audio among {reasons.total()} files"
