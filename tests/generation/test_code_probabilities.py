"""Probabilities code by code: those of the whole network, and the bits that codes are drawn by."""

import numpy as np
import pytest
import torch

from vqspeech.config.schema import SpeechPriorSettings
from vqspeech.generation.code_probabilities import CodeProbabilities
from vqspeech.generation.wavenet_cpu import CpuStreams
from vqspeech.models.prior import CodeFormat, SpeechPrior


def make_prior(groups):
    torch.manual_seed(0)
    sizes = dict(layers=4, dilation_cycle=3, residual_channels=12, gate_channels=20)
    settings = SpeechPriorSettings(**sizes, skip_channels=14, head_channels=18, speaker_channels=4)
    code_format = CodeFormat(20, groups, 160, 8000, "00112233aabbccdd")
    prior = SpeechPrior(settings, code_format, ("p1", "p2")).eval()
    with torch.no_grad():
        for parameter in prior.wavenet.parameters():
            parameter.mul_(2)
        prior.wavenet.logits.weight.mul_(3)
    return prior


def step_through(prior, speaker, codes):
    probabilities, found = CodeProbabilities(prior, speaker), []
    for code in codes.reshape(-1):
        found.append(probabilities.next())
        probabilities.tell(code)
    return np.array(found)


@pytest.mark.parametrize("groups", [1, 3])
def test_probabilities_are_those_of_the_whole_network(groups):
    prior = make_prior(groups)
    codes = np.random.default_rng(0).integers(0, 20, (40, groups) if groups > 1 else 40)
    for speaker in (0, 2):
        with torch.inference_mode():
            logits = prior.logits(torch.from_numpy(codes)[None], torch.tensor([speaker]))[0].T
        found = step_through(prior, speaker, codes)
        np.testing.assert_allclose(found, logits.double().softmax(-1).numpy(), atol=1e-5)
        np.testing.assert_allclose(found.sum(1), 1, rtol=1e-12)
    assert found.max() > 0.3


@pytest.mark.parametrize("groups", [1, 3])
def test_they_are_to_the_bit_those_of_a_pass_that_is_told_all_codes_among_other_streams(groups):
    prior = make_prior(groups)
    codes = torch.from_numpy(np.random.default_rng(0).integers(0, 20, (3, 40 * groups)))
    local, global_ = prior.conditions(torch.tensor([0, 1, 2]), 40)
    streams = CpuStreams(prior.wavenet, 3, global_)
    logits = np.empty((3, 40 * groups, 20), np.float32)
    streams.advance(torch.zeros(3, 40 * groups), local, given=codes, logits=logits)
    for row in range(3):
        shifted = logits[row].astype(np.float64) - logits[row].max(1, keepdims=True)
        found = step_through(prior, row, codes[row].numpy())
        wanted = np.exp(shifted) / np.exp(shifted).sum(1, keepdims=True)
        np.testing.assert_array_equal(found, wanted)


def test_a_speaker_that_is_no_row_is_refused():
    for speaker in (-1, 3):
        with pytest.raises(ValueError, match="rows 0 to 2"):
            CodeProbabilities(make_prior(1), speaker)
