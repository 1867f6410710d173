"""It learns: half a second of a person's speech by heart, better than linear prediction."""

import math
from importlib import resources

import numpy as np
import pytest
import torch
from scipy.stats import laplace, norm

from vqspeech.audio.mulaw import mulaw_decode, mulaw_encode
from vqspeech.audio.waveform import read_waveform
from vqspeech.config.schema import SpeechModelSettings, TrainingSettings
from vqspeech.models.build import build_speech_vqvae
from vqspeech.training.optimizer import build_optimizer, learning_rate

SETTINGS = {
    "encoder": {"kind": "log_mel", "strides": [2], "channels": 32, "residual_blocks": 1},
    "quantizer": {"num_codes": 32, "dim": 16, "decay": 0.9},
    "decoder": {
        "layers": 7,
        "residual_channels": 32,
        "gate_channels": 64,
        "skip_channels": 48,
        "head_channels": 64,
        "condition_channels": 32,
        "condition_layers": 1,
        "speaker_channels": 4,
    },
}


@pytest.fixture(scope="module")
def half_a_second():
    """(1, 8000) the loudest half second of the packaged recording of a person."""
    path = resources.files("vqspeech") / "assets" / "recording" / "librivox.flac"
    samples = read_waveform(path).samples
    energy = np.convolve(samples**2, np.ones(8000), mode="valid")
    start = int(energy.argmax())
    return torch.from_numpy(samples[start : start + 8000].copy())[None]


def linear_prediction_bits(waveform, order=32):
    """Bits a sample of the mu-law levels under the best linear predictor of this very signal.

    Least squares over the past `order` samples; the residual is Gaussian or Laplacian, whichever
    is better, with its best scale, integrated over the bin of each level.
    """
    x = waveform.astype(np.float64)
    past = np.lib.stride_tricks.sliding_window_view(np.pad(x, (order, 0)), order)[: len(x)]
    predicted = past @ np.linalg.lstsq(past, x, rcond=None)[0]
    levels = mulaw_encode(torch.from_numpy(waveform)).numpy()
    values = mulaw_decode(torch.arange(256)).numpy().astype(np.float64)
    edges = np.concatenate([[-np.inf], (values[1:] + values[:-1]) / 2, [np.inf]])
    best = math.inf
    for family in (norm, laplace):
        for scale in np.std(x - predicted) * np.geomspace(0.1, 2, 60):
            upper = family.cdf((edges[levels + 1] - predicted) / scale)
            lower = family.cdf((edges[levels] - predicted) / scale)
            best = min(best, -np.log2(np.maximum(upper - lower, 1e-12)).mean())
    return best


def test_half_a_second_by_heart_beats_linear_prediction_by_a_bit(half_a_second):
    torch.manual_seed(0)
    model = build_speech_vqvae(SpeechModelSettings.model_validate(SETTINGS), ("someone",))
    waveform = model.pad(half_a_second)
    speaker, length = torch.tensor([0]), torch.tensor([8000])
    settings = TrainingSettings(optimizer="muon", steps=80, learning_rate=2e-2, warmup_steps=9)
    optimizer = build_optimizer(model, settings)
    model.quantizer.initialize(model.encode(waveform).detach())
    for step in range(80):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, settings)
        output = model.score(waveform, speaker, length)
        losses = model.losses(output)
        optimizer.zero_grad()
        losses["loss"].backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        model.update_codebook(output)
    bits = losses["nll"].item() / math.log(2)
    assert bits < linear_prediction_bits(half_a_second[0].numpy()) - 1
