"""Stage 1: a corpus as it was published becomes data directories.

    OUT/audio/SPEAKER/UTTERANCE.wav     see `prepare_audio.py`
    OUT/train OUT/valid OUT/test ...    data directories that name that audio relatively
    OUT/prepared.json                   what was found, counted and passed over, and the settings

A file that cannot be used is skipped and named. Running it again writes only what is missing or of
another recording and ends with the same bytes, however often it was interrupted and whatever the
number of jobs.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from vqspeech.audio.treatment import Treatment
from vqspeech.data.alignment import Phone, shift_phones
from vqspeech.data.corpora import CORPORA
from vqspeech.data.corpora.source import Corpus
from vqspeech.data.data_dir import DataDir, Utterance, check_data_target, write_data_dir
from vqspeech.data.split import PARTS, Splits, assign_parts
from vqspeech.data.tables import id_breach
from vqspeech.errors import InputError, UsageError
from vqspeech.files import directory_lock, remove_folder, sweep_temporaries, write_json
from vqspeech.stages.prepare_audio import Outcome, audio_path, tally_notes, write_audio

DEFAULT_SPLITS = Splits()
RECORD = "prepared.json"
NAMED = 8  # skipped files of one reason that are named on the terminal; the record names all


@dataclass(frozen=True)
class Part:
    """A data directory that was written."""

    seconds: float
    speakers: Mapping[str, int]  # utterances by speaker

    @property
    def utterances(self) -> int:
        return sum(self.speakers.values())


@dataclass(frozen=True)
class Prepared:
    """What `prepare_corpus` did, for the last lines of the command."""

    layout: str  # what the corpus was recognised as
    parts: Mapping[str, Part]
    num_written: int  # files that were not there before
    skipped: tuple[tuple[str, str], ...]  # name and reason
    notes: tuple[str, ...]  # what was changed and skipped; for the user, once


def prepare_corpus(
    name: str,
    corpus: str | os.PathLike | None,
    out: str | os.PathLike,
    *,
    splits: Splits = DEFAULT_SPLITS,
    sample_rate: int = 16000,
    trim: bool | None = None,
    loudness: float | None = None,
    speakers: Sequence[str] = (),
    num_jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
    **selection: Any,
) -> Prepared:
    """Write the data directories of a corpus.

    Args:
        name: a key of `CORPORA`.
        corpus: its folder; None for the embedded corpus.
        out: the folder to write to.
        splits: for what the corpus does not assign to a part itself.
        sample_rate: Hz of the written audio.
        trim: cut silent edges; without it, for corpora that are known to have long ones.
        loudness: dB of full scale to bring each recording to; without it, they keep theirs.
        speakers: take these alone.
        num_jobs: files at a time.
        progress: told (done, total) after each file.
        selection: what to take of the corpus, as its lister calls it: `match`, `mic`, `subsets`.

    Raises:
        UsageError: an unknown corpus or speaker, settings out of range, or `out` is the corpus.
        InputError: the corpus is not laid out as it should be, or no file could be used.
        WriteError: no space, no permission, or a part holds other files; what is written so far
            stays for the next run.
        BusyError: another process prepares the same folder.
    """
    out = Path(out)
    if name not in CORPORA:
        raise UsageError(f"{name}: no corpus known by that name; one of {', '.join(CORPORA)}")
    if num_jobs < 1 or sample_rate < 1:
        raise UsageError(f"{num_jobs} jobs and {sample_rate} Hz: both must be positive")
    folder = None if corpus is None else Path(corpus)
    if folder is not None:
        _check_apart(folder, out)
    listed = CORPORA[name](folder, leave_out=out, **selection)
    if speakers:
        listed = listed.of_speakers(speakers)
    if trim is None and listed.has_long_edges:
        note = "silent edges are cut, for this corpus has long ones; --no-trim keeps them"
        listed = replace(listed, notes=(*listed.notes, note))
    treatment = Treatment(sample_rate, listed.has_long_edges if trim is None else trim, loudness)
    settings = {
        "corpus": name,
        "folder": None if folder is None else os.path.realpath(folder),
        "selection": selection,
        "speakers": list(speakers),
        "treatment": asdict(treatment),
        "splits": asdict(splits),
    }
    # A mistake in the settings shows here, before hours of work.
    earlier = _earlier_parts(out)
    for part in {*earlier, *assign_parts(listed.sources, splits)}:
        check_data_target(out / part)
    with directory_lock(out):
        outcomes = write_audio(listed.sources, out, treatment, num_jobs, progress)
        return _write_parts(listed, outcomes, out, splits, treatment, earlier, settings)


def _check_apart(corpus: Path, out: Path) -> None:
    """Refuse what would read its own results as recordings."""
    place, written = corpus.resolve(), out.resolve()
    if place == written or place.is_relative_to(written / "audio"):
        raise UsageError(f"{out}: holds the corpus {corpus} itself; give another folder to write")


def _earlier_parts(out: Path) -> list[str]:
    """Data directories of an earlier preparation that are there."""
    names = list(PARTS)
    with suppress(OSError, ValueError, TypeError, KeyError):
        names += json.loads((out / RECORD).read_text(encoding="utf-8"))["parts"]
    known = (name for name in dict.fromkeys(names) if not id_breach(name) and name != "audio")
    return [name for name in known if os.path.lexists(out / name)]


def _write_parts(
    listed: Corpus,
    outcomes: Mapping[str, Outcome],
    out: Path,
    splits: Splits,
    treatment: Treatment,
    earlier: Sequence[str],
    settings: Mapping[str, Any],
) -> Prepared:
    usable = [source for source in listed.sources if outcomes[source.id].length]
    failed = ((key, outcome.reason) for key, outcome in outcomes.items() if outcome.reason)
    skipped = (*listed.skipped, *failed)
    total = len(listed.sources) + len(listed.skipped)
    if not usable:
        name, reason = skipped[0]
        raise InputError(f"none of {total} recordings can be used; {name}: {reason}")
    parts = assign_parts(usable, splits)
    notes = [*listed.notes, *tally_notes(outcomes)]
    if cut := sum(o.trimmed_start + o.trimmed_end for o in outcomes.values()):
        notes.append(f"{cut / treatment.sample_rate / 60:.1f} min of silent edges were cut")
    sample_rate = treatment.sample_rate
    durations = {key: outcome.length / sample_rate for key, outcome in outcomes.items()}
    trims = {}
    if treatment.trim:
        trims = {key: outcome.trimmed_start / sample_rate for key, outcome in outcomes.items()}
    unchanged = {source.id for source in usable if not outcomes[source.id].is_new}
    phones, lost = _alignments(listed, out, earlier, unchanged, durations, trims)
    if lost:
        notes.append(f"{lost} alignments were of other audio and are gone; run 'vqspeech align'")
    # First what is no more: no utterance may lie in two parts, were it only until the end.
    for name in {*PARTS, *earlier, *parts, RECORD}:
        sweep_temporaries(out, name)
    for part in earlier:
        if part not in parts:
            remove_folder(out / part)
            notes.append(f"{out / part}: of an earlier preparation, removed; this one makes none")
    is_drawn = any(source.split is None for source in usable)
    if is_drawn and splits.valid and "valid" not in parts:
        notes.append(
            f"{out / 'valid'}: not made, for no speaker has enough recordings for --valid "
            f"{splits.valid}; give --valid 1 or more recordings"
        )
    for part, sources in parts.items():
        write_data_dir(
            out / part,
            [Utterance(s.id, s.speaker, audio_path(out, s), s.text) for s in sources],
            genders=listed.genders,
            accents=listed.accents,
            durations=durations,
            trims=trims,
            phones=phones,
        )
    found = {
        part: Part(sum(durations[s.id] for s in sources), Counter(s.speaker for s in sources))
        for part, sources in parts.items()
    }
    record = {
        "layout": listed.layout,
        **settings,
        "parts": {
            part: {"utterances": p.utterances, "seconds": p.seconds, "speakers": dict(p.speakers)}
            for part, p in found.items()
        },
        "skipped": skipped,
        "notes": listed.notes,
    }
    write_json(out / RECORD, record)
    return Prepared(
        listed.layout,
        found,
        sum(outcome.is_new for outcome in outcomes.values()),
        skipped,
        (*notes, *_name_skipped(skipped, total, out)),
    )


def _alignments(
    listed: Corpus,
    out: Path,
    earlier: Sequence[str],
    unchanged: Collection[str],
    durations: Mapping[str, float],
    trims: Mapping[str, float],
) -> tuple[dict[str, tuple[Phone, ...]], int]:
    """The corpus's own phones, and those that were added since to audio that has not changed.

    Returns also how many were added to audio that has changed, and are lost.
    """
    added: dict[str, tuple[Phone, ...]] = {}
    for part in earlier:
        with suppress(InputError):  # none, or damaged tables, which are being written anew
            added |= DataDir.read(out / part).phones()
    phones = {key: segments for key, segments in added.items() if key in unchanged}
    for key, own in listed.phones.items():
        if durations.get(key):
            phones[key] = shift_phones(own, trims.get(key, 0.0), durations[key])
    return phones, len(set(added) - set(phones))


def _name_skipped(skipped: Sequence[tuple[str, str]], total: int, out: Path) -> list[str]:
    by_reason: dict[str, list[str]] = {}
    for name, reason in skipped:
        by_reason.setdefault(reason, []).append(name)
    lines = []
    for reason, names in by_reason.items():
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        lines.append(
            f"skipped {len(names)} of {total} ({reason}): {', '.join(names[:NAMED])}{more}"
        )
    if len(lines) > NAMED:
        rest = sum(map(len, list(by_reason.values())[NAMED:]))
        lines[NAMED:] = [f"skipped {rest} more of {total}, for other reasons"]
    return [*lines, f"{out / RECORD} names all that was skipped"] if skipped else []
