"""What a corpus lister gives: the recordings of a corpus, wherever and however they lie on disk."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from vqspeech.data.alignment import Phone
from vqspeech.data.data_dir import Trim
from vqspeech.data.tables import id_breach
from vqspeech.errors import UsageError

NOT_TRIMMED = Trim()


@dataclass(frozen=True)
class Source:
    """One recording, or a stretch of one, as the corpus has it before it is prepared."""

    id: str  # an utterance id, which begins with the speaker's
    speaker: str
    audio: Path
    text: str | None = None
    split: str | None = None  # the part that the corpus itself assigns, such as "test"
    start_seconds: float | None = None  # None: the whole file
    end_seconds: float | None = None
    trimmed: Trim = NOT_TRIMMED  # what an earlier preparation cut off


@dataclass(frozen=True)
class Corpus:
    """The recordings of a corpus, sorted by id, and what is known of its speakers."""

    sources: tuple[Source, ...]
    genders: Mapping[str, str] = field(default_factory=dict)  # m or f, by speaker
    accents: Mapping[str, str] = field(default_factory=dict)  # by speaker
    phones: Mapping[str, tuple[Phone, ...]] = field(default_factory=dict)  # by utterance id
    layout: str = ""  # what it was recognised as, and where; for the user, first of all
    notes: tuple[str, ...] = ()  # what else the user should know, once
    # What cannot be used, by name, and why; names of one reason are told together.
    skipped: tuple[tuple[str, str], ...] = ()
    has_long_edges: bool = False  # silence around the words, which is best trimmed

    def __post_init__(self) -> None:
        # Ids become paths: what a lister lets through by mistake must not get as far as that.
        previous = ""
        for source in self.sources:
            if breach := id_breach(source.id) or id_breach(source.speaker):
                raise ValueError(breach)
            if not source.id.startswith(source.speaker) or source.id <= previous:
                raise ValueError(
                    f"{source.id} of {source.speaker}, after {previous!r}: ids begin"
                    " with the speaker, are unique and sorted"
                )
            previous = source.id

    def of_speakers(self, names: Iterable[str]) -> "Corpus":
        """The recordings of these speakers alone; `225` is taken for `p225`.

        Raises:
            UsageError: a speaker that is not in the corpus; the message names the nearest.
        """
        known = sorted({source.speaker for source in self.sources})
        chosen = set()
        for name in names:
            found = next((id_ for id_ in (name, f"p{name}") if id_ in known), None)
            if found is None:
                close = difflib.get_close_matches(name, known, n=3, cutoff=0.3) or known[:3]
                raise UsageError(
                    f"--speakers {name}: not one of the {len(known)} speakers of the corpus that"
                    f" can be used (close: {', '.join(close)})"
                )
            chosen.add(found)
        kept = tuple(source for source in self.sources if source.speaker in chosen)
        return replace(self, sources=kept)
