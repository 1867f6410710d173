"""A judge of actions learns motion from real pairs; what it cannot judge is told in one line."""

import json
import os
import signal
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml
from run_content import run_content

from recipes.frames.frames_file import FramesFile, write_frames
from recipes.video import train_judge
from recipes.video.action_judge import ActionJudge, JudgeSettings, load_judge, name_actions
from recipes.video.frame_pairs import split_pairs
from recipes.video.train_on_pairs import TrainJudge, _JudgeTask
from vqspeech.checkpoint import checkpoints
from vqspeech.cli.leave import run_for_status
from vqspeech.config.loader import load_config
from vqspeech.errors import InputError

NAMES = ("forward", "right", "left")
SIDE, MOVE = 24, 4
TRAINING = {
    **{"steps": 6, "batch_size": 16, "learning_rate": 5e-3, "final_learning_rate": 1e-3},
    **{"warmup_steps": 0, "average_decay": 0.8, "log_every": 2, "checkpoint_every": 3},
    **{"precision": "float32", "threads": 1},
}


def made_up_file(episodes=240, side=SIDE, names=NAMES, seed=0):
    """Two frames an episode: a wall, and it from nearer or after a turn by four pixels."""
    rng = np.random.default_rng(seed)
    frames, actions = [], rng.integers(len(NAMES), size=episodes).astype(np.uint8)
    nearer = (np.arange(side) * 3 // 4) + side // 8
    for action in actions:
        tiles = rng.integers(256, size=(-(-side // 3), -(-side // 3) + 4, 3), dtype=np.uint8)
        wall = tiles.repeat(3, 0).repeat(3, 1)[:side]
        before = wall[:, MOVE : MOVE + side]
        turned = {1: wall[:, 2 * MOVE : 2 * MOVE + side], 2: wall[:, :side]}
        after = turned[action] if action else before[nearer][:, nearer]
        frames += [before, after]
    last = np.zeros_like(actions)  # which leads out of the episode
    episode = np.arange(episodes, dtype=np.int32).repeat(2)
    return FramesFile(
        frames=np.stack(frames),
        episode=episode,
        map=np.zeros(2 * episodes, np.int16),
        map_names=("wall",),
        actions=np.stack([actions, last], 1).ravel(),
        action_names=names,
        collector="made-up",
    )


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """A function that runs the command on the made-up file: exit status, output, errors."""
    monkeypatch.chdir(tmp_path)
    write_frames("walls.npz", made_up_file())
    model = {"channels": 8, "reach_across": 2}
    settings = {"model": model, "training": TRAINING}
    (tmp_path / "judge.yaml").write_text(yaml.safe_dump(settings))

    def run(*arguments, data="walls.npz", out="run"):
        paths = ("judge.yaml", "--data", data, "--out", out, "--device", "cpu", "--quiet")
        monkeypatch.setattr(sys, "argv", ["train_judge.py", *paths, *arguments])
        return run_for_status(train_judge.app), *capsys.readouterr()

    return run


def test_actions_between_frames_that_it_never_saw_are_named_right(command, tmp_path):
    steps = ("--set", "training.steps=60", "--set", "training.checkpoint_every=30")
    status, printed, told = command(*steps)
    assert status == 0, told
    assert printed.startswith("run/step-00000060  best step-")
    assert "nats a pair" in printed
    other = made_up_file(60, seed=1)
    judge = load_judge(tmp_path / "run", other)
    before, after, actions = other.frames[::2], other.frames[1::2], other.actions[::2]
    assert (name_actions(judge, before, after) == actions).mean() > 0.95
    # Seen in the other order, what was a turn to the right is one to the left.
    turned = actions > 0
    back = name_actions(judge, after[turned], before[turned])
    assert (back == 3 - actions[turned].astype(int)).mean() > 0.95
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert log[-1]["valid"]["accuracy"] > 0.9
    assert (judge.action_names, judge.size) == (NAMES, (SIDE, SIDE))
    environment = json.loads((tmp_path / "run" / "environment.json").read_text())
    assert environment["command"].startswith("python -m recipes.video.train_judge ")


def test_a_run_in_two_pieces_ends_bit_for_bit_as_one_in_one_piece(command, tmp_path, monkeypatch):
    assert command(out="whole")[0] == 0
    calls, compute_losses = [], _JudgeTask.compute_losses

    def stop_in_the_fourth_step(self, batch):
        calls.append(1)
        if len(calls) == 4:
            os.kill(os.getpid(), signal.SIGTERM)
        return compute_losses(self, batch)

    with monkeypatch.context() as patched:
        patched.setattr(_JudgeTask, "compute_losses", stop_in_the_fourth_step)
        assert command(out="pieces")[0] == 143
    assert [path.name for path in checkpoints("pieces")][-1] == "step-00000004"
    assert command("--resume", "must", out="pieces")[0] == 0
    assert run_content(tmp_path / "pieces") == run_content(tmp_path / "whole")


def test_a_run_goes_on_with_the_actions_it_began_with(command):
    assert command("--set", "training.steps=3")[0] == 0
    file = made_up_file()
    actions = file.actions.copy()
    learnt = split_pairs(file, "walls.npz")["train"].first[7]
    actions[learnt] = (actions[learnt] + 1) % 3
    write_frames("other.npz", replace(file, actions=actions))
    status, _, told = command(data="other.npz")
    assert (status, len(told.splitlines())) == (3, 1)
    assert "its data differs" in told


def test_pairs_stay_within_an_episode_and_an_action_leads_to_the_later_frame():
    file = made_up_file(30)
    parts = split_pairs(file, "walls.npz")
    assert sum(map(len, parts.values())) == 30  # one of each episode
    pairs = parts["train"]
    assert np.array_equal(file.episode[pairs.first], file.episode[pairs.first + 1])
    assert np.array_equal(pairs.before[3], file.frames[pairs.first[3]])
    assert np.array_equal(pairs.after[3], file.frames[pairs.first[3] + 1])
    assert np.array_equal(pairs.actions, file.actions[pairs.first])
    assert pairs.some(10).first.tolist() == pairs.first[::3].tolist()  # 24 pairs in steps of 3


@pytest.fixture
def folder(command, tmp_path):
    """Of a judge that has hardly learnt."""
    assert command("--set", "training.steps=1")[0] == 0
    return tmp_path / "run"


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (made_up_file(1, side=28), "judges frames of 24 x 24, these are of 28 x 28; train"),
        (
            made_up_file(1, names=("ahead", "right", "left")),
            "knows the actions forward right left, those of the frames are ahead right left; train",
        ),
        (
            replace(made_up_file(1), actions=None, action_names=()),
            "knows the actions forward right left, those of the frames are none; train",
        ),
    ],
)
def test_frames_that_a_judge_cannot_judge_are_refused_in_one_line(folder, file, message):
    with pytest.raises(InputError, match=message) as refused:
        load_judge(folder, file)
    assert "\n" not in str(refused.value)
    assert refused.value.exit_code == 3


def test_a_file_that_nothing_is_learnt_from_is_refused_in_one_line(command):
    file = made_up_file(3)
    alone = replace(file, episode=np.arange(6, dtype=np.int32))
    for data, message in (
        (
            replace(file, actions=None, action_names=()),
            "a.npz: no actions between the frames; give",
        ),
        (alone, "a.npz: no pairs of frames in the part train; collect more frames"),
        (made_up_file(1), "a.npz: no pairs of frames in the part valid; collect more frames"),
    ):
        write_frames("a.npz", data)
        status, printed, told = command(data="a.npz")
        assert (status, printed, len(told.splitlines())) == (3, "", 1)
        assert message in told


def test_light_that_changes_from_frame_to_frame_is_no_motion():
    """A cosine has no length: a frame beside itself at half the contrast stands still."""
    torch.manual_seed(0)
    judge = ActionJudge(JudgeSettings(channels=4), NAMES, (SIDE, SIDE)).eval()
    for layer in judge.features[::2]:
        layer.bias.data.zero_()  # so that features are in proportion to the picture
    frame = torch.from_numpy(made_up_file(1).frames[:1]).permute(0, 3, 1, 2).float()
    dimmer = (frame - 127.5) / 2 + 127.5
    same, dimmed = judge(torch.cat([frame, frame], 1)), judge(torch.cat([frame, dimmer], 1))
    torch.testing.assert_close(same, dimmed, atol=1e-4, rtol=1e-4)


def test_frames_of_another_size_are_a_caller_s_mistake():
    judge = ActionJudge(JudgeSettings(channels=4), NAMES, (SIDE, SIDE))
    with pytest.raises(ValueError, match=r"\(B, 6, \*\(24, 24\)\) is wanted"):
        judge(torch.zeros(1, 6, SIDE, SIDE + 4))


@pytest.mark.parametrize("name", ["default", "tiny"])
def test_settings_of_the_recipe_load_and_save_what_they_learn(name):
    conf = os.path.join(os.path.dirname(train_judge.__file__), "conf", name, "judge.yaml")
    training = load_config(conf, TrainJudge).training
    assert training.steps % training.checkpoint_every == 0
