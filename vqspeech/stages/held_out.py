"""What is validated on is not trained on."""

import os
from collections.abc import Iterable

from vqspeech.errors import InputError


def check_held_out(
    valid: str | os.PathLike, held_out: Iterable[str], trained_on: Iterable[Iterable[str]]
) -> None:
    """Refuse to validate on what is trained on.

    Raises:
        InputError: utterances that are in both.
    """
    shared = sorted(set(held_out) & {key for data in trained_on for key in data})
    if shared:
        raise InputError(
            f"{valid}: {len(shared)} of its utterances are trained on too, {shared[0]} first; hold "
            "them out"
        )
