"""The commands by which models are listed and shared, as a person types them."""

import json

import pytest

from vqspeech.checkpoint import load_json, load_tensors, save_folder


@pytest.fixture
def checkout(model, tmp_path, monkeypatch):
    """A checkout that one stands in: `base`, and `taught` that has the same codes."""
    (tmp_path / "vqspeech").mkdir()
    (tmp_path / "vqspeech" / "checkpoint.py").write_text("")
    config, weights = load_json(model / "config.json"), load_tensors(model / "model.safetensors")
    for name in ("base", "taught"):
        files = {"config.json": {**config, "name": name}, "model.safetensors": weights}
        save_folder(tmp_path / "egs" / "mini" / "models" / name, files)
        weights = {**weights, "decoder.speaker.weight": weights["decoder.speaker.weight"] + 1}
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_models_of_a_checkout_are_listed_after_the_packaged_ones(run, checkout):
    status, out, _ = run("models")
    lines = [line for line in out.splitlines() if not line.startswith(" ")]
    assert status == 0
    assert [line.split()[0] for line in lines] == ["mini", "base", "taught"]
    assert lines[1] == "base  16 kHz  1000 codes/s of 16  2 speakers  0.0 MB  (this checkout)"
    rows = {row["model"]: row for row in json.loads(run("models", "--json")[1])}
    assert rows["base"]["model_hash"] == rows["taught"]["model_hash"] != rows["mini"]["model_hash"]
    assert [prior["prior"] for prior in rows["mini"]["priors"]] == ["mini"]


def test_models_that_share_their_codes_are_listed_with_the_same_prior(run, checkout, monkeypatch):
    rows = json.loads(run("models", "--json")[1])
    prior = {**rows[0]["priors"][0], "prior": "both", "model": "base"}
    prior["model_hash"] = rows[1]["model_hash"]
    monkeypatch.setattr("vqspeech.stages.list_models.list_priors", lambda folder: [prior])
    rows = json.loads(run("models", "--json")[1])
    assert [[p["prior"] for p in row["priors"]] for row in rows] == [[], ["both"], ["both"]]


def test_speed_is_measured_when_asked_for(run, checkout, monkeypatch):
    told = {"times_real_time": 2.5, "seconds": 1.0, "threads": 1, "processor": "a loom"}
    monkeypatch.setattr("vqspeech.stages.measure_speed.measure_speed", lambda voice: told)
    assert "2.5x real time" not in run("models")[1]
    assert run("models", "--measure")[1].count("MB  2.5x real time") == 3


def test_a_model_is_exported_as_onnx_by_its_name(run, checkout):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    status, out, err = run("export", "onnx", "base", "--out", "other")
    assert (status, err) == (0, "")
    assert [line.split()[1] for line in out.splitlines()[:3]] == [
        *("other/conditions.onnx", "other/decoder_step.onnx", "other/encoder.onnx"),
    ]
    assert "100 % of the codes of 5 s are equal" in out
    status, _, err = run("export", "onnx", "base", "--out", "other")
    assert (status, "holds a model already; add --overwrite" in err) == (5, True)
    status, _, err = run("export", "onnx", "nobody", "--out", "more")
    assert (status, "nobody: no such folder" in err) == (3, True)


def test_a_shared_model_says_what_its_card_lacks(run, checkout):
    status, _, err = run("export", "model", "base", "--out", "shared")
    assert status == 0
    assert err.startswith("note: the card does not name: license, language, datasets; begin ")
    assert run("speakers", "--model", "shared")[1].startswith("p901  f  American\n")
