"""The command line by its exit status, its last line, and what it says of mistakes."""

import io
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile
import torch
import yaml

from vqspeech.audio.waveform import write_waveform

VQSPEECH = (sys.executable, "-m", "vqspeech")
SETTINGS = {
    "model": {
        "encoder": {"kind": "waveform", "strides": [4, 4], "channels": 8, "residual_blocks": 0},
        "quantizer": {"num_codes": 8, "dim": 4},
        "decoder": {"layers": 2, "residual_channels": 4, "gate_channels": 8, "skip_channels": 4},
    },
    "training": {
        "steps": 6,
        "batch_size": 2,
        "crop_seconds": 0.05,
        "log_every": 2,
        "checkpoint_every": 3,
        "threads": 1,
    },
}


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "rec.wav"
    tone = 0.3 * np.sin(np.arange(4800) / 20)
    soundfile.write(path, np.stack([tone, tone], axis=1), 48000)  # 0.1 s, stereo
    return path


def test_help_names_every_command_and_answers_in_six_tenths_of_a_second(run):
    status, out, _ = run("--help")
    assert status == 0
    commands = ("convert", "encode", "decode", "speakers", "models", "prepare", "validate")
    assert all(command in out for command in (*commands, "train", "doctor"))
    spent = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run([*VQSPEECH, "--help"], capture_output=True, check=True)
        spent.append(time.perf_counter() - began)
    assert min(spent) < 1.5  # 0.3 s on a quiet machine; torch alone would take longer than this


def test_version(run):
    assert run("--version") == (0, "vqspeech 0.1.0\n", "")


def test_convert_writes_what_it_says_and_says_what_it_changed(run, model, recording, tmp_path):
    out = tmp_path / "out.wav"
    arguments = ("convert", "--src", recording, "--speaker", "p907", "--model", model, "--out", out)
    status, printed, err = run(*arguments)
    assert status == 0
    assert "rec.wav: 48000 Hz stereo -> 16000 Hz mono" in err
    assert printed.startswith(f"wrote {out}  0.10 s  16000 Hz  p907  ")
    assert "x real time (cpu)" in printed
    info = soundfile.info(out)
    assert (info.frames, info.samplerate, info.channels) == (1600, 16000, 1)
    first = out.read_bytes()
    status, _, err = run(*arguments)
    assert status == 5
    assert "is there already; give --overwrite" in err
    assert run(*arguments, "--overwrite")[0] == 0
    assert out.read_bytes() == first


def test_several_sources_and_speakers_fill_a_folder(run, model, recording, tmp_path):
    other = tmp_path / "other.flac"
    write_waveform(other, np.zeros(500, np.float32), 16000)
    status, out, _ = run(
        *("convert", "--src", recording, "--src", other, "--speaker", "p901", "--speaker", "907"),
        *("--model", model, "--out", tmp_path / "all", "--json"),
    )
    assert status == 0
    names = {"rec-p901.wav", "rec-p907.wav", "other-p901.wav", "other-p907.wav"}
    assert set(os.listdir(tmp_path / "all")) == names
    rows = [json.loads(line) for line in out.splitlines()]
    assert {row["samples"] for row in rows} == {1600, 500}


def test_one_bad_file_of_several_is_named_and_the_rest_is_done(run, model, recording, tmp_path):
    (tmp_path / "bad.wav").write_bytes(b"RIFF but no more than this")
    status, out, err = run(
        *("convert", "--src", tmp_path / "bad.wav", "--src", recording, "--speaker", "p901"),
        *("--model", model, "--out", tmp_path / "all"),
    )
    assert status == 8
    assert out.count("wrote") == 1
    assert "bad.wav: not readable as audio" in err
    assert "1 of 2 recordings failed" in err


def test_standard_output_takes_a_wav(model, recording):
    done = subprocess.run(
        [*VQSPEECH, "convert", "--src", recording, "--speaker", "p901", "--model", model]
        + ["--out", "-"],
        capture_output=True,
        check=True,
    )
    samples, rate = soundfile.read(io.BytesIO(done.stdout))
    assert (len(samples), rate) == (1600, 16000)


def test_encode_then_decode_says_the_codes(run, model, recording, tmp_path):
    for file_format in ("npz", "jsonl"):
        status, out, _ = run(
            *("encode", recording, "--out", tmp_path / "codes", "--model", model),
            *("--format", file_format),
        )
        assert status == 0
        assert "100 frames at 1000 Hz" in out
        target = tmp_path / f"{file_format}.wav"
        codes = tmp_path / "codes" / f"rec.{file_format}"
        status, out, _ = run(
            "decode", codes, "--speaker", "p901", "--out", target, "--model", model
        )
        assert status == 0
        assert soundfile.info(target).frames == 1600
    direct = tmp_path / "direct.wav"
    run("convert", "--src", recording, "--speaker", "p901", "--out", direct, "--model", model)
    assert (tmp_path / "npz.wav").read_bytes() == direct.read_bytes()
    assert (tmp_path / "jsonl.wav").read_bytes() == direct.read_bytes()


def test_a_data_directory_becomes_a_code_directory(run, model, tiny_data, tmp_path):
    from vqspeech.data.codes import read_code_dir

    data = tiny_data("some")
    status, out, _ = run("encode", data, "--out", tmp_path / "codes", "--model", model)
    assert status == 0
    assert "6 utterances" in out
    codes = read_code_dir(tmp_path / "codes")
    assert len(codes) == 6
    assert all(len(codes[name]) == -(-(4000 + 160 * int(name[-1])) // 16) for name in codes)
    assert codes.genders == {"p901": "f", "p907": "m"}


def test_speakers_and_models_are_listed(run, model, tmp_path, monkeypatch):
    status, out, _ = run("speakers", "--model", model)
    assert (status, out) == (0, "p901  f  American\np907  m\n")
    (tmp_path / "exp" / "vqvae").mkdir(parents=True)
    os.symlink(model, tmp_path / "exp" / "vqvae" / "best")
    monkeypatch.chdir(tmp_path)
    status, out, _ = run("models")
    assert status == 0
    assert "exp/vqvae/best  16 kHz  1000 codes/s of 16  2 speakers" in out


def test_training_from_the_command_line_resumes_where_it_ended(run, tiny_data, tmp_path):
    config = tmp_path / "conf.yaml"
    config.write_text(yaml.safe_dump(SETTINGS))
    train, valid = tiny_data("train"), tiny_data("valid")
    arguments = ("train", "vqvae", config, "--train", train, "--valid", valid)
    status, out, err = run(*arguments, "--out", tmp_path / "run")
    assert status == 0
    assert "step 3: valid nll" in err
    assert f"done: {tmp_path}/run/step-00000006" in out
    assert run(*arguments, "--out", tmp_path / "run", "--resume", "never")[0] == 3
    status, out, _ = run(*arguments, "--out", tmp_path / "run", "--set", "training.steps=8")
    assert status == 0
    assert "step-00000008" in out
    resolved = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert resolved["training"]["steps"] == 8
    assert json.loads((tmp_path / "run" / "environment.json").read_text())["packages"]["torch"]
    status, out, _ = run("speakers", "--model", tmp_path / "run")
    assert out == "p901  f\np907  m\n"
    status, out, _ = run("results", tmp_path / "run")
    assert status == 0
    assert out.splitlines()[2].startswith("| run | 8 | ")
    assert run("results", tmp_path)[0] == 3


def test_a_signal_ends_training_with_a_checkpoint(tiny_data, tmp_path):
    config = tmp_path / "conf.yaml"
    config.write_text(yaml.safe_dump(SETTINGS))
    train, valid = tiny_data("train"), tiny_data("valid")
    process = subprocess.Popen(
        [*VQSPEECH, "train", "vqvae", config, "--train", train, "--valid", valid]
        + ["--out", tmp_path / "run", "--set", "training.steps=1000000"],
        stderr=subprocess.PIPE,
        text=True,
    )
    first = process.stderr.readline()
    assert first.startswith("step 1 of 1000000")
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "stopped by SIGTERM" in err
    assert (tmp_path / "run" / "latest" / "MANIFEST.json").exists()


def test_a_signal_ends_a_conversion_and_leaves_no_file(model, tmp_path):
    long = tmp_path / "long.wav"
    write_waveform(long, np.zeros(16000 * 60, np.float32), 16000)
    script = "import vqspeech.cli; print('up', flush=True); vqspeech.cli.main()"
    process = subprocess.Popen(
        [sys.executable, "-c", script, "convert", "--src", long, "--speaker", "p901"]
        + ["--model", model, "--out", tmp_path / "out" / "a.wav"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.readline()
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopped by SIGINT" in err
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()


def test_doctor_finds_what_is_needed(run):
    status, out, _ = run("doctor")
    assert status == 0
    assert "ok  torch" in out
    assert "ok  mini corpus   352 utterances" in out


def test_a_model_is_scored_exported_and_listed_with_its_scores(
    run, model, tiny_data, tmp_path, monkeypatch
):
    data = tiny_data("valid")
    status, out, _ = run("evaluate", "likelihood", data, "--model", model)
    assert status == 0
    assert out.startswith("valid  6 utterances  ")
    assert "swap gap" in out
    status, out, _ = run("evaluate", "likelihood", data, "--model", model, "--json")
    (tmp_path / "scores.json").write_text(out)
    folder = tmp_path / "exp" / "small" / "best"
    command = ("export", "model", model, "--out", folder, "--scores", tmp_path / "scores.json")
    status, out, _ = run(*command)
    assert status == 0
    assert out.startswith(f"wrote {folder}  0.0")
    status, out, _ = run("evaluate", "likelihood", data, "--model", folder)
    bits = json.loads((tmp_path / "scores.json").read_text())[0]["bits"]
    assert f"{bits:.2f}" in out  # 16 bits cost less than a hundredth of a bit
    monkeypatch.chdir(tmp_path)
    status, out, _ = run("models")
    assert f"  on valid: bits a sample {bits:.2f}, swap gap " in out


def test_prepare_at_another_rate(run, tmp_path):
    (tmp_path / "corpus" / "ann").mkdir(parents=True)
    for name in ("1.wav", "2.wav"):
        write_waveform(tmp_path / "corpus" / "ann" / name, np.full(3000, 0.1, np.float32), 22050)
    out = tmp_path / "data"
    command = ("prepare", "folder", tmp_path / "corpus", out, "--sample-rate", 8000)
    status, _, err = run(*command, "--valid", 1, "--test", 0)
    assert status == 0
    assert "22050 Hz mono -> 8000 Hz mono" in err
    assert soundfile.info(next((out / "audio" / "ann").glob("*.wav"))).samplerate == 8000


def test_prepare_folder_and_validate(run, tmp_path):
    for name in ("ann/1.wav", "ann/2.wav", "ben/1.flac", "ben/2.flac"):
        (tmp_path / "corpus" / name).parent.mkdir(parents=True, exist_ok=True)
        write_waveform(tmp_path / "corpus" / name, np.full(3000, 0.1, np.float32), 22050)
    status, out, err = run(
        *("prepare", "folder", tmp_path / "corpus", tmp_path / "data"), *("--valid", 1, "--test", 0)
    )
    assert status == 0
    assert "train  2 utterances" in out
    assert "22050 Hz mono -> 16000 Hz mono" in err
    assert run("validate", tmp_path / "data" / "train")[0] == 0
    (tmp_path / "data" / "train" / "spk2utt").write_text("ann nothing\n")
    status, out, err = run("validate", tmp_path / "data" / "train")
    assert status == 3
    assert "spk2utt:1" in out
    assert "listed above" in err


def test_every_option_of_prepare_reaches_its_corpus(run, tmp_path, monkeypatch):
    for speaker in ("225", "226", "227"):
        for number in (25, 26, 27, 28):
            path = tmp_path / "vctk" / "wav48" / f"p{speaker}" / f"p{speaker}_0{number}.flac"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_waveform(path, np.full(6000, 0.1, np.float32), 48000)
    monkeypatch.setattr("vqspeech.cli.data.MAX_ROWS", 1)
    how = ["--no-trim", "--loudness", -30, "--seed", 1, "--nj", 1, "--valid", 1, "--test", 1]
    status, out, err = run(
        *("prepare", "vctk", tmp_path / "vctk", tmp_path / "data"),
        *("--speakers", "225,226", "--speakers", "p227", "--unseen", 1, *how),
    )
    assert status == 0
    lines = out.splitlines()
    assert lines[0] == "speaker  train  valid  test  unseen"
    assert lines[1] in ("p225  2  1  1  0", "p225  0  0  0  4")
    assert lines[2] == f"... 2 more speakers in {tmp_path}/data/prepared.json"
    assert "note: VCTK 0.80" in err
    assert "of these, 12 recordings of --speakers are taken" in err
    record = json.loads((tmp_path / "data" / "prepared.json").read_text())
    assert record["treatment"] == {"sample_rate": 16000, "trim": False, "loudness": -30.0}
    level = np.abs(soundfile.read(next(tmp_path.glob("data/audio/p225/*.wav")))[0][500:1000]).mean()
    assert 20 * np.log10(level) == pytest.approx(-30, abs=0.3)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ("convert --src {rec} --speaker p999 {model}", 2, "not one of the 2 speakers"),
        ("convert --src {rec} --speaker p225 {model}", 2, "egs/vctk/run.sh"),
        ("convert --src nowhere.wav --speaker p901 {model}", 3, "nowhere.wav: no such file"),
        ("convert --src {dir} --speaker p901 {model}", 3, "a folder, an audio file was"),
        ("{convert} --model {dir}", 3, "holds no model"),
        ("{convert} --model nowhere", 3, "nowhere: no such folder"),
        ("{convert} {model} --out {rec}", 2, "the source itself"),
        ("{convert} {model} --out x.xyz", 2, "end the name in"),
        ("{convert} --speaker p907 {model} --out a.wav", 2, "folder"),
        ("{convert} {model} --out {rec}/x/", 5, "rec.wav is a file"),
        ("{convert} {model} --device cuda:9", 4, "cuda:9: not there"),
        ("convert --speaker p901", 2, "--src"),
        ("{convert} --temperature -1", 2, "temperature"),
        ("encode {rec} --out {dir} --format mp3 {model}", 2, "npz, jsonl"),
        ("decode {rec} --speaker p901 --out a.wav {model}", 3, "holds no codes"),
        ("prepare vctc a b", 2, "Did you mean 'vctk'?"),
        ("prepare folder {dir}/empty {dir}/out", 3, "no such folder"),
        ("prepare folder {dir} x --valid 1.9", 2, "--valid 1.9: a share below 1 or a whole"),
        ("prepare vctk {dir} x --mic mic3", 2, "mic1"),
        ("prepare mini a b c", 2, "3 folders given"),
        ("prepare mini {dir}/empty {dir}/out", 3, "speakers.tsv"),
        ("export model nowhere --out a", 3, "no such folder"),
        ("export model {dir} --out a --precision int4", 2, "float16"),
        ("evaluate likelihood nowhere {model}", 3, "nowhere"),
        ("validate nowhere", 3, "listed above"),
        ("train vqvae nowhere.yaml --train a --valid b --out {dir}/r", 3, "No such file"),
        ("train vqvae {conf} --train a --valid b --out {dir}/r --set training.stps=1", 3, "did"),
        ("train vqvae {conf} --train a --valid b --out {dir}/r", 3, "a: no such folder"),
        ("frobnicate", 2, "frobnicate"),
    ],
)  # fmt: skip
def test_a_mistake_is_answered_in_few_lines_with_its_exit_status(
    run, model, recording, tmp_path, monkeypatch, arguments, status, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dir").mkdir()
    conf = tmp_path / "conf.yaml"
    conf.write_text(yaml.safe_dump(SETTINGS))
    places = dict(rec=recording, model=f"--model {model}", dir=tmp_path / "dir", conf=conf)
    places["convert"] = f"convert --src {recording} --speaker p901"
    found, _, err = run(*arguments.format(**places).split())
    assert message in err
    assert found == status
    assert len(err.strip().splitlines()) <= 4


def test_without_a_packaged_model_the_way_to_one_is_named(run, recording, monkeypatch):
    for place in ("generation.voice", "stages.list_models"):
        monkeypatch.setattr(f"vqspeech.{place}.packaged_models", dict)
    status, _, err = run("convert", "--src", recording, "--speaker", "p901")
    assert status == 4
    assert "egs/mini/run.sh trains one" in err
    assert run("speakers")[0] == 4


def test_without_model_the_packaged_one_speaks(run, recording, tmp_path):
    out = tmp_path / "b.wav"
    command = ("convert", "--src", recording, "--speaker", "p907", "--out", out, "--json")
    status, text, _ = run(*command)
    assert status == 0
    facts = json.loads(text)
    assert soundfile.info(out).samplerate == facts["sample_rate"]
    assert run("speakers")[1].splitlines()[0].startswith("p901  f  American")
    assert run("models")[1].startswith("mini  ")


def test_a_bug_leaves_a_log_and_exit_status_1(run, monkeypatch, model, recording):
    def broken(*arguments, **options):
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("vqspeech.stages.convert.convert_files", broken)
    status, _, err = run("convert", "--src", recording, "--speaker", "p901", "--model", model)
    assert status == 1
    log = err.strip().split()[-1]
    with open(log) as file:
        assert "ZeroDivisionError: oh" in file.read()
    os.unlink(log)


def test_a_busy_run_is_exit_7(run, tiny_data, tmp_path):
    from vqspeech.files import directory_lock

    config = tmp_path / "conf.yaml"
    config.write_text(yaml.safe_dump(SETTINGS))
    train, valid = tiny_data("train"), tiny_data("valid")
    with directory_lock(tmp_path / "run"):
        status, _, err = run(
            *("train", "vqvae", config, "--train", train, "--valid", valid),
            *("--out", tmp_path / "run"),
        )
    assert status == 7
    assert f"in use by pid {os.getpid()}" in err


def test_damaged_weights_are_exit_3(run, model, recording):
    weights = model / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-3] ^= 16
    weights.write_bytes(content)
    status, _, err = run("convert", "--src", recording, "--speaker", "p901", "--model", model)
    assert status == 3
    assert "model.safetensors: differs from what was written" in err
    assert torch.get_num_threads() == 1


def test_results_on_standard_output_are_alone_there(model, recording, tmp_path, run):
    assert run("encode", recording, "--out", tmp_path, "--model", model)[0] == 0
    codes = tmp_path / "rec.npz"
    arguments = ["decode", codes, "--speaker", "p901", "--model", model, "--out"]
    done = subprocess.run([*VQSPEECH, *arguments, "-"], capture_output=True, check=True)
    assert run(*arguments, tmp_path / "x.wav")[0] == 0
    assert done.stdout == (tmp_path / "x.wav").read_bytes()
    assert b"wrote -" in done.stderr


def test_encoding_over_codes_needs_to_be_told(model, recording, tmp_path, run):
    arguments = ("encode", recording, "--out", tmp_path, "--model", model)
    assert run(*arguments)[0] == 0
    status, _, err = run(*arguments)
    assert status == 5
    assert "rec.npz: is there already; give --overwrite" in err
    assert run(*arguments, "--overwrite")[0] == 0


@pytest.mark.parametrize("command", ["encode {bad} {worse}", "convert --src {bad} --src {worse}"])
def test_a_batch_that_failed_as_a_whole_is_bad_input(model, tmp_path, run, command):
    bad, worse = tmp_path / "bad.wav", tmp_path / "worse.wav"
    for path in (bad, worse):
        path.write_bytes(b"RIFF but no more than this")
    speaker = ["--speaker", "p901"] if command.startswith("convert") else []
    words = command.format(bad=bad, worse=worse).split()
    status, _, err = run(*words, *speaker, "--out", tmp_path / "out", "--model", model)
    assert status == 3
    assert "none of the 2 recordings could be used" in err
