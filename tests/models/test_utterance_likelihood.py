"""Likelihoods in pieces: those of one pass, for the waveform and for its codes."""

import pytest
import torch

from vqspeech.audio.mulaw import mulaw_encode
from vqspeech.config.schema import SpeechPriorSettings
from vqspeech.models.prior import CodeFormat, SpeechPrior
from vqspeech.models.utterance_likelihood import code_nats, waveform_nats

HOP = 16  # samples a frame of the tiny model


@pytest.fixture
def model(make_model):
    """A tiny model with a long memory, 1 + 7 * 5 samples: more than two frames."""
    decoder = {"layers": 15, "dilation_cycle": 3, "residual_channels": 8, "gate_channels": 16}
    decoder |= {"skip_channels": 8, "head_channels": 8, "condition_channels": 8}
    model = make_model(decoder=decoder | {"condition_layers": 2, "speaker_channels": 4})
    with torch.no_grad():  # as if trained: what is far back tells much
        for parameter in model.decoder.parameters():
            parameter.mul_(1.5)
    return model


def utterance(model, samples):
    waveform = torch.randn(samples, generator=torch.Generator().manual_seed(0)) * 0.3
    with torch.no_grad():
        return waveform, model.codes(model.pad(waveform[None]))[0]


@pytest.mark.parametrize("samples", [1, 20 * HOP, 20 * HOP + 5])
@pytest.mark.parametrize("frames_a_piece", [1, 3, 7, 100])
def test_a_waveform_in_pieces_has_the_likelihood_of_one_pass(model, samples, frames_a_piece):
    waveform, codes = utterance(model, samples)
    found = waveform_nats(model, waveform, codes, 1, piece_seconds=frames_a_piece / model.code_rate)
    padded, length = model.pad(waveform[None]), torch.tensor([samples])
    with torch.no_grad():
        whole = model.decoder.nll(
            mulaw_encode(padded), model.latents(codes[None]), torch.tensor([1]), length
        )
    assert found.shape == (samples,)
    torch.testing.assert_close(found.sum(), whole.nats[0], rtol=1e-5, atol=0)


def test_each_sample_in_pieces_has_the_nats_it_has_in_one_pass(model):
    waveform, codes = utterance(model, 20 * HOP)
    one, *others = (
        waveform_nats(model, waveform, codes, 0, piece_seconds=frames / model.code_rate)
        for frames in (20, 1, 6)
    )
    for pieces in others:
        torch.testing.assert_close(pieces, one, rtol=1e-4, atol=1e-5)


def test_the_speaker_and_the_codes_are_told(model):
    waveform, codes = utterance(model, 6 * HOP)
    right = waveform_nats(model, waveform, codes, 0).sum()
    assert waveform_nats(model, waveform, codes, 1).sum() != right
    assert waveform_nats(model, waveform, (codes + 1) % 16, 0).sum() != right


def test_codes_of_another_length_are_refused(model):
    waveform, codes = utterance(model, 6 * HOP)
    with pytest.raises(ValueError, match="5 frames of codes for 96 samples, 6 of 16"):
        waveform_nats(model, waveform, codes[:5], 0)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("piece_codes", [2, 5, 1000])
def test_codes_in_pieces_have_the_likelihood_of_one_pass(groups, piece_codes):
    torch.manual_seed(0)
    settings = SpeechPriorSettings(
        layers=6,
        dilation_cycle=2,
        residual_channels=8,
        gate_channels=16,
        skip_channels=8,
        head_channels=8,
        speaker_channels=3,
    )
    prior = SpeechPrior(settings, CodeFormat(7, groups, 64, 16000, "5eed"), ("a", "b")).eval()
    codes = torch.randint(7, (40, groups)[: 1 + (groups > 1)])
    found = code_nats(prior, codes, prior.nobody, piece_codes=piece_codes)
    with torch.no_grad():
        whole = prior.nats(codes[None], torch.tensor([prior.nobody]))[0]
    assert found.shape == (40 * groups,)
    torch.testing.assert_close(found, whole, rtol=1e-4, atol=1e-5)
    assert len(code_nats(prior, codes[:0], 0)) == 0


def test_what_is_heard_at_once_does_not_grow_with_the_length(model, monkeypatch):
    heard = []
    forward = model.decoder.wavenet.forward
    monkeypatch.setattr(
        model.decoder.wavenet,
        "forward",
        lambda tokens, *told: (heard.append(tokens.shape[1]), forward(tokens, *told))[1],
    )
    for frames in (30, 300):
        waveform, codes = utterance(model, frames * HOP)
        waveform_nats(model, waveform, codes, 0, piece_seconds=5 / model.code_rate)
        # Five frames, and three more that hold the receptive field of 36 samples.
        assert max(heard) == (5 + 3) * HOP
    assert len(heard) == 6 + 60
