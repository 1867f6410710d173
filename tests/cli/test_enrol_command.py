"""`vqspeech enrol` by its exit status, what it prints, and that the new voice can be spoken."""

import re

import numpy as np
import pytest
import soundfile

from vqspeech.audio.waveform import write_waveform


@pytest.fixture
def wav(tmp_path, monkeypatch):
    """A folder of three seconds of hum, where three are enough."""
    monkeypatch.setattr("vqspeech.stages.enrolment_speech.LEAST_SECONDS", 2.5)
    monkeypatch.setattr("vqspeech.stages.enrolment_fit.PIECE_SECONDS", 0.3)
    monkeypatch.setattr("vqspeech.stages.enrolment_fit.HELD_OUT_SECONDS", (0.3, 0.3))
    (tmp_path / "wav").mkdir()
    for number in range(3):
        time = np.arange(16000) / 16000
        hum = 0.3 * np.sin(2 * np.pi * (150 + number) * time).astype(np.float32)
        write_waveform(tmp_path / "wav" / f"{number}.wav", hum, 16000)
    return tmp_path / "wav"


def test_it_says_what_it_did_and_the_new_voice_can_be_spoken(run, model, wav, tmp_path):
    (wav / "torn.wav").write_bytes((wav / "0.wav").read_bytes()[:4000])
    out = tmp_path / "out"
    arguments = ("--wav", wav, "--model", model, "--device", "cpu", "--threads", 1, "--steps", 2)
    status, printed, err = run("enrol", "mary", *arguments, "--gender", "f", "--out", out)
    assert status == 0
    numbers = re.sub(r"\d+\.\d{3}", "?", re.sub(r"in \d+ s", "in ? s", printed))
    assert re.sub(r"\((p901|p907) ->", "(p9 ->", numbers) == (
        f"wrote {out}  mary from 3 recordings, 3 s  held out: ? -> ? nats a sample (p9 -> mary)  "
        "2 steps in ? s (cpu)\n"
    )
    skipped, poor, begins = err.splitlines()
    assert skipped.startswith("note: skipped 1 of 4 (truncated: ")
    assert skipped.endswith(": torn.wav")
    assert "3.0 s of speech; the voice will be poor" in poor
    assert re.fullmatch(rf"note: mary begins as p90[17], the nearest of .* of {model}", begins)
    assert run("speakers", "--model", out)[1] == "p901  f  American\np907  m\nmary  f\n"
    said = tmp_path / "said.wav"
    source = ("--src", wav / "0.wav", "--model", out, "--device", "cpu", "--out", said)
    status, printed, _ = run("convert", *source, "--speaker", "mary")
    assert (status, "  mary  " in printed) == (0, True)
    assert soundfile.info(said).frames == 16000


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ("p907 --wav {wav} --model {model} --out out", 2, "NAME p907: {model} speaks as p907"),
        ("a/b --wav {wav} --model {model} --out out", 2, "NAME: 'a/b' could leave its folder"),
        ("mary --wav {wav} --model {model} --out {model}", 2, "--out {model}: is the model itself"),
        ("mary --wav {wav} --model {model} --out {wav}", 5, "{wav}: holds 0.wav, which is no file"),
        ("mary --wav {wav}/0.wav --model {model} --out out", 3, "0.wav: 1.0 s of speech; 2.5 s"),
        ("mary --wav {model} --model {model} --out out", 3, "no recording that can be used (no"),
        ("mary --wav nowhere --model {model} --out out", 3, "nowhere: no such file or folder"),
        ("mary --wav {wav} --model nowhere --out out", 3, "nowhere: no such folder"),
        ("mary --wav {wav} --model {model} --out out --gender x", 2, "--gender x: f or m was"),
        ("mary --wav {wav} --model {model} --out out --device cuda:9", 4, "cuda:9: not there"),
    ],
)
def test_a_mistake_is_one_line_with_its_exit_status(
    run, model, wav, tmp_path, monkeypatch, arguments, status, message
):
    monkeypatch.chdir(tmp_path)
    places = {"wav": wav, "model": model}
    found, printed, err = run("enrol", *arguments.format(**places).split())
    assert message.format(**places) in err
    assert (found, printed, err.count("\n")) == (status, "", 1)
    assert not (tmp_path / "out").exists()
