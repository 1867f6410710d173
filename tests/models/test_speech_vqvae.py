"""The speech model: equation 3, where gradients go, lengths, and what a checkpoint brings back."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from vqspeech.audio.mulaw import mulaw_encode
from vqspeech.checkpoint import save_folder
from vqspeech.errors import InputError
from vqspeech.models.build import load_speech_vqvae, model_config
from vqspeech.models.speech import jitter


def speech(batch=2, frames=5, hop=16, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, frames * hop, generator=generator) * 0.2


SPEAKERS = torch.tensor([0, 1])


def test_the_loss_is_equation_3_worked_by_hand(make_model):
    model = make_model(quantizer={"num_codes": 16, "dim": 4, "codebook_update": "gradient"})
    waveform = speech()
    output = model.score(waveform, SPEAKERS)
    losses = model.losses(output)

    z = model.encode(waveform)  # (B, L, D)
    codebook = model.quantizer.codebook[0]
    codes = torch.cdist(z, codebook[None]).argmin(-1)
    e = codebook[codes]
    levels = mulaw_encode(waveform)
    logits = model.decoder.wavenet(levels, *model.decoder.conditions(e.transpose(1, 2), SPEAKERS))
    nll = F.cross_entropy(logits, levels)
    distance = (z - e).pow(2).mean()  # "mean" reduction
    torch.testing.assert_close(losses["nll"], nll)
    torch.testing.assert_close(losses["loss"], nll + 1.25 * distance)
    assert torch.equal(output.quantized.codes, codes)


def test_the_likelihood_gradient_reaches_the_encoder_but_not_the_codebook(make_model):
    model = make_model(quantizer={"num_codes": 16, "dim": 4, "codebook_update": "gradient"})
    model.score(speech(), SPEAKERS).likelihood.nats.sum().backward()
    assert model.quantizer.codebook.grad is None or not model.quantizer.codebook.grad.any()
    assert all(p.grad.any() for p in model.encoder.parameters() if p.dim() > 1)


def test_the_encoder_is_told_no_speaker(make_model):
    model = make_model()
    outputs = [model.score(speech(), torch.tensor(rows)) for rows in ([0, 1], [1, 0])]
    assert torch.equal(outputs[0].encoded, outputs[1].encoded)
    assert not torch.equal(outputs[0].likelihood.nats, outputs[1].likelihood.nats)


def test_samples_beyond_the_length_do_not_count(make_model):
    model = make_model()
    waveform = speech()
    lengths = torch.tensor([80, 50])
    whole = model.score(waveform, SPEAKERS).likelihood
    part = model.score(waveform, SPEAKERS, lengths).likelihood
    assert part.elements.tolist() == [80, 50]
    torch.testing.assert_close(part.nats[0], whole.nats[0])
    latents = model.score(waveform, SPEAKERS).quantized.latents.movedim(-1, 1)
    logits = model.decoder.wavenet(
        mulaw_encode(waveform), *model.decoder.conditions(latents, SPEAKERS)
    )
    expected = F.cross_entropy(logits[1:, :, :50], mulaw_encode(waveform)[1:, :50], reduction="sum")
    torch.testing.assert_close(part.nats[1], expected)


def test_an_untrained_model_knows_about_as_much_as_a_uniform_guess(make_model):
    nll = make_model().score(speech(), SPEAKERS).likelihood.nats_per_element
    assert abs(nll.item() - math.log(256)) < 0.2


@pytest.mark.parametrize(
    ("encoder", "hop"),
    [
        ({"kind": "waveform", "strides": [2] * 6, "channels": 4}, 64),
        ({"kind": "waveform", "strides": [2] * 7, "channels": 4}, 128),
        ({"kind": "waveform", "strides": [2] * 7 + [5], "channels": 4}, 640),
        ({"kind": "log_mel", "strides": [2], "channels": 4, "num_mels": 40}, 320),
    ],
)
def test_the_strides_are_the_rate_of_the_codes(make_model, encoder, hop):
    model = make_model(encoder=encoder)
    assert model.hop == hop
    assert model.code_rate == 16000 / hop
    assert model.codes(torch.zeros(1, 3 * hop)).shape == (1, 3)


def test_groups_give_as_many_codes_a_frame(make_model):
    model = make_model(quantizer={"num_codes": 16, "dim": 4, "groups": 2})
    codes = model.codes(speech())
    assert codes.shape == (2, 5, 2)
    assert model.latents(codes).shape == (2, 4, 5)


def test_jitter_takes_neighbours_as_often_as_asked_and_never_at_evaluation(make_model):
    latents = torch.arange(20_000.0).view(1, -1, 1)
    moved = jitter(latents, 0.12, torch.Generator().manual_seed(0)) - latents
    shares = [float((moved == shift).float().mean()) for shift in (-1, 0, 1)]
    np.testing.assert_allclose(shares, [0.06, 0.88, 0.06], atol=0.01)
    assert jitter(latents[:, :0], 0.5).shape == (1, 0, 1)
    model = make_model(jitter=1.0)
    assert model.disturb(latents) is latents
    assert not torch.equal(model.train().disturb(latents), latents)


def test_a_saved_model_gives_the_same_likelihood(make_model, tmp_path):
    model = make_model()
    files = {"config.json": model_config(model), "model.safetensors": model.state_dict()}
    save_folder(tmp_path / "model", files)
    loaded = load_speech_vqvae(tmp_path / "model")
    assert loaded.speakers == ("p901", "p907")
    assert not loaded.training
    for m in (model, loaded):
        m.nats = m.score(speech(), SPEAKERS).likelihood.nats
    assert torch.equal(model.nats, loaded.nats)


def test_the_running_average_is_what_is_loaded(make_model, tmp_path):
    model, average = make_model(seed=0), make_model(seed=1)
    files = {
        "config.json": model_config(model),
        "model.safetensors": model.state_dict(),
        "average.safetensors": average.state_dict(),
    }
    save_folder(tmp_path / "model", files)
    loaded = load_speech_vqvae(tmp_path / "model")
    assert torch.equal(loaded.decoder.wavenet.taps, average.decoder.wavenet.taps)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "speech-prior"}, "holds a speech-prior, a speech-vqvae was wanted"),
        ({"format": 99}, "format 99, this version reads 2"),
        ({"speakers": []}, "names no speakers"),
        ({"speakers": ["a", "b", "c"]}, r"decoder.speaker.weight is \(2, 4\).*want \(3, 4\)"),
        ({"model": {"encodr": {}}}, "encodr is no setting; did you mean encoder"),
    ],
)
def test_a_folder_that_does_not_fit_is_refused_in_one_line(make_model, tmp_path, change, message):
    model = make_model()
    files = {"config.json": model_config(model) | change, "model.safetensors": model.state_dict()}
    save_folder(tmp_path / "model", files)
    with pytest.raises(InputError, match=message):
        load_speech_vqvae(tmp_path / "model")


def test_weights_that_are_not_finite_are_refused(make_model, tmp_path):
    model = make_model()
    with torch.no_grad():
        model.decoder.wavenet.taps[0, 0, 0] = float("nan")
    files = {"config.json": model_config(model), "model.safetensors": model.state_dict()}
    save_folder(tmp_path / "model", files)
    with pytest.raises(InputError, match=r"decoder.wavenet.taps holds NaN"):
        load_speech_vqvae(tmp_path / "model")


@pytest.mark.parametrize("kind", [{"kind": "waveform", "strides": [4, 4]}, {"kind": "log_mel"}])
def test_an_encoder_gives_vectors_that_spread_over_a_codebook_from_the_start(make_model, kind):
    model = make_model(encoder=kind | {"channels": 8}).train()
    noise = torch.randn(4, 3200, generator=torch.Generator().manual_seed(0))
    waveform = noise * torch.linspace(0.001, 0.3, 3200)  # all of it far from silence and loudness
    vectors = model.encode(waveform).flatten(0, 1)
    torch.testing.assert_close(vectors.mean(0), torch.zeros(4), atol=1e-4, rtol=0)
    torch.testing.assert_close(vectors.std(0), torch.ones(4), atol=0.05, rtol=0)


def test_what_the_decoder_is_told_of_a_frame_depends_on_codes_and_speaker_together(make_model):
    decoder = make_model().decoder
    latents = torch.randn(2, 4, 6, generator=torch.Generator().manual_seed(1))
    told, row = decoder.conditions(latents, torch.tensor([0, 0]))
    other, other_row = decoder.conditions(latents, torch.tensor([1, 1]))
    assert told.shape == (2, 8, 6)
    assert torch.equal(row, decoder.speaker.weight[[0, 0]])
    assert not torch.equal(row, other_row)
    # Not a constant offset: through the convolutions the speaker changes what a code means.
    assert (told - other).std(2).max() > 1e-3


def test_training_may_hear_another_waveform_than_it_predicts(make_model):
    model = make_model()
    waveform, heard = speech(), speech(seed=5)
    output = model.score(waveform, SPEAKERS, heard=heard)
    assert torch.equal(output.encoded, model.encode(heard))
    latents = output.quantized.latents.movedim(-1, 1)
    expected = model.decoder.nll(mulaw_encode(waveform), latents, SPEAKERS)
    torch.testing.assert_close(output.likelihood.nats, expected.nats)


def test_weights_of_16_bits_load_as_float32(make_model, tmp_path):
    model = make_model()
    halves = {k: v.half() if v.is_floating_point() else v for k, v in model.state_dict().items()}
    save_folder(tmp_path / "m", {"config.json": model_config(model), "model.safetensors": halves})
    loaded = load_speech_vqvae(tmp_path / "m")
    for name, value in loaded.state_dict().items():
        assert value.dtype == model.state_dict()[name].dtype
        assert torch.equal(value, halves[name].to(value.dtype))
