"""ONNX files of a model: they compute what torch computes, in a process without torch too."""

import importlib.util
import runpy
import shutil
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import torch
from small_priors import save_model

from vqspeech.audio.features import LogMel
from vqspeech.audio.mulaw import mulaw_decode
from vqspeech.audio.waveform import read_waveform
from vqspeech.checkpoint import load_json, verify_folder
from vqspeech.errors import InputError, MissingError, UsageError, WriteError
from vqspeech.generation.uniforms import uniforms
from vqspeech.generation.vocoder import vocode
from vqspeech.generation.voice import load_voice
from vqspeech.generation.wavenet_torch import sample_wavenet
from vqspeech.models.onnx_decoder import DecoderStep
from vqspeech.models.onnx_encoder import RealLogMel, WaveformToCodes
from vqspeech.stages import export_onnx as stage
from vqspeech.stages import onnx_comparison
from vqspeech.stages.demo import packaged_recording
from vqspeech.stages.export_onnx import export_onnx
from vqspeech.stages.onnx_comparison import Comparison, compare, open_session

LOG_MEL = {"kind": "log_mel", "num_mels": 20, "mel_hop": 80, "strides": [2], "channels": 8}
GROUPS = {"num_codes": 16, "dim": 4, "groups": 2}


LAGS = {"acoustic_bands": 20, "lag_taps": 2}  # of the decoder
MODELS = {
    "plain": ({"sample_rate": 8000}, {}),
    "everything": ({"sample_rate": 8000, "encoder": LOG_MEL, "quantizer": GROUPS}, LAGS),
}


@pytest.fixture
def build(make_model, speech):
    """A function that builds a model of `MODELS`, whose codes and acoustics differ by frame."""

    def build(name):
        changes, more = MODELS[name]
        decoder = make_model().settings.decoder.model_dump() | more
        model = make_model(**changes, decoder=decoder)
        decoder, codebook = model.decoder, model.quantizer.codebook  # (G, K, d)
        with torch.no_grad():
            encoded = model.encode(torch.from_numpy(speech)[None])[0]  # (L, D)
            encoded = encoded[: codebook.shape[1]].unflatten(1, (len(codebook), -1))
            codebook.copy_(encoded.transpose(0, 1))
            if name == "everything":
                decoder.wavenet.lag_weight.normal_()
                # Half of the frames voiced, pitches of two octaves.
                codes = model.codes(torch.from_numpy(speech)[None])
                row = decoder.speaker(torch.tensor([1]))
                local = decoder.local(model.latents(codes), row).relu()
                predict = decoder.acoustics.predict
                spread, mean = torch.std_mean(predict(local)[0], 1)
                predict.weight.div_(spread[:, None, None])
                predict.bias.sub_(mean).div_(spread)
        return model

    return build


@pytest.fixture(scope="module")
def exported():
    return {}


@pytest.fixture
def files(build, exported, tmp_path_factory):
    """A function that exports a model of `MODELS` once: its voice and its folder."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")

    def export(name):
        if name not in exported:
            place = tmp_path_factory.mktemp(name)
            path = save_model(place / "model", build(name), temperature=0.7)
            exported[name] = load_voice(path), export_onnx(path, place / "onnx")[0]
        return exported[name]

    return export


@pytest.fixture
def speech():
    """A person's, half a second at 8 kHz."""
    return read_waveform(packaged_recording(), 8000).samples[8000:12000]


def run_file(folder, name, **inputs):
    return open_session((folder / f"{name}.onnx").read_bytes()).run(None, inputs)


def load_example(folder):
    """The module that stands beside the files."""
    spec = importlib.util.spec_from_file_location("convert", folder / "convert.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("rate", "hop", "sizes"),
    [(8000, 80, {}), (16000, 160, {}), (16000, 4, {"window": 31, "n_fft": 64}), (16000, 512, {})],
)
def test_log_mel_without_complex_numbers_is_log_mel(rate, hop, sizes):
    log_mel = LogMel(rate, hop=hop, num_mels=20, **sizes)
    waveform = torch.randn(2, 12 * hop, generator=torch.Generator().manual_seed(0)) / 10
    waveform[1, 5 * hop :] = 0
    torch.testing.assert_close(RealLogMel(log_mel)(waveform), log_mel(waveform), atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    "changes", [{}, {"encoder": LOG_MEL}, {"quantizer": GROUPS}], ids=["plain", "mel", "groups"]
)
def test_codes_and_steps_without_onnx_are_those_of_the_model(make_model, changes):
    model = make_model(**changes)
    torch.nn.init.normal_(model.quantizer.codebook)
    with torch.no_grad():
        waveform = torch.randn(2, 20 * model.hop)
        assert torch.equal(WaveformToCodes(model)(waveform), model.codes(waveform))
    assert len(model.codes(waveform).unique()) > 2


def test_the_step_with_its_state_outside_is_the_column_of_the_whole_signal(make_model):
    net = make_model().decoder.wavenet
    levels = torch.randint(0, 256, (2, 16))
    local, global_ = torch.randn(2, net.local_channels, 1), torch.randn(2, net.global_channels)
    step, history = DecoderStep(net), {}
    with torch.no_grad():
        wanted = net(levels, local, global_)  # (B, K, T), T = one frame of 16
        condition = net.condition(local, global_)[:, 0]
        nothing = torch.zeros(2, net.residual_channels)
        for t in range(16):
            past = [
                history[t - d][:, i] if t >= d else nothing for i, d in enumerate(net.dilations)
            ]
            level = levels[:, t - 1] if t else torch.full((2,), net.num_classes)
            logits, history[t] = step(level, torch.stack(past, 1), condition)
            torch.testing.assert_close(logits, wanted[..., t], atol=1e-5, rtol=1e-5)


def test_the_step_given_the_levels_of_a_period_ago_is_the_column_of_the_whole_signal(build):
    net = build("everything").decoder.wavenet
    step, taps, lags = DecoderStep(net), net.lag_taps, (7, 0, 30)
    levels = torch.randint(0, 256, (1, 3 * net.hop), generator=torch.Generator().manual_seed(0))
    local = torch.cat([torch.randn(1, net.local_channels, 3), torch.tensor([[lags]]).float()], 1)
    who, history = torch.randn(1, net.global_channels), {}
    nothing = torch.zeros(1, net.residual_channels)
    with torch.no_grad():
        wanted = net(levels, local, who)  # (1, K, T)
        condition = net.condition(local, who)
        for t in range(levels.shape[1]):
            past = [
                history[t - d][:, i] if t >= d else nothing for i, d in enumerate(net.dilations)
            ]
            lag = lags[t // net.hop]
            places = range(t - lag - taps, t - lag + taps + 1)
            before = [
                (2 * int(levels[0, i]) - 255) / 256 if lag and i >= 0 else 0.0 for i in places
            ]
            logits, history[t] = step(
                levels[:, t - 1] if t else torch.tensor([256]),
                *(torch.stack(past, 1), condition[:, t // net.hop], torch.tensor([before])),
            )
            torch.testing.assert_close(logits, wanted[..., t], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", MODELS)
def test_the_files_give_the_codes_of_a_persons_speech_of_any_length(files, name):
    voice, folder = files(name)
    verify_folder(folder)
    session = open_session((folder / "encoder.onnx").read_bytes())
    speech = read_waveform(packaged_recording(), voice.sample_rate).samples
    for frames in (1, 7, 100):
        part = speech[8000 : 8000 + frames * voice.hop]
        (codes,) = session.run(None, {"waveform": part[None]})
        assert codes[0].tolist() == voice.encode(part).tolist()
    found = load_json(folder / "config.json")["against_torch"]
    shares = ["equal_codes", "equal_lags"][: 1 + (name == "everything")]
    assert [found.pop(share) for share in shares] == [1.0] * len(shares)
    assert len(found) == 2 + (name == "everything")
    assert max(found.values()) < 1e-4


def test_lags_and_acoustics_of_the_files_are_those_of_the_model(files, speech):
    voice, folder = files("everything")
    codes = torch.from_numpy(voice.encode(speech))[None].repeat(2, 1, 1)
    codes[1] = codes[1].flip(0)
    speaker, decoder = torch.tensor([0, 1]), voice.model.decoder
    with torch.no_grad():
        local, row = decoder.conditions(voice.model.latents(codes), speaker)
        told = decoder.tell_acoustics(local)
        frames, lags = decoder.wavenet.condition(local, row), decoder.wavenet.lags(local)
    assert len(lags[lags > 0].unique()) > 3
    assert (lags == 0).any()
    asked = {"codes": codes.numpy(), "speaker": speaker.numpy()}
    found_frames, found_lags = run_file(folder, "conditions", **asked)
    np.testing.assert_allclose(found_frames, frames, atol=1e-4)
    assert found_lags.tolist() == lags.tolist()
    found = run_file(folder, "acoustics", **asked)
    assert [x.shape for x in found] == [(2, 20, 50), (2, 50), (2, 50)]
    for given, wanted in zip(found, (told.envelope, told.hz, told.voiced), strict=True):
        np.testing.assert_allclose(given, wanted, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", MODELS)
def test_the_example_draws_the_samples_that_torch_draws(files, speech, name):
    voice, folder = files(name)
    waveform = speech[:600]
    codes, decoder = torch.from_numpy(voice.encode(waveform))[None], voice.model.decoder
    with torch.inference_mode():
        told = decoder.conditions(voice.model.latents(codes), torch.tensor([1]))
    if name == "everything":
        assert (decoder.wavenet.lags(told[0]) > 0).any()
    u = torch.from_numpy(uniforms(0, 0, 0, codes.shape[1] * voice.hop))[None]
    wanted = mulaw_decode(sample_wavenet(decoder.wavenet, u, *told, temperature=0.7))[0]
    found = load_example(folder).convert(folder, waveform, "p907")
    np.testing.assert_allclose(found, wanted[:600], atol=1e-6)
    assert np.ptp(found) > 0.1


def test_the_vocoder_of_the_example_is_that_of_the_package(files, speech):
    voice, folder = files("everything")
    codes = torch.from_numpy(voice.encode(speech))[None]
    with torch.inference_mode():
        local, _ = voice.model.decoder.conditions(voice.model.latents(codes), torch.tensor([1]))
        told = voice.model.decoder.tell_acoustics(local)
        envelope, hz = told.envelope[0], told.hz[0]
        voiced = torch.arange(len(hz)).remainder(20).sub(5).clamp(0, 10) / 10
        wanted = vocode(envelope, hz, voiced, 8000, 80, torch.Generator().manual_seed(5))
        noise = torch.randn(len(wanted), generator=torch.Generator().manual_seed(5)).numpy()
    example, config = load_example(folder), load_json(folder / "config.json")
    assert len({float(x) for x in hz.clamp(50, 600)}) > 3
    found = example.vocode(envelope.numpy(), hz.numpy(), voiced.numpy(), noise, config)
    assert wanted.std() > 0.01
    np.testing.assert_allclose(found, wanted, atol=1e-3 * float(wanted.abs().max()))
    spoken = example.convert(folder, speech, "p907", through="vocoder")
    assert spoken.shape == speech.shape
    assert np.abs(spoken).max() <= 1


def test_the_example_converts_a_file_without_torch(files, tmp_path, monkeypatch):
    _, folder = files("plain")
    waveform = (0.2 * np.sin(np.arange(100) / 7)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", waveform, 8000, subtype="FLOAT")
    command = [str(folder / "convert.py"), str(tmp_path / "a.wav"), "p907", str(tmp_path / "b.wav")]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    found, rate = soundfile.read(tmp_path / "b.wav")
    assert (len(found), rate) == (100, 8000)
    assert "torch" not in (folder / "convert.py").read_text()
    assert "vqspeech" not in (folder / "convert.py").read_text()
    monkeypatch.setattr(sys, "argv", [*command, "vocoder"])
    with pytest.raises(SystemExit, match="vocoder: this model speaks through wavenet"):
        runpy.run_path(command[0], run_name="__main__")
    soundfile.write(tmp_path / "a.wav", waveform, 16000)
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit, match="resample it to 8000 Hz"):
        runpy.run_path(command[0], run_name="__main__")


def test_a_file_that_computes_something_else_is_never_written(files, monkeypatch, tmp_path):
    _, folder = files("plain")

    def written_wrong(model):
        with torch.no_grad():
            model.decoder.wavenet.logits.bias += 0.001
        return {path.name: path.read_bytes() for path in folder.glob("*.onnx")}

    monkeypatch.setattr(stage, "_write_parts", written_wrong)
    with pytest.raises(RuntimeError, match="does not compute what torch does"):
        export_onnx(folder.parent / "model", tmp_path / "onnx")
    assert not (tmp_path / "onnx").exists()


def test_each_part_of_the_model_is_compared(files, monkeypatch):
    monkeypatch.setattr(onnx_comparison, "CHECK_STEPS", 80)
    voice, folder = files("everything")
    parts = {path.name: path.read_bytes() for path in folder.glob("*.onnx")}
    decoder = voice.model.decoder

    def compare_with(weight, change):
        values = weight.detach().clone()
        with torch.no_grad():
            weight.add_(change)
            found = compare(voice.model, parts)
            weight.copy_(values)
        return found

    assert compare(voice.model, parts).is_rounding
    found = compare_with(decoder.wavenet.lag_weight, 0.01)
    assert not found.is_rounding
    assert found.logits > 1e-4 > found.conditions
    assert compare_with(decoder.acoustics.predict.bias, 0.3)[3:] < (0.9, 1.0)
    assert compare_with(decoder.acoustics.predict.bias, 0.01).acoustics > 1e-3
    assert not Comparison(1.0, 0.0, 0.0, 0.9, 0.0).is_rounding


def test_what_is_there_is_replaced_only_when_told_and_other_files_never(files, tmp_path):
    _, folder = files("everything")
    model, other = folder.parent / "model", tmp_path / "onnx"
    shutil.copytree(folder, other)
    with pytest.raises(WriteError, match="--overwrite"):
        export_onnx(model, other)
    plain = files("plain")[1].parent / "model"
    export_onnx(plain, other, overwrite=True)
    assert not (other / "acoustics.onnx").exists()
    with pytest.raises(UsageError, match="the model itself"):
        export_onnx(model, model, overwrite=True)
    with pytest.raises(InputError, match="holds a speech-vqvae-onnx"):
        export_onnx(other, tmp_path / "again")
    (other / "thesis.tex").write_text("years of work")
    with pytest.raises(WriteError, match=r"thesis\.tex"):
        export_onnx(model, other, overwrite=True)


def test_without_onnxruntime_the_extra_is_named(make_model, tmp_path, monkeypatch):
    path = save_model(tmp_path / "model", make_model())
    find = stage.importlib.util.find_spec
    hidden = lambda name, *rest: None if name == "onnxruntime" else find(name, *rest)  # noqa: E731
    monkeypatch.setattr(stage.importlib.util, "find_spec", hidden)
    with pytest.raises(MissingError, match=r"needs onnx(runtime)?; pip install 'vqspeech\[onnx\]'"):
        export_onnx(path, tmp_path / "onnx")


@pytest.mark.parametrize("name", MODELS)
def test_the_files_name_every_size_that_their_inputs_have(files, name):
    _, folder = files(name)
    config = load_json(folder / "config.json")
    step = open_session((folder / "decoder_step.onnx").read_bytes())
    shapes = {value.name: value.shape for value in (*step.get_inputs(), *step.get_outputs())}
    layers, width = len(config["dilations"]), config["residual_channels"]
    assert shapes["past"] == ["batch", layers, width]
    assert shapes["now"][1:] == [layers, width]
    assert shapes["condition"] == ["batch", layers, config["gate_channels"]]
    assert shapes["logits"][1:] == [config["levels"]]
    assert config["temperature"] == 0.7
    readme = (folder / "README.md").read_text()
    new = ("a_period_ago", "lags", "lag", "acoustics", "vocoder", "through")
    if name == "plain":
        assert not any(word in text for text in (readme, *config, *shapes) for word in new)
        assert not (folder / "acoustics.onnx").exists()
    else:
        assert shapes["a_period_ago"] == ["batch", 2 * config["lag_taps"] + 1]
        assert (config["longest_lag"], config["through"]) == (160, "wavenet")
        assert config["acoustics"]["bands"] == len(config["acoustics"]["centres"]) == 20
        assert all(f"`{name}`" in readme for name in ("a_period_ago", "lags", "envelope", "voiced"))
