"""Voices: lengths, random numbers by address, sampling as the model says, unknown speakers."""

import numpy as np
import pytest
import torch

from vqspeech.audio.mulaw import mulaw_encode
from vqspeech.checkpoint import save_folder
from vqspeech.errors import InputError, MissingError, UsageError
from vqspeech.generation import voice as voice_module
from vqspeech.generation import wavenet_torch
from vqspeech.generation.uniforms import uniforms
from vqspeech.generation.voice import Voice, load_voice
from vqspeech.generation.wavenet_torch import sample_wavenet
from vqspeech.models.build import model_config
from vqspeech.nn.sampling import draw
from vqspeech.nn.wavenet import WaveNet


@pytest.fixture
def voice(make_model):
    return Voice(make_model(("p901", "p902", "p907", "p225")), name="exp/vqvae/best")


def sound(samples, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, samples).astype(np.float32)


@pytest.mark.parametrize("samples", [0, 1, 15, 16, 17, 100])
def test_any_length_is_encoded_decoded_and_converted(voice, samples):
    assert voice.hop == 16
    codes = voice.encode(sound(samples))
    assert codes.shape == (-(-samples // 16),)
    assert codes.dtype == np.int64
    assert voice.decode(codes, "p901").shape == (len(codes) * 16,)
    speech = voice.convert(sound(samples), "p901")
    assert speech.shape == (samples,)
    assert speech.dtype == np.float32
    assert np.abs(speech).max(initial=0) <= 1


@pytest.mark.parametrize(
    "encoder",
    [
        {"kind": "waveform", "strides": [4, 4], "channels": 8},
        {"kind": "log_mel", "strides": [2], "channels": 8, "num_mels": 40},
    ],
)
def test_a_long_recording_is_encoded_in_pieces_to_the_same_codes(make_model, monkeypatch, encoder):
    voice = Voice(make_model(encoder=encoder))
    waveform = sound(16000 * 2 + 77)
    monkeypatch.setattr(voice_module, "PIECE_SECONDS", 1e9)
    whole = voice.encode(waveform)
    for seconds in (0.001, 0.1, 0.7):
        monkeypatch.setattr(voice_module, "PIECE_SECONDS", seconds)
        assert np.array_equal(voice.encode(waveform), whole)


def test_conditioning_prepared_in_runs_of_frames_changes_no_sample(voice, monkeypatch):
    voice.model.double()
    codes = np.arange(9) % 16
    whole = voice.decode(codes, "p901")
    monkeypatch.setattr(wavenet_torch, "FRAMES", 2)
    assert np.array_equal(voice.decode(codes, "p901"), whole)


def test_each_item_is_handed_over_when_it_is_ready(voice, monkeypatch):
    monkeypatch.setattr(voice_module, "CPU_BATCH", 1)
    taken = {}
    codes = [np.arange(3), np.arange(0), np.arange(5)]
    speech = voice.decode_batch(codes, ["p901"] * 3, done=taken.__setitem__)
    assert list(taken) == [1, 2, 0]
    assert all(np.array_equal(taken[i], speech[i]) for i in range(3))


@pytest.mark.parametrize(
    ("waveform", "message"),
    [
        (np.zeros(10, np.int16), "float samples in"),
        (np.array([0.0, np.nan]), "NaN"),
        (np.zeros((2, 2)), "one channel"),
    ],
)
def test_what_is_no_float_waveform_is_a_callers_mistake(voice, waveform, message):
    with pytest.raises(ValueError, match=message):
        voice.encode(waveform)


def test_codes_of_a_recording_do_not_depend_on_what_follows_it_far_away(voice):
    waveform = sound(400)
    longer = np.concatenate([waveform, sound(400, seed=1)])
    context = 5  # frames that the encoder looks ahead at most
    assert np.array_equal(
        voice.encode(longer)[: 25 - context], voice.encode(waveform)[: 25 - context]
    )


def test_the_same_seed_gives_the_same_speech_and_another_one_does_not(voice):
    codes = np.arange(12) % 16
    first = voice.decode(codes, "p901", seed=3)
    assert np.array_equal(first, voice.decode(codes, "p901", seed=3))
    assert not np.array_equal(first, voice.decode(codes, "p901", seed=4))
    assert not np.array_equal(first, voice.decode(codes, "p907", seed=3))


def test_a_batch_of_several_lengths_equals_one_at_a_time(voice, monkeypatch):
    # In float64, so that the order of a sum cannot tip a draw.
    voice.model.double()
    monkeypatch.setattr(voice_module, "CPU_BATCH", 2)
    codes = [np.arange(n) % 16 for n in (3, 9, 0, 5)]
    speakers = ["p901", "p907", "p902", "p225"]
    together = voice.decode_batch(codes, speakers, seed=1)
    for item, speaker, speech in zip(codes, speakers, together, strict=True):
        assert np.array_equal(speech, voice.decode(item, speaker, seed=1))


def test_sampling_draws_from_the_distribution_that_forward_gives(voice):
    model = voice.model.double()
    codes = torch.arange(6)[None] % 16
    latents, speaker = model.latents(codes), torch.tensor([1])
    u = torch.from_numpy(uniforms(0, 0, 0, 96))[None]
    local, who = model.decoder.conditions(latents, speaker)
    levels = sample_wavenet(model.decoder.wavenet, u, local.detach(), who.detach()).clone()
    logits = model.decoder.wavenet(levels, local, who)
    assert torch.equal(draw(logits.transpose(1, 2), u), levels)


def test_samples_have_the_frequencies_of_the_model():
    torch.manual_seed(0)
    net = WaveNet(4, layers=1, residual_channels=4, gate_channels=8, skip_channels=4).eval()
    batch = 4000
    u = torch.rand(batch, 1, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    drawn = sample_wavenet(net, u)[:, 0]
    probabilities = net(torch.zeros(1, 1, dtype=torch.int64))[0, :, 0].softmax(0)
    shares = torch.bincount(drawn, minlength=4) / batch
    torch.testing.assert_close(shares, probabilities.detach(), atol=0.03, rtol=0)


def test_temperature_0_is_the_likeliest_level_whatever_the_seed(voice):
    codes = np.arange(4)
    speech = [voice.decode(codes, "p901", seed=s, temperature=0.0) for s in (0, 1)]
    assert np.array_equal(*speech)


def test_a_random_number_is_a_function_of_its_address():
    whole = uniforms(5, 2, 0, 1000)
    for start in (0, 1, 3, 4, 517):
        assert np.array_equal(uniforms(5, 2, start, 100), whole[start : start + 100])
    assert not np.array_equal(uniforms(5, 3, 0, 1000), whole)
    assert not np.array_equal(uniforms(6, 2, 0, 1000), whole)
    assert 0 <= whole.min() < 0.01 < 0.99 < whole.max() < 1
    assert abs(whole.mean() - 0.5) < 0.03


def test_decoding_equals_mulaw_of_what_it_would_encode_to(voice):
    speech = voice.decode(np.arange(4), "p901")
    levels = mulaw_encode(torch.from_numpy(speech))
    assert set(levels.tolist()) <= set(range(256))
    assert len(np.unique(speech)) > 8


def test_an_unknown_speaker_is_told_the_nearest(voice):
    assert voice.speaker_index("901") == voice.speaker_index("p901") == 0
    with pytest.raises(UsageError, match=r"p903: not one of the 4 speakers.*close: p90") as caught:
        voice.convert(sound(10), "p903")
    assert caught.value.exit_code == 2
    assert "egs" not in str(caught.value)


def test_a_vctk_speaker_is_told_the_recipe_that_makes_one(voice):
    with pytest.raises(UsageError, match=r"egs/vctk/run\.sh .* --model egs/vctk/exp/vqvae/best"):
        voice.decode([1], "p226")


@pytest.mark.parametrize(
    ("codes", "message"),
    [([0, 16], "from 0 to 16.*has 16 codes"), ([-1], "from -1"), ([[1, 2]], r"shape \(1, 2\)")],
)
def test_codes_the_model_does_not_have_are_refused(voice, codes, message):
    with pytest.raises(InputError, match=message):
        voice.decode(codes, "p901")


def test_a_voice_is_loaded_by_path_and_missing_ones_are_explained(
    make_model, tmp_path, monkeypatch
):
    model = make_model()
    files = {"config.json": model_config(model), "model.safetensors": model.state_dict()}
    save_folder(tmp_path / "model", files)
    loaded = load_voice(tmp_path / "model")
    assert loaded.sample_rate == 16000
    assert np.array_equal(loaded.encode(sound(64)), Voice(model).encode(sound(64)))
    monkeypatch.setattr(voice_module, "packaged_models", dict)
    with pytest.raises(MissingError, match=r"egs/mini/run\.sh trains one"):
        load_voice()
    with pytest.raises(InputError, match="no such folder"):
        load_voice(tmp_path / "nothing")


@pytest.fixture
def sounding(make_model):
    """A model with an acoustic head."""
    sizes = make_model().settings.decoder.model_dump() | {"acoustic_bands": 20, "lag_taps": 1}
    return make_model(
        sample_rate=8000, decoder=sizes, encoder={"kind": "waveform", "strides": [8, 10]}
    )


def test_the_vocoder_says_the_same_codes_in_the_same_time(sounding):
    voice = Voice(sounding, through="vocoder")
    waveform = sound(1000)
    codes = voice.encode(waveform)
    assert voice.convert(waveform, "p901").shape == (1000,)
    said, ready = [], []
    many = voice.decode_batch(
        [codes, codes[:3], codes[:0]],
        ["p901", "p907", "p907"],
        progress=lambda *counts: said.append(counts),
        done=lambda i, waveform: ready.append((i, len(waveform))),
    )
    assert [len(x) for x in many] == [13 * 80, 3 * 80, 0]
    assert sorted(ready) == [(0, 13 * 80), (1, 3 * 80), (2, 0)]
    assert said[-1] == (16 * 80, 16 * 80)
    assert np.array_equal(many[0], voice.decode(codes, "p901"))
    assert not np.array_equal(many[0], voice.decode(codes, "p907"))
    assert not np.array_equal(many[0], voice.decode(codes, "p901", seed=1))
    assert np.abs(many[0]).max() <= 1
    voice.speak_through("wavenet")
    assert not np.array_equal(many[0], voice.decode(codes, "p901"))


def test_what_cannot_be_spoken_through_is_refused(voice, sounding, tmp_path):
    with pytest.raises(UsageError, match=r"--through vocoder: .*\.acoustic_bands"):
        voice.speak_through("vocoder")
    with pytest.raises(UsageError, match="--through flute: wavenet or vocoder"):
        Voice(sounding, through="flute")
    for through in ("vocoder", "flute"):
        files = {
            "config.json": model_config(sounding, through=through),
            "model.safetensors": sounding.state_dict(),
        }
        save_folder(tmp_path / through, files)
    assert load_voice(tmp_path / "vocoder").through == "vocoder"
    with pytest.raises(InputError, match="through flute"):
        load_voice(tmp_path / "flute")
