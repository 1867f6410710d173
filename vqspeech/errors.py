"""Errors that a user can mend, one class for each exit status of the command line.

A message is one line: the place, what was found, what was wanted, and the next step, as in
`data/train/utt2spk:118: p226-004 comes after p226-010; sort the file with LC_ALL=C`.
A mistake of calling code is a `ValueError`, never one of these.
"""


class VQSpeechError(Exception):
    """Root of all errors that a user can mend; bad input unless a child says otherwise."""

    exit_code = 3

    def __str__(self) -> str:
        # A file name may hold a line break or an escape sequence; a message stays one plain line.
        return "".join(c if c.isprintable() else repr(c)[1:-1] for c in super().__str__())


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
