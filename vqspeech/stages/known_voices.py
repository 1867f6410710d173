"""What is known of speakers from recordings: their voice, their pitch, parallel sentences."""

import itertools
import math
import statistics
from collections.abc import Sequence

import numpy as np

from vqspeech.analysis.pitch_agreement import median_hz
from vqspeech.analysis.speaker_scores import scale_of_similarity, speaker_centre
from vqspeech.analysis.word_errors import normalize_words
from vqspeech.data.data_dir import DataDir
from vqspeech.stages.evaluators import Evaluators
from vqspeech.stages.report_utterances import read_utterance

RECORDINGS = 10  # of a speaker, for the mean embedding
PITCH_RECORDINGS = 3  # for the usual pitch, which is slower to find and needs fewer


class KnownVoices:
    """Speakers of a data directory, each known by a few recordings. Nothing is measured twice.

    Args:
        data_dir: their recordings.
        evaluators: who listens.
    """

    def __init__(self, data_dir: DataDir, evaluators: Evaluators):
        self.data_dir, self.evaluators = data_dir, evaluators
        self._keys: dict[str, list[str]] = {}
        self._parallel: dict[tuple[str, str], str] = {}
        for key, utterance in data_dir.items():
            self._keys.setdefault(utterance.speaker, []).append(key)
            if utterance.text:
                text = " ".join(normalize_words(utterance.text))
                self._parallel.setdefault((utterance.speaker, text), key)
        self._embeddings: dict[str, np.ndarray | None] = {}
        self._pitches: dict[str, float] = {}
        self._log_mels: dict[str, np.ndarray] = {}

    def __contains__(self, speaker: str) -> bool:
        return speaker in self._keys

    def keys_of(self, speakers: Sequence[str]) -> list[str]:
        """The recordings by which speakers are known."""
        # One more, for the one that may not speak for itself.
        return [key for speaker in speakers for key in self._keys[speaker][: RECORDINGS + 1]]

    def embedding(self, key: str) -> np.ndarray | None:
        """Of one recording; None where nothing is to be heard in it."""
        if key not in self._embeddings:
            self._embeddings[key] = self.evaluators.embed(self._read(key))
        return self._embeddings[key]

    def centre(self, speaker: str, without: str | None = None) -> np.ndarray | None:
        """The voice of a speaker, from up to ten recordings.

        Args:
            without: an utterance that shall not speak for its own likeness; it does where the
                speaker has no other.

        Returns:
            (E,), or None where no recording has an embedding.
        """
        keys = self._keys[speaker]
        keys = [key for key in keys if key != without][:RECORDINGS] or keys
        found = [e for e in map(self.embedding, keys) if e is not None]
        return speaker_centre(found) if found else None

    def scale(self, speakers: Sequence[str]) -> dict[str, float | None]:
        """Similarity of real recordings: of one speaker, and of different ones."""
        voices = []
        for speaker in speakers:
            own = map(self.embedding, self._keys[speaker][:RECORDINGS])
            voices.append(np.array([e for e in own if e is not None]))
        same, other = scale_of_similarity([voice for voice in voices if len(voice)])
        return {
            "same_speaker": None if math.isnan(same) else same,
            "other_speaker": None if math.isnan(other) else other,
        }

    def usual_hz(self, speaker: str) -> float:
        """Median over some recordings, of their medians; nan for a voice that whispers."""
        if speaker not in self._pitches:
            keys = itertools.islice(self._keys[speaker], PITCH_RECORDINGS)
            found = [median_hz(self.evaluators.track(self._read(key))) for key in keys]
            voiced = [hz for hz in found if not math.isnan(hz)]
            self._pitches[speaker] = statistics.median(voiced) if voiced else math.nan
        return self._pitches[speaker]

    def parallel_log_mel(self, speaker: str, words: Sequence[str]) -> np.ndarray | None:
        """Log-mel (N, bands) of a recording in which the speaker says these words."""
        key = self._parallel.get((speaker, " ".join(words)))
        if key is None:
            return None
        if key not in self._log_mels:
            self._log_mels[key] = self.evaluators.log_mel(self._read(key))
        return self._log_mels[key]

    def _read(self, key: str) -> np.ndarray:
        samples = read_utterance(self.data_dir, key, self.evaluators.sample_rate)[0]
        return np.ascontiguousarray(samples, np.float32)
