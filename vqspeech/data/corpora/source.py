"""What a corpus lister gives: the recordings of a corpus, wherever and however they lie on disk."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vqspeech.data.alignment import Phone


@dataclass(frozen=True)
class Source:
    """One recording as the corpus has it, before it is prepared."""

    id: str  # an utterance id, which begins with the speaker's
    speaker: str
    audio: Path
    text: str | None = None
    split: str | None = None  # the part that the corpus itself assigns, such as "test"


@dataclass(frozen=True)
class Corpus:
    """The recordings of a corpus, sorted by id, and what is known of its speakers."""

    sources: tuple[Source, ...]
    genders: Mapping[str, str] = field(default_factory=dict)  # m or f, by speaker
    accents: Mapping[str, str] = field(default_factory=dict)  # by speaker
    phones: Mapping[str, tuple[Phone, ...]] = field(default_factory=dict)  # by utterance id
    notes: tuple[str, ...] = ()  # what was found and what was passed over; for the user, once
