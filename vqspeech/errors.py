"""Errors that a user can mend, one class for each exit status of the command line.

And the form of what is told about many things by name: in one line, the first few named.

A message is one line: the place, what was found, what was wanted, and the next step, as in
`data/train/utt2spk:118: p226-004 comes after p226-010; sort the file with LC_ALL=C`.
A mistake of calling code is a `ValueError`, never one of these.
"""

import os
import signal
from collections.abc import Iterable


class VQSpeechError(Exception):
    """Root of all errors that a user can mend; bad input unless a child says otherwise."""

    exit_code = 3

    def __str__(self) -> str:
        # A file name may hold a line break or an escape sequence; a message stays one plain line.
        return printable(super().__str__())


class InputError(VQSpeechError):
    """A file, a setting or a checkpoint is not what it should be."""


class UsageError(VQSpeechError):
    """The arguments of a command do not fit together."""

    exit_code = 2


class MissingError(VQSpeechError):
    """A device, memory, an extra package or a model is not there."""

    exit_code = 4


class WriteError(VQSpeechError):
    """Something could not be written: no space, no permission, or it exists already."""

    exit_code = 5


class DivergedError(VQSpeechError):
    """Training produced numbers that are not finite."""

    exit_code = 6


class BusyError(VQSpeechError):
    """Another process works in the same directory."""

    exit_code = 7


class PartialError(VQSpeechError):
    """Some files of a batch failed; the rest is done."""

    exit_code = 8


class Stopped(BaseException):
    """A signal ended the program; no mistake, and nothing that catches errors holds it up.

    Attributes:
        status: the exit status that is documented for the signal.

    Args:
        number: of the signal.
        *left: what is said besides, such as what was saved.
    """

    def __init__(self, number: int, *left: str):
        super().__init__("; ".join([f"stopped by {signal.Signals(number).name}", *left]))
        self.status = 128 + number


def printable(name: str | os.PathLike) -> str:
    """`name` for a message: control characters and bytes that are no text are escaped."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in os.fspath(name))


def name_some(names: Iterable[str | os.PathLike], most: int = 5) -> str:
    """The first few of `names`, for a message: `a, b and 3 more`."""
    shown = [printable(name) for name in names]
    more = f" and {len(shown) - most} more" if len(shown) > most else ""
    return ", ".join(shown[:most]) + more


def tell_skipped(
    skipped: Iterable[tuple[str, str]], total: int | None = None, most: int = 8
) -> list[str]:
    """A line for each reason, the most frequent first: `skipped 3 of 12 (no text): a, b, c`.

    Args:
        skipped: names and reasons.
        total: of how many things these were skipped.
        most: names in a line, and lines; one more counts what has other reasons.
    """
    names: dict[str, list[str]] = {}
    for name, reason in skipped:
        names.setdefault(reason, []).append(name)
    groups = sorted(names.items(), key=lambda group: -len(group[1]))
    of_all = "" if total is None else f" of {total}"
    lines = [
        f"skipped {len(group)}{of_all} ({printable(reason)}): {name_some(group, most)}"
        for reason, group in groups[:most]
    ]
    if rest := sum(len(group) for _, group in groups[most:]):
        lines.append(f"skipped {rest} more, for other reasons")
    return lines
