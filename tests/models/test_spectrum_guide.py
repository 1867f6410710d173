"""The guide: its target is the spectrum of the frame, its gradient reaches encoder and codes."""

import pytest
import torch

from vqspeech.models.spectrum_guide import LONGEST_HOP_SECONDS, SpectrumGuide

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
    model.guide_loss(output, waveform, speaker).backward()
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
