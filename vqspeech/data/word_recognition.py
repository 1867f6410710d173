"""Which words are said, by PocketSphinx: a listener that was taught by real speech alone.

A stand-in for ears, with the American English model and the small vocabulary that come with it. It
makes mistakes with good recordings; what counts is what it hears in one body of speech beside
another. T is samples.
"""

import re
from importlib import metadata
from typing import NamedTuple

import numpy as np

from vqspeech.errors import MissingError

# A narrow search. It hears the same in good recordings; in what is hardly speech, where no path is
# much better than others, the usual one takes minutes for what this one does in seconds.
SEARCH = {"maxhmmpf": 3000, "maxwpf": 10, "fwdflat": False}
_WORD = re.compile(r"([a-z'.-]*[a-z][a-z'.-]*)(?:\(\d+\))?")  # not <s>, <sil>, [noise], ++um++


class Word(NamedTuple):
    """A word that was heard."""

    text: str
    confidence: float  # its posterior probability, 0 to 1


class WordRecognizer:
    """Hears words in speech. Not for several threads: each process makes its own.

    Raises:
        MissingError: PocketSphinx is not installed.
    """

    name = "PocketSphinx"

    def __init__(self) -> None:
        try:
            import pocketsphinx
        except (ImportError, OSError) as error:  # OSError: a library that it links is missing
            raise MissingError(
                "the recognizer PocketSphinx is not installed; pip install 'vqspeech[align]'"
            ) from error
        self.version = metadata.version("pocketsphinx")
        self._decoder = pocketsphinx.Decoder(loglevel="FATAL", **SEARCH)

    def hear(self, samples: np.ndarray) -> list[Word]:
        """The likeliest words, in order; none where nothing is like speech.

        Args:
            samples: (T,) float at 16 kHz, within [-1, 1].
        """
        if not len(samples):
            return []
        # What one recording taught of the channel would change the next one.
        self._decoder.reinit_feat()
        self._decoder.start_utt()
        pcm = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
        self._decoder.process_raw(pcm, full_utt=True)
        self._decoder.end_utt()
        if self._decoder.hyp() is None:
            return []
        found = ((_WORD.fullmatch(part.word), part.prob) for part in self._decoder.seg())
        return [Word(match[1], float(prob)) for match, prob in found if match]
