"""Models that go by a name: packaged ones, those of a checkout, and how each is listed."""

import json
import os
import subprocess
import sys

import pytest
import torch
from small_priors import save_model, save_prior

import vqspeech
from vqspeech import checkpoint
from vqspeech.checkpoint import find_named, named_models, packaged_models
from vqspeech.errors import InputError
from vqspeech.generation.voice import load_voice
from vqspeech.stages.encode import hash_model
from vqspeech.stages.export_model import export_model
from vqspeech.stages.find_prior import find_prior, name_of
from vqspeech.stages.list_models import list_models, list_priors, list_speakers
from vqspeech.stages.measure_speed import measure_speed


@pytest.fixture
def checkout(make_model, tmp_path, monkeypatch):
    """A checkout that one stands in, with the model `base` and its prior under egs/mini."""
    root = tmp_path / "checkout"
    (root / "vqspeech").mkdir(parents=True)
    (root / "vqspeech" / "checkpoint.py").write_text("")
    recipe, model = root / "egs" / "mini", make_model()
    save_model(recipe / "models" / "base", model)
    save_prior(recipe / "priors" / "base", model, recipe / "models" / "base")
    (recipe / "conf").mkdir()
    monkeypatch.chdir(recipe / "conf")  # anywhere below it
    return root


def test_a_model_of_the_checkout_is_found_by_its_name(checkout):
    folder = checkout / "egs" / "mini" / "models" / "base"
    assert vqspeech.load("base").name == "base"
    assert find_named("base") == folder
    assert hash_model("base") == hash_model(folder)
    assert list_speakers("base") == list_speakers(folder)
    assert name_of(folder, "models") == "base"
    prior = checkout / "egs" / "mini" / "priors" / "base"
    assert find_prior(None, "base") == find_prior("base", None) == (prior, folder)


def test_away_from_the_checkout_it_has_no_name(checkout, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "base" not in named_models()
    with pytest.raises(InputError, match="base: no such folder; 'vqspeech models' lists"):
        vqspeech.load("base")


def test_what_the_package_is_run_from_is_a_checkout_too(checkout, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checkpoint.resources, "files", lambda name: checkout / name)
    assert named_models() == {"base": checkout / "egs" / "mini" / "models" / "base"}


def test_a_packaged_name_goes_first_and_unfinished_folders_have_none(checkout, make_model):
    models = checkout / "egs" / "mini" / "models"
    name, folder = next(iter(packaged_models().items()))
    save_model(models / name, make_model())
    (models / "empty").mkdir()
    assert named_models()[name] == folder
    assert list(named_models()) == [*packaged_models(), "base"]
    assert load_voice(name).sample_rate == 8000


def test_names_are_looked_for_from_a_folder_that_is_gone_too(checkout):
    here = checkout / "egs" / "mini" / "conf"
    command = [sys.executable, "-c", "import os; os.rmdir(os.getcwd())\nprint(*named_models())"]
    command[2] = f"from vqspeech.checkpoint import named_models; {command[2]}"
    root = os.path.dirname(os.path.dirname(vqspeech.__file__))
    done = subprocess.run(
        command, cwd=here, env=os.environ | {"PYTHONPATH": root}, capture_output=True, text=True
    )
    assert (done.stdout.split()[0], done.stderr) == ("mini", "")


def test_the_list_says_where_a_model_is_and_what_its_codes_are_known_by(checkout, make_model):
    rows = {row["model"]: row for row in list_models(checkout)}
    assert (rows["mini"]["place"], rows["base"]["place"]) == ("packaged", "checkout")
    assert rows["base"]["model_hash"] == hash_model("base")
    assert (rows["base"]["groups"], rows["base"]["speed"]) == (1, None)
    save_model(checkout / "exp" / "run" / "best", make_model(seed=1))
    rows = {row["model"]: row for row in list_models(checkout)}
    assert rows[str(checkout / "exp" / "run" / "best")]["place"] == "run"
    assert {row["prior"]: row["model"] for row in list_priors(checkout)}["base"] == "base"


def test_speed_is_seconds_of_speech_in_a_second_and_stays_with_the_model(checkout, monkeypatch):
    voice = load_voice("base")
    threads = torch.get_num_threads()  # as whatever ran before has left it
    taken = iter([9.0, 0.5, 0.25, 0.5])  # seconds of each conversion; the first only warms up
    clock = iter([time for i, t in enumerate(taken) for time in (10.0 * i, 10.0 * i + t)])
    monkeypatch.setattr("vqspeech.stages.measure_speed.time.perf_counter", lambda: next(clock))
    found = measure_speed(voice, seconds=0.05)
    assert (found["times_real_time"], found["threads"]) == (0.2, threads)
    monkeypatch.undo()
    monkeypatch.chdir(checkout)
    first = export_model("base", checkout / "exp" / "fast" / "best", measure=True)
    again = export_model(first, checkout / "again")
    speeds = [json.loads((f / "config.json").read_text())["speed"] for f in (first, again)]
    assert speeds[0] == speeds[1]
    text = f"{speeds[0]['times_real_time']:g} times real time, {threads} thread(s) of "
    assert f"| speed | {text}" in (again / "README.md").read_text()
    rows = {row["model"]: row["speed"] for row in list_models(".")}
    assert rows["exp/fast/best"] == speeds[0]
