"""Data directories of Kaldi and ESPnet: one of them, or a folder of several such as `data/`.

Their utterances keep ids and tables; speakers that are LibriSpeech's chapters become its readers.
"""

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vqspeech.data.alignment import Phone
from vqspeech.data.corpora.as_found import can_name_part, check_folder, read_folder
from vqspeech.data.corpora.kaldi_tables import BAD_ID, FoundDir, FoundUtterance, read_found_dir
from vqspeech.data.corpora.source import Corpus, Source
from vqspeech.data.tables import id_breach
from vqspeech.errors import InputError, name_some, printable

CHAPTER = re.compile(r"([0-9]+)-[0-9]+")  # Kaldi's LibriSpeech recipe: READER-CHAPTER
WANTED = "wav.scp and utt2spk, or a folder of folders with them such as data/train"


@dataclass
class _Merged:
    """The utterances of all directories under their final ids."""

    sources: dict[str, Source] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)  # name of the directory, by id
    phones: dict[str, tuple[Phone, ...]] = field(default_factory=dict)
    genders: dict[str, str] = field(default_factory=dict)
    accents: dict[str, str] = field(default_factory=dict)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    renamed: list[str] = field(default_factory=list)
    doubtful: set[str] = field(default_factory=set)  # speakers of two genders


def list_kaldi(corpus: Path, *, leave_out: Path | None = None) -> Corpus:
    """The utterances of a data directory, or of all in a folder, each a part by its folder's name.

    Args:
        corpus: a folder with wav.scp and utt2spk, whose utterances have no split yet; or a folder
            of such folders, of which `dev` becomes `valid`.
        leave_out: a folder within `corpus` that is no part of it.

    Raises:
        InputError: no such folder, a table is missing, audio is given as a command or in an
            archive, or nothing can be used.
    """
    folders = _find_folders(corpus, leave_out)
    is_one = folders == [corpus]
    parts = {} if is_one else _name_parts(folders)
    found = [read_found_dir(folder) for folder in folders]
    notes = [note for directory in found for note in directory.remarks]
    spoken = {u.speaker for directory in found for u in directory.utterances.values()}
    readers = {name: match[1] for name in spoken if (match := CHAPTER.fullmatch(name))}
    if readers:
        notes.insert(0, _explain_readers(corpus, readers))
    merged = _Merged()
    for directory in found:
        _merge(merged, directory, readers, parts.get(directory.path.name))
    if not merged.sources:
        raise InputError(_explain_nothing(corpus, found, merged.skipped))
    if merged.renamed:
        notes.append(
            f"{corpus}: {len(merged.renamed)} utterances are called SPEAKER-UTTERANCE here, for an"
            f" id begins with its speaker ({name_some(merged.renamed, 3)})"
        )
    if merged.doubtful:
        names = name_some(sorted(merged.doubtful))
        notes.append(f"{corpus}: speakers given as m and as f, left without gender: {names}")
    sources = tuple(merged.sources[key] for key in sorted(merged.sources))
    speakers = {source.speaker for source in sources}
    notes += _notes_on_order(corpus, sources)
    return Corpus(
        sources,
        genders={s: merged.genders[s] for s in sorted(speakers & set(merged.genders))},
        accents={s: merged.accents[s] for s in sorted(speakers & set(merged.accents))},
        phones=merged.phones,
        layout=_describe(corpus, found, merged, parts),
        notes=tuple(notes),
        skipped=tuple(merged.skipped),
    )


def _find_folders(corpus: Path, leave_out: Path | None) -> list[Path]:
    """The data directories; of utterances in several, the first one's is taken."""
    check_folder(corpus, f"a folder with {WANTED}")
    content = read_folder(corpus, leave_out)
    if corpus / "wav.scp" in content.files:
        return [corpus]
    folders = [path for path in content.folders if path / "wav.scp" in read_folder(path).files]
    if not folders:
        raise InputError(_explain_absence(corpus, content.folders, content.files))
    return sorted(folders, key=lambda folder: (not folder.name.startswith("train"), folder.name))


def _explain_absence(corpus: Path, folders: Sequence[Path], files: Sequence[Path]) -> str:
    names = [path.name for path in (*files, *folders)]
    found = f"found {name_some(names)}" if names else "the folder is empty"
    remedy = "give a data directory"
    deeper = [folder for folder in folders if any(folder.glob("*/wav.scp"))]
    if deeper:
        remedy = f"give {printable(deeper[0])}, which holds data directories"
    elif "utt2spk" in names:
        remedy = "write wav.scp, which names the audio file of each utterance"
    elif "SPEAKERS.TXT" in names or "LibriSpeech" in names:
        remedy = f"'vqspeech prepare librispeech {corpus} OUT' takes LibriSpeech"
    return f"{corpus}: no Kaldi data directory; {WANTED}, were wanted, {found}; {remedy}"


def _name_parts(folders: Iterable[Path]) -> dict[str, str]:
    """The part that each folder becomes, by the folder's name."""
    names = {folder.name: folder for folder in folders}
    for name, folder in names.items():
        if not can_name_part(name):
            raise InputError(f"{folder}: {name!r} cannot name a part; rename the folder")
    return {name: "valid" if name == "dev" and "valid" not in names else name for name in names}


def _explain_readers(corpus: Path, readers: dict[str, str]) -> str:
    example = min(readers)
    return (
        f"ATTENTION: {corpus}: {len(readers)} speakers of utt2spk are chapters, as Kaldi's"
        f" LibriSpeech recipe writes them ({example}), and no voices of their own; they became"
        f" {len(set(readers.values()))} readers ({readers[example]}): with an entry of the speaker"
        " table for each chapter, the identity of a voice would leak into the codes"
    )


def _merge(merged: _Merged, directory: FoundDir, readers: dict[str, str], part: str | None) -> None:
    home = directory.path.name
    prefix = "" if part is None else f"{home}/"
    merged.skipped += [(f"{prefix}{name}", reason) for name, reason in directory.skipped]

    # Whoever keeps the id comes first: a renamed one gives way to it.
    def is_renamed(key: str) -> bool:
        speaker = directory.utterances[key].speaker
        return not key.startswith(readers.get(speaker, speaker))

    for key in sorted(directory.utterances, key=lambda key: (is_renamed(key), key)):
        utterance = directory.utterances[key]
        speaker = readers.get(utterance.speaker, utterance.speaker)
        id_ = f"{speaker}-{key}" if is_renamed(key) else key
        reason = None
        if id_ in merged.homes:
            other = merged.homes[id_]
            reason = f"would be called as another, {id_}" if other == home else f"also in {other}"
        elif id_breach(id_):
            reason = f"its id with its speaker's cannot be used: {BAD_ID}"
        if reason is not None:
            merged.skipped.append((f"{prefix}{key}", reason))
            continue
        if id_ != key:
            merged.renamed.append(f"{key} is {id_}")
        merged.sources[id_] = _source(id_, speaker, utterance, part)
        merged.homes[id_] = home
        if key in directory.phones:
            merged.phones[id_] = directory.phones[key]
    for name, gender in directory.genders.items():
        speaker = readers.get(name, name)
        if merged.genders.setdefault(speaker, gender) != gender:
            merged.doubtful.add(speaker)
    for speaker in merged.doubtful:
        merged.genders.pop(speaker, None)
    for name, accent in directory.accents.items():
        merged.accents.setdefault(readers.get(name, name), accent)


def _source(id_: str, speaker: str, utterance: FoundUtterance, part: str | None) -> Source:
    _, audio, start, end, text, trimmed = utterance
    return Source(id_, speaker, audio, text, part, start, end, trimmed)


def _explain_nothing(
    corpus: Path, found: Sequence[FoundDir], skipped: Sequence[tuple[str, str]]
) -> str:
    if not skipped:
        return f"{corpus}: wav.scp and utt2spk hold no lines; write them first"
    reasons = Counter(reason for _, reason in skipped)
    told = "; ".join(f"{count} ({reason})" for reason, count in reasons.most_common(3))
    missing = next((d.first_missing for d in found if d.first_missing), None)
    remedy = "mend the tables"
    if missing:
        remedy = (
            f"{missing} was looked for in the data directory, in {Path.cwd()} and in the folders"
            " above the data directory; name audio that is there"
        )
    name = printable(skipped[0][0])
    return f"{corpus}: none of {len(skipped)} utterances can be used, as {name}: {told}; {remedy}"


def _notes_on_order(corpus: Path, sources: Sequence[Source]) -> list[str]:
    for before, after in itertools.pairwise(sources):
        if after.speaker < before.speaker:
            return [
                f"{corpus}: in order of utterances, speaker {after.speaker} comes after"
                f" {before.speaker}; Kaldi's validate_data_dir.sh then needs --no-spk-sort"
            ]
    return []


def _describe(
    corpus: Path, found: Sequence[FoundDir], merged: _Merged, parts: dict[str, str]
) -> str:
    counts = Counter(merged.homes.values())
    speakers = len({source.speaker for source in merged.sources.values()})
    total = f"{len(merged.sources)} utterances of {speakers} speakers"
    kinds = {"segments" if directory.has_segments else "whole files" for directory in found}
    how = " and ".join(sorted(kinds))
    if not parts:
        return f"{corpus}: a Kaldi data directory: {total}, {how}"
    named = (
        f"{name} {counts[name]}" if part == name else f"{name} (as {part}) {counts[name]}"
        for name, part in parts.items()
    )
    return f"{corpus}: {len(found)} Kaldi data directories: {', '.join(named)}; {total}, {how}"
