"""Phone alignments: which phone sounds when, one `phones.ctm` for a data directory.

A line is `utterance channel start duration phone`, in seconds, sorted by utterance and start.
Phones of one utterance do not overlap; gaps are silence that nobody labelled.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from vqspeech.data.tables import Report, id_breach, parse_seconds, read_lines, stop

OVERLAP_SECONDS = 0.0015  # starts and durations are rounded to milliseconds, each on its own
END_SECONDS = 0.02  # aligners work on frames of 10 ms and may pass the end by one or two


class Phone(NamedTuple):
    """One labelled segment of an utterance."""

    start_seconds: float
    duration_seconds: float
    label: str


def read_phones(path: Path) -> dict[str, tuple[Phone, ...]]:
    """Phones by utterance.

    Raises:
        InputError: no such file, or its first breach with file and line.
    """
    return scan_phones(path, stop, known=None, durations={})


def scan_phones(
    path: Path, report: Report, known: Iterable[str] | None, durations: Mapping[str, float]
) -> dict[str, tuple[Phone, ...]]:
    """Phones by utterance, telling `report` each breach.

    Args:
        path: a `phones.ctm`.
        report: is told each breach as `file:line: what`; the line is then left out.
        known: utterances that may occur; any when None.
        durations: seconds by utterance, as far as they are known.
    """
    allowed = None if known is None else set(known)
    phones: dict[str, list[Phone]] = {}
    previous = ""
    labels: dict[str, str] = {}  # each label once: millions of lines share a few dozen
    for number, text in read_lines(path, report):
        words = text.split()
        breach = _line_breach(words, previous)
        if not breach:
            label = labels.setdefault(words[4], words[4])
            utterance, phone = words[0], Phone(float(words[2]), float(words[3]), label)
            if allowed is not None and utterance not in allowed:
                breach = f"{utterance} is not in utt2spk; prepare the data again"
            elif utterance < previous:
                breach = f"{utterance} comes after {previous}; sort the file with LC_ALL=C"
            else:
                before = phones.get(utterance, [None])[-1]
                breach = _time_breach(phone, before, durations.get(utterance))
            previous = max(previous, utterance)
        if breach:
            report(f"{path}:{number}: {breach}")
        else:
            phones.setdefault(utterance, []).append(phone)
    return {utterance: tuple(segments) for utterance, segments in phones.items()}


def format_phones(phones: Mapping[str, Iterable[Phone] | str]) -> str:
    """The text of a `phones.ctm`, sorted; an utterance's own lines, as text, stay as they are."""
    return "".join(
        phones[utterance]
        if isinstance(phones[utterance], str)
        else "".join(
            f"{utterance} 1 {phone.start_seconds:.4f} {phone.duration_seconds:.4f} {phone.label}\n"
            for phone in phones[utterance]
        )
        for utterance in sorted(phones)
    )


def shift_phones(
    phones: Iterable[Phone], trimmed_seconds: float, duration_seconds: float
) -> tuple[Phone, ...]:
    """Phones of a recording as they lie in its part that was kept: what falls outside is cut off.

    Args:
        trimmed_seconds: cut off the beginning of the recording.
        duration_seconds: of what was kept.
    """
    kept = []
    for phone in phones:
        start = max(0.0, phone.start_seconds - trimmed_seconds)
        end = phone.start_seconds + phone.duration_seconds - trimmed_seconds
        # Tables hold tenths of milliseconds; what is shorter would be a segment of nothing.
        if (length := min(end, duration_seconds) - start) >= 1e-4:
            kept.append(Phone(start, length, phone.label))
    return tuple(kept)


def _line_breach(words: list[str], previous: str) -> str | None:
    if len(words) not in (5, 6):  # Kaldi may add a confidence
        return f"{len(words)} fields, 'utterance channel start duration phone' was wanted"
    # The id of the line before was looked at there.
    if words[0] != previous and (breach := id_breach(words[0])):
        return breach
    start, duration = parse_seconds(words[2]), parse_seconds(words[3])
    if start is None or duration is None or start < 0 or duration <= 0:
        return f"start {words[2]} and duration {words[3]} must be positive seconds"
    return None


def _time_breach(phone: Phone, before: Phone | None, duration: float | None) -> str | None:
    start, length, label = phone
    if before is not None and start < before.start_seconds:
        return f"{label} starts at {start} s, before the line above; sort by utterance and start"
    if before is not None:
        end = before.start_seconds + before.duration_seconds
        if start < end - OVERLAP_SECONDS:
            return f"{label} starts at {start} s, {before.label} ends at {end:.3f} s: they overlap"
    if duration is not None and start + length > duration + END_SECONDS:
        return f"{label} ends at {start + length:.3f} s, the utterance at {duration:.3f} s"
    return None
