"""Training a prior over frames: it learns what moves where, resumes exactly, and refuses."""

import json
import math

import numpy as np
import pytest
import torch
from small_pictures import save_vqvae
from small_video import ACTIONS, frames_file

from recipes.frames.code_map import CodeMap
from recipes.frames.frames_file import write_frames
from recipes.video.code_frames import CodeFrames
from recipes.video.settings import VideoPriorSettings, VideoPriorTrainingSettings
from recipes.video.train_on_frames import _FramesTask, score_frames
from recipes.video.train_prior import app
from recipes.video.video_prior import VideoPrior, load_video_prior
from vqspeech.checkpoint import load_tensors
from vqspeech.cli.leave import run_for_status

SETTINGS = """
model:
  context: 2
  network: {channels: 8, blocks: 1, embedding_channels: 4, map_channels: 6}
  pixelcnn: {channels: 8, layers: 2, kernel_size: 3, first_kernel_size: 3, head_channels: 8}
training: {steps: 4, batch_size: 4, warmup_steps: 0, checkpoint_every: 2, log_every: 1, threads: 1}
"""


@pytest.fixture
def ready(tmp_path):
    """A first stage, frames and settings."""
    vqvae = save_vqvae(tmp_path / "vqvae", size=16)
    write_frames(tmp_path / "frames.npz", frames_file())
    (tmp_path / "prior.yaml").write_text(SETTINGS)
    return tmp_path, vqvae


def train(folder, out="run", *arguments, data="frames.npz"):
    return run_for_status(
        lambda: app(
            [
                str(folder / "prior.yaml"),
                *("--model", str(folder / "vqvae"), "--data", str(folder / data)),
                *("--out", str(folder / out), "--device", "cpu", "--quiet", *arguments),
            ]
        )
    )


def moving_scenes(count, seed):
    """Scenes of noise that a turn moves by one code: but for the new column all is known."""
    rng = np.random.default_rng(seed)
    codes, actions = [], []
    for scene in rng.integers(4, size=(count, 4, 20)):
        place = 8
        for action in rng.integers(1, 3, 8):
            codes.append(scene[:, place : place + 4])
            actions.append(action)
            place += 1 if action == 1 else -1
    episode = np.repeat(np.arange(count), 8)
    return CodeFrames(torch.from_numpy(np.stack(codes)), torch.tensor(actions), episode, ACTIONS)


def test_a_prior_learns_where_an_action_moves_things():
    frames, unseen = moving_scenes(120, 0), moving_scenes(20, 1)
    settings = VideoPriorSettings.model_validate(
        {
            "context": 1,
            "network": {"channels": 16, "blocks": 1, "embedding_channels": 4, "map_channels": 8},
            "pixelcnn": {"channels": 8, "layers": 2, "first_kernel_size": 3, "head_channels": 16},
        }
    )
    torch.manual_seed(0)
    prior = VideoPrior(settings, CodeMap(4, 1, 4, 4, "made-up"), ACTIONS, torch.randn(4, 4))
    training = VideoPriorTrainingSettings(batch_size=32)
    task = _FramesTask(prior, training, frames, unseen, "made-up").task()
    optimizer = torch.optim.Adam(prior.parameters(), 1e-2)
    for step in range(100):
        optimizer.zero_grad()
        task.compute_losses(task.batch_at(step))["loss"].backward()
        optimizer.step()
    index = unseen.targets(1)
    bits = score_frames(prior, unseen, index).mean() / math.log(2)
    # 4 codes of 2 bits are new in each frame of 16; all of them would be 32 bits.
    assert 7.9 <= bits < 14
    swapped = CodeFrames(unseen.codes, 3 - unseen.actions, unseen.episode, ACTIONS)
    assert score_frames(prior, swapped, index).mean() / math.log(2) > 2 * bits


def test_a_run_that_was_stopped_goes_on_as_if_it_was_not(ready, capsys):
    folder, _ = ready
    assert train(folder, "whole") == 0
    assert "nats a code" in capsys.readouterr().out
    assert train(folder, "parts", "--set", "training.steps=2") == 0
    # The schedule knows the last step, so the first half is not that of the whole run by itself;
    # stopping the whole run after its second step is.
    log = [json.loads(line) for line in (folder / "whole" / "log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in log if "guide" in entry] == [1, 2, 3, 4]
    newest = folder / "whole" / "step-00000004"
    weights = load_tensors(newest / "model.safetensors")
    for part in newest.iterdir():
        part.unlink()
    newest.rmdir()
    (folder / "whole" / "best").unlink()
    assert train(folder, "whole", "--resume", "must") == 0
    again = load_tensors(newest / "model.safetensors")
    assert weights.keys() == again.keys()
    assert all(torch.equal(weights[name], again[name]) for name in weights)


def test_a_checkpoint_knows_actions_and_first_stage(ready):
    folder, _ = ready
    assert train(folder) == 0
    prior = load_video_prior(folder / "run")
    assert prior.action_names == ACTIONS
    assert (prior.code_map.height, prior.code_map.width, prior.code_map.num_codes) == (4, 4, 8)
    assert train(folder, "without", "--set", "model.actions=false") == 0
    assert load_video_prior(folder / "without").action_names == ()
    assert train(folder, "alone", "--set", "model.actions=false", "--set", "model.context=0") == 0
    assert load_video_prior(folder / "alone").context == 0


@pytest.mark.parametrize(
    ("file", "arguments", "told"),
    [
        (frames_file(size=20), (), "frames of 20x20 pixels, 16x16 were wanted"),
        (frames_file(actions=False), (), "no actions; give other frames"),
        (frames_file((2,) * 10), (), "no episode is longer than 2 frames"),
        (frames_file((9,)), (), "no episode in the part valid; collect more frames"),
        (frames_file(), ("--set", "model.contxt=3"), "contxt"),
    ],
)
def test_what_cannot_be_learnt_from_is_one_line_and_status_3(ready, capsys, file, arguments, told):
    folder, _ = ready
    write_frames(folder / "other.npz", file)
    status = train(folder, "run", *arguments, data="other.npz")
    captured = capsys.readouterr()
    assert status == 3
    assert told in captured.err
    assert captured.err.count("\n") == 1


def test_codes_of_two_groups_are_refused(ready, capsys):
    folder, _ = ready
    save_vqvae(folder / "vqvae2", size=16, groups=2)
    (folder / "vqvae").rename(folder / "vqvae1")
    (folder / "vqvae2").rename(folder / "vqvae")
    assert train(folder) == 3
    assert "2 groups of codes" in capsys.readouterr().err
