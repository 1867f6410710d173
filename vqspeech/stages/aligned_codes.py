"""A code directory with its alignment as the arrays that measures take; misfits are refused.

U utterances, N frames, M segments, G groups.
"""

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from vqspeech.analysis.aligned_codes import LEFT_OUT, AlignedCodes
from vqspeech.analysis.frame_labels import label_corpus_frames
from vqspeech.data.alignment import END_SECONDS, Phone, scan_phones
from vqspeech.data.codes import CodeDir, join_groups, read_code_dir
from vqspeech.data.phone_set import PHONES, SILENCE, describe_unknown, in_set, phone_of
from vqspeech.data.tables import stop
from vqspeech.errors import InputError, tell_skipped

GAP_SECONDS = 0.005  # what is shorter between two segments is rounding, not silence
MOST_SYMBOLS = 1 << 16  # of grouped codes: more could not be told apart by any alignment


class FlatCodes(NamedTuple):
    """The codes of a directory, end to end in the order of its utterances."""

    codes: np.ndarray  # (N,) int32
    frame_starts: np.ndarray  # (U + 1,) int64
    num_codes: int


def flat_codes(code_dir: CodeDir, utterances: Sequence[str] | None = None) -> FlatCodes:
    """One symbol a frame: the groups of a grouped code are one symbol, of K^G.

    Args:
        utterances: which, in this order; all without it.

    Raises:
        InputError: more symbols than fit an int32.
    """
    names = list(code_dir) if utterances is None else utterances
    lengths = [len(code_dir[name]) for name in names]
    parts = [np.asarray(code_dir[name]) for name in names]
    codes = np.concatenate(parts) if parts else np.zeros(0, np.int32)
    codes = join_groups(codes, code_dir.num_codes)
    starts = np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))
    return FlatCodes(codes.astype(np.int32), starts, code_dir.num_codes**code_dir.groups)


def read_aligned_codes(
    path: str | os.PathLike,
    *,
    phone_set: int = 41,
    frame: str = "centre",
    note: Callable[[str], None] = lambda text: None,
) -> tuple[AlignedCodes, CodeDir]:
    """Codes, the phone of each frame and the reference segments of a code directory.

    Where nothing is labelled there is silence. Utterances without an alignment are left out, which
    `note` is told.

    Args:
        phone_set: 41, 40 (SPN is silence) or 39 (neither is scored).
        frame: "centre" or "majority", see `label_corpus_frames`.

    Raises:
        InputError: no alignment, one of other utterances or of another length than the codes, or
            unknown phones, by file and line where there is one.
    """
    code_dir = read_code_dir(path)
    place = code_dir.path / "phones.ctm"
    if not place.exists():
        raise InputError(
            f"{place}: no such file; run 'vqspeech align' on the data, then encode it again"
        )
    segments = scan_phones(place, stop, known=code_dir, durations=code_dir.durations)
    missing = sorted(code_dir.keys() - segments.keys())
    if not segments:
        raise InputError(f"{place}: no utterance of {path} is aligned; run 'vqspeech align'")
    if missing:
        for line in tell_skipped([(u, "without phones") for u in missing], len(code_dir), 3):
            note(f"{place}: {line}")
    _check_lengths(code_dir, segments)
    names = sorted(segments)
    flat = flat_codes(code_dir, names)
    if flat.num_codes > MOST_SYMBOLS:
        raise InputError(
            f"{path}: {code_dir.groups} groups of {code_dir.num_codes} codes make {flat.num_codes} "
            f"symbols, {MOST_SYMBOLS} can be mapped to phones; analyse a model of fewer groups"
        )
    phones = _phone_names(phone_set)
    labels = _label_indices(segments, phones, phone_set, str(place))
    silence = phones.index(SILENCE) if SILENCE in phones else LEFT_OUT
    seconds = np.diff(flat.frame_starts) / code_dir.rate
    table = _with_silence(_table([segments[name] for name in names], labels), seconds, silence)
    speakers = sorted({code_dir.utterances[name].speaker for name in names})
    rows = {speaker: row for row, speaker in enumerate(speakers)}
    aligned = AlignedCodes(
        utterances=tuple(names),
        speakers=tuple(speakers),
        speaker=np.array([rows[code_dir.utterances[name].speaker] for name in names], np.int32),
        codes=flat.codes,
        labels=label_corpus_frames(
            *table, flat.frame_starts, code_dir.rate, method=frame, gap=silence
        ),
        frame_starts=flat.frame_starts,
        phones=table.phones,
        phone_seconds=table.seconds,
        phone_starts=table.starts,
        num_codes=flat.num_codes,
        phone_names=phones,
        rate=code_dir.rate,
    )
    return aligned, code_dir


class _Table(NamedTuple):
    """Segments of all utterances, in order."""

    phones: np.ndarray  # (M,) int16
    seconds: np.ndarray  # (M, 2) float64
    starts: np.ndarray  # (U + 1,) int64


def _phone_names(size: int) -> tuple[str, ...]:
    return tuple(phone for phone in PHONES if in_set(phone, size) == phone)


def _check_lengths(code_dir: CodeDir, segments: Mapping[str, Sequence[Phone]]) -> None:
    """Refuse codes that last longer or shorter than what the tables say of their utterance."""
    for name, phones in segments.items():
        frames = len(code_dir[name])
        seconds, frame = frames / code_dir.rate, 1 / code_dir.rate
        labelled = phones[-1].start_seconds + phones[-1].duration_seconds
        said = code_dir.durations.get(name, labelled)
        is_short = max(said, labelled) > seconds + max(END_SECONDS, frame)
        # Without a duration, what follows the last phone may be silence that nobody labelled.
        is_long = name in code_dir.durations and seconds > said + 2 * frame
        if is_short or is_long:
            what = "utterance" if name in code_dir.durations else "alignment"
            raise InputError(
                f"{code_dir.path}: {name} has {frames} codes, {seconds:.2f} s, and its {what} "
                f"{max(said, labelled):.2f} s; encode the data again"
            )


def _label_indices(
    segments: Mapping[str, Sequence[Phone]], phones: tuple[str, ...], size: int, place: str
) -> dict[str, int]:
    """The index of each label that occurs; `LEFT_OUT` where the set has no phone for it."""
    counts = Counter(phone.label for spoken in segments.values() for phone in spoken)
    meant = {label: phone_of(label) for label in counts}
    unknown = {label: counts[label] for label, phone in meant.items() if phone is None}
    if unknown:
        raise InputError(f"{place}: {describe_unknown(unknown)}")
    chosen = {label: in_set(phone, size) for label, phone in meant.items()}
    return {
        label: LEFT_OUT if phone is None else phones.index(phone) for label, phone in chosen.items()
    }


def _table(segments: Sequence[Sequence[Phone]], labels: Mapping[str, int]) -> _Table:
    flat = [phone for spoken in segments for phone in spoken]
    seconds = np.array([(start, start + length) for start, length, _ in flat], np.float64)
    phones = np.array([labels[phone.label] for phone in flat], np.int16)
    starts = np.concatenate(([0], np.cumsum([len(spoken) for spoken in segments])))
    return _Table(phones, seconds.reshape(-1, 2), starts.astype(np.int64))


def _with_silence(table: _Table, seconds: np.ndarray, silence: int) -> _Table:
    """Silence where nothing is labelled, and neighbouring silences as one segment.

    Args:
        table: what is labelled.
        seconds: (U,) of each utterance.
        silence: its index, or `LEFT_OUT`.
    """
    owners = np.repeat(np.arange(len(seconds)), np.diff(table.starts))  # (M,)
    is_last = np.diff(owners, append=len(seconds)) > 0
    is_first = np.diff(owners, prepend=-1) > 0
    begins, ends = table.seconds[:, 0], table.seconds[:, 1]
    before = np.where(is_first, 0.0, np.roll(ends, 1))
    lead, tail = begins - before > GAP_SECONDS, seconds[owners] - ends > GAP_SECONDS
    tail &= is_last
    parts = [  # owner, begin, end, phone, of the segments and of the silences before and after
        (owners, begins, ends, table.phones),
        (owners[lead], before[lead], begins[lead], np.full(lead.sum(), silence)),
        (owners[tail], ends[tail], seconds[owners[tail]], np.full(tail.sum(), silence)),
    ]
    owners, begins, ends, phones = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.lexsort((begins, owners))
    owners, begins, ends, phones = owners[order], begins[order], ends[order], phones[order]
    goes_on = (owners[1:] == owners[:-1]) & (phones[1:] == silence) & (phones[:-1] == silence)
    heads = np.flatnonzero(np.concatenate(([True], ~goes_on))) if len(owners) else owners
    tails = np.concatenate((heads[1:], [len(owners)]))[: len(heads)] - 1
    starts = np.searchsorted(owners[heads], np.arange(len(seconds) + 1))
    return _Table(
        phones[heads].astype(np.int16),
        np.stack([begins[heads], ends[tails]], axis=-1),
        starts.astype(np.int64),
    )
