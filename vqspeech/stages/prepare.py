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
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from vqspeech.audio.treatment import Treatment
from vqspeech.data.alignment import Phone, shift_phones
from vqspeech.data.corpora import CORPORA
from vqspeech.data.corpora.source import Corpus, Source
from vqspeech.data.data_dir import Trim, Utterance, write_data_dir
from vqspeech.data.split import PARTS, Splits, assign_parts
from vqspeech.errors import InputError, UsageError, printable, tell_skipped
from vqspeech.files import directory_lock, path_lock, sweep_temporaries, write_json
from vqspeech.stages.prepare_audio import (
    Outcome,
    audio_path,
    plan_audio,
    tally_notes,
    write_audio,
)
from vqspeech.stages.prepare_parts import (
    RECORD,
    check_parts,
    forget_earlier,
    make_room,
    parts_of,
    read_record,
    take_over_phones,
)

DEFAULT_SPLITS = Splits()


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
    if corpus is None and name != "mini":
        raise UsageError(f"{name}: no folder given; only the corpus mini is embedded")
    if num_jobs < 1 or sample_rate < 1:
        raise UsageError(f"{num_jobs} jobs and {sample_rate} Hz: both must be positive")
    folder = None if corpus is None else Path(corpus)
    if folder is not None and os.path.realpath(folder) == os.path.realpath(out):
        raise UsageError(f"{out}: holds the corpus {folder} itself; give another folder to write")
    listed = CORPORA[name](folder, leave_out=out, **selection)
    notes = list(listed.notes)
    if speakers:
        listed = listed.of_speakers(speakers)
        notes.append(f"of these, {len(listed.sources)} recordings of --speakers are taken")
    if trim is None and listed.has_long_edges:
        notes.append("silent edges are cut, for this corpus has long ones; --no-trim keeps them")
    treatment = Treatment(sample_rate, listed.has_long_edges if trim is None else trim, loudness)
    settings = {
        "corpus": name,
        "folder": None if folder is None else os.path.realpath(folder),
        "selection": selection,
        "speakers": list(speakers),
        "treatment": asdict(treatment),
        "splits": asdict(splits),
    }
    settings = json.loads(json.dumps(_printable(settings)))  # as the record will have them
    planned = assign_parts(listed.sources, splits)  # a mistake shows here, before hours of work
    with ExitStack() as locks:
        locks.enter_context(directory_lock(out))
        record = read_record(out)
        earlier = parts_of(record, out)
        check_parts(out, folder, earlier, planned)
        for part in sorted({*earlier, *planned}):  # nor may anybody align or read them meanwhile
            locks.enter_context(path_lock(out / part))
        for hidden in (*PARTS, *earlier, *planned, RECORD):
            sweep_temporaries(out, hidden)
        plan = plan_audio(listed.sources, out, treatment)
        ids = {source.id for source in listed.sources}
        if unused := len(set(plan.known) - ids):
            notes.append(f"{out / 'audio'}: {unused} files are of recordings not taken this time")
        if plan.stale or any(record.get(key) != value for key, value in settings.items()):
            gone = [part for part in earlier if part not in planned]
            notes += [f"{out / part}: of an earlier preparation, removed" for part in gone]
            make_room(out, earlier)
            earlier = []
        outcomes = write_audio(listed.sources, plan, out, treatment, num_jobs, progress)
        made = _Made(listed, outcomes, treatment)
        return _write_parts(made, notes, out, splits, earlier, settings)


@dataclass(frozen=True)
class _Made:
    """The recordings of a corpus and what became of them."""

    listed: Corpus
    outcomes: Mapping[str, Outcome]
    treatment: Treatment

    @property
    def total(self) -> int:
        return len(self.listed.sources) + len(self.listed.skipped)

    @cached_property
    def skipped(self) -> tuple[tuple[str, str], ...]:
        failed = ((key, found.reason) for key, found in self.outcomes.items() if found.reason)
        return (*self.listed.skipped, *failed)

    @cached_property
    def usable(self) -> list[Source]:
        return [source for source in self.listed.sources if self.outcomes[source.id].length]

    @cached_property
    def durations(self) -> dict[str, float]:
        rate = self.treatment.sample_rate
        return {source.id: self.outcomes[source.id].length / rate for source in self.usable}

    @cached_property
    def trims(self) -> dict[str, Trim]:
        """What was cut off since the recording was made, here and before; empty if nothing was."""
        if not self.treatment.trim and not any(any(source.trimmed) for source in self.usable):
            return {}
        rate = self.treatment.sample_rate
        found = ((source, self.outcomes[source.id]) for source in self.usable)
        return {
            source.id: Trim(
                source.trimmed.start_seconds + outcome.trimmed_start / rate,
                source.trimmed.end_seconds + outcome.trimmed_end / rate,
            )
            for source, outcome in found
        }

    def own_phones(self) -> dict[str, tuple[Phone, ...]]:
        """The alignment that the corpus brought along, as it lies in the audio that was written."""
        rate = self.treatment.sample_rate
        return {
            key: shift_phones(phones, self.outcomes[key].trimmed_start / rate, self.durations[key])
            for key, phones in self.listed.phones.items()
            if key in self.durations
        }


def _write_parts(
    made: _Made,
    notes: list[str],
    out: Path,
    splits: Splits,
    earlier: Sequence[str],
    settings: Mapping[str, Any],
) -> Prepared:
    """Write record and parts; until that is done, `.earlier` keeps what may still be needed."""
    if not made.usable:
        name, reason = made.skipped[0]
        raise InputError(f"none of {made.total} recordings can be used; {name}: {reason}")
    parts = assign_parts(made.usable, splits)
    found = {
        part: Part(sum(made.durations[s.id] for s in sources), Counter(s.speaker for s in sources))
        for part, sources in parts.items()
    }
    phones, lost = take_over_phones(out, earlier, made.durations, made.trims)
    phones |= made.own_phones()
    notes += _notes_on(made, parts, splits, lost)
    record = {
        "layout": made.listed.layout,
        "parts": {
            part: {"utterances": p.utterances, "seconds": p.seconds, "speakers": dict(p.speakers)}
            for part, p in found.items()
        },
        "skipped": made.skipped,
        "notes": made.listed.notes,
    }
    write_json(out / RECORD, {**settings, **_printable(record)})
    make_room(out, [part for part in earlier if part not in parts])
    for part, sources in parts.items():
        write_data_dir(
            out / part,
            [Utterance(s.id, s.speaker, audio_path(out, s), s.text) for s in sources],
            genders=made.listed.genders,
            accents=made.listed.accents,
            durations=made.durations,
            trims=made.trims,
            phones=phones,
        )
    forget_earlier(out)
    told = tell_skipped(made.skipped, made.total)
    if told:
        told.append(f"{out / RECORD} names all that was skipped")
    num_written = sum(outcome.is_new for outcome in made.outcomes.values())
    return Prepared(made.listed.layout, found, num_written, made.skipped, (*notes, *told))


def _notes_on(
    made: _Made, parts: Mapping[str, Sequence[Source]], splits: Splits, lost: int
) -> list[str]:
    notes = tally_notes(made.outcomes)
    cut = sum(outcome.trimmed_start + outcome.trimmed_end for outcome in made.outcomes.values())
    if cut:
        minutes = cut / made.treatment.sample_rate / 60
        notes.append(f"{minutes:.1f} min of silent edges were cut")
    if lost:
        notes.append(
            f"the alignments of {lost} utterances do not fit the audio any more and are gone;"
            " run 'vqspeech align' again"
        )
    if splits.valid and "valid" not in parts and any(s.split is None for s in made.usable):
        notes.append(
            f"no part 'valid', for no speaker has enough recordings for --valid {splits.valid};"
            " give --valid 1 or more recordings"
        )
    return notes


def _printable(value: Any) -> Any:
    """`value` with all names in it such that JSON can hold them: files may be called anything."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return {printable(key): _printable(item) for key, item in value.items()}
    return [_printable(item) for item in value] if isinstance(value, list | tuple) else value
