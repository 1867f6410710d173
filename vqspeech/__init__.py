"""vqspeech: voice conversion and unsupervised phoneme discovery with discrete codes.

The VQ-VAE of "Neural Discrete Representation Learning" (van den Oord, Vinyals, Kavukcuoglu 2017),
for speech first:

    import vqspeech
    voice = vqspeech.load("exp/vqvae/best")
    codes = voice.encode(waveform)                    # (T,) float32 at voice.sample_rate -> (L,)
    speech = voice.convert(waveform, speaker="p226")  # the same words, another voice
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vqspeech.errors import VQSpeechError

if TYPE_CHECKING:
    from vqspeech.analysis.phoneme_mapping import PhonemeMapping
    from vqspeech.data.data_dir import DataDir
    from vqspeech.generation.voice import Voice
    from vqspeech.generation.voice import load_voice as load
    from vqspeech.models.prior import SpeechPrior
    from vqspeech.models.speech import SpeechVQVAE
    from vqspeech.models.vqvae import VQVAE
    from vqspeech.nn.pixelcnn import GatedPixelCNN
    from vqspeech.nn.quantizer import VectorQuantizer
    from vqspeech.nn.wavenet import WaveNet

__version__ = "0.1.0"

# Imported on first use: torch takes seconds, and `vqspeech --help` must not.
_LAZY = {
    "DataDir": ("vqspeech.data.data_dir", "DataDir"),
    "GatedPixelCNN": ("vqspeech.nn.pixelcnn", "GatedPixelCNN"),
    "PhonemeMapping": ("vqspeech.analysis.phoneme_mapping", "PhonemeMapping"),
    "SpeechPrior": ("vqspeech.models.prior", "SpeechPrior"),
    "SpeechVQVAE": ("vqspeech.models.speech", "SpeechVQVAE"),
    "VQVAE": ("vqspeech.models.vqvae", "VQVAE"),
    "VectorQuantizer": ("vqspeech.nn.quantizer", "VectorQuantizer"),
    "Voice": ("vqspeech.generation.voice", "Voice"),
    "WaveNet": ("vqspeech.nn.wavenet", "WaveNet"),
    "load": ("vqspeech.generation.voice", "load_voice"),
}

__all__ = [
    "VQVAE",
    "DataDir",
    "GatedPixelCNN",
    "PhonemeMapping",
    "SpeechPrior",
    "SpeechVQVAE",
    "VQSpeechError",
    "VectorQuantizer",
    "Voice",
    "WaveNet",
    "load",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'vqspeech' has no attribute {name!r}")
    module, attribute = _LAZY[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY])
