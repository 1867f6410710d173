"""Word and character error rates: how much of what was said is heard.

Both sides are brought to one spelling first. Errors are the least insertions, deletions and
substitutions (Levenshtein); they and the words of the reference are summed over recordings before
they are divided, so that a short recording weighs as little as it says. Insertions can carry a rate
beyond 1.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from rapidfuzz.distance import Levenshtein

from vqspeech.analysis.number_words import spell_numbers

# Written short by one and in full by the other; said alike.
_SHORT = {"mr": "mister", "mrs": "missus", "dr": "doctor", "ok": "okay"}
_NOISE = re.compile(r"\[[^\]]*\]|\([^)]*\)|\*[^*]*\*")  # [music], (laughs): what nobody said
_OTHER = re.compile(r"[^\w']+|_+")
_LOOSE_QUOTE = re.compile(r"(?<!\w)'|'(?!\w)")  # a quotation mark, not the apostrophe of don't


class Errors(NamedTuple):
    """What one recording adds to the sums."""

    word_errors: int
    words: int  # of the reference
    character_errors: int
    characters: int  # of the reference, spaces between words included


def normalize_words(text: str) -> list[str]:
    """The words of a text as they are compared.

    Lower case, numbers in words, punctuation and hyphens away, the apostrophes within words kept,
    accents off, a few abbreviations in full; what stands in brackets is left out.
    """
    text = unicodedata.normalize("NFKD", text.lower()).replace("’", "'")
    text = "".join(c for c in text if not unicodedata.combining(c))
    text = _NOISE.sub(" ", text).replace("&", " and ")
    text = _LOOSE_QUOTE.sub(" ", _OTHER.sub(" ", spell_numbers(text)))
    return [_SHORT.get(word, word) for word in text.split()]


def count_errors(reference: Sequence[str], heard: Sequence[str]) -> Errors:
    """Errors of the words that were heard, against those of the reference; both normalised."""
    wanted, found = " ".join(reference), " ".join(heard)
    return Errors(
        Levenshtein.distance(list(reference), list(heard)),
        len(reference),
        Levenshtein.distance(wanted, found),
        len(wanted),
    )
