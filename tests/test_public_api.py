"""The names that may not move without notice, and what importing them costs."""

import subprocess
import sys

import vqspeech


def test_the_public_names_are_these():
    assert set(vqspeech.__all__) == {
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
    }
    for name in vqspeech.__all__:
        assert callable(getattr(vqspeech, name))


def test_importing_the_package_or_the_command_line_imports_nothing_heavy():
    code = (
        "import sys, vqspeech, vqspeech.cli; "
        "print([m for m in ('torch', 'numpy', 'librosa', 'numba', 'sklearn', 'scipy', 'soundfile', "
        "'matplotlib', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
