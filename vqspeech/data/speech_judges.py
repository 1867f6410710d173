"""Networks of others that judge a recording: whose voice it is, and how clean it sounds.

Their weights come in their wheels; nothing is fetched. T is samples, E dimensions.
"""

import warnings
from importlib import metadata
from pathlib import Path
from typing import Protocol

import numpy as np

from vqspeech.audio.resampling import resample
from vqspeech.errors import MissingError

RATE = 16000  # Hz, of both networks
SHORTEST_SECONDS = 0.1  # of what is judged at all
EXTRA = "pip install 'vqspeech[evaluate]'"


class SpeakerEncoder(Protocol):
    """What knows voices."""

    name: str
    version: str

    def embed(self, samples: np.ndarray, sample_rate: int) -> np.ndarray | None:
        """(E,) of unit length for (T,) float samples; None where nothing is to be heard."""
        ...


class QualityJudge(Protocol):
    """What rates how a recording sounds."""

    name: str
    version: str

    def rate(self, samples: np.ndarray, sample_rate: int) -> float | None:
        """A mean opinion score, 1 to 5, of (T,) float samples; None where there is nothing."""
        ...


class ResemblyzerEncoder:
    """Resemblyzer: the speaker encoder of Wan et al. 2018 (GE2E), 256 dimensions.

    Raises:
        MissingError: it is not installed, or does not load.
    """

    name = "Resemblyzer"

    def __init__(self) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # of pkg_resources, in webrtcvad
                import resemblyzer
        except ImportError as error:
            needs = "; it needs 'setuptools<81'" if "pkg_resources" in str(error) else ""
            raise MissingError(
                f"Resemblyzer is not installed or does not load ({error}){needs}; {EXTRA}, or "
                "--no-speakers"
            ) from error
        self.version = metadata.version("resemblyzer")
        self._prepare = resemblyzer.preprocess_wav
        self._encoder = resemblyzer.VoiceEncoder("cpu", verbose=False)

    def embed(self, samples: np.ndarray, sample_rate: int) -> np.ndarray | None:
        """(256,) float64 of unit length; None for silence or less than 0.1 s."""
        if _is_nothing(samples, sample_rate):
            return None
        found = self._encoder.embed_utterance(
            self._prepare(np.asarray(samples, np.float32), source_sr=sample_rate)
        )
        length = np.linalg.norm(found)
        return found.astype(np.float64) / length if length > 0 else None


class DnsmosJudge:
    """DNSMOS P.835 (Reddy et al. 2022), the overall score.

    It was made for noise suppressors: it hears noise, and does not rank robotic or whispering
    voices low. At 8 kHz the missing upper band costs every system some points alike.

    Args:
        threads: of the CPU. The package itself takes all cores, whose threads wait by spinning:
            beside another program that is slower by an order of magnitude.

    Raises:
        MissingError: speechmos is not installed.
    """

    name = "speechmos DNSMOS"

    def __init__(self, threads: int = 1) -> None:
        try:
            import onnxruntime
            from speechmos import dnsmos
        except (ImportError, OSError) as error:
            raise MissingError(
                f"speechmos is not installed or does not load ({error}); {EXTRA}, or --no-quality"
            ) from error
        self.version = metadata.version("speechmos")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        folder = Path(dnsmos.__file__).parent / "dnsmos_models"
        # Its own constructor takes no options.
        self._judge = dnsmos.DNSMOS.__new__(dnsmos.DNSMOS)
        self._judge.onnx_sess, self._judge.p808_onnx_sess = (
            onnxruntime.InferenceSession(
                str(folder / name), options, providers=["CPUExecutionProvider"]
            )
            for name in ("sig_bak_ovr.onnx", "model_v8.onnx")
        )

    def rate(self, samples: np.ndarray, sample_rate: int) -> float | None:
        """1 to 5; None for silence or less than 0.1 s."""
        if _is_nothing(samples, sample_rate):
            return None
        heard = resample(samples, sample_rate, RATE).clip(-1, 1)
        return float(self._judge(heard, RATE, is_personalized_MOS=False)["ovrl_mos"])


def _is_nothing(samples: np.ndarray, sample_rate: int) -> bool:
    return len(samples) < SHORTEST_SECONDS * sample_rate or not np.any(samples)
