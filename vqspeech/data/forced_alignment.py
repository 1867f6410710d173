"""Which phone sounds when, found by PocketSphinx from audio and words.

Two passes: the words are laid over the audio, then the phones within them. A search may end before
the last word; a ladder of ways, which grow slower, is then climbed until one succeeds. A stand-in
for published alignments: the acoustic model is an old one of American English. T is samples.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from vqspeech.data.alignment import Phone
from vqspeech.data.phone_set import phone_of
from vqspeech.errors import MissingError

if TYPE_CHECKING:
    from pocketsphinx import Decoder

SAMPLE_RATE = 16000  # Hz of the acoustic model
FRAME_SECONDS = 0.01
MAX_SECONDS = 120.0  # memory and time of a search grow with it; utterances are shorter

_WIDE = {"beam": 1e-60, "wbeam": 1e-40, "pbeam": 1e-60}
# Options of a decoder, and how it is told the words: as a text to align, or as a grammar that knows
# one sentence, which survives more. With wide beams from the start more would fail, not less.
_LADDER: tuple[tuple[dict[str, float], bool], ...] = (
    ({}, False),
    ({}, True),
    (_WIDE, True),
    (_WIDE, False),
)
_APOSTROPHES = str.maketrans("’‘ʼ`´", "'''''")  # typographic ones
_PAUSES = re.compile(r"[\s.,;:!?\"“”„«»()…–—/-]+")


class UnalignedError(Exception):
    """Why an utterance has no alignment, in the words of all of its kind, and what of it."""

    def __init__(self, reason: str, detail: str = ""):
        super().__init__(reason)
        self.reason, self.detail = reason, detail


class Aligner:
    """Lays phones over speech. Not for several threads: each process makes its own.

    Raises:
        MissingError: PocketSphinx is not installed.
    """

    def __init__(self) -> None:
        try:
            import pocketsphinx
        except (ImportError, OSError) as error:  # OSError: a library that it links is missing
            raise MissingError(
                "the aligner PocketSphinx is not installed; pip install 'vqspeech[align]'"
            ) from error
        self._pocketsphinx = pocketsphinx
        self._decoders: dict[bool, Decoder] = {}  # by whether their beams are wide

    def align(self, samples: np.ndarray, text: str) -> list[Phone]:
        """Phones of the set of 41, in order, without a gap between them.

        Args:
            samples: (T,) float at 16 kHz, within [-1, 1].
            text: the words; case and punctuation do not count.

        Raises:
            UnalignedError: no words, some that are not in the dictionary (digits never are), too
                long, or no rung of the ladder reached the end.
        """
        words = self.words_of(text)
        if not len(samples):
            raise UnalignedError("no audio")
        if len(samples) > MAX_SECONDS * SAMPLE_RATE:
            seconds = len(samples) / SAMPLE_RATE
            raise UnalignedError(f"longer than {MAX_SECONDS:g} s", f"{seconds:.0f} s")
        pcm = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
        for options, is_grammar in _LADDER:
            decoder = self._decoder(options)
            try:
                return _search(decoder, words, pcm, is_grammar)
            except RuntimeError:  # of the binding, for all that may go wrong: the next rung
                continue
        raise UnalignedError("no way of aligning them reached the end; are these the words?")

    def words_of(self, text: str) -> list[str]:
        """The words of `text` as the dictionary spells them.

        Raises:
            UnalignedError: no words, or some that are not in the dictionary, which it names.
        """
        words, unknown = [], []
        for token in text.translate(_APOSTROPHES).lower().split():
            found = self._look_up(token)
            words += found
            if not found and _PAUSES.sub("", token).strip("'"):
                unknown.append(token)
        if unknown:
            named = ", ".join(dict.fromkeys(unknown))
            raise UnalignedError("words that are not in the dictionary", named)
        if not words:
            raise UnalignedError("no words")
        return words

    def _look_up(self, token: str) -> list[str]:
        """The words that a token stands for: one, or its parts; none where one is unknown."""
        # Of 'tis and 'hello' only the first is spelt so; well-known may be two words, mr. is one.
        whole = token.strip('.,;:!?"“”„«»()…–—')
        for spelling in (whole, whole.strip("'"), _plain(whole)):
            if self._is_known(spelling):
                return [spelling]
        parts = [_plain(part).strip("'") for part in _PAUSES.split(whole) if part.strip("'")]
        return parts if all(map(self._is_known, parts)) else []

    def _is_known(self, word: str) -> bool:
        # Other characters mark variants, `read(2)`, and noises, `[noise]`, or are of a grammar.
        is_word = re.fullmatch(r"[a-z'.-]*[a-z][a-z'.-]*", word) is not None
        return is_word and self._first.lookup_word(word) is not None

    @cached_property
    def _first(self) -> "Decoder":
        return self._make({})

    def _decoder(self, options: dict[str, float]) -> "Decoder":
        is_wide = bool(options)
        if is_wide not in self._decoders:
            self._decoders[is_wide] = self._make(options)
        # What one recording taught of the channel would change the next one, or make it fail; so
        # the result is that of a new decoder, which takes ten times as long to make.
        self._decoders[is_wide].reinit_feat()
        return self._decoders[is_wide]

    def _make(self, options: dict[str, Any]) -> "Decoder":
        return self._pocketsphinx.Decoder(lm=None, loglevel="FATAL", **options)


def _search(decoder: "Decoder", words: Sequence[str], pcm: bytes, is_grammar: bool) -> list[Phone]:
    sentence = " ".join(words)
    if is_grammar:
        grammar = f"#JSGF V1.0; grammar words; public <sentence> = {sentence} ;"
        decoder.add_jsgf_string("words", grammar)
        decoder.activate_search("words")
    else:
        decoder.set_align_text(sentence)
    for is_second in (False, True):
        if is_second:
            decoder.set_alignment()
        decoder.start_utt()
        decoder.process_raw(pcm, full_utt=True)
        decoder.end_utt()
    phones = []
    for word in decoder.get_alignment():
        for phone in word:
            label = phone_of(phone.name)
            if label is None:
                raise RuntimeError(f"the aligner names a phone {phone.name}")
            start, length = phone.start * FRAME_SECONDS, phone.duration * FRAME_SECONDS
            phones.append(Phone(start, length, label))
    if not phones:
        raise RuntimeError("an alignment of nothing")
    return phones


def _plain(word: str) -> str:
    """Without accents: the dictionary has `cafe`."""
    letters = unicodedata.normalize("NFKD", word)
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
