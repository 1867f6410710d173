"""What a forced alignment has come to so far, so that one that was killed goes on where it was.

`.NAME.align-journal` beside the data directory NAME, which itself may hold tables alone: a line an
utterance, in JSON, added once it is done. A line counts only while text and audio are the same.
"""

import hashlib
import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

from vqspeech.data.alignment import Phone
from vqspeech.data.data_dir import Utterance
from vqspeech.data.phone_set import PHONES
from vqspeech.errors import InputError
from vqspeech.files import follow_link, write_error

VERSION = 1  # of the aligner's ways; lines of another one are done again


class Outcome(NamedTuple):
    """The phones of an utterance, or why it has none."""

    phones: tuple[Phone, ...] = ()
    reason: str = ""
    detail: str = ""


def journal_path(data: str | os.PathLike) -> Path:
    """Where the journal of a data directory lies."""
    place = follow_link(data)
    return place.with_name(f".{place.name}.align-journal")


def fingerprint(utterance: Utterance) -> str:
    """Changes whenever what is aligned does.

    Raises:
        InputError: the audio is not there.
    """
    try:
        status = os.stat(utterance.audio)
    except OSError as error:
        raise InputError(f"{utterance.audio}: cannot be opened ({error.strerror})") from error
    facts = [VERSION, utterance.text, os.path.realpath(utterance.audio), status.st_size]
    facts += [status.st_mtime_ns, utterance.start_seconds, utterance.end_seconds]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def read_journal(path: Path) -> dict[tuple[str, str], Outcome]:
    """Outcomes by utterance and fingerprint; lines that are damaged do not count."""
    outcomes: dict[tuple[str, str], Outcome] = {}
    with suppress(OSError):
        for line in path.read_bytes().split(b"\n"):
            with suppress(ValueError, TypeError, RecursionError):  # the last may be cut off
                utterance, print_, rows, reason, detail = json.loads(line)
                phones = tuple(Phone(*row) for row in rows)
                if all(map(_is_phone, phones)) and bool(phones) != bool(reason):
                    outcomes[utterance, print_] = Outcome(phones, reason, detail)
    return outcomes


def _is_phone(phone: Phone) -> bool:
    times = phone[:2]
    is_time = all(isinstance(time, int | float) and math.isfinite(time) for time in times)
    return is_time and min(times) >= 0 and phone.label in PHONES


@contextmanager
def open_journal(path: Path) -> Iterator[IO[bytes]]:
    """The journal, open for `add_line`."""
    try:
        journal = open(path, "ab", buffering=0)  # noqa: SIM115  # closed below
    except OSError as error:
        raise write_error(path, error) from error
    with journal:
        try:
            journal.write(b"\n")  # ends a line that was cut off
        except OSError as error:
            raise write_error(path, error) from error
        yield journal


def add_line(journal: IO[bytes], utterance: str, print_: str, outcome: Outcome) -> None:
    """Tell that an utterance is done."""
    try:
        journal.write((json.dumps([utterance, print_, *outcome]) + "\n").encode())
    except OSError as error:
        raise write_error(Path(journal.name), error) from error
