"""Settings of the recipe: all load, belong together, and the paper's are the paper's."""

import math
from pathlib import Path

import pytest
from typer.testing import CliRunner

from recipes.images import options
from recipes.images.bits_runs import PRIOR, read_grid, read_numbers
from recipes.images.options import RecipeOptions
from recipes.images.settings import (
    TrainPictureModel,
    TrainPicturePrior,
    TrainSecondStage,
    VAESettings,
    VIMCOSettings,
)
from vqspeech.config.loader import load_config
from vqspeech.errors import InputError

CONF = Path(options.__file__).parent / "conf"
FOLDERS = sorted({path.parent for path in CONF.glob("*/**/*.yaml")})
SECONDS = sorted(CONF.glob("**/second.yaml"))


def name_of(path):
    return str(path.relative_to(CONF))


def load(path):
    schemas = {PRIOR: TrainPicturePrior, "second.yaml": TrainSecondStage}
    schema = RecipeOptions if path.parent == CONF else schemas.get(path.name, TrainPictureModel)
    return load_config(path, schema)


def latents_of(model):
    """What stands for 4 x 4 pixels: numbers, or codes and of how many each is."""
    if isinstance(model, VAESettings):
        return model.latent_channels
    if isinstance(model, VIMCOSettings):
        return model.dim if model.latents == "gaussian" else (model.groups, model.num_codes)
    return model.quantizer.groups, model.quantizer.num_codes


@pytest.mark.parametrize("path", sorted(CONF.glob("*.yaml")), ids=name_of)
def test_a_recipe_s_options_are_in_order_and_its_folders_hold_what_the_stages_read(path):
    chosen = load(path)
    read_grid(chosen.grid)
    read_numbers(chosen.betas)
    folders = {
        chosen.comparison: ("vae.yaml", "vqvae.yaml", "vimco.yaml", PRIOR),
        chosen.pictures: ("vqvae.yaml", PRIOR),
        chosen.views_conf: ("vqvae.yaml", PRIOR, "second.yaml"),
    }
    for folder, names in folders.items():
        for name in names:
            assert (CONF.parent / folder / name).is_file()


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_all_settings_of_a_folder_load_and_belong_together(folder):
    settings = {path.name: load(path) for path in folder.glob("*.yaml")}
    # A step before the last that is never saved would be a run that cannot go on.
    for one in settings.values():
        assert one.training.checkpoint_every <= one.training.steps
    models = {
        name: one.model for name, one in settings.items() if name not in (PRIOR, "second.yaml")
    }
    assert len({model.network for model in models.values()}) == 1
    if "vimco.yaml" in models:
        assert latents_of(models["vimco.yaml"]) == latents_of(models["vqvae.yaml"])
    if "vimco_gaussian.yaml" in models:
        assert latents_of(models["vimco_gaussian.yaml"]) == latents_of(models["vae.yaml"])


@pytest.mark.parametrize("path", SECONDS, ids=name_of)
def test_a_second_stage_has_the_pixelcnn_that_it_is_measured_against_and_is_27_bits(path):
    second, prior = load(path), load(path.with_name(PRIOR))
    assert second.model.pixelcnn == prior.model
    assert second.training.batch_size == prior.training.batch_size
    quantizer = second.model.quantizer
    assert quantizer.groups * math.log2(quantizer.num_codes) == 27


def test_the_paper_s_sizes_are_those_of_the_paper():
    chosen = load(CONF / "paper.yaml")
    models = [load(path) for path in (CONF.parent / chosen.comparison).glob("v*.yaml")]
    assert len(models) == 4
    for one in models:
        assert one.model.network.channels == 256
        assert one.model.network.residual_blocks == 2
        assert one.model.network.likelihood == "softmax"
        training = one.training
        assert (training.steps, training.batch_size, training.learning_rate) == (250_000, 128, 2e-4)
        if isinstance(one.model, VIMCOSettings):
            assert one.model.samples == 50
    pictures = load(CONF.parent / chosen.pictures / "vqvae.yaml").model
    assert latents_of(pictures) == (1, 512)
    assert pytest.approx(42.67, abs=0.01) == 128 * 128 * 3 * 8 / (32 * 32 * 9)


def test_options_become_assignments_whose_values_a_shell_takes_as_they_are(tmp_path):
    spaced = tmp_path / "it's mine"
    spaced.mkdir()
    config = tmp_path / "my.yaml"
    config.write_text(f'seeds: 2\nbetas: "0.1,$(date)"\npictures: "{spaced}"\n')
    printed = CliRunner().invoke(options.app, [str(config)]).stdout.splitlines()
    assert "seeds=2" in printed
    assert "betas='0.1,$(date)'" in printed
    assert f"""pictures='{tmp_path}/it'"'"'s mine'""" in printed
    assert f"views_conf={CONF}/frames84" in printed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: 1\n", "seed is no setting; did you mean seeds?"),
        ("samples: 1\n", "samples is 1"),
        ("pictures: conf/none\n", "pictures is .*conf/none: no such folder; give one"),
    ],
)
def test_options_that_are_no_options_are_told_in_one_line(tmp_path, text, message):
    config = tmp_path / "my.yaml"
    config.write_text(text)
    with pytest.raises(InputError, match=message) as refused:
        options.main(config)
    assert "\n" not in str(refused.value)
