"""What an accelerator computes equals what the CPU does; skipped where there is none."""

import numpy as np
import pytest
import torch
from small_priors import build_prior

from vqspeech.generation.code_sampling import sample_codes
from vqspeech.generation.pixelcnn_sampling import map_uniforms, sample_pixelcnn
from vqspeech.generation.pixelcnn_torch import CachedSteps
from vqspeech.generation.voice import Voice
from vqspeech.nn.pixelcnn import GatedPixelCNN
from vqspeech.training.fit import choose_autocast

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]

SPEAKERS = torch.tensor([0, 1])


@pytest.fixture
def waveform():
    return torch.randn(2, 160, generator=torch.Generator().manual_seed(0)) * 0.2


def test_losses_and_gradients_equal_those_of_the_cpu(make_model, waveform):
    gradients = []
    for device in ("cpu", "cuda"):
        model = make_model().to(device).train()
        output = model.score(waveform.to(device), SPEAKERS.to(device))
        model.losses(output)["loss"].backward()
        model.update_codebook(output)
        gradients.append({n: p.grad.cpu() for n, p in model.named_parameters()})
    for name, expected in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], expected, rtol=1e-3, atol=1e-5, msg=name)


def test_bfloat16_training_is_near_float32(make_model, waveform):
    model = make_model().to("cuda")
    inputs = waveform.to("cuda"), SPEAKERS.to("cuda")
    expected = model.losses(model.score(*inputs))["nll"]
    with choose_autocast(model, "bfloat16")():
        found = model.losses(model.score(*inputs))["nll"]
    torch.testing.assert_close(found, expected, rtol=0.02, atol=0.02)


def test_a_voice_on_the_gpu_draws_what_it_draws_on_the_cpu(make_model):
    codes = np.arange(8) % 16
    speech = [
        Voice(make_model().double(), device).decode(codes, "p901", seed=1)
        for device in ("cpu", "cuda")
    ]
    assert np.array_equal(*speech)


def test_a_prior_on_the_gpu_scores_and_draws_what_it_does_on_the_cpu(make_model):
    codes = torch.arange(24).view(2, 12) % 16
    scored, drawn = [], []
    for device in ("cpu", "cuda"):
        prior = build_prior(make_model(), "5eed").double().to(device)
        nats = prior.nll(codes.to(device), SPEAKERS.to(device)).nats
        scored.append(nats.cpu())
        drawn.append(sample_codes(prior, 40, [0, 1, 2], seed=3, top_k=9, prompt=codes[0, :5]))
    torch.testing.assert_close(*scored)
    assert np.array_equal(*drawn)


@pytest.mark.parametrize("choice", [dict(), dict(temperature=0), dict(temperature=0.7, top_k=5)])
def test_a_pixelcnn_on_the_gpu_draws_what_it_draws_on_the_cpu_by_steps_recorded_once(
    choice, monkeypatch
):
    torch.manual_seed(0)
    model = GatedPixelCNN(
        *(11, 6, 3), kernel_size=5, head_channels=9, num_classes=2, spatial_channels=3
    ).double()
    uniforms, classes = map_uniforms(0, range(3), 5, 7), torch.tensor([1, 0, 1])
    spatial, given = torch.randn(3, 3, 5, 7), torch.full((3, 5, 7), -1)
    given[0, :2] = given[1, 3, 4] = 7
    expected = sample_pixelcnn(model, uniforms, classes, spatial, given=given, **choice)
    called = []
    for name in ("begin_row", "step"):
        method = getattr(CachedSteps, name)
        monkeypatch.setattr(CachedSteps, name, lambda self, m=method: called.append(m(self)))
    model.to("cuda")
    for _ in range(2):
        found = sample_pixelcnn(model, uniforms, classes, spatial, given=given, **choice)
        assert torch.equal(found, expected)
    assert len(called) == 2 * 4  # of each call, both to warm up and both to record
