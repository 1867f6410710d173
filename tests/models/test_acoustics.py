"""The acoustic head: errors worked by hand, what counts, and where the gradient goes."""

import pytest
import torch

from vqspeech.models.acoustics import AcousticHead, Measured

HEAD = {"acoustic_bands": 6, "lag_taps": 2}


def make_head(channels=4):
    torch.manual_seed(0)
    return AcousticHead(channels, 160, 8000, 6)  # two short frames a frame


def measured(batch=2, frames=6, seed=0):
    generator = torch.Generator().manual_seed(seed)
    hz = 100 + 100 * torch.rand(batch, frames, generator=generator)
    hz[:, ::3] = 0
    return Measured(torch.randn(batch, 6, frames, generator=generator), hz)


def test_short_frames_come_in_order_from_the_frame_they_lie_in():
    head = make_head()
    conditions = torch.randn(2, 4, 3)
    told = head(conditions)
    output = head.predict(conditions.relu())  # (2, 8 * 2, 3)
    for n in range(6):
        rows = output[:, n % 2 :: 2, n // 2]
        assert torch.equal(told.envelope[..., n], rows[:, :6])
        assert torch.equal(told.octaves[:, n], rows[:, 6])
        assert torch.equal(told.voicing[:, n], rows[:, 7])
    torch.testing.assert_close(told.hz, 150 * 2**told.octaves)


def test_errors_are_those_worked_by_hand_and_pitch_counts_where_there_is_a_voice():
    head, target = make_head(), measured()
    conditions = torch.randn(2, 4, 3)
    told, errors = head(conditions), head.errors(conditions, target)
    envelope = pitch = voicing = voiced = 0.0
    for b in range(2):
        for n in range(6):
            envelope += (told.envelope[b, :, n] - target.envelope[b, :, n]).abs().mean() / 12
            probability = torch.sigmoid(told.voicing[b, n])
            if target.hz[b, n] > 0:
                pitch += (told.hz[b, n] / target.hz[b, n]).log2().abs()
                voiced += 1
            else:
                probability = 1 - probability
            voicing += -probability.log() / 12
    torch.testing.assert_close(errors["envelope"], envelope)
    torch.testing.assert_close(errors["pitch"], pitch / voiced)
    torch.testing.assert_close(errors["voicing"], voicing)
    torch.testing.assert_close(errors["acoustics"], envelope + 1.0 * pitch / voiced + 0.3 * voicing)


def test_what_lies_after_the_end_does_not_count():
    head, target = make_head(), measured()
    conditions, lengths = torch.randn(2, 4, 3), torch.tensor([480, 170])
    other = conditions.clone()
    other[1, :, 2] += 5
    a, b = (head.errors(x, target, lengths)["acoustics"] for x in (conditions, other))
    assert torch.equal(a, b)
    other[0, :, 2] += 5
    assert head.errors(other, target, lengths)["acoustics"] != a


def test_its_gradient_reaches_codes_and_speakers_but_not_the_wavenet(make_model):
    model = make_model(sample_rate=8000, decoder=make_model().settings.decoder.model_dump() | HEAD)
    model.train()
    waveform = 0.2 * torch.randn(2, 960, generator=torch.Generator().manual_seed(0))
    output = model.quantize(waveform)
    losses = model.guide_losses(output, waveform, torch.tensor([0, 1]))
    assert set(losses) == {"guide", "envelope", "pitch", "voicing"}
    losses["guide"].backward()
    assert all(p.grad.any() for p in model.encoder.parameters() if p.dim() > 1)
    assert model.decoder.speaker.weight.grad.any()
    assert all(p.grad is None for p in model.decoder.wavenet.parameters())


def test_the_wavenet_is_told_the_predicted_period_where_there_is_a_voice(make_model):
    model = make_model(sample_rate=8000, decoder=make_model().settings.decoder.model_dump() | HEAD)
    decoder = model.decoder
    with torch.no_grad():
        decoder.acoustics.predict.weight.zero_()
        decoder.acoustics.predict.bias.zero_()  # 150 Hz
        decoder.acoustics.predict.bias[-decoder.acoustics.spectra :] = 1.0  # voiced
    latents, speaker = torch.randn(1, 4, 5), torch.tensor([0])
    local, _ = decoder.conditions(latents, speaker)
    assert decoder.wavenet.lags(local).tolist() == [[round(8000 / 150)] * 5]
    with torch.no_grad():
        decoder.acoustics.predict.bias[-decoder.acoustics.spectra :] = -1.0
    local, _ = decoder.conditions(latents, speaker)
    assert decoder.wavenet.lags(local).tolist() == [[0] * 5]
    assert decoder.tell_acoustics(local).envelope.shape[1] == 6


def test_a_decoder_without_it_says_so(make_model):
    decoder = make_model().decoder
    with pytest.raises(ValueError, match="acoustic_bands"):
        decoder.tell_acoustics(torch.zeros(1, 8, 3))
