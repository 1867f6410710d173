"""Codes and speech as files: nothing is lost, mixed up, or found out too late."""

import json
import os
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from vqspeech.audio.waveform import read_waveform, write_waveform
from vqspeech.checkpoint import save_folder
from vqspeech.data.code_file import load_codes, save_codes
from vqspeech.errors import BusyError, InputError, UsageError, WriteError
from vqspeech.files import TEMPORARY, path_lock
from vqspeech.generation.voice import Voice
from vqspeech.models.build import model_config
from vqspeech.stages.convert import convert_files, decode_file
from vqspeech.stages.encode import data_dir_among, encode_data_dir, encode_files, hash_model


@pytest.fixture
def voice(make_model):
    return Voice(make_model(), name="tiny")


@pytest.fixture
def recordings(tmp_path):
    paths = [tmp_path / folder / "ok.wav" for folder in ("a", "b")]
    for number, path in enumerate(paths, start=1):
        tone = 0.3 * np.sin(np.arange(500 * number) / 20)
        write_waveform(path, tone.astype(np.float32), 16000)
    return paths


@pytest.fixture
def code_file(voice, recordings, tmp_path):
    encode_files(voice, recordings[:1], tmp_path / "codes", model_hash="abc")
    return tmp_path / "codes" / "ok.npz"


def refuse_to_work(voice, monkeypatch):
    for name in ("encode", "decode_batch"):
        monkeypatch.setattr(voice, name, lambda *a, **k: pytest.fail("worked before checking"))


def test_two_recordings_of_one_name_are_refused_before_any_work(
    voice, recordings, tmp_path, monkeypatch
):
    refuse_to_work(voice, monkeypatch)
    with pytest.raises(UsageError, match=r"ok\.npz: two recordings of the same name"):
        encode_files(voice, recordings, tmp_path / "out")
    with pytest.raises(UsageError, match=r"ok-p901\.wav: two recordings of the same name"):
        convert_files(voice, recordings, ["p901"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_codes_that_are_there_are_replaced_only_when_told(voice, code_file, recordings, tmp_path):
    with pytest.raises(WriteError, match=r"ok\.npz: is there already; give --overwrite"):
        encode_files(voice, recordings[1:], tmp_path / "codes")
    assert load_codes(code_file).samples == 500
    encode_files(voice, recordings[1:], tmp_path / "codes", overwrite=True)
    assert load_codes(code_file).samples == 1000


def test_what_cannot_be_written_is_refused_before_any_work(
    voice, code_file, recordings, tmp_path, monkeypatch
):
    refuse_to_work(voice, monkeypatch)
    (tmp_path / "x.wav").mkdir()
    source = recordings[0]
    for out, message in [
        (f"{source}/sub", "is a file, a folder was wanted"),
        (tmp_path / ("é" * 130 + ".wav"), "name"),
    ]:
        with pytest.raises(WriteError, match=message):
            convert_files(voice, [source], ["p901"], out)
    with pytest.raises(WriteError, match=r"x\.wav: is a folder, a file was wanted"):
        decode_file(voice, code_file, "p901", tmp_path / "x.wav", overwrite=True)
    with pytest.raises(WriteError, match="is a file, a folder was wanted"):
        encode_files(voice, [source], source)


def test_the_same_source_and_speaker_twice_is_one_conversion(voice, recordings, tmp_path):
    link = tmp_path / "link.wav"
    os.symlink(recordings[0], link)
    written, failures = convert_files(
        voice, [recordings[0], link], ["p901", "901"], tmp_path / "one.wav"
    )
    assert [item.path for item in written] == [tmp_path / "one.wav"]
    assert failures == []


def test_each_conversion_is_written_as_soon_as_it_is_done(voice, recordings, tmp_path, monkeypatch):
    monkeypatch.setattr("vqspeech.generation.voice.CPU_BATCH", 1)
    sources = [recordings[0], recordings[1].rename(tmp_path / "longer.wav")]

    def interrupt(done, total):
        if done > 1008:  # samples of the longer one, which is drawn first
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert_files(voice, sources, ["p901"], tmp_path / "out", progress=interrupt)
    assert os.listdir(tmp_path / "out") == ["longer-p901.wav"]
    assert len(read_waveform(tmp_path / "out" / "longer-p901.wav").samples) == 1000


@pytest.mark.parametrize("command", ["convert", "decode"])
def test_standard_output_gets_the_bytes_of_the_file(
    voice, code_file, recordings, tmp_path, monkeypatch, command
):
    class Pipe:
        content = b""

        def write(self, part):
            self.content += part

        def flush(self):
            pass

    monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=Pipe()))
    if command == "convert":
        convert_files(voice, recordings[:1], ["p901"], "-")
        convert_files(voice, recordings[:1], ["p901"], tmp_path / "x.wav")
    else:
        decode_file(voice, code_file, "p901", "-")
        decode_file(voice, code_file, "p901", tmp_path / "x.wav")
    assert sys.stdout.buffer.content == (tmp_path / "x.wav").read_bytes()


@pytest.mark.parametrize("file_format", ["npz", "jsonl"])
def test_codes_of_another_model_are_refused(voice, recordings, tmp_path, file_format):
    encode_files(voice, recordings[:1], tmp_path, model_hash="abc", file_format=file_format)
    codes, out = tmp_path / f"ok.{file_format}", tmp_path / "out.wav"
    message = r"ok\.\w+: made by tiny \(abc\), not by tiny \(xyz\); give the model that made"
    with pytest.raises(InputError, match=message):
        decode_file(voice, codes, "p901", out, model_hash="xyz")
    decode_file(voice, codes, "p901", out, model_hash="abc")
    save_codes(codes, load_codes(codes)._replace(model_hash=""))
    decode_file(voice, codes, "p901", out, model_hash="xyz", overwrite=True)


def test_a_model_is_known_by_its_average_or_its_weights_whatever_else_a_checkpoint_holds(
    make_model, tmp_path
):
    model, other = make_model(), make_model(seed=1)
    config, weights = model_config(model), model.state_dict()
    folders = {
        "shared": {"config.json": config, "model.safetensors": weights},
        "checkpoint": {
            "config.json": config,
            "model.safetensors": other.state_dict(),
            "average.safetensors": weights,
            "state.json": {"step": 3},
        },
        "other": {"config.json": config, "model.safetensors": other.state_dict()},
        "annotated": {"config.json": {**config, "a": 1}, "model.safetensors": weights},
    }
    for name, files in folders.items():
        save_folder(tmp_path / name, files)
    hashes = {name: hash_model(tmp_path / name) for name in folders}
    assert hashes["shared"] == hashes["checkpoint"] == hashes["annotated"]
    assert hashes["shared"] != hashes["other"]


def flip(content):
    return bytes(byte ^ (place % 50 == 49) for place, byte in enumerate(content))


def change(path, **facts):
    save_codes(path, load_codes(path)._replace(**facts))


DAMAGE = {
    "truncated": lambda p: p.write_bytes(p.read_bytes()[:-30]),
    "flipped": lambda p: p.write_bytes(flip(p.read_bytes())),
    "more samples": lambda p: change(p, samples=513),
    "fewer samples": lambda p: change(p, samples=496),
    "half a sample": lambda p: change(p, samples=500.0),
    "another shape": lambda p: change(p, codes=np.zeros((32, 2), int)),
    "other codes": lambda p: change(p, codes=np.full(32, 16)),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_of_codes_is_named(voice, code_file, tmp_path, damage):
    DAMAGE[damage](code_file)
    with pytest.raises(InputError, match=r"codes/ok\.npz: "):
        decode_file(voice, code_file, "p901", tmp_path / "out.wav")


@pytest.mark.parametrize(
    "line", ["[" * 100_000, "[]", "3", '{"units": [[1], [2, 3]]}', '{"units": 5, "hop": 16}']
)
def test_a_line_of_no_codes_is_named(voice, tmp_path, line):
    (tmp_path / "a.jsonl").write_text(line + "\n")
    with pytest.raises(InputError, match=r"a\.jsonl: holds no codes of 'vqspeech encode'"):
        decode_file(voice, tmp_path / "a.jsonl", "p901", tmp_path / "out.wav")


def test_a_code_directory_never_replaces_other_files(voice, tiny_data, tmp_path, monkeypatch):
    data, out = tiny_data("some"), tmp_path / "codes"
    encode_data_dir(voice, data, out, model_hash="abc")
    before = json.loads((out / "codes.json").read_text())
    encode_data_dir(voice, data, out, model_hash="abd")
    assert json.loads((out / "codes.json").read_text()) == {**before, "model_hash": "abd"}
    refuse_to_work(voice, monkeypatch)
    (out / "text").mkdir(exist_ok=True)
    with pytest.raises(WriteError, match="codes: holds text, which is no file of a code directory"):
        encode_data_dir(voice, data, out, model_hash="abc")
    (out / "text").rmdir()
    (out / ".notes").write_text("mine")
    with pytest.raises(WriteError, match=r"codes: holds \.notes"):
        encode_data_dir(voice, data, out, model_hash="abc")
    assert (out / ".notes").read_text() == "mine"
    with pytest.raises(WriteError, match="Not a directory"):
        encode_data_dir(voice, data, out / "codes.npy", model_hash="abc")


def test_a_code_directory_is_made_by_one_process_where_a_link_points(voice, tiny_data, tmp_path):
    data, out = tiny_data("some"), tmp_path / "codes"
    (tmp_path / "elsewhere").mkdir()
    os.symlink(tmp_path / "elsewhere", out)
    leftover = tmp_path / f"{TEMPORARY}1-2a-elsewhere"
    leftover.mkdir()
    others = tmp_path / f"{TEMPORARY}1-2a-not-elsewhere"
    others.mkdir()
    with path_lock(tmp_path / "elsewhere"), pytest.raises(BusyError, match="in use by pid"):
        encode_data_dir(voice, data, out, model_hash="abc")
    encode_data_dir(voice, data, out, model_hash="abc")
    assert out.is_symlink()
    assert (tmp_path / "elsewhere" / "codes.json").is_file()
    assert not leftover.exists()
    assert others.exists()
    assert not list(tmp_path.glob(".*.lock"))


def test_a_data_directory_is_encoded_alone_and_odd_names_are_bad_input(tmp_path):
    assert data_dir_among([tmp_path]) == tmp_path
    assert data_dir_among([tmp_path / "a.wav", tmp_path / "b.wav"]) is None
    with pytest.raises(UsageError, match="encoded by itself"):
        data_dir_among([tmp_path, tmp_path / "a.wav"])
    with pytest.raises(InputError, match="cannot be opened"):
        data_dir_among([tmp_path / ("x" * 300)])


def test_a_recording_that_cannot_be_read_is_named_before_the_sampler_is_loaded(
    make_model, tmp_path, monkeypatch
):
    voice = Voice(make_model())
    monkeypatch.setattr(voice, "get_ready", lambda: pytest.fail("nothing is to be sampled"))
    written, failures = convert_files(voice, [tmp_path / "none.wav"], ["p901"], tmp_path)
    assert written == []
    assert "none.wav" in failures[0]
