"""Stage 1: a corpus as it was published becomes data directories.

    OUT/audio/SPEAKER/UTTERANCE.wav     16-bit mono at the rate of the models
    OUT/audio/.sources.json             the recording that each of them was made of
    OUT/train OUT/valid OUT/test        data directories that name that audio relatively

A file that cannot be used is skipped and named. Running it again writes only what is missing or of
another recording and ends with the same bytes, however often it was interrupted and whatever the
number of jobs.
"""

import os
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from vqspeech.audio.waveform import Header, read_header, read_waveform, write_waveform
from vqspeech.data.corpora import CORPORA
from vqspeech.data.corpora.source import Corpus, Source
from vqspeech.data.data_dir import Utterance, check_data_target, write_data_dir
from vqspeech.data.origins import add_line, open_journal, origin_of, read_origins, write_origins
from vqspeech.data.split import split_utterances
from vqspeech.data.tables import id_breach
from vqspeech.errors import InputError, UsageError
from vqspeech.files import directory_lock, remove_folder, sweep_temporaries

PARTS = ("train", "valid", "test")
SPLITS: Mapping[str, int | float] = {"valid": 0.05, "test": 0.05}


class Prepared(NamedTuple):
    """What `prepare_corpus` did, for the last lines of the command."""

    utterances: dict[str, int]  # by split
    seconds: dict[str, float]  # by split
    num_speakers: int
    num_written: int  # files that were not there before
    skipped: tuple[tuple[str, str], ...]  # utterance id and reason
    notes: tuple[str, ...]  # what was found, changed and skipped; for the user, once


class _Outcome(NamedTuple):
    """What became of one recording; without a length it is skipped, for a reason."""

    length: int = 0  # samples
    is_new: bool = False
    notes: tuple[str, ...] = ()
    reason: str = ""


def prepare_corpus(
    name: str,
    corpus: str | os.PathLike | None,
    out: str | os.PathLike,
    *,
    splits: Mapping[str, int | float] = SPLITS,
    seed: int = 0,
    sample_rate: int = 16000,
    match: str | None = None,
    num_jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Prepared:
    """Write the data directories of a corpus.

    Args:
        name: a key of `CORPORA`.
        corpus: its folder; None for the embedded corpus.
        out: the folder to write to.
        splits: `valid` and `test` of each speaker, as a count (int) or a fraction (float), for a
            corpus without a split of its own.
        seed: chooses the utterances of each split.
        sample_rate: Hz of the written audio.
        match: a pattern that limits what is taken; its meaning is the lister's.
        num_jobs: files at a time.
        progress: told (done, total) after each file.

    Raises:
        UsageError: an unknown corpus, settings out of range, or `out` is the corpus.
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
    listed = CORPORA[name](folder, match, out)
    for part in PARTS:
        check_data_target(out / part)
    with directory_lock(out):
        return _prepare_listed(listed, out, splits, seed, sample_rate, num_jobs, progress)


def _check_apart(corpus: Path, out: Path) -> None:
    """Refuse what would read its own results as recordings."""
    place, written = corpus.resolve(), out.resolve()
    if place == written or place.is_relative_to(written / "audio"):
        raise UsageError(f"{out}: holds the corpus {corpus} itself; give another folder to write")


def _prepare_listed(
    listed: Corpus,
    out: Path,
    splits: Mapping[str, int | float],
    seed: int,
    sample_rate: int,
    num_jobs: int,
    progress: Callable[[int, int], None] | None,
) -> Prepared:
    outcomes = _convert_all(listed.sources, out, sample_rate, num_jobs, progress)
    usable = [source for source in listed.sources if outcomes[source.id].length]
    skipped = tuple((key, outcome.reason) for key, outcome in outcomes.items() if outcome.reason)
    if not usable:
        key, reason = skipped[0]
        raise InputError(f"none of {len(outcomes)} recordings can be used; {key}: {reason}")
    durations = {key: outcome.length / sample_rate for key, outcome in outcomes.items()}
    parts = _assign(usable, splits, seed)
    notes = [*listed.notes, *_tally(outcomes)]
    # First what is no more: no utterance may lie in two parts, were it only until the end.
    for part in PARTS:
        sweep_temporaries(out, part)
        if part not in parts and os.path.lexists(out / part):
            remove_folder(out / part)
            notes.append(f"{out / part}: of an earlier preparation, removed; this one makes none")
    is_drawn = any(source.split is None for source in usable)
    if is_drawn and splits.get("valid") and "valid" not in parts:
        notes.append(
            f"{out / 'valid'}: not made, for no speaker has enough recordings for --valid "
            f"{splits['valid']}; give --valid 1 or more recordings"
        )
    for part, sources in parts.items():
        _write_part(out, part, sources, listed, durations)
    return Prepared(
        {part: len(sources) for part, sources in parts.items()},
        {part: sum(durations[s.id] for s in sources) for part, sources in parts.items()},
        len({source.speaker for source in usable}),
        sum(outcome.is_new for outcome in outcomes.values()),
        skipped,
        (*notes, *_name_skipped(skipped, len(outcomes))),
    )


def _convert_all(
    sources: tuple[Source, ...],
    out: Path,
    sample_rate: int,
    num_jobs: int,
    progress: Callable[[int, int], None] | None,
) -> dict[str, _Outcome]:
    audio = out / "audio"
    for folder in {_audio_path(out, source).parent for source in sources}:
        sweep_temporaries(folder)
    sweep_temporaries(audio)
    known = read_origins(audio)
    origins = {}  # of the recordings as they are now
    for source in sources:
        with suppress(InputError):  # the reader will name it
            origins[source.id] = origin_of(source.audio)
    fresh = {key for key, origin in origins.items() if known.get(key) == origin}
    stale = {source.id for source in sources} - fresh
    write_origins(audio, {key: origin for key, origin in known.items() if key not in stale})
    outcomes = {}
    with open_journal(audio) as journal:

        def convert(source: Source) -> _Outcome:
            outcome = _convert(source, out, sample_rate, is_stale=source.id in stale)
            if outcome.is_new and source.id in origins:
                add_line(journal, source.id, origins[source.id])
            return outcome

        # soundfile and soxr let go of the interpreter's lock, so threads are enough.
        executor = ThreadPoolExecutor(num_jobs)
        try:
            jobs = [executor.submit(convert, source) for source in sources]
            for source, job in zip(sources, jobs, strict=True):
                outcomes[source.id] = job.result()
                if progress is not None:
                    progress(len(outcomes), len(sources))
        finally:
            executor.shutdown(cancel_futures=True)
    write_origins(audio, read_origins(audio))
    return outcomes


def _convert(source: Source, out: Path, sample_rate: int, *, is_stale: bool) -> _Outcome:
    target = _audio_path(out, source)
    try:
        ready = None if is_stale else _finished(target, sample_rate)
        if ready is not None:
            return _Outcome(ready.length)
        waveform = read_waveform(source.audio, sample_rate)
    except InputError as error:
        return _Outcome(reason=str(error))
    notes = waveform.notes
    clipped = write_waveform(target, waveform.samples, sample_rate)
    if clipped:
        notes = (*notes, f"{source.audio}: {clipped} samples clipped after resampling")
    return _Outcome(len(waveform.samples), True, notes)


def _finished(target: Path, sample_rate: int) -> Header | None:
    """The header of `target` when it is there and whole."""
    try:
        header = read_header(target)
    except InputError:  # absent or damaged: it is written anew
        return None
    is_ours = header.sample_rate == sample_rate and header.channels == 1 and header.length > 0
    return header if is_ours else None


def _audio_path(out: Path, source: Source) -> Path:
    return out / "audio" / source.speaker / f"{source.id}.wav"


def _assign(
    sources: list[Source], splits: Mapping[str, int | float], seed: int
) -> dict[str, list[Source]]:
    """Recordings by split: the corpus's own where it has one, else a seeded one."""
    by_id = {source.id: source for source in sources}
    parts: dict[str, list[Source]] = {}
    for source in sources:
        if source.split is not None:
            # It becomes the name of a folder beside the audio.
            if id_breach(source.split) or source.split == "audio":
                raise InputError(
                    f"{source.id}: split {source.split!r} cannot name a folder; rename the split"
                )
            parts.setdefault(source.split, []).append(source)
    free = {source.id: source.speaker for source in sources if source.split is None}
    if free:
        try:
            drawn = split_utterances(free, seed=seed, **splits)
        except (ValueError, TypeError) as error:
            raise UsageError(f"splits {dict(splits)}: {error}") from error
        for part, utterances in drawn.items():
            if utterances:
                parts.setdefault(part, []).extend(by_id[key] for key in utterances)
    return parts


def _write_part(
    out: Path, part: str, sources: list[Source], corpus: Corpus, durations: Mapping[str, float]
) -> None:
    write_data_dir(
        out / part,
        [Utterance(s.id, s.speaker, _audio_path(out, s), s.text) for s in sources],
        genders=corpus.genders,
        accents=corpus.accents,
        durations=durations,
        phones=corpus.phones,
    )


def _tally(outcomes: Mapping[str, _Outcome]) -> list[str]:
    """One line for all files with the same note, which may be the whole corpus."""
    counts: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for outcome in outcomes.values():
        for note in outcome.notes:
            path, _, change = note.rpartition(": ")
            counts[change] += 1
            examples.setdefault(change, path)
    return [
        f"{examples[change]}: {change}"
        if count == 1
        else f"{count} files such as {examples[change]}: {change}"
        for change, count in counts.items()
    ]


def _name_skipped(skipped: tuple[tuple[str, str], ...], total: int) -> list[str]:
    if not skipped:
        return []
    named = ", ".join(f"{key} ({reason})" for key, reason in skipped[:5])
    more = f" and {len(skipped) - 5} more" if len(skipped) > 5 else ""
    return [f"skipped {len(skipped)} of {total}: {named}{more}"]
