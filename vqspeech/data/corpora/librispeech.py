"""LibriSpeech: SUBSET/READER/CHAPTER/READER-CHAPTER-NNNN.flac, as OpenSLR 12 publishes it.

The words lie in the chapter's `READER-CHAPTER.trans.txt`, the readers' sex in `SPEAKERS.TXT`. The
speaker is the reader: a chapter is no other voice.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from vqspeech.data.corpora.as_found import (
    TEXT_BYTES,
    is_utf8,
    read_folder,
    read_loose_lines,
    split_key,
)
from vqspeech.data.corpora.folder import AUDIO
from vqspeech.data.corpora.librispeech_tree import (
    NUMBER,
    choose_subsets,
    explain_no_audio,
    find_subsets,
)
from vqspeech.data.corpora.source import Corpus, Source
from vqspeech.data.tables import id_breach
from vqspeech.errors import InputError, UsageError, name_some, printable

LIBRITTS = re.compile(r"[0-9]+_[0-9]+_[0-9]+_[0-9]+")  # the stem of its files
NO_LINE = "utterances without a line in their transcript, taken without words"
NO_TRANSCRIPT = "chapters without READER-CHAPTER.trans.txt, taken without words"
NOT_UTF8 = "lines of transcripts that are not UTF-8, whose words are left out"
REPEATED = "lines of transcripts that repeat an utterance, of which the first counts"
NO_NUMBER = "folders that are no reader's or chapter's, for those are numbers, passed over"
ABOUT_460 = (
    "no union of LibriSpeech's subsets has the 460 speakers that the paper speaks of; most likely"
    " it means the 460 hours of train-clean-460, which 1,172 readers read:"
)


@dataclass
class _Listing:
    """What is found on the way through the subsets."""

    root: Path
    sources: dict[str, Source] = field(default_factory=dict)
    subsets: dict[str, str] = field(default_factory=dict)  # by utterance
    skipped: list[tuple[str, str]] = field(default_factory=list)
    remarks: dict[str, list[str]] = field(default_factory=dict)  # names, by what is so with them
    num_alignments: int = 0
    libritts: Path | None = None  # a file named as LibriTTS names its own

    def skip(self, path: Path, reason: str) -> None:
        self.skipped.append((printable(path.relative_to(self.root)), reason))

    def remark(self, what: str, name: str) -> None:
        self.remarks.setdefault(what, []).append(name)

    def readers(self, subsets: Iterable[str]) -> set[str]:
        chosen = set(subsets)
        return {self.sources[key].speaker for key, name in self.subsets.items() if name in chosen}


def list_librispeech(
    corpus: Path,
    *,
    leave_out: Path | None = None,
    subsets: Sequence[str] = (),
    readers: int | None = None,
    seed: int = 0,
) -> Corpus:
    """The utterances of LibriSpeech, or of some of its subsets.

    Utterances of `train-...` have no split yet; those of another subset are a part by its name,
    for others read it. Without any `train-...`, none has a split.

    Args:
        corpus: `LibriSpeech/`, the folder above it, or one subset.
        leave_out: a folder within `corpus` that is no part of it.
        subsets: names of subsets, `train-clean-460` (100 and 360) or `train-960`; all when empty.
        readers: keep only so many readers of `train-...` (of all subsets when none is), chosen by
            a hash of seed and reader; the choice of fewer is within that of more.
        seed: another seed, other readers.

    Raises:
        InputError: no such corpus, nothing in it that can be used, or a subset that is not there.
        UsageError: an unknown subset, or more readers than there are.
    """
    if readers is not None and readers < 1:
        raise UsageError(f"--readers {readers}: 1 or more were wanted")
    root, there = find_subsets(corpus, leave_out)
    chosen = choose_subsets(root, there, subsets)
    listing = _Listing(root)
    for name, folder in chosen.items():
        _scan_subset(listing, name, folder, leave_out)
    named = set(listing.subsets.values())
    empty = [folder for name, folder in chosen.items() if name not in named]
    if not named or (subsets and empty):
        raise InputError(explain_no_audio(empty, listing.libritts, listing.num_alignments))
    taken = [name for name in chosen if name in named]
    train = [name for name in taken if name.startswith("train")]
    layout = f"{root}: LibriSpeech: {', '.join(_count(listing, name) for name in taken)}"
    notes = [
        f"{root}: {len(names)} {what} ({name_some(names, 3)})"
        for what, names in listing.remarks.items()
    ]
    if empty:
        notes.append(f"{name_some(empty)}: no audio in it, passed over")
    if readers is not None:
        notes.append(_keep_readers(listing, train or taken, readers, seed))
    if not train:
        notes.append(f"{root}: no train-... among the subsets, so they are split by utterance")
    elif both := listing.readers(train) & listing.readers(set(taken) - set(train)):
        where = "train-... and other subsets"
        notes.append(f"{root}: {len(both)} readers are in {where} ({name_some(sorted(both))})")
    notes += _explain_460(subsets, readers)
    speakers = listing.readers(taken)
    start = root if len(there) > 1 or corpus.name not in there else chosen[corpus.name]
    genders = _read_genders(start, speakers, notes)
    parts = {name: None if not train or name in train else name for name in taken}
    return Corpus(
        tuple(
            replace(listing.sources[key], split=parts[listing.subsets[key]])
            for key in sorted(listing.sources)
        ),
        genders=genders,
        layout=layout,
        notes=tuple(notes),
        skipped=tuple(listing.skipped),
    )


def _scan_subset(listing: _Listing, name: str, folder: Path, leave_out: Path | None) -> None:
    for reader in read_folder(folder, leave_out).folders:
        if not NUMBER.fullmatch(reader.name):
            listing.remark(NO_NUMBER, str(reader.relative_to(listing.root)))
            continue
        content = read_folder(reader, leave_out)
        for path in content.files:
            if path.suffix.lower() in AUDIO:
                listing.skip(path, "in no chapter's folder")
        for chapter in content.folders:
            if NUMBER.fullmatch(chapter.name):
                _scan_chapter(listing, name, chapter, leave_out)
            else:
                listing.remark(NO_NUMBER, str(chapter.relative_to(listing.root)))


def _scan_chapter(listing: _Listing, subset: str, chapter: Path, leave_out: Path | None) -> None:
    reader, prefix = chapter.parent.name, f"{chapter.parent.name}-{chapter.name}"
    files = read_folder(chapter, leave_out).files
    audio = [path for path in files if path.suffix.lower() in AUDIO]
    texts: dict[str, str | None] = {}
    transcript = next((p for p in files if p.name.lower() == f"{prefix}.trans.txt"), None)
    if transcript is not None:
        texts = _read_transcript(listing, transcript)
    elif audio:
        listing.remark(NO_TRANSCRIPT, str(chapter.relative_to(listing.root)))
    heard = set()
    # Of one utterance as .flac and .wav, the first is the original.
    for path in sorted(audio, key=lambda path: (path.suffix.lower() != ".flac", path.name)):
        key = path.stem
        if not key.startswith(f"{prefix}-") or not NUMBER.fullmatch(key[len(prefix) + 1 :]):
            listing.skip(path, "not named READER-CHAPTER-NNNN after its folders")
            if LIBRITTS.fullmatch(key):
                listing.libritts = path
            continue
        if id_breach(key):
            listing.skip(path, "its name is too long for an id")
            continue
        heard.add(key)
        if key in listing.sources:
            other = listing.subsets[key]
            there = f"as {listing.sources[key].audio.suffix}" if other == subset else f"in {other}"
            listing.skip(path, f"also there {there}")
            continue
        if transcript is not None and key not in texts:
            listing.remark(NO_LINE, key)
        listing.sources[key] = Source(key, reader, path, texts.get(key))
        listing.subsets[key] = subset
    listing.skipped += [
        (printable(key), "a text without audio") for key in texts if key not in heard
    ]
    listing.num_alignments += sum(
        path.name.lower().endswith((".textgrid", ".alignment.txt")) for path in files
    )


def _read_transcript(listing: _Listing, path: Path) -> dict[str, str | None]:
    """Words by utterance; None where there are none that can be read."""
    texts: dict[str, str | None] = {}
    for number, line in read_loose_lines(path, TEXT_BYTES):
        key, words = split_key(line)
        place = f"{path.relative_to(listing.root)}:{number}"
        if key in texts:
            listing.remark(REPEATED, place)
        elif not is_utf8(words):
            listing.remark(NOT_UTF8, place)
            texts[key] = None
        else:
            texts[key] = " ".join(words.split()) or None
    return texts


def _count(listing: _Listing, subset: str) -> str:
    utterances = sum(name == subset for name in listing.subsets.values())
    return f"{subset} ({len(listing.readers([subset]))} readers, {utterances} utterances)"


def _keep_readers(listing: _Listing, subsets: Sequence[str], readers: int, seed: int) -> str:
    """Leave `readers` of those of `subsets` in the listing; returns what to note."""
    pool = listing.readers(subsets)
    if readers > len(pool):
        raise UsageError(
            f"--readers {readers}: there are {len(pool)} in {', '.join(subsets)}; ask for at most"
            " that, or take more subsets"
        )

    def place(reader: str) -> bytes:
        return hashlib.sha256(f"{seed} reader {reader}".encode()).digest()

    kept = set(sorted(pool, key=place)[:readers])
    listing.sources = {
        key: source
        for key, source in listing.sources.items()
        if source.speaker in kept or listing.subsets[key] not in subsets
    }
    listing.subsets = {key: listing.subsets[key] for key in listing.sources}
    return f"{listing.root}: kept {readers} of {len(pool)} readers of {', '.join(subsets)}"


def _explain_460(subsets: Sequence[str], readers: int | None) -> list[str]:
    if readers == 460:
        return [f"{ABOUT_460} this is 460 readers by seed; for those hours, leave out --readers"]
    if "train-clean-460" in subsets:
        return [f"{ABOUT_460} this is that set; for 460 of its readers, add --readers 460"]
    return []


def _read_genders(start: Path, speakers: set[str], notes: list[str]) -> dict[str, str]:
    """m or f by reader, from SPEAKERS.TXT in `start` or up to two folders above it."""
    above = (start, *start.parents[:2], *Path(os.path.realpath(start)).parents[:2])
    places = [folder / name for folder in above for name in ("SPEAKERS.TXT", "speakers.txt")]
    path = next((path for path in places if os.path.isfile(path)), None)
    if path is None:
        notes.append(f"{start}: no SPEAKERS.TXT there or up to two folders above; no genders")
        return {}
    genders = {}
    for _, line in read_loose_lines(path):
        # A name may hold '|', and may be no UTF-8; neither matters to the first two fields. A
        # comment begins with ';', so its first is no reader.
        fields = [value.strip() for value in line.split("|", 4)]
        if len(fields) > 1 and fields[1].lower() in ("m", "f"):
            genders.setdefault(fields[0], fields[1].lower())
    if unknown := sorted(speakers - set(genders)):
        notes.append(f"{path}: no row for {len(unknown)} readers ({name_some(unknown)})")
    return {speaker: genders[speaker] for speaker in sorted(speakers & set(genders))}
