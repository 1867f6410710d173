"""Stage 2, where no alignment was published: `phones.ctm` by forced alignment of audio and text.

Each process has an aligner of its own, since PocketSphinx holds the interpreter's lock. An
interrupted run goes on where it was; the bytes written are the same whatever the number of jobs.
"""

import multiprocessing
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np

from vqspeech.audio.stream import MonoStream
from vqspeech.data.alignment import shift_phones
from vqspeech.data.alignment_journal import (
    Outcome,
    add_line,
    fingerprint,
    journal_path,
    open_journal,
    read_journal,
)
from vqspeech.data.corpora.as_found import name_some
from vqspeech.data.data_dir import DataDir, Utterance
from vqspeech.data.forced_alignment import MAX_SECONDS, SAMPLE_RATE, Aligner, UnalignedError
from vqspeech.errors import InputError, MissingError, UsageError
from vqspeech.files import follow_link, path_lock, write_error
from vqspeech.stages.aligned import Aligned, Alignment, check_alignment_target

UNREADABLE = "whose audio cannot be read"

_aligner: Aligner | None = None  # of this process


def make_alignments(
    data: str | os.PathLike,
    *,
    phones: int = 41,
    num_jobs: int = 1,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Aligned:
    """Write `phones.ctm` of a data directory by laying its text over its audio.

    Args:
        data: the data directory, with `text` in English.
        phones: 41 keeps spoken noise apart, 40 makes it silence, 39 leaves out both.
        num_jobs: processes; with more than one, a script of your own needs the guard
            `if __name__ == "__main__":` that multiprocessing asks for.
        overwrite: replace an alignment that is there.
        progress: told (done, total) after each utterance.

    Raises:
        UsageError: no set of so many phones, or no jobs.
        MissingError: PocketSphinx is not installed, or a process was killed.
        InputError: `data` breaks its format, or no utterance could be aligned.
        WriteError: an alignment is there already, or cannot be written.
        BusyError: another process works on the same data directory.
    """
    data = Path(data)
    if num_jobs < 1:
        raise UsageError(f"{num_jobs} jobs: at least 1 was wanted")
    data_dir = DataDir.read(data)
    check_alignment_target(data, phones=phones, overwrite=overwrite)
    Aligner()  # not installed: better said now
    with path_lock(follow_link(data)):
        path = journal_path(data)
        outcomes, prints = _known(data_dir, read_journal(path))
        notes = []
        if earlier := sum(key in prints for key in outcomes):
            notes.append(f"{data}: {earlier} utterances were done by an earlier run")
        todo = [utterance for key, utterance in data_dir.items() if key not in outcomes]
        with open_journal(path) as journal:
            for key, outcome in _align_all(todo, num_jobs):
                outcomes[key] = outcome
                if outcome.reason != UNREADABLE:  # which may be mended without a trace
                    add_line(journal, key, prints[key], outcome)
                if progress is not None:
                    progress(len(outcomes), len(data_dir))
        alignment = Alignment(phones)
        skipped = []
        for key in data_dir:
            found, reason, detail = outcomes[key]
            if reason:
                skipped.append((f"{key} ({detail})" if detail else key, reason))
            elif not alignment.add(key, found):
                skipped.append((key, "nothing but silence and noise"))
        result = alignment.write(data_dir, skipped, notes) if len(alignment) else None
        try:
            path.unlink()
        except OSError as error:
            raise write_error(path, error) from error
    if result is None:
        (reason, count), *_ = Counter(reason for _, reason in skipped).most_common(1)
        named = name_some([name for name, other in skipped if other == reason], 3)
        raise InputError(
            f"{data}: none of {len(data_dir)} utterances can be aligned; {count} skipped, {reason}:"
            f" {named}"
        )
    return result


def _known(
    data_dir: DataDir, journal: dict[tuple[str, str], Outcome]
) -> tuple[dict[str, Outcome], dict[str, str]]:
    """Outcomes that need no work, and the fingerprints of what can be aligned at all."""
    outcomes, prints = {}, {}
    for key, utterance in data_dir.items():
        if not utterance.text:
            outcomes[key] = Outcome(reason="no text")
            continue
        try:
            prints[key] = fingerprint(utterance)
        except InputError as error:
            outcomes[key] = Outcome(reason=UNREADABLE, detail=str(error))
            continue
        if (key, prints[key]) in journal:
            outcomes[key] = journal[key, prints[key]]
    return outcomes, prints


def _align_all(utterances: list[Utterance], num_jobs: int) -> Iterator[tuple[str, Outcome]]:
    """Outcomes as they come."""
    if num_jobs == 1 or len(utterances) < 2:
        for utterance in utterances:
            yield _align(utterance)
        return
    # Spawned, not forked: the parent may hold threads of torch.
    executor = ProcessPoolExecutor(
        min(num_jobs, len(utterances)), multiprocessing.get_context("spawn"), _begin_process
    )
    try:
        for job in as_completed([executor.submit(_align, utterance) for utterance in utterances]):
            yield job.result()
    except BrokenProcessPool as error:
        raise MissingError(
            "a process of the aligner was killed, perhaps for its memory; run it again with fewer"
            " --nj, what is done is kept"
        ) from error
    finally:
        executor.shutdown(cancel_futures=True)


def _begin_process() -> None:
    # The parent is told of Ctrl-C too, and ends its processes in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def end_with_parent() -> None:
        multiprocessing.parent_process().join()
        os._exit(1)  # killed, it could not say goodbye; this process would wait for ever

    threading.Thread(target=end_with_parent, daemon=True).start()


def _align(utterance: Utterance) -> tuple[str, Outcome]:
    global _aligner
    _aligner = _aligner or Aligner()
    try:
        _aligner.words_of(utterance.text)  # before the audio is read in vain
        samples = _read(utterance)
        phones = _aligner.align(samples, utterance.text)
    except UnalignedError as error:
        return utterance.id, Outcome(reason=error.reason, detail=error.detail)
    except InputError as error:
        return utterance.id, Outcome(reason=UNREADABLE, detail=str(error))
    # The aligner's frames may pass the end.
    return utterance.id, Outcome(shift_phones(phones, 0.0, len(samples) / SAMPLE_RATE))


def _read(utterance: Utterance) -> np.ndarray:
    """(T,) float32 at the aligner's rate; of what is too long only a little more than it takes."""
    times = utterance.start_seconds, utterance.end_seconds
    blocks, count = [], 0
    for block in MonoStream(utterance.audio, SAMPLE_RATE, *times).blocks():  # (T',)
        blocks.append(block)
        count += len(block)
        if count > MAX_SECONDS * SAMPLE_RATE:
            break
    return np.concatenate(blocks)
