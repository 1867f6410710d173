"""The command that measures a prior over frames: from end to end, and its mistakes."""

import json
from dataclasses import replace

import numpy as np
import pytest
from small_pictures import save_vqvae
from small_video import ACTIONS, frames_file, save_judge, save_prior

from recipes.frames.first_stage import load_picture_vqvae
from recipes.frames.frames_file import read_frames, split_frames, write_frames
from recipes.frames.tables import as_text
from recipes.video.action_judge import load_judge
from recipes.video.code_frames import encode_frames
from recipes.video.drawn_scores import score_drawn
from recipes.video.examine import app
from recipes.video.frame_bits import score_bits
from recipes.video.result_files import FILES
from recipes.video.settings import ContextSettings
from recipes.video.video_prior import load_video_prior
from vqspeech.checkpoint import hash_folder
from vqspeech.cli.leave import run_for_status

OTHERS = {"without": "without", "alone": "alone", "judge": "judge"}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A folder with two first stages, priors over the codes of one, judges and frames."""
    folder = tmp_path_factory.mktemp("examine")
    save_vqvae(folder / "vqvae", size=16)
    save_vqvae(folder / "other", size=16, seen=np.full((4, 16, 16, 3), np.arange(3), np.uint8))
    name = {"model_hash": hash_folder(folder / "vqvae")}
    save_prior(folder / "prior", **name)
    save_prior(folder / "without", actions=(), **name)
    save_prior(folder / "alone", actions=(), context=0, **name)
    wide = ContextSettings(channels=6, blocks=1, embedding_channels=4, map_channels=6)
    save_prior(folder / "wide", actions=(), network=wide, **name)
    save_judge(folder / "judge")
    save_judge(folder / "smaller", size=12)
    frames = frames_file(maps=3)
    write_frames(folder / "frames.npz", frames)
    write_frames(folder / "large.npz", frames_file(size=20))
    write_frames(folder / "few.npz", frames_file((5, 5)))
    write_frames(folder / "silent.npz", frames_file(actions=False))
    write_frames(folder / "turned.npz", replace(frames, action_names=(*ACTIONS[1:], ACTIONS[0])))
    return folder


@pytest.fixture
def examine(models, tmp_path, monkeypatch, capsys):
    """A function that runs the command beside the models: exit status, output and errors."""
    monkeypatch.chdir(models)

    def run(**changes):
        given = {"--model": "vqvae", "--prior": "prior", "--data": "frames.npz", "--frames": 3}
        given |= {"--clips": 4, "--seed": 5, "--device": "cpu", "--out": tmp_path / "scores"}
        given |= {f"--{key}": value for key, value in changes.items()}
        words = [str(word) for pair in given.items() for word in pair]
        return run_for_status(lambda: app(words)), *capsys.readouterr()

    return run


def test_what_is_printed_and_written_is_what_the_models_come_to(examine, models, tmp_path):
    status, printed, told = examine(**OTHERS)
    assert (status, told) == (0, "")
    path = tmp_path / "scores" / "video.json"
    facts, tables = FILES.read(path)
    assert printed == "\n\n".join(map(as_text, tables)) + "\n"
    assert len(tables) == 4

    # The same from the parts that are held out, of which every map that is not learnt from is one.
    file = read_frames("frames.npz")
    parts = split_frames(file)
    first, _ = load_picture_vqvae("vqvae")
    order = ("train", "valid", "test")
    train, valid, test = (encode_frames(first, file, parts[part]) for part in order)
    prior, without, alone = (load_video_prior(name) for name in ("prior", "without", "alone"))
    assert facts["bits"] == score_bits(prior, without, alone, train, valid, test)
    options = {"clips": 4, "frames": 3, "seed": 5, "device": "cpu"}
    pixels = file.frames[parts["test"]]
    drawn = score_drawn(first, prior, load_judge("judge"), test, pixels, **options)
    for entry in (facts["drawn"], drawn):
        assert entry.pop("seconds_a_clip") > 0
    assert facts["drawn"] == drawn

    assert facts["test_frames"] == len(test) == 5 * facts["test_episodes"]
    assert facts["bits"]["frames"] == 3 * facts["test_episodes"]  # each after two of context
    assert facts["codes"] == [4, 4, 8]
    assert facts["model_hash"] == hash_folder(models / "vqvae")
    assert facts["prior_hash"] == hash_folder(models / "prior")
    assert facts["environment"]["command"].startswith("python -m recipes.video.examine")


def test_the_command_does_without_all_but_the_prior_and_draws_by_its_seed(examine, tmp_path):
    def drawn(**changes):
        status, printed, told = examine(**changes)
        assert status == 0, told
        facts = json.loads((tmp_path / "scores" / "video.json").read_text())
        del facts["drawn"]["seconds_a_clip"]
        return facts["drawn"] | {"seed": 0}, printed

    facts, printed = drawn()
    assert facts["fidelity"] is None
    assert "fidelity" not in printed
    assert "without actions" not in printed
    assert drawn()[0] == facts
    assert drawn(seed=6)[0] != facts


def test_a_prior_that_is_told_no_actions_is_scored_on_frames_that_have_none(examine):
    status, printed, told = examine(prior="without", alone="alone", data="silent.npz")
    assert status == 0, told
    assert "2 frames before " in printed
    assert "action" not in printed


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "other"}, "prior: a prior over the codes of model"),
        ({"model": "prior"}, "prior: holds a video-prior; give the folder of a VQ-VAE"),
        ({"prior": "alone"}, "alone: sees no frames before; give it as --alone"),
        ({"prior": "without", "without": "without"}, "without: is told no actions itself; leave"),
        ({"without": "prior"}, "prior: is told actions; train it with model.actions=false"),
        ({"without": "wide"}, "wide: of another size than the prior with actions; train one"),
        ({"without": "alone"}, "alone: of another size than the prior with actions; train one"),
        ({"alone": "prior"}, "prior: is told actions; train it with model.actions=false"),
        ({"alone": "without"}, "without: sees frames before; train it with model.context=0"),
        ({"judge": "prior"}, "prior: holds a video-prior; give the folder of a judge of actions"),
        ({"judge": "smaller"}, "smaller: judges frames of 12 x 12, these are of 16 x 16; train"),
        ({"data": "none.npz"}, "none.npz: No such file"),
        ({"data": "large.npz"}, "large.npz: frames of 20x20 pixels, 16x16 were wanted"),
        ({"data": "few.npz"}, "few.npz: no episode in the part test; collect more frames"),
        ({"data": "silent.npz"}, "knows the actions forward right left, those of the frames are n"),
        ({"data": "turned.npz"}, "the prior knows the actions forward right left, those of"),
        ({"data": "turned.npz", "judge": "judge"}, "judge: knows the actions forward right left"),
        (
            {"frames": 4},
            "frames.npz: the longest held-out episode has 5 frames, 2 of context and 4 to be drawn "
            "are wanted; collect longer ones, or draw fewer",
        ),
    ],
)
def test_a_mistake_is_told_in_one_line_before_anything_is_scored(
    examine, tmp_path, changes, message
):
    status, printed, told = examine(**changes)
    assert (status, printed) == (3, "")
    assert message in told
    assert told.count("\n") == 1
    assert not (tmp_path / "scores").exists()


@pytest.mark.parametrize("temperature", ["nan", "inf", "-1"])
def test_a_temperature_that_nothing_can_be_drawn_by_is_a_mistake_of_usage(
    examine, tmp_path, temperature
):
    status, printed, told = examine(temperature=temperature)
    assert (status, printed) == (2, "")
    assert "--temperature" in told
    assert not (tmp_path / "scores").exists()
