"""Stage 2: alignments that were published, or made by an aligner, become `phones.ctm`.

Takes TextGrids with a tier of phones: of LibriSpeech-alignments, of the Montreal Forced Aligner, of
whoever labels ARPAbet. What cannot be used is skipped by name and never mended by a guess.
"""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from vqspeech.data.alignment import Phone, shift_phones
from vqspeech.data.data_dir import DataDir, Trim
from vqspeech.data.phone_set import describe_unknown, phone_of
from vqspeech.data.text_grid import TextGrid, Tier, read_text_grid
from vqspeech.data.text_grid_folder import WORDS_ONLY, find_text_grids, match_text_grids
from vqspeech.errors import InputError, name_some, printable
from vqspeech.files import follow_link, path_lock
from vqspeech.stages.aligned import Aligned, Alignment, check_alignment_target, length_of

LENGTH_SECONDS = 0.1  # by which a TextGrid and its recording may differ

UNREADABLE = "cannot be read"
NO_TIER = "no tier called phones"
WORDS = "words and no phones"
SEVERAL_TIERS = "several tiers hold phones"
OTHER_LENGTH = "not as long as the recording"
UNKNOWN = "labels that are no phones of ARPAbet"
EMPTY = "no phone in it"
REPEATED = "its utterance has another TextGrid"


class NoMatchError(InputError):
    """No TextGrid is of an utterance of this data directory; it may be of another one's."""


class _SkippedError(Exception):
    """Why one TextGrid cannot be used."""

    def __init__(self, reason: str, detail: str = ""):
        super().__init__(reason)
        self.reason, self.detail = reason, detail


class _Recording(NamedTuple):
    """What an alignment has to fit."""

    speaker: str
    duration: float  # seconds of the utterance
    trim: Trim  # what was cut off around it


def import_alignments(
    text_grids: str | os.PathLike,
    data: str | os.PathLike,
    *,
    phones: int = 41,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Aligned:
    """Write `phones.ctm` of a data directory from TextGrids.

    Times move by what preparation cut off the beginning; phones outside the utterance are cut off.

    Args:
        text_grids: a folder of them, with folders in it or not, or a single one. Those of
            utterances of other data directories are passed over.
        data: the data directory.
        phones: 41 keeps spoken noise apart, 40 makes it silence, 39 leaves out both.
        overwrite: replace an alignment that is there.
        progress: told (done, total) after each TextGrid.

    Raises:
        UsageError: no set of so many phones.
        NoMatchError: no TextGrid is of an utterance of `data`.
        InputError: no TextGrids, none that can be used, or `data` breaks its format.
        WriteError: an alignment is there already, or cannot be written.
        BusyError: another process works on the same data directory.
    """
    text_grids, data = Path(text_grids), Path(data)
    check_alignment_target(data, phones=phones, overwrite=overwrite)
    with path_lock(follow_link(data)):
        data_dir = DataDir.read(data)  # not before: a preparation may just be writing it
        found = find_text_grids(text_grids)
        matches = match_text_grids(found, data_dir)
        if not matches.paths:
            raise NoMatchError(
                f"{text_grids}: none of {len(found)} TextGrids, such as {found[0].name}, is called"
                f" as one of the {len(data_dir)} utterances of {data}, such as"
                f" {next(iter(data_dir))}; an alignment of another corpus?"
            )
        alignment = Alignment(phones)
        skipped = [(str(path), REPEATED) for path in matches.repeated]
        unknown: Counter[str] = Counter()
        unshifted = []
        for done, (key, path) in enumerate(matches.paths.items(), start=1):
            try:
                recording = _recording(data_dir, key)
                segments, shift = _read_phones(path, recording, unknown)
                if not alignment.add(key, shift_phones(segments, shift, recording.duration)):
                    raise _SkippedError(EMPTY)
                if shift != recording.trim.start_seconds:
                    unshifted.append(key)
            except _SkippedError as reason:
                skipped.append((f"{path}{reason.detail}", reason.reason))
            except InputError as error:
                skipped.append((str(error), UNREADABLE))
            if progress is not None:
                progress(done, len(matches.paths))
        if not len(alignment):
            raise _nothing(text_grids, data, skipped, unknown)
        notes = [describe_unknown(unknown)] if unknown else []
        foreign = matches.foreign
        if foreign and len(alignment) < len(data_dir):  # else they are of other parts
            notes.append(
                f"{len(foreign)} of {len(found)} TextGrids are of no utterance of {data}, such as"
                f" {printable(foreign[0].name)}"
            )
        if unshifted:
            notes.append(
                f"{len(unshifted)} TextGrids are as long as the trimmed audio, and were taken to be"
                f" of it: {name_some(unshifted)}"
            )
        return alignment.write(data_dir, skipped, [f"{text_grids}: {note}" for note in notes])


def _recording(data_dir: DataDir, key: str) -> _Recording:
    trim = data_dir.trims.get(key, Trim())
    return _Recording(data_dir[key].speaker, length_of(data_dir, key), trim)


def _read_phones(
    path: Path, recording: _Recording, unknown: Counter[str]
) -> tuple[list[Phone], float]:
    """The phones of a TextGrid, of the set of 41, and how far they are to be shifted."""
    grid = read_text_grid(path)
    tier = _phone_tier(grid, recording.speaker)
    shift = _shift(grid, tier, recording)
    phones, foreign = [], Counter()
    for start, end, label in tier.intervals:
        if (phone := phone_of(label)) is None:
            foreign[label.strip()] += 1
            continue
        if phones:  # rounded times may overlap a little
            start = max(start, phones[-1].start_seconds + phones[-1].duration_seconds)
        phones.append(Phone(start, end - start, phone))
    if foreign:
        unknown.update(foreign)
        raise _SkippedError(UNKNOWN, f" ({', '.join(map(repr, list(foreign)[:3]))})")
    if not phones:
        raise _SkippedError(EMPTY)
    return phones, shift


def _phone_tier(grid: TextGrid, speaker: str) -> Tier:
    names = [tier.name.strip().casefold() for tier in grid.tiers]
    wanted = [
        tier
        for tier, name in zip(grid.tiers, names, strict=True)
        if name in ("phones", "phone") or name.endswith((" - phones", " - phone"))
    ]
    if len(wanted) > 1:  # several speakers in one file
        own = [t for t in wanted if t.name.strip().startswith(f"{speaker} - ")]
        wanted = own or wanted
    if len(wanted) == 1:
        return wanted[0]
    if wanted:
        raise _SkippedError(SEVERAL_TIERS, f" ({', '.join(tier.name for tier in wanted)})")
    if any(name.split(" - ")[-1] in ("words", "word") for name in names):
        raise _SkippedError(WORDS)
    raise _SkippedError(NO_TIER, f" ({', '.join(map(repr, names[:3])) or 'no interval tiers'})")


def _shift(grid: TextGrid, tier: Tier, recording: _Recording) -> float:
    """How far to shift: by the trim, or not at all where the trimmed audio was aligned."""
    end = max([grid.end_seconds, *(row.end_seconds for row in tier.intervals)])
    if abs(grid.start_seconds) > LENGTH_SECONDS:
        raise _SkippedError(OTHER_LENGTH, f" (begins at {grid.start_seconds:.2f} s)")
    _, duration, trim = recording
    whole = trim.start_seconds + duration + trim.end_seconds
    # The two may be less apart than a length may be off: the nearer one is meant.
    length, shift = min(
        (whole, trim.start_seconds), (duration, 0.0), key=lambda way: abs(end - way[0])
    )
    if abs(end - length) > LENGTH_SECONDS:
        kept = f", {duration:.2f} s of it kept" if whole != duration else ""
        detail = f" (lasts {end:.2f} s, the recording {whole:.2f} s{kept})"
        raise _SkippedError(OTHER_LENGTH, detail)
    return shift


def _nothing(
    text_grids: Path, data: Path, skipped: list[tuple[str, str]], unknown: Counter[str]
) -> InputError:
    """Why no TextGrid could be used, by what most of them lack."""
    reasons = Counter(reason for _, reason in skipped)
    del reasons[REPEATED]
    reason, count = reasons.most_common(1)[0]
    if reason == UNKNOWN:
        why = describe_unknown(unknown)
    elif reason == WORDS:
        why = WORDS_ONLY
    else:
        named = name_some([name for name, other in skipped if other == reason], 2)
        why = f"{count} skipped ({reason}): {named}; align the recordings of {data} again"
    return InputError(f"{text_grids}: no TextGrid can be used: {why}")
