"""Tiny frames of codes, and priors and judges of them, as objects and as folders.

Their weights are drawn.
"""

import numpy as np
import torch

from recipes.frames.code_map import CodeMap
from recipes.frames.frames_file import FramesFile
from recipes.frames.settings import PixelCNNSettings
from recipes.video.action_judge import ActionJudge, JudgeSettings, judge_config
from recipes.video.code_frames import CodeFrames
from recipes.video.settings import ContextSettings, VideoPriorSettings
from recipes.video.video_prior import VideoPrior, video_prior_config
from vqspeech.checkpoint import save_folder

ACTIONS = ("forward", "right", "left")
SMALL = VideoPriorSettings(
    context=2,
    network=ContextSettings(channels=8, blocks=1, embedding_channels=4, map_channels=6),
    pixelcnn=PixelCNNSettings(
        channels=8, layers=2, kernel_size=3, first_kernel_size=3, head_channels=8
    ),
)


def build_prior(*, num_codes=8, side=4, model_hash="made-up", actions=ACTIONS, **settings):
    torch.manual_seed(0)
    settings = SMALL.model_copy(update={"actions": bool(actions)} | settings)
    code_map = CodeMap(num_codes, 1, side, side, model_hash)
    prior = VideoPrior(settings, code_map, actions, torch.randn(num_codes, 4)).eval()
    # Drawn from afar: a fresh model is close to no opinion at all.
    for parameter in prior.parameters():
        torch.nn.init.normal_(parameter, std=0.6)
    return prior


def save_prior(folder, **sizes):
    prior = build_prior(**sizes)
    config = video_prior_config(prior)
    save_folder(folder, {"config.json": config, "model.safetensors": prior.state_dict()})
    return prior


def save_judge(folder, *, size=16, actions=ACTIONS):
    torch.manual_seed(0)
    settings = JudgeSettings(channels=4, reach_across=1, reach_down=1)
    judge = ActionJudge(settings, actions, (size, size)).eval()
    config = judge_config(judge, "made-up")
    save_folder(folder, {"config.json": config, "model.safetensors": judge.state_dict()})
    return judge


def code_frames(lengths=(5, 4), *, num_codes=8, side=4, seed=0, actions=True):
    """Episodes of so many frames, their codes and actions drawn."""
    rng = np.random.default_rng(seed)
    count = sum(lengths)
    return CodeFrames(
        torch.from_numpy(rng.integers(num_codes, size=(count, side, side))),
        torch.from_numpy(rng.integers(3, size=count)) if actions else None,
        np.repeat(np.arange(len(lengths)), lengths),
        ACTIONS if actions else (),
    )


def frames_file(lengths=(5,) * 10, *, size=16, maps=1, actions=True, seed=0):
    """Frames of noise in episodes of so many, on as many maps."""
    rng = np.random.default_rng(seed)
    count = sum(lengths)
    episode = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    return FramesFile(
        rng.integers(256, size=(count, size, size, 3), dtype=np.uint8),
        episode,
        (episode % maps).astype(np.int16),
        tuple(f"map{i}" for i in range(maps)),
        rng.integers(3, size=count, dtype=np.uint8) if actions else None,
        ACTIONS if actions else (),
        "made-up",
    )
