"""ONNX files of a model: they compute what torch computes, in a process without torch too."""

import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import torch
from small_priors import save_model

from vqspeech.audio.features import LogMel
from vqspeech.audio.waveform import read_waveform
from vqspeech.checkpoint import load_json, verify_folder
from vqspeech.errors import InputError, MissingError, UsageError, WriteError
from vqspeech.generation.voice import load_voice
from vqspeech.models.onnx_decoder import DecoderStep
from vqspeech.models.onnx_encoder import RealLogMel, WaveformToCodes
from vqspeech.stages import export_onnx as stage
from vqspeech.stages.demo import packaged_recording
from vqspeech.stages.export_onnx import export_onnx, open_session

LOG_MEL = {"kind": "log_mel", "num_mels": 20, "mel_hop": 80, "strides": [2], "channels": 8}
GROUPS = {"num_codes": 16, "dim": 4, "groups": 2}


@pytest.fixture
def files(make_model, tmp_path):
    """A function that exports a tiny model: its voice and its folder."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")

    def export(**changes):
        model = make_model(**changes)
        with torch.no_grad():
            model.quantizer.codebook.normal_()  # codes of its own for unlike frames
        path = save_model(tmp_path / "model", model, temperature=0.7)
        return load_voice(path), export_onnx(path, tmp_path / "onnx")[0]

    return export


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


@pytest.mark.parametrize(
    "changes", [{"encoder": LOG_MEL}, {"quantizer": GROUPS}], ids=["mel", "groups"]
)
def test_the_files_give_the_codes_of_a_persons_speech_of_any_length(files, changes):
    voice, folder = files(**changes)
    verify_folder(folder)
    session = open_session((folder / "encoder.onnx").read_bytes())
    speech = read_waveform(packaged_recording(), voice.sample_rate).samples
    for frames in (1, 7, 300):
        part = speech[8000 : 8000 + frames * voice.hop]
        (codes,) = session.run(None, {"waveform": part[None]})
        assert codes[0].tolist() == voice.encode(part).tolist()
    config = load_json(folder / "config.json")
    assert config["against_torch"]["equal_codes"] == 1.0
    assert max(config["against_torch"][name] for name in ("conditions", "logits")) < 1e-4


def test_the_example_converts_as_the_voice_does_without_torch(files, tmp_path):
    voice, folder = files(sample_rate=8000)
    waveform = (0.2 * np.sin(np.arange(500) / 7)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", waveform, 8000, subtype="FLOAT")
    command = [sys.executable, folder / "convert.py", tmp_path / "a.wav", "p907"]
    done = subprocess.run([*command, tmp_path / "b.wav"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    found, rate = soundfile.read(tmp_path / "b.wav")
    assert (len(found), rate) == (500, 8000)
    np.testing.assert_allclose(found, voice.convert(waveform, "p907"), atol=1 / 32768)
    assert np.ptp(found) > 0.1
    assert "torch" not in (folder / "convert.py").read_text()
    assert "vqspeech" not in (folder / "convert.py").read_text()
    soundfile.write(tmp_path / "a.wav", waveform, 16000)
    done = subprocess.run([*command, tmp_path / "c.wav"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "resample it to 8000 Hz" in done.stderr


def test_a_file_that_computes_something_else_is_never_written(files, monkeypatch, tmp_path):
    write = stage._write_parts

    def written_wrong(model):
        parts = write(model)
        with torch.no_grad():
            model.decoder.wavenet.logits.bias += 0.001
        return parts

    monkeypatch.setattr(stage, "_write_parts", written_wrong)
    with pytest.raises(RuntimeError, match="does not compute what torch does"):
        files()
    assert not (tmp_path / "onnx").exists()


def test_what_is_there_is_replaced_only_when_told_and_other_files_never(files, tmp_path):
    _, folder = files()
    with pytest.raises(WriteError, match="--overwrite"):
        export_onnx(tmp_path / "model", folder)
    export_onnx(tmp_path / "model", folder, overwrite=True)
    with pytest.raises(UsageError, match="the model itself"):
        export_onnx(tmp_path / "model", tmp_path / "model", overwrite=True)
    with pytest.raises(InputError, match="holds a speech-vqvae-onnx"):
        export_onnx(folder, tmp_path / "again")
    (folder / "thesis.tex").write_text("years of work")
    with pytest.raises(WriteError, match=r"thesis\.tex"):
        export_onnx(tmp_path / "model", folder, overwrite=True)


def test_without_onnxruntime_the_extra_is_named(make_model, tmp_path, monkeypatch):
    path = save_model(tmp_path / "model", make_model())
    find = stage.importlib.util.find_spec
    hidden = lambda name, *rest: None if name == "onnxruntime" else find(name, *rest)  # noqa: E731
    monkeypatch.setattr(stage.importlib.util, "find_spec", hidden)
    with pytest.raises(MissingError, match=r"needs onnxruntime; pip install 'vqspeech\[onnx\]'"):
        export_onnx(path, tmp_path / "onnx")


def test_the_files_name_every_size_that_their_inputs_have(files):
    _, folder = files()
    config = json.loads((folder / "config.json").read_text())
    step = open_session((folder / "decoder_step.onnx").read_bytes())
    shapes = {value.name: value.shape for value in (*step.get_inputs(), *step.get_outputs())}
    layers, width = len(config["dilations"]), config["residual_channels"]
    assert shapes["past"] == ["batch", layers, width]
    assert shapes["now"][1:] == [layers, width]
    assert shapes["condition"] == ["batch", layers, config["gate_channels"]]
    assert shapes["logits"][1:] == [config["levels"]]
    assert config["temperature"] == 0.7
