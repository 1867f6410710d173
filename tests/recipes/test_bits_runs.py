"""A comparison from settings to figures, on a folder of noise; and what is no grid of models."""

import json

import numpy as np
import pytest
from PIL import Image
from small_pictures import SMALL_NETWORK, SMALL_PIXELCNN

from recipes.frames.command import RunOptions
from recipes.images.bits_runs import Comparison, Source, read_grid, read_numbers
from recipes.images.code_prior import load_prior
from recipes.images.models import load_model
from vqspeech.errors import InputError, UsageError

TRAINING = {"steps": 3, "batch_size": 4, "warmup_steps": 1, "checkpoint_every": 3, "threads": 1}
NETWORK = SMALL_NETWORK.model_dump()
MODELS = {
    "vae": {"kind": "vae", "network": NETWORK, "latent_channels": 2},
    "vimco": {"kind": "vimco", "network": NETWORK, "num_codes": 4, "dim": 4, "samples": 2},
    "vqvae": {
        **{"kind": "vqvae", "network": NETWORK},
        "quantizer": {"num_codes": 8, "groups": 2, "dim": 6},
    },
    "prior": SMALL_PIXELCNN.model_dump(),
}


@pytest.fixture(scope="module")
def comparison(tmp_path_factory):
    """Three models of pictures in two classes, and what two seeds came to."""
    folder = tmp_path_factory.mktemp("comparison")
    rng = np.random.default_rng(0)
    for part, count in (("train", 6), ("val", 4), ("test", 4)):
        for i in range(count):
            path = folder / "pictures" / part / f"class{i % 2}" / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(256, size=(8, 8, 3), dtype=np.uint8)).save(path)
    (folder / "conf").mkdir()
    for name, model in MODELS.items():
        settings = {"model": model, "training": TRAINING}
        (folder / "conf" / f"{name}.yaml").write_text(json.dumps(settings))
    source = Source(f"folder:{folder / 'pictures'}", 8, folder / "cache")
    options = RunOptions(quiet=True, device="cpu")
    made = Comparison(source, folder / "conf", folder / "runs", options, samples=3, neighbours=2)
    return made, made.run(2, "3x2", "0.1")


def test_every_system_is_scored_on_every_held_out_picture_with_every_seed(comparison):
    _, facts = comparison
    assert set(facts["systems"]) == {
        *("VAE", "VAE, importance-weighted, 3 samples", "VIMCO, 3 samples", "VIMCO, 1 sample"),
        *("VQ-VAE, uniform prior", "VQ-VAE, learnt prior"),
    }
    for entry in facts["systems"].values():
        assert (entry["runs"], entry["sources"]) == (2, 4)
    uniform = facts["systems"]["VQ-VAE, uniform prior"]
    # 2 x 2 places of two codes of eight are 24 bits for 192 dimensions.
    assert uniform["latent_bits"] == pytest.approx(24 / 192)
    assert uniform["pixel_bits"] + 24 / 192 == pytest.approx(uniform["bits_per_dim"])
    names = list(facts["systems"])
    (difference,) = [
        entry
        for entry in facts["differences"]
        if {entry["first"], entry["second"]} == {"VAE", "VQ-VAE, uniform prior"}
    ]
    sign = 1 if names.index("VAE") < names.index("VQ-VAE, uniform prior") else -1
    gap = uniform["bits_per_dim"] - facts["systems"]["VAE"]["bits_per_dim"]
    assert difference["difference"] == pytest.approx(sign * gap)
    assert facts["pictures"] == {"train": 6, "valid": 4, "test": 4}
    assert 6 < facts["histogram_bits"] < 8  # of 256 levels that are equally likely


def test_of_the_grid_each_model_has_its_codes_and_the_width_of_a_latent_stays(comparison):
    made, facts = comparison
    (row,) = facts["grid"]
    assert (row["groups"], row["num_codes"], row["latent_bits"]) == (3, 2, 2 * 2 * 3)
    quantizer = load_model(made.out / "vqvae-3x2")[0].quantizer
    assert (quantizer.groups, quantizer.num_codes) == (3, 2)
    assert quantizer.dim == 9  # vqvae.yaml has 6 for two
    (row,) = facts["betas"]
    assert row["beta"] == 0.1
    assert row["systems"]["VQ-VAE, uniform prior"]["runs"] == 1
    quantizer = load_model(made.out / "vqvae-beta0.1")[0].quantizer
    assert (quantizer.groups, quantizer.num_codes) == (2, 8)
    assert quantizer.commitment_cost == 0.1


def test_what_near_codes_add_is_counted_over_all_latents_and_is_no_loss(comparison):
    _, facts = comparison
    near = facts["near_codes"]
    assert (near["pictures"], near["neighbours"]) == (2, 2)
    assert near["evaluations"] == 1 + 2 * (2 * 2 * 2)
    assert near["gain_bits"] == pytest.approx(near["gain_bits_per_dim"] * 192)
    assert near["gain_bits"] >= 0


def test_classes_are_left_out_since_bits_are_of_the_pictures_alone(comparison):
    made, _ = comparison
    assert made.source.load(0).class_names == ()
    assert made.source.load(0).part("train").labels is None
    assert load_prior(made.out / "vqvae-seed0-prior").class_names == ()


def test_what_is_finished_is_not_trained_again_and_gives_the_same_figures(comparison):
    made, facts = comparison

    weights = made.out.glob("*/step-*/model.safetensors")
    before = {path: path.stat().st_mtime_ns for path in weights}
    assert len(before) == 3 * 2 + 2 + 2 + 1  # models, priors, of the grid with one, of the betas
    again = made.run(2, "3x2", "0.1")
    weights = made.out.glob("*/step-*/model.safetensors")
    assert {path: path.stat().st_mtime_ns for path in weights} == before
    changing = ("seconds", "environment")
    assert {key: value for key, value in again.items() if key not in changing} == {
        key: value for key, value in facts.items() if key not in changing
    }


def test_settings_that_are_not_there_are_named_before_anything_is_trained(comparison, tmp_path):
    made, _ = comparison

    def run(*arguments):
        out = tmp_path / "runs"
        models = tmp_path / "conf"
        models.mkdir(exist_ok=True)
        Comparison(made.source, models, out, made.options, samples=2, neighbours=0).run(*arguments)

    with pytest.raises(InputError, match=r"conf: holds no settings \(\*.yaml\); give a folder"):
        run(1, "", "")
    (tmp_path / "conf").joinpath("vae.yaml").write_text(json.dumps({"model": MODELS["vae"]}))
    with pytest.raises(InputError, match=r"vqvae.yaml: missing; --grid and --betas vary"):
        run(1, "1x4", "")
    assert not (tmp_path / "runs").exists()


def test_grids_and_betas_are_read():
    assert read_grid("1x512,4x64") == [(1, 512), (4, 64)]
    assert read_grid("") == read_numbers("") == []
    assert read_numbers("0.1,2,1e-3") == [0.1, 2.0, 0.001]


@pytest.mark.parametrize("text", ["512", "1x", "ax2", "0x4", "1x2x3", "1x-4", "1,2"])
def test_what_is_no_grid_is_refused(text):
    with pytest.raises(UsageError, match=r"--grid .*: groups and codes were wanted"):
        read_grid(text)


@pytest.mark.parametrize("text", ["a", "0.1;2", "-1", "nan", "inf"])
def test_what_is_no_commitment_cost_is_refused(text):
    with pytest.raises(UsageError, match=r"--betas .*: numbers of 0 or more were wanted"):
        read_numbers(text)
