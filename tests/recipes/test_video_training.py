"""Training of first stages on walks of 16 x 16: over frames and over clips, resumed, refused."""

import json
from pathlib import Path

import pytest
import yaml
from run_content import run_content, stop_in_step
from small_clips import NETWORK, QUANTIZER, save_walks, status_and_output, walks_data

from recipes.frames.command import RunOptions
from recipes.frames.first_stage import load_picture_vqvae
from recipes.video import train as train_module
from recipes.video.clip_settings import ClipVQVAESettings, TrainFirstStage
from recipes.video.clip_vqvae import load_clip_vqvae, score_clips
from recipes.video.clips import clips_of
from recipes.video.train import app
from recipes.video.train_model import train_first_stage
from vqspeech.checkpoint import checkpoints
from vqspeech.cli.leave import run_for_status
from vqspeech.config.loader import load_config
from vqspeech.errors import InputError

CONF = Path(train_module.__file__).parent / "conf"
MODELS = {
    "vqvae": {"network": NETWORK, "quantizer": QUANTIZER},
    "clips": {"network": NETWORK, "quantizer": QUANTIZER, "frames": 4, "time_stride": 2},
}
TRAINING = {
    "steps": 6,
    "batch_size": 4,
    "learning_rate": 2e-2,
    "warmup_steps": 0,
    "average_decay": 0.5,
    "log_every": 2,
    "checkpoint_every": 3,
    "precision": "float32",
    "validation_pictures": 8,
    "threads": 1,
}


def write_settings(path, kind="clips", **model):
    model = {"kind": kind} | MODELS[kind] | model
    path.write_text(yaml.safe_dump({"model": model, "training": TRAINING}))
    return path


@pytest.fixture
def train(tmp_path):
    """A function that trains a first stage of a kind in a run of tmp_path."""

    def train(kind, run, *overrides, frames=None, resume="auto"):
        settings = write_settings(tmp_path / f"{kind}.yaml", kind)
        options = RunOptions(overrides, resume, "cpu", quiet=True)
        frames = frames or save_walks(tmp_path / "walks.npz")
        return train_first_stage(settings, frames, tmp_path / run, options, 16)

    return train


def log(path):
    return [json.loads(line) for line in (path / "log.jsonl").read_text().splitlines()]


def test_codes_of_clips_say_what_is_in_walks_that_they_never_saw(train, tmp_path):
    options = ("training.steps=90", "training.batch_size=8", "training.learning_rate=0.005")
    summary = train("clips", "run", "training.checkpoint_every=30", *options)
    valid = [line["valid"]["nll"] for line in log(tmp_path / "run") if "valid" in line]
    assert valid[-1] < valid[0]
    assert summary.best_nll == min(valid)
    model, config = load_clip_vqvae(tmp_path / "run")
    assert (config["size"], config["data"]) == (16, "frames")
    clips = clips_of(walks_data(tmp_path, (9,) * 10, seed=7), "train", 4)
    scores = score_clips(model, clips)
    assert scores["nmse"] < 0.3
    assert scores["codes_used"] > 1
    shown = model.pictures(model.codes_of(next(clips.batches())))
    assert ((shown > 128) == (next(clips.batches()) > 128)).float().mean() > 0.9


@pytest.mark.parametrize("kind", MODELS)
def test_a_run_in_two_pieces_ends_bit_for_bit_as_one_in_one_piece(
    train, tmp_path, monkeypatch, capsys, kind
):
    crops = ("training.crop=12", "training.flip=true")
    train(kind, "whole", *crops)
    with monkeypatch.context() as patched:
        stop_in_step(patched, 4)
        assert run_for_status(lambda: train(kind, "pieces", *crops)) == 143
    stopped = tmp_path / "pieces" / "step-00000004"
    assert capsys.readouterr().err == f"error: stopped by SIGTERM; {stopped} is complete\n"
    train(kind, "pieces", *crops, resume="must")
    assert run_content(tmp_path / "pieces") == run_content(tmp_path / "whole")


def test_frames_by_themselves_give_a_model_that_the_recipe_of_pictures_reads(train, tmp_path):
    train("vqvae", "run", "training.steps=3")
    model, config = load_picture_vqvae(tmp_path / "run")
    assert model.settings.network.channels == NETWORK["channels"]
    assert config["size"] == 16


def test_validation_takes_as_many_frames_as_are_asked_for_from_all_of_the_part(train, tmp_path):
    frames = save_walks(tmp_path / "long.npz", (41,) * 10)
    train("clips", "run", "training.steps=3", frames=frames)
    model, _ = load_clip_vqvae(tmp_path / "run" / "latest")
    data = walks_data(tmp_path, (41,) * 10)
    clips = clips_of(data, "valid", 4, every=4)  # ten of one walk
    assert clips.some(2).starts.tolist() == [0, 20]
    wanted = score_clips(model, clips.some(2))["nll"]
    assert log(tmp_path / "run")[-1]["valid"]["nll"] == pytest.approx(wanted, rel=1e-5)


def test_episodes_that_are_too_short_are_passed_over_and_named(train, tmp_path, capsys):
    train("clips", "run", "training.steps=3", frames=save_walks(tmp_path / "a.npz", (9, 2) * 10))
    told = capsys.readouterr().err
    assert told.startswith("note: train: skipped 9 (fewer than 4 frames): cave/1, cave/3, ")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("training.crop=8", "its crop differs"),
        ("model.time_stride=4", "its model differs"),
        ("model.frames=2", "its model differs"),
    ],
)
def test_a_run_goes_on_with_the_clips_and_the_model_it_began_with(train, change, told):
    train("clips", "run", "training.steps=3")
    with pytest.raises(InputError, match=told):
        train("clips", "run", change)


def test_the_same_frames_in_other_episodes_are_other_data(train, tmp_path):
    train("clips", "run", "training.steps=3", frames=save_walks(tmp_path / "a.npz", (8,) * 4))
    from recipes.frames.frames_file import read_frames, write_frames

    file = read_frames(tmp_path / "a.npz")
    file.episode[8:12] = 0
    write_frames(tmp_path / "b.npz", file)
    with pytest.raises(InputError, match="its data differs"):
        train("clips", "run", frames=tmp_path / "b.npz")


@pytest.mark.parametrize("path", sorted(CONF.glob("*/clips.yaml")), ids=lambda p: p.parent.name)
def test_settings_of_clips_load_and_stand_beside_those_of_frames(path):
    clips = load_config(path, TrainFirstStage)
    frames = load_config(path.with_name("vqvae.yaml"), TrainFirstStage)
    assert isinstance(clips.model, ClipVQVAESettings)
    assert clips.model.quantizer == frames.model.quantizer
    assert clips.training.crop == frames.training.crop
    for one in (clips, frames):
        assert one.training.checkpoint_every <= one.training.steps


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """A function that runs the command: exit status, output, errors."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: status_and_output(app, monkeypatch, capsys, arguments)


def test_the_command_trains_and_says_what_it_came_to(command, tmp_path):
    settings = write_settings(tmp_path / "a.yaml")
    frames = save_walks(tmp_path / "walks.npz")
    options = ("--size", 16, "--device", "cpu", "--quiet", "--set", "training.steps=3")
    status, printed, told = command(settings, "--data", frames, "--out", "run", *options)
    assert status == 0, told
    assert printed.startswith("run/step-00000003  best step-00000003  val ")
    assert "nats a dimension" in printed
    environment = json.loads((tmp_path / "run" / "environment.json").read_text())
    assert environment["command"].startswith("python -m recipes.video.train ")


WALKS = ("--data", "walks.npz", "--out", "run")


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (("a.yaml", "--out", "run"), 2, "Missing option '--data'"),
        (("none.yaml", *WALKS), 3, "none.yaml: No such file or directory"),
        (("none.yaml", "--data", "none.npz", "--out", "run"), 3, "none.yaml"),  # settings first
        (("a.yaml", "--data", "none.npz", "--out", "run"), 3, "none.npz: No such file"),
        (("a.yaml", *WALKS, "--size", "84"), 3, "walks.npz: frames of 16x16 pixels, 84x84 were"),
        (("b.yaml", *WALKS), 3, "b.yaml: model.clips.chanels is no setting"),
        (("c.yaml", *WALKS), 3, "frames 6 is no multiple of time_stride 4"),
        (("a.yaml", *WALKS, "--set", "model.time_stride=3"), 3, "model.clips.time_stride is 3"),
        (
            ("a.yaml", *WALKS, "--set", "model.frames=10"),
            3,
            "train has 10 frames; set model.frames",
        ),
        (("a.yaml", *WALKS, "--set", "training.crop=20"), 3, "16 x 16 pixels, training.crop is 20"),
        (("a.yaml", *WALKS, "--resume", "must"), 3, "run: no checkpoint to resume from"),
        (("a.yaml", *WALKS, "--device", "tpu"), 4, "--device tpu: not there"),
    ],
)
def test_a_mistake_ends_the_command_with_its_status_and_one_line(
    command, tmp_path, arguments, status, told
):
    save_walks(tmp_path / "walks.npz")
    write_settings(tmp_path / "a.yaml")
    write_settings(tmp_path / "b.yaml", chanels=3)
    write_settings(tmp_path / "c.yaml", frames=6, time_stride=4)
    found, printed, errors = command("--size", "16", *arguments)
    assert found == status, errors
    assert printed == ""
    assert told in errors
    if status != 2:
        assert len(errors.splitlines()) == 1
    assert checkpoints(tmp_path / "run") == []
