"""A folder of speakers: CORPUS/SPEAKER/**/*.wav, any format that can be read.

The words of `a.wav` may stand beside it in `a.txt` or `a.lab`.
"""

import errno
import fnmatch
import os
import unicodedata
from collections import Counter
from pathlib import Path

from vqspeech.data.corpora.source import Corpus, Source
from vqspeech.errors import InputError
from vqspeech.files import is_folder

AUDIO = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".au", ".caf", ".w64")
UNREADABLE = (".m4a", ".aac", ".wma", ".mp4", ".webm", ".amr")  # audio, but libsndfile has no part
TEXT = (".txt", ".lab")
LAYOUT = "CORPUS/SPEAKER/**/*.wav"
MAX_STEM_BYTES = 120  # leaves room for the speaker within the longest id


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
        InputError: no such folder, no audio in it, something that may not be read, or two names
            that would become one id.
    """
    if corpus is None or not is_folder(corpus):
        raise InputError(f"{corpus}: no such folder; give a corpus laid out as {LAYOUT}")
    sources: dict[str, Source] = {}
    passed: Counter[str] = Counter()
    loose = 0  # audio that lies in no speaker's folder
    folders: dict[str, str] = {}  # by speaker
    unread: list[str] = []
    for path in _files(corpus, leave_out):
        relative = path.relative_to(corpus)
        suffix = path.suffix.lower()
        if suffix not in AUDIO:
            passed[suffix or "no suffix"] += suffix not in TEXT
            continue
        if match is not None and not fnmatch.fnmatch(relative.as_posix(), match):
            passed[f"not {match}"] += 1
            continue
        if len(relative.parts) < 2:
            loose += 1
            continue
        source = _source(relative, path, unread)
        folder = folders.setdefault(source.speaker, relative.parts[0])
        if folder != relative.parts[0]:
            raise InputError(
                f"{corpus / relative.parts[0]}: would be speaker {source.speaker}, as"
                f" {corpus / folder}; rename one"
            )
        if source.id in sources:
            raise InputError(
                f"{path}: would be called {source.id}, as {sources[source.id].audio}; rename one"
            )
        sources[source.id] = source
    if not sources:
        raise InputError(f"{corpus}: {_absence(passed, loose)}; {LAYOUT} was wanted")
    texts = sum(source.text is not None for source in sources.values())
    found = f"{len(sources)} recordings of {len(folders)} speakers, {texts} with their words"
    notes = [*unread]
    if loose:
        notes.append(f"{corpus}: passed over {loose} audio files outside speakers' folders")
    for kind, count in sorted(passed.items()):
        if count:
            notes.append(f"{corpus}: passed over {count} files ({kind})")
    return Corpus(
        tuple(sources[key] for key in sorted(sources)),
        layout=f"{corpus}: a folder of speakers, {found}",
        notes=tuple(notes),
    )


def _files(corpus: Path, leave_out: Path | None) -> list[Path]:
    """All files but hidden ones, in an order that the file system does not choose."""

    def refuse(error: OSError) -> None:
        raise InputError(f"{error.filename}: cannot be read ({error.strerror}); allow it")

    left_out = None if leave_out is None else leave_out.resolve()
    files = []
    for folder, folders, names in os.walk(corpus, onerror=refuse):
        if left_out is not None and Path(folder).resolve() == left_out:
            folders.clear()
            continue
        folders[:] = [name for name in folders if not name.startswith(".")]
        files += [Path(folder, name) for name in names if not name.startswith(".")]
    return sorted(files)


def _source(relative: Path, path: Path, unread: list[str]) -> Source:
    speaker = clean_id(relative.parts[0])
    stem = "-".join(clean_id(part) for part in relative.with_suffix("").parts[1:])
    # VCTK and its like repeat the speaker in the file name.
    if stem.startswith(speaker) and stem[len(speaker) : len(speaker) + 1] in ("_", "-"):
        stem = stem[len(speaker) + 1 :]
    return Source(f"{speaker}-{_shorten(stem)}", speaker, path, _words(path, unread))


def clean_id(name: str) -> str:
    """`name` as a part of an id: without spaces, separators and what sorts before `-`."""
    # With no such character in a speaker's id, utterances in order are speakers in order.
    name = unicodedata.normalize("NFC", name.strip())
    name = "".join(c if c.isalnum() else "_" for c in name)
    return _shorten(name, 60) or "_"


def _shorten(name: str, limit: int = MAX_STEM_BYTES) -> str:
    return name.encode()[-limit:].decode("utf-8", "ignore")


def _words(path: Path, unread: list[str]) -> str | None:
    for suffix in TEXT:
        beside = path.with_suffix(suffix)
        try:
            return " ".join(beside.read_text(encoding="utf-8-sig").split()) or None
        except UnicodeDecodeError:
            unread.append(f"{beside}: not UTF-8; its words were left out")
        except (FileNotFoundError, IsADirectoryError):
            continue
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:  # of which there can be no file
                reason = f"cannot be read ({error.strerror}); allow it or remove it"
                raise InputError(f"{beside}: {reason}") from error
    return None


def _absence(passed: Counter[str], loose: int) -> str:
    if loose:
        return f"{loose} audio files but no folders of speakers with audio"
    foreign = sorted(kind for kind in passed if kind in UNREADABLE)
    if foreign:
        return f"only audio that cannot be read ({', '.join(foreign)}), convert it with ffmpeg"
    return f"no audio among {passed.total()} files"
