"""Recipes: from start to end at the smallest settings, and what they say of mistakes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from vqspeech.audio.waveform import read_waveform, write_waveform

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = sorted([*ROOT.glob("egs/*/run.sh"), *ROOT.glob("egs/*/package.sh")])


def run(recipe, *arguments, cwd=None):
    # The command of the environment that runs the tests, wherever that is.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [ROOT / "egs" / recipe / "run.sh", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "PATH": path},
        check=False,
    )


@pytest.fixture(scope="module")
def mini(tmp_path_factory):
    """The mini recipe, shortened: its folder, its output, and what it was asked to convert."""
    folder = tmp_path_factory.mktemp("mini")
    settings = yaml.safe_load((ROOT / "egs" / "mini" / "conf" / "tiny.yaml").read_text())
    settings["training"] |= {"steps": 100, "guide_steps": 50, "checkpoint_every": 50}
    settings["training"] |= {"validation_seconds": 8}
    (folder / "short.yaml").write_text(yaml.safe_dump(settings))
    recording = ROOT / "vqspeech" / "assets" / "recording" / "librivox.flac"
    person = read_waveform(recording).samples[20000:24000]
    write_waveform(folder / "person.wav", person, 16000)
    done = run(
        *("mini", "--config", "short.yaml", "--out", "out", "--src", "person.wav"),
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return folder, done.stdout, person


def test_after_mini_training_the_decoder_uses_its_codes(mini):
    folder, _, _ = mini
    lines = (folder / "out" / "exp" / "vqvae" / "log.jsonl").read_text().splitlines()
    valid = [entry["valid"] for entry in map(json.loads, lines) if "valid" in entry]
    assert len(valid) == 2
    assert valid[-1]["nll"] < min(valid[0]["nll"], np.log(256))
    assert valid[-1]["swap_gap"] > 0.05
    assert valid[-1]["codes_used"] > 4


def test_a_conversion_is_speech_of_the_same_length_that_differs_from_its_source(mini):
    folder, _, person = mini
    converted = {
        name: read_waveform(folder / "out" / "exp" / "converted" / f"person-{name}.wav").samples
        for name in ("p901", "p907")
    }
    for samples in converted.values():
        assert len(samples) == len(person)
        assert np.abs(samples).max() > 0.01
        assert np.abs(samples - person).max() > 0.05
        assert abs(np.corrcoef(samples, person)[0, 1]) < 0.5
    assert not np.array_equal(*converted.values())


def test_every_stage_says_what_it_wrote(mini):
    _, printed, _ = mini
    for text in ("== stage 1", "== stage 3", "done: out/exp/vqvae/step-00000100", "== stage 4"):
        assert text in printed
    assert "wrote out/exp/codes/valid  24 utterances" in printed
    assert printed.count("x real time (cpu)") == 2


def test_a_stage_names_the_one_that_makes_what_it_misses(tmp_path):
    done = run("mini", "--stage", 4, "--out", tmp_path)
    assert done.returncode == 3
    assert "config.json is missing; stage 3 makes it" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--help"], 0, "Stages: 1 data directories"),
        (["--stag", "1"], 2, "--stag: no such option"),
        (["--stage=1"], 2, "with a space"),
        (["--stage"], 2, "a value is missing"),
        (["stage"], 2, "options begin with --"),
        (["--config", "conf/none.yaml"], 3, "no such settings file"),
        (["--path", "x", "--stop_stage", "0"], 2, "--path"),
    ],
)
def test_options_of_a_recipe(arguments, status, message, tmp_path):
    done = run("mini", *arguments, cwd=tmp_path)
    assert message in done.stdout + done.stderr
    assert done.returncode == status


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_scripts_are_clean(script):
    done = subprocess.run(
        ["shellcheck", "-x", "--source-path=SCRIPTDIR", "--severity=warning", script],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == ""
