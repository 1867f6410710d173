"""What listens when speech is scored: a recogniser, a speaker encoder, a judge of quality, pitch.

Each is named with model and version in what is written, because its figures hold for it alone.
T is samples, E dimensions of an embedding, N frames.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch

import vqspeech
from vqspeech.analysis.word_errors import normalize_words
from vqspeech.audio.features import MEAN, STD, LogMel
from vqspeech.audio.pitch import HIGH_HZ, LOW_HZ, RESOLUTION, pitch_track
from vqspeech.data.speech_judges import (
    DnsmosJudge,
    QualityJudge,
    ResemblyzerEncoder,
    SpeakerEncoder,
)
from vqspeech.data.speech_recognizers import AUTO, Recognizer, load_recognizer
from vqspeech.environment import package_version
from vqspeech.errors import MissingError

MEL_BANDS, MEL_STEP_SECONDS = 40, 0.010  # of the cepstra; windows of 25 ms


class Heard(NamedTuple):
    """What the evaluators make of a recording; None where there is no such evaluator."""

    samples: np.ndarray  # (T,)
    words: list[str] | None  # normalised
    embedding: np.ndarray | None  # (E,) of unit length; None too where nothing is to be heard
    track: np.ndarray  # (N,) Hz, nan where not voiced
    quality: float | None


@dataclass(frozen=True)
class Evaluators:
    """Those that are asked, at the rate of the model.

    All recordings come to that rate first, so that a missing upper band does not decide.
    """

    sample_rate: int
    recognizer: Recognizer | None = None
    encoder: SpeakerEncoder | None = None
    judge: QualityJudge | None = None

    def listen(self, samples: np.ndarray) -> Heard:
        """Everything that is measured of (T,) samples without comparing them with others."""
        rate = self.sample_rate
        words = None
        if self.recognizer is not None:
            words = normalize_words(self.recognizer.transcribe(samples, rate))
        quality = None if self.judge is None else self.judge.rate(samples, rate)
        return Heard(samples, words, self.embed(samples), self.track(samples), quality)

    def embed(self, samples: np.ndarray) -> np.ndarray | None:
        """The embedding (E,) of (T,) samples."""
        return None if self.encoder is None else self.encoder.embed(samples, self.sample_rate)

    def track(self, samples: np.ndarray) -> np.ndarray:
        """The pitch (N,) of (T,) samples."""
        return pitch_track(samples, self.sample_rate)

    def log_mel(self, samples: np.ndarray) -> np.ndarray:
        """(N, 40) logarithm of power in mel bands, of which cepstra are made."""
        hop = round(MEL_STEP_SECONDS * self.sample_rate)
        model = LogMel(self.sample_rate, hop, num_mels=MEL_BANDS)
        whole = torch.from_numpy(samples[: len(samples) // hop * hop])
        return (model(whole[None])[0].T * STD + MEAN).numpy()

    def describe(self) -> dict[str, Any]:
        """Names, models and versions, as they stand in the JSON."""
        recognizer, encoder, judge = self.recognizer, self.encoder, self.judge
        return {
            "recogniser": recognizer
            and {"name": recognizer.name, "model": recognizer.model, "version": recognizer.version},
            "speaker": encoder and {"name": encoder.name, "version": encoder.version},
            "pitch": {
                "name": "librosa.pyin",
                "version": package_version("librosa"),
                "settings": f"{LOW_HZ:g} to {HIGH_HZ:g} Hz, resolution {RESOLUTION:g} semitones",
            },
            "quality": judge and {"name": judge.name, "version": judge.version},
            "cepstra": {
                "name": f"13 mel cepstra of {MEL_BANDS} bands",
                "version": vqspeech.__version__,
            },
        }


def load_evaluators(
    sample_rate: int,
    *,
    recogniser: str = AUTO,
    has_similarity: bool = True,
    has_quality: bool | None = None,
    threads: int = 1,
) -> Evaluators:
    """Load those that were asked for.

    Args:
        sample_rate: Hz, of the model.
        recogniser: as `load_recognizer` takes it.
        has_similarity: whether voices are compared.
        has_quality: whether quality is rated; where it can be without it.
        threads: of the recogniser and of the judge.

    Raises:
        MissingError: one that was asked for is not there.
    """
    recognizer = load_recognizer(recogniser, threads=threads)
    encoder = ResemblyzerEncoder() if has_similarity else None
    judge = None
    if has_quality is not False:
        try:
            judge = DnsmosJudge(threads)
        except MissingError:
            if has_quality:
                raise
    return Evaluators(sample_rate, recognizer, encoder, judge)
