"""Codes of a prior: the same in any batch and piece, and steps of torch as referee."""

import tracemalloc

import numpy as np
import pytest
import torch

from vqspeech.config.schema import SpeechPriorSettings
from vqspeech.generation import code_sampling
from vqspeech.generation.code_sampling import STREAM, sample_codes
from vqspeech.generation.uniforms import uniforms
from vqspeech.generation.wavenet_torch import sample_wavenet
from vqspeech.models.prior import CodeFormat, SpeechPrior


def make_prior(groups=1, speaker_channels=4, num_codes=20):
    """A prior whose codes depend much on those before them and on the speaker."""
    torch.manual_seed(0)
    sizes = dict(layers=4, dilation_cycle=3, residual_channels=12, gate_channels=20)
    settings = SpeechPriorSettings(
        **sizes, skip_channels=14, head_channels=18, speaker_channels=speaker_channels
    )
    code_format = CodeFormat(num_codes, groups, 160, 8000, "00112233aabbccdd")
    prior = SpeechPrior(settings, code_format, ("p1", "p2")).eval()
    with torch.no_grad():
        for parameter in prior.wavenet.parameters():
            parameter.mul_(2)
        prior.wavenet.logits.weight.mul_(3)
    return prior


@pytest.mark.parametrize(("groups", "speaker_channels"), [(1, 4), (2, 0), (3, 4)])
@pytest.mark.parametrize("top_k", [0, 3])
def test_codes_are_those_of_steps_in_torch(groups, speaker_channels, top_k):
    prior = make_prior(groups, speaker_channels)
    rows = [0, 2, 1] if speaker_channels else [0, 0, 0]
    found = sample_codes(prior, 50, rows, seed=7, first=4, temperature=0.8, top_k=top_k)
    u = np.stack([uniforms(7, STREAM + 4 + i, 0, 50 * groups) for i in range(3)])
    conditions = prior.conditions(torch.tensor(rows), 50)
    wanted = sample_wavenet(
        prior.wavenet, torch.from_numpy(u), *conditions, temperature=0.8, top_k=top_k
    )
    shape = (3, 50) if groups == 1 else (3, 50, groups)
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, wanted.numpy().reshape(shape))
    assert len(np.unique(found)) > 5


def test_a_sequence_is_the_same_whatever_is_drawn_beside_it_and_however_it_is_cut(monkeypatch):
    prior = make_prior(groups=2)
    rows = [0, 1, 2, 2, 0]
    together = sample_codes(prior, 40, rows, seed=1)
    assert len({codes.tobytes() for codes in together}) == 5
    np.testing.assert_array_equal(sample_codes(prior, 40, [2, 2], seed=1, first=2), together[2:4])
    monkeypatch.setattr(code_sampling, "BATCH", 2)
    monkeypatch.setattr(code_sampling, "PIECE", 7)
    np.testing.assert_array_equal(sample_codes(prior, 40, rows, seed=1), together)
    np.testing.assert_array_equal(sample_codes(prior, 33, rows, seed=1), together[:, :33])


def test_speaker_and_seed_change_the_codes():
    prior = make_prior()
    codes = sample_codes(prior, 60, [0], seed=1)
    assert (sample_codes(prior, 60, [1], seed=1) != codes).any()
    assert (sample_codes(prior, 60, [0], seed=2) != codes).any()


@pytest.mark.parametrize("groups", [1, 2])
def test_a_prompt_of_what_would_be_drawn_is_gone_on_from_as_if_it_were(groups, monkeypatch):
    prior = make_prior(groups)
    drawn = sample_codes(prior, 45, [1], seed=3)
    monkeypatch.setattr(code_sampling, "PIECE", 10)
    for known in (0, 1, 10, 13, 45):
        again = sample_codes(prior, 45, [1], seed=3, prompt=drawn[0, :known])
        np.testing.assert_array_equal(again, drawn)
    other = (drawn[0, :13] + 1) % 20
    continued = sample_codes(prior, 45, [1], seed=3, prompt=other)[0]
    np.testing.assert_array_equal(continued[:13], other)
    assert (continued[13:] != drawn[0, 13:]).any()


def test_progress_counts_the_codes_of_all_sequences(monkeypatch):
    monkeypatch.setattr(code_sampling, "BATCH", 2)
    told = []
    sample_codes(make_prior(), 300, [0, 0, 0], progress=lambda *now: told.append(now))
    assert told[-1] == (900, 900)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert (600, 900) in told


def test_memory_does_not_grow_with_the_length():
    prior = make_prior()
    sample_codes(prior, 10, [0])  # numba and torch load
    beside = []
    for frames in (1500, 12000):
        tracemalloc.start()
        codes = sample_codes(prior, frames, [0, 1])
        beside.append(tracemalloc.get_traced_memory()[1] - codes.nbytes)
        tracemalloc.stop()
    assert beside[1] < beside[0] + 20_000  # the uniforms of 10,500 more codes are 168 kB


def test_what_does_not_fit_is_refused():
    prior = make_prior()
    for prompt in (np.zeros(6, np.int64), np.zeros((2, 1), np.int64), np.array([20])):
        with pytest.raises(ValueError, match="prompt"):
            sample_codes(prior, 5, [0], prompt=prompt)
    for row in (-1, 3):
        with pytest.raises(ValueError, match="rows 0 to 2"):
            sample_codes(prior, 5, [row])
    with pytest.raises(ValueError, match="temperature"):
        sample_codes(prior, 5, [0], temperature=-1)
    with pytest.raises(ValueError, match="top_k"):
        sample_codes(prior, 5, [0], top_k=-1)


def test_no_frames_and_no_sequences_are_no_codes():
    assert sample_codes(make_prior(), 0, [0]).shape == (1, 0)
    assert sample_codes(make_prior(2), 4, []).shape == (0, 4, 2)
