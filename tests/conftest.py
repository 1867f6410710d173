"""What several test folders share: a small trained-looking model and prepared speech."""

import numpy as np
import pytest
import torch

from vqspeech.audio.waveform import write_waveform
from vqspeech.config.schema import SpeechModelSettings
from vqspeech.data.codes import write_code_dir
from vqspeech.data.data_dir import DataDir, Utterance, write_data_dir
from vqspeech.models.build import build_speech_vqvae

torch.set_num_threads(1)

TINY_MODEL = {
    "encoder": {"kind": "waveform", "strides": [4, 4], "channels": 8, "residual_blocks": 1},
    "quantizer": {"num_codes": 16, "dim": 4, "decay": 0.9, "restart_below": 0.1},
    "decoder": {
        "layers": 3,
        "residual_channels": 8,
        "gate_channels": 16,
        "skip_channels": 8,
        "head_channels": 8,
        "condition_channels": 8,
        "condition_layers": 1,
        "speaker_channels": 4,
    },
}


@pytest.fixture
def make_model():
    """A function that builds a tiny speech model; the same arguments give the same weights."""

    def make(speakers=("p901", "p907"), seed=0, **changes):
        torch.manual_seed(seed)
        settings = SpeechModelSettings.model_validate(TINY_MODEL | changes)
        return build_speech_vqvae(settings, tuple(speakers)).eval()

    return make


@pytest.fixture
def tiny_data(tmp_path):
    """A function that writes a data directory of hummed notes by two speakers."""

    def write(name, utterances=3, samples=4000):
        rng = np.random.default_rng(len(name))
        rows = []
        for s, speaker in enumerate(("p901", "p907")):
            for u in range(utterances):
                time = np.arange(samples + 160 * u) / 16000
                pitch = 120 * (s + 1) + 10 * u
                hum = 0.3 * np.sin(2 * np.pi * pitch * time) + 0.01 * rng.normal(size=time.size)
                path = tmp_path / "audio" / f"{speaker}_{name}_{u}.wav"
                path.parent.mkdir(exist_ok=True)
                write_waveform(path, hum.astype(np.float32), 16000)
                rows.append(Utterance(path.stem, speaker, path))
        write_data_dir(tmp_path / name, rows, genders={"p901": "f", "p907": "m"})
        return tmp_path / name

    return write


@pytest.fixture
def code_dir(tmp_path):
    """A function that writes a code directory: (speaker, codes) by utterance."""

    def write(name, rows, *, groups=1, num_codes=8, hop=160, sample_rate=8000, model_hash="5eed"):
        data = tmp_path / "data-of-codes" / name
        write_data_dir(
            data,
            [Utterance(key, speaker, tmp_path / "no.wav") for key, (speaker, _) in rows.items()],
        )
        codes = {key: array for key, (_, array) in rows.items()}
        facts = {"hop": hop, "sample_rate": sample_rate, "model_hash": model_hash}
        data_dir = DataDir.read(data)
        write_code_dir(
            tmp_path / name, codes, data_dir, num_codes=num_codes, groups=groups, **facts
        )
        return tmp_path / name

    return write
