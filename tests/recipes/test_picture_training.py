"""Training of the three models on pictures of 16 x 16: learnt, resumed, refused."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml
from run_content import run_content, stop_in_step

from recipes.frames.command import RunOptions
from recipes.frames.first_stage import encode_pictures, score_pictures
from recipes.frames.pictures import PictureData, PictureSet
from recipes.frames.train_first_stage import TrainingPictures
from recipes.images.models import build_model, load_model
from recipes.images.settings import TrainPictureModel
from recipes.images.train import app
from recipes.images.train_model import bound_task, train_picture_model
from vqspeech.checkpoint import checkpoints
from vqspeech.cli.leave import run_for_status
from vqspeech.errors import InputError

NETWORK = {"channels": 8, "residual_blocks": 1}
MODELS = {
    "vqvae": {"quantizer": {"num_codes": 8, "dim": 4, "decay": 0.8}},
    "vae": {"latent_channels": 2},
    "vimco": {"num_codes": 4, "dim": 4, "samples": 3, "chunk": 2},
}
TRAINING = {
    "steps": 6,
    "batch_size": 6,
    "learning_rate": 2e-2,
    "warmup_steps": 0,
    "average_decay": 0.5,
    "log_every": 2,
    "checkpoint_every": 3,
    "precision": "float32",
    "validation_pictures": 6,
    "threads": 1,
}


def some_pictures(count, seed, side=16):
    """Halves of two colours, the edge anywhere: a few codes say what they are."""
    rng = np.random.default_rng(seed)
    pixels = np.empty((count, side, side, 3), np.uint8)
    for picture in pixels:
        dark, light = rng.integers(20, 60), rng.integers(180, 230)
        picture[:] = dark
        picture[:, 4 * rng.integers(side // 4) :] = light
    return PictureSet(pixels, np.arange(count), None, tuple(map(str, range(count))))


def some_data(side=16, seed=0):
    parts = {"train": some_pictures(24, seed, side), "valid": some_pictures(12, seed + 1, side)}
    return PictureData("made-up", parts)


@pytest.fixture
def train(tmp_path):
    """A function that trains a model of a kind in a run of tmp_path."""

    def train(kind, run, *overrides, data=None, model=(), resume="auto"):
        settings = tmp_path / f"{kind}.yaml"
        model = {"kind": kind, "network": NETWORK} | MODELS[kind] | dict(model)
        settings.write_text(yaml.safe_dump({"model": model, "training": TRAINING}))
        options = RunOptions(overrides, resume, "cpu", quiet=True)
        return train_picture_model(settings, data or some_data(), tmp_path / run, options)

    return train


def log(path):
    return [json.loads(line) for line in (path / "log.jsonl").read_text().splitlines()]


def check_that_it_learnt(summary, run, kind):
    losses = [line["nll"] for line in log(run) if "nll" in line]
    assert losses[-1] < losses[0] - 0.7  # nats a dimension
    valid = [line["valid"]["nll"] for line in log(run) if "valid" in line]
    assert len(valid) == 3
    assert valid[-1] < valid[0]
    assert summary.best_nll == min(valid)
    model, config = load_model(run)
    assert model.settings.kind == kind
    assert (config["size"], config["data"]) == (16, "made-up")
    return model


@pytest.mark.parametrize("kind", ["vae", "vimco"])
def test_models_learn_what_their_pictures_have_in_common(train, tmp_path, kind):
    summary = train(kind, "run", "training.steps=60", "training.checkpoint_every=20")
    check_that_it_learnt(summary, tmp_path / "run", kind)


def test_codes_of_a_trained_vqvae_say_what_is_in_pictures_that_it_never_saw(train, tmp_path):
    summary = train("vqvae", "run", "training.steps=75", "training.checkpoint_every=25")
    model = check_that_it_learnt(summary, tmp_path / "run", "vqvae")
    held_out = some_pictures(12, seed=7)
    scores = score_pictures(model, held_out)
    assert scores["nmse"] < 0.25
    assert scores["codes_used"] > 1
    shown = model.pictures(encode_pictures(model, held_out)).permute(0, 2, 3, 1).numpy()
    assert ((shown > 128) == (held_out.pixels > 128)).mean() > 0.9


@pytest.mark.parametrize("kind", MODELS)
def test_a_run_in_two_pieces_ends_bit_for_bit_as_one_in_one_piece(
    train, tmp_path, monkeypatch, capsys, kind
):
    crops = ("training.crop=12", "training.flip=true")
    train(kind, "whole", *crops)
    with monkeypatch.context() as patched:
        stop_in_step(patched, 4)
        assert run_for_status(lambda: train(kind, "pieces", *crops)) == 143
    assert capsys.readouterr().err == (
        f"error: stopped by SIGTERM; {tmp_path / 'pieces' / 'step-00000004'} is complete\n"
    )
    train(kind, "pieces", *crops, resume="must")
    assert run_content(tmp_path / "pieces") == run_content(tmp_path / "whole")
    assert (tmp_path / "pieces" / "resumed.jsonl").read_text() == '{"step": 4}\n'


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("training.crop=8", "its crop differs"),
        ("training.flip=true", "its flip differs"),
        ("training.batch_size=5", "its batch_size differs"),
        ("training.seed=1", "its seed differs"),
        ("model.latent_channels=3", "its model differs"),
    ],
)
def test_a_run_goes_on_with_the_batches_and_the_model_it_began_with(train, change, told):
    train("vae", "run", "training.steps=3")
    with pytest.raises(InputError, match=told) as caught:
        train("vae", "run", change)
    assert "\n" not in str(caught.value)
    train("vae", "run", "training.log_every=3")  # which changes no step


def test_other_pictures_are_refused_even_if_a_single_level_differs(train):
    data = some_data()
    train("vae", "run", "training.steps=3", data=data)
    pixels = data.parts["train"].pixels.copy()
    pixels[23, 15, 15, 2] ^= 1
    other = replace(data.parts["train"], pixels=pixels)
    changed = PictureData("made-up", data.parts | {"train": other})
    with pytest.raises(InputError, match="its data differs"):
        train("vae", "run", data=changed)


def test_validation_takes_pictures_from_all_of_the_part(train, tmp_path):
    """Three of twelve: each fourth, for neighbours are of one source."""
    data = some_data()
    train("vqvae", "run", "training.validation_pictures=3", data=data)
    valid = data.parts["valid"]
    fourth = PictureSet(valid.pixels[::4], valid.sources[::4], None, valid.names)
    model, _ = load_model(tmp_path / "run" / "latest")
    wanted = score_pictures(model, fourth)
    assert log(tmp_path / "run")[-1]["valid"]["nll"] == pytest.approx(wanted["nll"], rel=1e-5)


@pytest.mark.parametrize("kind", ["vae", "vimco"])
def test_validation_draws_the_same_samples_each_time_and_none_of_training_s(kind):
    model = {"kind": kind, "network": NETWORK} | MODELS[kind]
    settings = TrainPictureModel.model_validate({"model": model, "training": TRAINING})
    pictures = TrainingPictures(some_data(), settings.training)
    task = bound_task(build_model(settings.model), pictures)
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        with torch.no_grad():
            found.append(task.validate())
        assert torch.equal(torch.get_rng_state(), before)
    assert found[0] == found[1]
    assert found[0]["bits_per_dim"] == pytest.approx(found[0]["nll"] / np.log(2))


@pytest.mark.parametrize("method", ["kmeans", "sample", "uniform"])
def test_a_codebook_begins_among_what_is_encoded_unless_it_is_to_be_uniform(
    train, tmp_path, monkeypatch, method
):
    from vqspeech.nn.quantizer import VectorQuantizer

    asked = []
    initialize = VectorQuantizer.initialize

    def record(self, vectors, generator=None, method="kmeans"):
        asked.append((method, tuple(vectors.shape)))
        initialize(self, vectors, generator, method)
        assert torch.cdist(self.codebook[0], vectors).min(1).values.max() < vectors.std() * 3

    monkeypatch.setattr(VectorQuantizer, "initialize", record)
    train("vqvae", "run", "training.steps=1", f"model.quantizer.initialize={method}")
    # 40 vectors for each of 8 codes; a batch of 6 pictures has 96.
    assert asked == ([] if method == "uniform" else [(method, (4 * 96, 4))])


@pytest.mark.parametrize(
    ("side", "crop", "told"),
    [
        (18, 0, "made-up: pictures of 18 x 18 pixels; give a --size that is a multiple of 4"),
        (18, 16, "made-up: pictures of 18 x 18 pixels; give a --size that is a multiple of 4"),
        (16, 20, "made-up: pictures of 16 x 16 pixels, training.crop is 20; give a larger --size"),
    ],
)
def test_sizes_that_do_not_fit_are_refused_in_one_line(train, tmp_path, side, crop, told):
    with pytest.raises(InputError, match=told):
        train("vqvae", "run", f"training.crop={crop}", data=some_data(side))
    assert checkpoints(tmp_path / "run") == []


@pytest.mark.parametrize("part", ["train", "valid"])
def test_a_data_set_without_a_part_is_refused(train, part):
    data = some_data()
    del data.parts[part]
    with pytest.raises(InputError, match=f"made-up: no pictures in the part {part}"):
        train("vqvae", "run", data=data)


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """A function that runs the command: exit status, output, errors."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["train.py", *map(str, arguments)])
        return run_for_status(app), *capsys.readouterr()

    return run


def write_settings(path, **model):
    model = {"kind": "vae", "network": NETWORK, "latent_channels": 2} | model
    path.write_text(yaml.safe_dump({"model": model, "training": TRAINING}))
    return path


def test_the_command_trains_on_a_folder_of_pictures_and_says_what_it_came_to(command, tmp_path):
    from PIL import Image

    for i, picture in enumerate(some_pictures(30, 0, side=32).pixels):
        folder = tmp_path / "pictures" / "abc"[i % 3]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / f"{i}.png")
    settings = write_settings(tmp_path / "a.yaml")
    options = ("--size", 16, "--device", "cpu", "--quiet", "--set", "training.steps=3")
    data = ("--data", f"folder:{tmp_path / 'pictures'}")
    status, printed, told = command(settings, "--out", "run", *data, *options)
    assert status == 0, told
    assert printed.startswith("run/step-00000003  best step-00000003  val ")
    assert "nats a dimension" in printed
    environment = json.loads((tmp_path / "run" / "environment.json").read_text())
    assert environment["command"].startswith("python -m recipes.images.train ")
    assert environment["command"].endswith("--quiet --set training.steps=3")


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        ((), 2, "Missing argument"),
        (("a.yaml",), 2, "Missing option '--out'"),
        (("a.yaml", "--out", "run", "--data", "pictures"), 2, "pictures: no data set; known are"),
        (("a.yaml", "--out", "run", "--size", "2"), 2, "Invalid value for '--size'"),
        (("a.yaml", "--out", "run", "--data", "frames:none.npz"), 3, "none.npz"),
        (("a.yaml", "--out", "run", "--data", "folder:none"), 3, "none"),
        (("none.yaml", "--out", "run"), 3, "none.yaml: No such file or directory"),
        (("b.yaml", "--out", "run"), 3, "b.yaml: model.vae.chanels is no setting"),
        (("c.yaml", "--out", "run"), 3, "c.yaml: model is "),
        (("a.yaml", "--out", "run", "--set", "training.crop=6"), 3, "training.crop is 6"),
        (("a.yaml", "--out", "run", "--set", "steps"), 3, "--set steps: wanted NAME=VALUE"),
        (("a.yaml", "--out", "run", "--resume", "must"), 3, "run: no checkpoint to resume from"),
        (("a.yaml", "--out", "run", "--device", "tpu"), 4, "--device tpu: not there"),
    ],
)
def test_a_mistake_ends_the_command_with_its_status_and_one_line(
    command, tmp_path, monkeypatch, arguments, status, told
):
    from recipes.images import datasets

    photos = lambda size, **options: some_data(size)  # noqa: E731
    monkeypatch.setattr(datasets, "load_photographs", photos)  # which take seconds to cut
    write_settings(tmp_path / "a.yaml")
    write_settings(tmp_path / "b.yaml", chanels=3)
    write_settings(tmp_path / "c.yaml", kind="gan")
    found, printed, errors = command(*arguments)
    assert found == status, errors
    assert printed == ""
    assert told in errors
    if status != 2 or errors.startswith("error"):
        assert len(errors.splitlines()) == 1
    assert checkpoints(tmp_path / "run") == []
