"""Stage 2, where no alignment was published: `phones.ctm` by forced alignment of audio and text.

Each process has an aligner of its own, since PocketSphinx holds the interpreter's lock. An
interrupted run goes on where it was; the bytes written are the same whatever the number of jobs.
"""

import multiprocessing
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
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
from vqspeech.data.data_dir import DataDir, Utterance
from vqspeech.data.forced_alignment import MAX_SECONDS, SAMPLE_RATE, Aligner, UnalignedError
from vqspeech.errors import InputError, MissingError, UsageError, name_some
from vqspeech.files import follow_link, path_lock, write_error
from vqspeech.stages.aligned import Aligned, Alignment, Skipped, check_alignment_target

UNREADABLE = "audio that cannot be read"

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
    check_alignment_target(data, phones=phones, overwrite=overwrite)
    Aligner()  # not installed: better said now
    with path_lock(follow_link(data)):
        data_dir = DataDir.read(data)  # not before: a preparation may just be writing it
        path = journal_path(data)
        results = _Results(phones)
        left, num_known = _take_known(results, data_dir, read_journal(path))
        with open_journal(path) as journal:
            for key, outcome in _align_all([data_dir[key] for key in left], num_jobs):
                results.add(key, outcome)
                if outcome.reason != UNREADABLE:  # which may be mended without a trace
                    add_line(journal, key, left[key], outcome)
                if progress is not None:
                    progress(len(results), len(data_dir))
        notes = [f"{data}: {num_known} utterances were done by an earlier run"] * bool(num_known)
        skipped = [results.skipped[key] for key in sorted(results.skipped)]
        alignment = results.alignment
        result = alignment.write(data_dir, skipped, notes) if len(alignment) else None
        try:
            path.unlink()
        except OSError as error:
            raise write_error(path, error) from error
    if result is None:
        (reason, count), *_ = Counter(reason for _, reason in skipped).most_common(1)
        named = name_some([name for name, other in skipped if other == reason], 3)
        raise InputError(
            f"{data}: none of {len(data_dir)} utterances can be aligned; {count} skipped"
            f" ({reason}): {named}"
        )
    return result


class _Results:
    """What has become of the utterances that are done, in whatever order they come."""

    def __init__(self, size: int):
        self.alignment = Alignment(size)
        self.skipped: dict[str, Skipped] = {}  # by utterance

    def add(self, key: str, outcome: Outcome) -> None:
        # Its phones are not kept: they take ten times the memory of their lines.
        if outcome.reason:
            name = f"{key} ({outcome.detail})" if outcome.detail else key
            self.skipped[key] = (name, outcome.reason)
        elif not self.alignment.add(key, outcome.phones):
            self.skipped[key] = (key, "nothing but silence and noise")

    def __len__(self) -> int:
        return len(self.alignment) + len(self.skipped)


def _take_known(
    results: _Results, data_dir: DataDir, journal: Mapping[tuple[str, str], Outcome]
) -> tuple[dict[str, str], int]:
    """Add what needs no work; returns fingerprints of what is left, and how much was known."""
    left = {}
    num_known = 0
    for key, utterance in data_dir.items():
        if not utterance.text:
            results.add(key, Outcome(reason="no text"))
            continue
        try:
            print_ = fingerprint(utterance)
        except InputError as error:
            results.add(key, Outcome(reason=UNREADABLE, detail=str(error)))
            continue
        if (key, print_) in journal:
            results.add(key, journal[key, print_])
            num_known += 1
        else:
            left[key] = print_
    return left, num_known


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
