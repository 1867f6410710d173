"""What was heard of conversions, against the voices of the speakers and the words of the sources.

S speakers of the model whose voices are known.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from vqspeech.analysis.cepstral_distortion import (
    framewise_distortion,
    mel_cepstra,
    warped_distortion,
)
from vqspeech.analysis.word_errors import normalize_words
from vqspeech.errors import InputError, name_some
from vqspeech.stages.conversion_material import Material
from vqspeech.stages.evaluators import Heard
from vqspeech.stages.known_voices import KnownVoices
from vqspeech.stages.pair_list import Pair
from vqspeech.stages.speech_scores import Likeness, Scored, score_recording


class Judge:
    """Scores what was heard against the voices that are known.

    Args:
        material: sources, targets and pairs.
        targets: the voices of the model's speakers.
        originals: the sources as they were heard, by utterance.
        references: the words that should be heard, by utterance; None where they are not known.
        has_text: whether the references are texts, and not what was heard in the sources.
    """

    def __init__(
        self,
        material: Material,
        targets: KnownVoices,
        originals: Mapping[str, Heard],
        references: Mapping[str, Sequence[str] | None],
        has_text: bool,
    ):
        self._material, self._originals, self._evaluators = material, originals, targets.evaluators
        self._references, self._has_text = references, has_text
        self._targets = targets
        self._sources = KnownVoices(material.sources, targets.evaluators)
        self.speakers = material.speakers

    def similarities(self, heard: Heard, pair: Pair) -> np.ndarray | None:
        """(S,) similarity with the voice of each speaker."""
        if heard.embedding is None:
            return None
        centres = [self._targets.centre(s, pair.utterance) for s in self.speakers]
        if silent := [s for s, c in zip(self.speakers, centres, strict=True) if c is None]:
            raise InputError(
                f"{self._material.targets.path}: nothing is to be heard in the recordings of "
                f"{name_some(silent)}; leave these speakers out, or record them again"
            )
        return np.array([float(heard.embedding @ centre) for centre in centres])

    def score(self, system: str, heard: Heard, pair: Pair) -> Scored:
        """The measures of one recording of a pair."""
        own = self._material.sources[pair.utterance].speaker
        is_original = system == "original"
        wanted = pair.target if system == "converted" else own
        reference = self._references[pair.utterance]
        if is_original and not self._has_text:
            reference = None  # it would be compared with itself
        voices = self._targets if wanted in self._targets else self._sources
        return score_recording(
            heard,
            self._originals[pair.utterance],
            reference,
            self._likeness(heard, pair, own, wanted),
            wanted,
            voices.usual_hz(wanted),
            is_original=is_original,
            sample_rate=self._evaluators.sample_rate,
            mcd_db=self._distortion(heard, pair, own),
        )

    def _likeness(self, heard: Heard, pair: Pair, own: str, wanted: str) -> Likeness:
        row = self.similarities(heard, pair)
        if row is None:
            return Likeness()
        voices = self._targets if own in self._targets else self._sources
        centre = voices.centre(own, pair.utterance)
        return Likeness(
            float(row[self.speakers.index(pair.target)]),
            None if centre is None or own == pair.target else float(heard.embedding @ centre),
            self.speakers[int(row.argmax())] if wanted in self.speakers else None,
        )

    def _distortion(self, heard: Heard, pair: Pair, own: str) -> float:
        """In dB; of a reconstruction to its source, frame by frame, nan for the source itself."""
        if pair.target == own:
            source = self._originals[pair.utterance]
            if heard is source:
                return float("nan")
            mels = (self._evaluators.log_mel(h.samples) for h in (source, heard))
            return framewise_distortion(*mels)
        text = self._material.sources[pair.utterance].text
        words = normalize_words(text) if text else []
        parallel = self._targets.parallel_log_mel(pair.target, words) if words else None
        if parallel is None:
            return float("nan")
        mel = self._evaluators.log_mel(heard.samples)
        return warped_distortion(mel_cepstra(mel), mel_cepstra(parallel))
