"""The guide: its target is the spectrum of the frame, its gradient reaches encoder and codes."""

import pytest
import torch

from vqspeech.audio.features import LONGEST_HOP_SECONDS
from vqspeech.models.spectrum_guide import NEIGHBOR_WEIGHT, SpectrumGuide

MELS = {"guide_mels": 20}


def speech(batch=2, samples=960, seed=0):
    return torch.randn(batch, samples, generator=torch.Generator().manual_seed(seed)) * 0.2


@pytest.mark.parametrize(("hop", "rate"), [(64, 16000), (160, 8000), (640, 16000), (7, 8000)])
def test_whole_spectra_fall_on_every_frame(hop, rate):
    guide = SpectrumGuide(8, hop, rate, 20)
    assert guide.spectra * guide.log_mel.hop == hop
    assert guide.log_mel.hop <= LONGEST_HOP_SECONDS * rate
    assert guide(torch.zeros(2, 8, 6), torch.zeros(2, 6 * hop)).shape == ()


def test_the_error_is_that_of_a_prediction_worked_by_hand():
    guide = SpectrumGuide(4, 320, 16000, 20)  # two spectra a frame
    waveform, conditions = speech(), speech(2, 12).view(2, 4, 3)
    mel = guide.log_mel(waveform)  # (2, 20, 6)
    outputs = guide.predict(conditions.relu())  # (2, 40, 3)
    total = 0.0
    for band in range(20):
        for frame in range(6):
            value = outputs[:, band * 2 + frame % 2, frame // 2]
            total += (value - mel[:, band, frame]).abs().sum()
    torch.testing.assert_close(guide(conditions, waveform), total / (2 * 20 * 6))


def test_frames_after_the_end_do_not_count():
    guide = SpectrumGuide(4, 320, 16000, 20)
    waveform, conditions = speech(), speech(2, 12).view(2, 4, 3)
    lengths = torch.tensor([960, 320])
    errors = [guide(conditions[i : i + 1], waveform[i : i + 1]) for i in (0, 1)]
    part = guide(conditions[1:, :, :1], waveform[1:, :320])
    both = guide(conditions, waveform, lengths)
    # The last window of the first frame hears what follows; so it is not quite `part`.
    assert abs(both - (errors[0] * 6 + part * 2) / 8) < 0.02
    changed = conditions.clone()
    changed[1, :, 1:] += 9
    torch.testing.assert_close(guide(changed, waveform, lengths), both)


def test_its_gradient_reaches_the_encoder_and_the_conditions_but_not_the_wavenet(make_model):
    model = make_model(**MELS).train()
    waveform, speaker = speech(), torch.tensor([0, 1])
    output = model.quantize(waveform)
    assert output.likelihood.elements.tolist() == [0, 0]
    model.guide_losses(output, waveform, speaker)["guide"].backward()
    assert all(p.grad.any() for p in model.encoder.parameters() if p.dim() > 1)
    assert model.decoder.speaker.weight.grad.any()
    assert all(p.grad is None for p in model.decoder.wavenet.parameters())


def test_without_the_setting_there_is_none_and_the_likelihood_is_the_same(make_model):
    plain, guided = make_model(), make_model(**MELS)
    assert plain.guide is None
    waveform, speaker = speech(), torch.tensor([0, 1])
    guided.load_state_dict(plain.state_dict(), strict=False)
    nats = [m.score(waveform, speaker).likelihood.nats for m in (plain, guided)]
    assert torch.equal(*nats)


def test_neighbours_are_predicted_too_and_count_less():
    guide = SpectrumGuide(4, 320, 16000, 20, reach=1)
    waveform, conditions = speech(), speech(2, 12).view(2, 4, 3)
    mel = guide.log_mel(waveform).unflatten(2, (3, 2))  # (2, 20, frame, spectrum)
    outputs = guide.predict(conditions.relu()).view(2, 3, 20, 2, 3)  # before, own, after

    def error(place, told, heard):
        """Of what frame `told` says of the spectra of frame `heard`."""
        return (outputs[:, place, :, :, told] - mel[:, :, heard]).abs().mean()

    before = (error(0, 1, 0) + error(0, 2, 1)) / 2
    own = (error(1, 0, 0) + error(1, 1, 1) + error(1, 2, 2)) / 3
    after = (error(2, 0, 1) + error(2, 1, 2)) / 2
    torch.testing.assert_close(
        guide(conditions, waveform), own + NEIGHBOR_WEIGHT * (before + after)
    )


def test_a_neighbour_after_the_end_does_not_count():
    guide = SpectrumGuide(4, 320, 16000, 20, reach=1)
    conditions = speech(1, 12).view(1, 4, 3)
    waveform, other = speech(1), speech(1)
    other[:, 640 + 400 :] = 0  # windows reach 176 samples beyond their frame
    lengths = torch.tensor([640])
    torch.testing.assert_close(
        guide(conditions, waveform, lengths), guide(conditions, other, lengths)
    )
    assert torch.isfinite(guide(conditions[..., :1], waveform[:, :320]))  # no neighbour at all


def test_a_louder_target_costs_as_much_as_the_level_weighs():
    guide = SpectrumGuide(4, 320, 16000, 20, level_weight=0.25)
    plain = SpectrumGuide(4, 320, 16000, 20)
    waveform = speech()
    with torch.no_grad():
        for one in (guide, plain):
            one.predict.weight.zero_()
        # What is predicted everywhere: the mean of each band, so that shapes nearly fit.
        plain.predict.bias.copy_(plain.log_mel(waveform).mean((0, 2)).repeat_interleave(2))
        guide.predict.bias.copy_(plain.predict.bias)
    conditions = torch.zeros(2, 4, 3)
    soft = plain.predict.bias.clone()
    costs = {}
    for name, one in (("weighted", guide), ("plain", plain)):
        for step in (10.0, 20.0):
            with torch.no_grad():
                one.predict.bias.copy_(soft + step)
            costs[name, step] = one(conditions, waveform).item()
    assert costs["plain", 20.0] - costs["plain", 10.0] == pytest.approx(10, rel=1e-4)
    assert costs["weighted", 20.0] - costs["weighted", 10.0] == pytest.approx(2.5, rel=1e-4)
