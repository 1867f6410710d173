"""Recipes: from start to end at the smallest settings, and what they say of mistakes."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from vqspeech.audio.waveform import read_waveform, write_waveform
from vqspeech.config.loader import load_config
from vqspeech.config.schema import TrainSpeechPrior, TrainSpeechVQVAE

ROOT = Path(__file__).resolve().parents[1]
EGS = ROOT / "egs"
# Those of the recipes, and what they source; not what a recipe has made in data/ and exp/.
SCRIPTS = sorted([*EGS.glob("*.sh"), *EGS.glob("*/*.sh"), *EGS.glob("*/local/*.sh")])
PRIORS = sorted(EGS.glob("*/conf/*prior.yaml"))
SETTINGS = sorted(set(EGS.glob("*/conf/*.yaml")) - set(PRIORS))
RECORDING = ROOT / "vqspeech" / "assets" / "recording" / "librivox.flac"


def call(*command, cwd=None):
    # The command of the environment that runs the tests, wherever that is.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "PATH": path},
        check=False,
    )


def run(recipe, *arguments, cwd=None):
    return call(EGS / recipe / "run.sh", *arguments, cwd=cwd)


def name_of(path):
    return str(path.relative_to(EGS))


@pytest.fixture(scope="module")
def mini(tmp_path_factory):
    """The mini recipe, shortened: its folder, its output, and what it was asked to convert."""
    folder = tmp_path_factory.mktemp("mini")
    settings = yaml.safe_load((EGS / "mini" / "conf" / "tiny.yaml").read_text())
    settings["training"] |= {"steps": 100, "guide_steps": 50, "checkpoint_every": 50}
    settings["training"] |= {"validation_seconds": 8, "threads": 1}
    (folder / "short.yaml").write_text(yaml.safe_dump(settings))
    person = read_waveform(RECORDING).samples[20000:24000]
    write_waveform(folder / "person.wav", person, 16000)
    printed = ""
    # The other stages take minutes; they have tests of their own, and `make recipes` runs them all.
    for stages in (("--stop-stage", 4), ("--stage", 7, "--stop-stage", 7)):
        options = ("--config", "short.yaml", "--out", "out", "--src", "person.wav", *stages)
        done = run("mini", *options, cwd=folder)
        assert done.returncode == 0, done.stderr
        printed += done.stdout
    return folder, printed, person


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


def test_a_run_of_other_settings_is_refused_in_one_line_and_stays_as_it_was(mini):
    folder, _, _ = mini
    settings = yaml.safe_load((folder / "short.yaml").read_text())
    settings["training"]["seed"] = 5
    (folder / "other.yaml").write_text(yaml.safe_dump(settings))
    exp = folder / "out" / "exp"
    before = {path: path.stat().st_mtime_ns for path in exp.rglob("*") if path.is_file()}
    done = run("mini", "--config", "other.yaml", "--out", "out", cwd=folder)
    assert done.returncode == 3
    assert "by training.seed 0 and not 5; give another --out" in done.stderr
    assert done.stderr.count("\n") == 1
    assert {path: path.stat().st_mtime_ns for path in exp.rglob("*") if path.is_file()} == before


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
        (["--help"], 0, "\n  --nj                 files at a time [2]\n"),
        (["--stag", "1"], 2, "--stag: no such option"),
        (["--stage=1"], 2, "with a space"),
        (["--stage"], 2, "a value is missing"),
        (["--config", "--stage"], 2, "--config: a value is missing"),
        (["stage"], 2, "options begin with --"),
        (["--config", "conf/none.yaml"], 3, "no such settings file"),
        (["--path", "x", "--stop_stage", "0"], 2, "--path"),
    ],
)
def test_options_of_a_recipe(arguments, status, message, tmp_path):
    done = run("mini", *arguments, cwd=tmp_path)
    assert message in done.stdout + done.stderr
    assert done.returncode == status


@pytest.fixture(scope="module")
def vctk(tmp_path_factory):
    """Two voices laid out as VCTK 0.92, and the recipe's first and third stage on them."""
    folder = tmp_path_factory.mktemp("vctk")
    settings = yaml.safe_load((EGS / "vctk" / "conf" / "tiny.yaml").read_text())
    settings["training"] |= {"steps": 6, "guide_steps": 3, "checkpoint_every": 6}
    settings["training"] |= {"warmup_steps": 1, "validation_seconds": 2}
    (folder / "short.yaml").write_text(yaml.safe_dump(settings))
    lay_out = (EGS / "mini" / "local" / "lay_out.py", "--style", "vctk-0.92", "--out", "corpus")
    laid = call(sys.executable, *lay_out, "--speakers", 2, "--utterances", 12, cwd=folder)
    assert laid.returncode == 0, laid.stderr
    recipe = ("vctk", "--corpus", "corpus", "--config", "short.yaml", "--out", "out")
    for stage in (1, 3):
        done = run(*recipe, "--stage", stage, "--stop-stage", stage, cwd=folder)
        assert done.returncode == 0, done.stderr
    return folder


def test_the_vctk_recipe_ends_with_a_model_that_speaks(vctk):
    write_waveform(vctk / "person.wav", read_waveform(RECORDING).samples[:3000], 16000)
    said = ("--src", "person.wav", "--out", "said.wav", "--device", "cpu")
    model = ("--speaker", "901", "--model", "out/exp/vqvae/best")  # 901 is p901, as in VCTK
    done = call("vqspeech", "convert", *said, *model, cwd=vctk)
    assert done.returncode == 0, done.stderr
    assert len(read_waveform(vctk / "said.wav").samples) == 3000


def test_data_of_the_laid_out_vctk_have_genders_words_and_shared_sentences(vctk):
    data = vctk / "out" / "data"
    assert (data / "train" / "spk2gender").read_text() == "p901 f\np907 m\n"
    texts = {
        key: text
        for part in ("train", "valid", "test", "parallel")
        for key, text in (
            line.split(" ", 1) for line in (data / part / "text").read_text().splitlines()
        )
    }
    assert len(texts) == 24
    lines = (ROOT / "vqspeech" / "assets" / "mini" / "text").read_text().splitlines()
    assert set(texts.items()) <= {tuple(line.split(" ", 1)) for line in lines}
    shared = (data / "parallel" / "text").read_text().split()
    assert all(int(key[5:]) < 25 for key in shared if key.startswith("p9"))


def test_a_laid_out_librispeech_is_prepared_and_its_phones_are_those_of_the_corpus(tmp_path):
    lay_out = (EGS / "mini" / "local" / "lay_out.py", "--style", "librispeech", "--out", "corpus")
    laid = call(sys.executable, *lay_out, "--speakers", 2, "--utterances", 8, cwd=tmp_path)
    assert laid.returncode == 0, laid.stderr
    done = run("librispeech", "--corpus", "corpus", "--out", "out", "--stop-stage", 2, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "data" / "dev-clean" / "spk2gender").read_text() == "909 m\n"
    # The first sentence of the reader is the first of the voice.
    phones = (tmp_path / "out" / "data" / "dev-clean" / "phones.ctm").read_text().splitlines()
    found = [line.split()[2:] for line in phones if line.startswith("909-90900-0000 ")]
    mini = (ROOT / "vqspeech" / "assets" / "mini" / "phones.ctm").read_text().splitlines()
    wanted = [line.split()[2:] for line in mini if line.startswith("p909_001 ")]
    for start, _, label in [row for row in wanted if row[2] != "SIL"]:
        assert [label] == [p for s, _, p in found if abs(float(s) - float(start)) < 0.002]


def test_a_corpus_is_not_laid_out_over_another(tmp_path):
    lay_out = (sys.executable, EGS / "mini" / "local" / "lay_out.py", "--style", "vctk-0.80")
    (tmp_path / "mine").write_text("")
    done = call(*lay_out, "--out", tmp_path)
    assert done.returncode == 2
    assert "give an empty folder or a new one" in done.stderr
    done = call(*lay_out, "--out", tmp_path / "new", "--speakers", 9)
    assert done.returncode == 2
    assert "9 speakers: the corpus has 8" in done.stderr


@pytest.mark.parametrize("script", [s for s in SCRIPTS if os.access(s, os.X_OK)], ids=name_of)
def test_every_script_says_how_it_is_used(script):
    done = call(script, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: {script} ")
    # Each option that the help names is taken and explained in a line of its own, and no other is.
    named = set(re.findall(r"(?<!\S)\[?(--[a-z-]+)", done.stdout))
    for option in named:
        assert "a value is missing" in call(script, option).stderr
        assert re.search(rf"^  {option} +\S.*\S$", done.stdout, re.MULTILINE)
    variables = set(re.findall(r"^([a-z_]+)=", script.read_text(), re.MULTILINE))
    for option in {f"--{name.replace('_', '-')}" for name in variables} - named:
        assert "no such option" in call(script, option, "x").stderr


@pytest.mark.parametrize("path", SETTINGS, ids=name_of)
def test_settings_are_in_order_and_a_crop_is_a_number_of_whole_codes(path):
    settings = load_config(path, TrainSpeechVQVAE)
    codes = settings.training.crop_seconds * code_rate(settings.model)
    assert codes == pytest.approx(round(codes))
    assert codes > 9


@pytest.mark.parametrize("path", PRIORS, ids=name_of)
def test_a_prior_has_a_model_beside_it_and_its_crops_are_whole_codes_of_that(path):
    settings = load_config(path, TrainSpeechPrior)
    model = path.name.replace("_prior.yaml", ".yaml").replace("prior.yaml", "vqvae.yaml")
    of = load_config(path.with_name(model), TrainSpeechVQVAE).model
    frames = settings.training.crop_seconds * code_rate(of)
    assert frames == pytest.approx(round(frames))
    codes = frames * of.quantizer.groups  # those of a frame follow one another
    sizes = settings.model
    cycles, rest = divmod(sizes.layers, sizes.dilation_cycle)
    assert rest == 0
    # A code is worth what is seen before it; a longest dilation beyond a crop would never be.
    assert cycles * (2**sizes.dilation_cycle - 1) > 10
    assert 2 ** (sizes.dilation_cycle - 1) < codes


def test_the_prior_of_librispeech_is_that_of_the_paper():
    settings = load_config(EGS / "librispeech" / "conf" / "prior.yaml", TrainSpeechPrior)
    assert settings.training.crop_seconds * 16000 == 40960
    assert settings.training.crop_seconds * 16000 / 128 == 320
    assert settings.model.speaker_channels == 0


def code_rate(model):
    encoder = model.encoder
    hop = np.prod(encoder.strides) * (encoder.mel_hop if encoder.kind == "log_mel" else 1)
    return model.sample_rate / hop


@pytest.mark.parametrize(
    ("name", "hop", "codes"),
    [
        ("vctk/conf/vqvae.yaml", 64, 512),
        ("vctk/conf/tiny.yaml", 64, None),
        ("librispeech/conf/vqvae.yaml", 128, 512),
        ("librispeech/conf/tiny.yaml", 128, None),
        ("librispeech/conf/vqvae_25hz.yaml", 640, 128),
        ("librispeech/conf/tiny_25hz.yaml", 640, None),
    ],
)
def test_models_of_the_paper_have_its_code_rates(name, hop, codes):
    model = load_config(EGS / name, TrainSpeechVQVAE).model
    assert model.encoder.kind == "waveform"
    assert np.prod(model.encoder.strides) == hop
    assert model.sample_rate == 16000
    assert codes in (None, model.quantizer.num_codes)


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
@pytest.mark.parametrize("script", SCRIPTS, ids=name_of)
def test_scripts_are_clean(script):
    done = subprocess.run(
        ["shellcheck", "-x", "--source-path=SCRIPTDIR", script],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == ""
