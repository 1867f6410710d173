"""The phones of ARPAbet by how they are spoken: what pictures of phones are sorted and coloured by.

Vowels first, then consonants from the most vowel-like to the least, silence last.
"""

from collections.abc import Sequence

_LINES = {
    "vowel": "IY IH EY EH AE AA AO OW UH UW AH ER AW AY OY",
    "approximant": "W Y R L",
    "nasal": "M N NG",
    "fricative": "V F DH TH Z S ZH SH HH",
    "affricate": "JH CH",
    "stop": "B P D T G K",
    "silence": "SPN SIL",
}
CLASSES = {name: tuple(line.split()) for name, line in _LINES.items()}
OTHER = "other"  # phones of another set
_CLASS_OF = {phone: name for name, phones in CLASSES.items() for phone in phones}
_PLACE = {phone: place for place, phone in enumerate(_CLASS_OF)}
# Not by colour alone: each class has its own mark in a scatter.
MARKERS = {
    **{"vowel": "o", "approximant": "D", "nasal": "v", "fricative": "s", "affricate": "P"},
    **{"stop": "^", "silence": "X", OTHER: "."},
}


def class_of(phone: str) -> str:
    """The class of a phone; `other` for one that is not of ARPAbet."""
    return _CLASS_OF.get(phone, OTHER)


def class_order(phones: Sequence[str]) -> list[int]:
    """Indices of `phones` sorted by class, and in a class by place in the mouth."""
    last = len(_PLACE)
    return sorted(range(len(phones)), key=lambda i: (_PLACE.get(phones[i], last), phones[i]))
