"""`vqspeech sample` and `vqspeech export prior`, by what they print and leave."""

import json
import os
import re

import numpy as np
import pytest
from small_priors import save_prior

from vqspeech.audio.waveform import write_waveform

SHORT = ("--seconds", "0.02", "--device", "cpu")  # 20 codes


@pytest.fixture
def prior(make_model, model, tmp_path):
    """Beside the model, which is found by it."""
    return save_prior(tmp_path / "prior", make_model(), model)


def test_it_says_what_it_wrote_and_how_fast(run, model, prior, tmp_path):
    out = tmp_path / "out"
    status, printed, err = run("sample", "--prior", prior, "--out", out, "--count", 2, *SHORT)
    assert (status, err) == (0, f"note: --model {model}, which fits {prior}\n")
    lines = re.sub(r"\d+\.\d\dx", "?x", re.sub(r"in \d+\.\d s", "in ? s", printed)).splitlines()
    assert lines == [
        f"wrote {out}/sample-001-p901.wav  0.02 s  16000 Hz  p901  female, American",
        f"wrote {out}/sample-002-p907.wav  0.02 s  16000 Hz  p907  male",
        f"wrote {out}/samples.png  spectrograms of the first 2",
        "done: 2 samples, 0.0 s of speech in ? s, ?x real time (cpu)",
    ]
    names = ["sample-001-p901.npz", "sample-001-p901.wav"]
    names += ["sample-002-p907.npz", "sample-002-p907.wav", "samples.png"]
    assert sorted(os.listdir(out)) == names


def test_a_machine_is_told_as_json_and_the_prompt_is_counted(run, model, prior, tmp_path):
    hum = tmp_path / "hum.wav"
    write_waveform(hum, 0.3 * np.sin(np.arange(800) / 20), 16000)
    arguments = ("--prior", prior, "--model", model, "--out", tmp_path / "out", "--count", 1)
    more = ("--speaker", "p907", "--prompt", hum, "--prompt-seconds", 0.01, "--json")
    status, printed, err = run("sample", *arguments, *more, *SHORT)
    assert (status, err) == (0, "")
    facts = json.loads(printed)
    assert facts["samples"] == [
        {
            "path": str(tmp_path / "out" / "sample-001-p907.wav"),
            "codes": str(tmp_path / "out" / "sample-001-p907.npz"),
            "speaker": "p907",
            "samples": 30 * 16,
            "sample_rate": 16000,
        }
    ]
    assert (facts["prior"], facts["model"]) == (str(prior), str(model))
    assert (facts["prompt_seconds"], facts["num_codes"], facts["device"]) == (0.01, 16, "cpu")
    assert 1 < facts["codes_used"] <= 16


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ("--prior {prior} --count 0", 2, "--count 0"),
        ("--prior {prior} --seconds 0.0001", 2, "--seconds 0.0001: shorter than one code"),
        ("--prior {prior} --temperature -1", 2, "--temperature -1"),
        ("--prior {prior} --top-k 17", 2, "--top-k 17"),
        ("--prior {prior} --speaker p999", 2, "--speaker p999: not one of the 2"),
        ("--prior {prior} --prompt nowhere.wav", 3, "nowhere.wav: no such file"),
        ("--prior nowhere", 3, "nowhere: no such folder"),
        ("--prior {model}", 3, "holds a speech-vqvae, a speech-prior was wanted"),
        ("--prior {prior} --out {model}/config.json", 5, "config.json"),
        ("--prior {prior} --device cuda:9", 4, "cuda:9: not there"),
    ],
)
def test_a_mistake_is_one_line_with_its_exit_status(
    run, model, prior, tmp_path, monkeypatch, arguments, status, message
):
    monkeypatch.chdir(tmp_path)
    found, printed, err = run("sample", *arguments.format(prior=prior, model=model).split())
    assert message in err
    assert (found, printed) == (status, "")
    assert len([line for line in err.splitlines() if not line.startswith("note: ")]) == 1
    assert not (tmp_path / "samples").exists()


def test_an_exported_prior_draws_what_the_source_draws(run, model, prior, tmp_path, monkeypatch):
    monkeypatch.setattr("vqspeech.stages.sample.draw_spectrograms", lambda *_: None)
    shared = tmp_path / "shared"
    status, printed, _ = run("export", "prior", prior, "--out", shared, "--precision", "float32")
    assert status == 0
    assert re.fullmatch(rf"wrote {shared}  0\.\d\d MB\n", printed)
    drawn = []
    for path in (prior, shared):
        out = tmp_path / f"from-{path.name}"
        run("sample", "--prior", path, "--model", model, "--out", out, "--count", 1, *SHORT)
        drawn.append((out / "sample-001-p901.wav").read_bytes())
    assert drawn[0] == drawn[1]
    status, _, err = run("export", "prior", model, "--out", tmp_path / "x")
    assert status == 3
    assert "a speech-prior was wanted" in err
