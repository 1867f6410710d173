"""The judge of actions: a small network that names the action between two consecutive frames.

It learns from real frames alone. Whether frames that a model has drawn follow the actions that it
was told is then asked of one who has never seen a drawn frame.

Shapes: B pairs of frames, H x W pixels, A actions, C channels.
"""

import os
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recipes.frames.batches import as_tensor
from recipes.frames.convolutions import prepare
from recipes.frames.frames_file import FramesFile
from recipes.frames.model_folder import load_weights, read_model_config, read_model_settings
from vqspeech.config.schema import Positive, Settings
from vqspeech.errors import InputError

KIND, FORMAT = "action-judge", 1
BATCH = 64  # pairs that are named at once
STRIDE = 4  # pixels a side for one place of the volume


class JudgeSettings(Settings):
    """How large a judge is, and how far it looks for where a thing has gone."""

    channels: Positive = 16  # C
    reach_across: Positive = 5  # places of 4 pixels, to either side
    reach_down: Positive = 1  # the same, up and down


class ActionJudge(nn.Module):
    """Pairs of frames to how likely each action was to lead from the one to the other.

    Both frames go through the same two strided convolutions. What is seen at a place of the first
    is then compared with what is seen around that place in the second, as in FlowNetC (Dosovitskiy
    et al. 2015, section 3): a volume of likenesses by displacement. Convolutions over that volume
    know of motion alone; from pixels they would have to find it first.

    Args:
        settings: written into its checkpoints.
        action_names: of the actions, A.
        size: H and W.
    """

    def __init__(self, settings: JudgeSettings, action_names: tuple[str, ...], size: tuple):
        super().__init__()
        self.settings, self.action_names, self.size = settings, action_names, tuple(size)
        wide = 2 * settings.channels
        self.features = nn.Sequential(
            nn.Conv2d(3, settings.channels, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv2d(settings.channels, wide, 5, stride=2, padding=2),
        )
        displacements = (2 * settings.reach_across + 1) * (2 * settings.reach_down + 1)
        self.motion = nn.Sequential(
            nn.Conv2d(displacements, wide, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(wide, wide, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(wide, wide, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
        )
        places = [-(-side // (4 * STRIDE)) for side in self.size]
        self.output = nn.Linear(wide * places[0] * places[1], len(action_names))

    def forward(self, pairs: Tensor) -> Tensor:
        """Levels (B, 6, H, W), the earlier frame first, to logits (B, A).

        Raises:
            ValueError: frames of another size than it was made for.
        """
        if pairs.shape[1:] != (6, *self.size):
            raise ValueError(f"pairs of shape {tuple(pairs.shape)}; (B, 6, *{self.size}) is wanted")
        frames = torch.cat(pairs.split(3, dim=1))  # (2 B, 3, H, W)
        before, after = _directions(self.features(prepare(frames))).chunk(2)
        return self.output(self.motion(self._likenesses(before, after)))

    def _likenesses(self, before: Tensor, after: Tensor) -> Tensor:
        """Cosines of each place's features and those around it later: (B, displacements, h, w)."""
        across, down = self.settings.reach_across, self.settings.reach_down
        height, width = before.shape[2:]
        around = F.pad(after, (across, across, down, down))
        return torch.stack(
            [
                (before * around[:, :, y : y + height, x : x + width]).sum(1)
                for y in range(2 * down + 1)
                for x in range(2 * across + 1)
            ],
            dim=1,
        )


def _directions(features: Tensor) -> Tensor:
    """Vectors of length 1 along the channels, so that light and contrast say little."""
    return F.normalize(features - features.mean(1, keepdim=True), dim=1)


@torch.no_grad()
def name_actions(judge: ActionJudge, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The likeliest action between frames (N, H, W, 3) uint8 and their followers: (N,) int64."""
    device = next(judge.parameters()).device
    named = [
        judge(as_pairs(before[i : i + BATCH], after[i : i + BATCH]).to(device)).argmax(1).cpu()
        for i in range(0, len(before), BATCH)
    ]
    return torch.cat(named).numpy()


def as_pairs(before: np.ndarray, after: np.ndarray) -> Tensor:
    """Frames (N, H, W, 3) uint8 and their followers as the judge takes them: (N, 6, H, W)."""
    return torch.cat([as_tensor(before), as_tensor(after)], dim=1)


def judge_config(judge: ActionJudge, data: str) -> dict[str, Any]:
    """What config.json holds.

    Args:
        data: what the frames may be called.
    """
    return {
        "kind": KIND,
        "format": FORMAT,
        "model": judge.settings.model_dump(mode="json"),
        "action_names": list(judge.action_names),
        "size": list(judge.size),
        "data": data,
    }


def load_judge(path: str | os.PathLike, file: FramesFile | None = None) -> ActionJudge:
    """A trained judge from a run, a checkpoint or a model folder.

    Args:
        file: frames that it must be able to judge.

    Raises:
        InputError: another kind of model, broken files, or frames of another size or with other
            actions than it has learnt from.
    """
    folder, config = read_model_config(path, {KIND: FORMAT}, "a judge of actions")
    settings = read_model_settings(folder, config, JudgeSettings)
    judge = ActionJudge(settings, tuple(config["action_names"]), tuple(config["size"]))
    load_weights(judge, folder)
    if file is not None:
        _check_frames(judge, file, folder)
    return judge.eval()


def _check_frames(judge: ActionJudge, file: FramesFile, place: os.PathLike) -> None:
    (height, width), found = judge.size, file.frames.shape[1:3]
    if found != (height, width):
        raise InputError(
            f"{place}: judges frames of {height} x {width}, these are of {found[0]} x {found[1]}; "
            "train a judge on these"
        )
    if file.action_names != judge.action_names:
        names = " ".join(file.action_names) or "none"
        raise InputError(
            f"{place}: knows the actions {' '.join(judge.action_names)}, those of the frames are "
            f"{names}; train a judge on these"
        )
