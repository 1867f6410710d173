"""`vqspeech demo` and the formats of codes to look at, by what they print and leave."""

import os
import re

import numpy as np
import pytest
from praatio import textgrid
from small_priors import save_prior

from vqspeech.audio.pitch import Pitch
from vqspeech.audio.waveform import write_waveform


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "rec.wav"
    write_waveform(path, 0.3 * np.sin(np.arange(800) / 20), 16000)
    return path


def test_the_demo_says_what_it_wrote_and_what_to_try_next(run, model, recording, tmp_path):
    out = tmp_path / "demo"
    status, printed, err = run("demo", "--model", model, "--src", recording, "--out", out)
    assert (status, err) == (0, "")
    lines = re.sub(r"\d+\.\d\d?x", "?x", re.sub(r"in \d+\.\d s", "in ? s", printed)).splitlines()
    assert lines[:3] == [
        f"wrote {out}/source.wav  0.05 s  16000 Hz  rec.wav",
        f"wrote {out}/rec-p901.wav  0.05 s  16000 Hz  p901  female, American",
        f"wrote {out}/rec-p907.wav  0.05 s  16000 Hz  p907  male",
    ]
    assert re.fullmatch(rf"wrote {out}/rec.TextGrid  50 codes at 1000 Hz, \d+ of 16 used", lines[3])
    assert lines[4].startswith(f"wrote {out}/spectrograms.png  ")
    assert re.match(
        r"done: 0\.1 s of speech in \? s, \?x real time, \d at a time \(cpu\)", lines[5]
    )
    assert lines[6:] == [
        f"next: vqspeech convert --src your.wav --speaker p901 --model {model}",
        f"      vqspeech speakers --model {model}",
    ]
    written = {line.split()[1] for line in lines[:5]}
    assert written == {str(out / name) for name in os.listdir(out)}


def test_unconditional_speech_is_told_where_the_model_has_a_prior(
    run, make_model, model, recording, tmp_path, monkeypatch
):
    save_prior(tmp_path / "prior", make_model(), model)
    monkeypatch.setattr("vqspeech.stages.unconditional.SECONDS", 0.02)
    out = tmp_path / "demo"
    status, printed, err = run("demo", "--model", model, "--src", recording, "--out", out)
    assert (status, err) == (0, "")
    lines = printed.splitlines()
    assert [line for line in lines if "/unconditional" in line] == [
        f"wrote {out}/unconditional-1-p901.wav  0.02 s  drawn from the prior  "
        "p901  female, American",
        f"wrote {out}/unconditional-2-p907.wav  0.02 s  drawn from the prior  p907  male",
        f"wrote {out}/unconditional.png  what nobody said, in two voices",
    ]
    assert lines[-1] == f"      vqspeech sample --count 4 --model {model}"
    written = {line.split()[1] for line in lines if line.startswith("wrote")}
    assert written == {str(out / name) for name in os.listdir(out)}


def test_measures_are_printed_for_the_source_and_each_voice(
    run, model, recording, tmp_path, monkeypatch
):
    pitches = iter([Pitch(210.4, 0.5), Pitch(float("nan"), 0.0), Pitch(99.6, 0.62)])
    monkeypatch.setattr("vqspeech.stages.demo.median_pitch", lambda *_: next(pitches))
    correlations = iter([0.876, float("nan"), 1.0])
    monkeypatch.setattr("vqspeech.stages.demo.energy_correlation", lambda *_: next(correlations))
    out = tmp_path / "demo"
    arguments = ("--model", model, "--src", recording, "--out", out, "--measure")
    _, printed, _ = run("demo", *arguments)
    alike = "energy correlation with the source"
    assert [line for line in printed.splitlines() if line.startswith("measured")] == [
        f"measured {out}/source.wav  pitch 100 Hz (median)  voiced 62 %",
        f"measured {out}/rec-p901.wav  pitch 210 Hz (median)  voiced 50 %  {alike} 0.88",
        f"measured {out}/rec-p907.wav  no pitch  voiced 0 %  no rhythm to compare",
    ]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ("", 4, "--model: no model comes with this version"),
        ("--model nowhere", 3, "nowhere: no such folder"),
        ("--model {model} --speaker p999", 2, "p999: not one of the 2 speakers"),
        ("--model {model} --src nowhere.wav", 3, "nowhere.wav: no such file"),
        ("--model {model} --src {rec} --out {rec}", 5, "rec.wav is a file, a folder was wanted"),
        ("--model {model} --device cuda:9", 4, "cuda:9: not there"),
        ("--model {model} --jobs 0", 2, "jobs"),
    ],
)
def test_a_mistake_is_answered_with_its_exit_status(
    run, model, recording, tmp_path, monkeypatch, arguments, status, message
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("vqspeech.generation.voice.packaged_models", dict)
    found, printed, err = run("demo", *arguments.format(model=model, rec=recording).split())
    assert message in err
    assert (found, printed) == (status, "")
    assert not (tmp_path / "demo").exists()


def test_encode_writes_labels_that_decode_refuses(run, model, recording, tmp_path):
    arguments = ("encode", recording, "--out", tmp_path, "--model", model, "--format")
    status, printed, _ = run(*arguments, "textgrid")
    assert (status, printed) == (0, f"wrote {tmp_path}/rec.TextGrid  50 frames at 1000 Hz\n")
    grid = textgrid.openTextgrid(str(tmp_path / "rec.TextGrid"), includeEmptyIntervals=True)
    assert grid.tierNames == ("codes",)
    assert run(*arguments, "audacity")[0] == 0
    labels = [line.split("\t") for line in (tmp_path / "rec.txt").read_text().splitlines()]
    assert [label for _, _, label in labels] == [entry.label for entry in grid.getTier("codes")]
    for name in ("rec.TextGrid", "rec.txt"):
        status, _, err = run(
            *("decode", tmp_path / name, "--speaker", "p901", "--out", tmp_path / "x.wav"),
            *("--model", model),
        )
        assert status == 3
        assert err.startswith(f"error: {tmp_path / name}: shows the codes")
        assert "encode the recording again with --format npz or jsonl" in err


def test_a_data_directory_has_a_format_of_its_own(run, model, tiny_data, tmp_path):
    arguments = ("encode", tiny_data("train"), "--out", tmp_path / "codes", "--model", model)
    status, _, err = run(*arguments, "--format", "textgrid")
    assert status == 2
    assert "leave the option out or name recordings" in err
    assert not (tmp_path / "codes").exists()
