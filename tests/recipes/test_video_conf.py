"""Settings of the recipe of video: all load, belong together, and tiny ones are tiny."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from recipes.video import options
from recipes.video.action_judge import STRIDE
from recipes.video.action_list import MOST_FRAMES
from recipes.video.clip_settings import TrainFirstStage
from recipes.video.options import RecipeOptions
from recipes.video.settings import TrainVideoPrior
from recipes.video.train_on_pairs import TrainJudge
from vqspeech.config.loader import load_config
from vqspeech.errors import InputError

RECIPE = Path(options.__file__).parent
CONF = RECIPE / "conf"
SCHEMAS = {
    "vqvae.yaml": TrainFirstStage,
    "clips.yaml": TrainFirstStage,
    "prior.yaml": TrainVideoPrior,
    "judge.yaml": TrainJudge,
}
FOLDERS = sorted(path for path in CONF.iterdir() if path.is_dir())
SIDE = 84  # pixels of a frame


def name_of(path):
    return str(path.relative_to(CONF))


def load(folder):
    return {path.name: load_config(path, SCHEMAS[path.name]) for path in folder.glob("*.yaml")}


def width_of(settings):
    model = settings.model
    return getattr(model, "network", model).channels


def test_run_sh_reads_these_settings_of_a_folder_and_no_others():
    read = re.findall(r"\$models/(\w+\.yaml)", (RECIPE / "run.sh").read_text())
    assert set(read) == SCHEMAS.keys()
    for folder in FOLDERS:
        assert {path.name for path in folder.iterdir()} == SCHEMAS.keys()


@pytest.mark.parametrize("path", sorted(CONF.glob("*.yaml")), ids=name_of)
def test_a_recipe_s_options_name_a_folder_of_settings(path):
    chosen = load_config(path, RecipeOptions)
    assert RECIPE / chosen.models in FOLDERS
    # A clip is cut from at most all that is collected.
    context = load(RECIPE / chosen.models)["prior.yaml"].model.context
    assert chosen.frames > context + chosen.drawn


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_all_settings_of_a_folder_load_and_belong_together(folder):
    settings = load(folder)
    # A step before the last that is never saved would be a run that cannot go on.
    for one in settings.values():
        assert one.training.checkpoint_every <= one.training.steps
        assert one.training.final_learning_rate < one.training.learning_rate
    frames, clips = (settings[name].model for name in ("vqvae.yaml", "clips.yaml"))
    assert (frames.kind, clips.kind) == ("vqvae", "clips")
    for one in (frames, clips):
        assert (one.quantizer.groups, one.quantizer.num_codes) == (1, 512)
    # The paper's: six frames before, and the action.
    prior = settings["prior.yaml"].model
    assert (prior.context, prior.actions) == (6, True)
    judge = settings["judge.yaml"].model
    assert 2 * judge.reach_across + 1 <= SIDE // STRIDE


def test_tiny_settings_are_tiny_and_an_accelerator_s_are_the_largest():
    options_of = {path.stem: load_config(path, RecipeOptions) for path in CONF.glob("*.yaml")}
    sizes = {name: load(RECIPE / one.models) for name, one in options_of.items()}
    assert sizes.keys() == {"tiny", "default", "paper"}
    assert options_of["tiny"].frames <= 500
    assert max(one.training.steps for one in sizes["tiny"].values()) <= 50
    assert options_of["tiny"].frames < options_of["default"].frames < options_of["paper"].frames
    for name in SCHEMAS:
        tiny, default, paper = (sizes[each][name] for each in ("tiny", "default", "paper"))
        for pick in (width_of, lambda one: one.training.steps):
            assert pick(tiny) < pick(default) < pick(paper)


def test_options_become_assignments_whose_values_a_shell_takes_as_they_are(tmp_path):
    spaced = tmp_path / "it's mine"
    spaced.mkdir()
    config = tmp_path / "my.yaml"
    config.write_text(f'drawn: 3\nmodels: "{spaced}"\n')
    printed = CliRunner().invoke(options.app, [str(config)]).stdout.splitlines()
    quoted = f"""'{tmp_path}/it'"'"'s mine'"""
    assert printed == ["frames=16000", "clips=64", "drawn=3", f"models={quoted}"]
    listed = re.search(r"# Of --config: (.*)", (RECIPE / "run.sh").read_text())[1]
    assert [line.split("=")[0] for line in printed] == listed.split()


def test_no_more_frames_are_asked_for_than_a_list_of_actions_may_have(tmp_path):
    config = tmp_path / "my.yaml"
    config.write_text(f"drawn: {MOST_FRAMES}\n")
    assert load_config(config, RecipeOptions).drawn == MOST_FRAMES
    config.write_text(f"drawn: {MOST_FRAMES + 1}\n")
    with pytest.raises(InputError, match=f"drawn is {MOST_FRAMES + 1}"):
        load_config(config, RecipeOptions)
