"""What windows of held-out episodes become when they are drawn anew, beside what was there.

Beside each measure of drawn frames stands that of the true ones, taken through the first stage: no
prior over its codes can be better.

Shapes: B windows, F frames drawn, H x W pixels, h x w codes of K.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from recipes.frames.batches import as_array
from recipes.frames.first_stage import BATCH, PictureVQVAE, encode_pictures
from recipes.frames.pictures import PictureSet
from recipes.video.action_judge import ActionJudge, name_actions
from recipes.video.drawn_measures import (
    by_step,
    chance,
    describe_codes,
    nmse,
    over_episodes,
    psnr,
    score_actions,
    sharpness,
)
from recipes.video.windows import Windows

PAIRED_STEPS = 3  # of the first drawn frames, that are set against repeating the last one

# Codes before (B, T, h, w) and actions (B, F), None where not known, to drawn codes (B, F, h, w).
Draw = Callable[[Tensor, Tensor | None], Tensor]


@dataclass(frozen=True)
class Steps:
    """The last frame of the context and the F after it, of every window: true ones or drawn.

    Attributes:
        codes: (B, 1 + F, h, w) int64.
        pictures: (B, 1 + F, H, W, 3) uint8, what the first stage makes of them.
    """

    codes: np.ndarray
    pictures: np.ndarray


def score_windows(
    first: PictureVQVAE, judge: ActionJudge | None, windows: Windows, draw: Draw
) -> dict[str, Any]:
    """Draw windows anew and set them against what was there.

    Args:
        first: the first stage.
        judge: of the actions; None where nobody judges.
        windows: with actions, if there is a judge.
        draw: draws them.

    Returns:
        windows and episodes, how many; `fidelity`, see `judge_actions`, None without a judge;
        `drift` of drawn and of real frames, see `measure_drift`; `psnr`, see `compare_with_truth`.
    """
    episode, counts = windows.episode, windows.code_counts
    true = _steps(first, windows.codes)

    def drawn_by(actions: Tensor | None) -> Steps:
        codes = draw(windows.before, actions)
        return _steps(first, torch.cat([windows.codes[:, :1], codes], dim=1))

    drawn = drawn_by(windows.actions)
    fidelity = None
    if judge is not None:
        fidelity = judge_actions(
            judge, windows, true.pictures, drawn.pictures, lambda told: drawn_by(told).pictures
        )
    return {
        "windows": len(episode),
        "episodes": len(np.unique(episode)),
        "fidelity": fidelity,
        "drift": {
            "drawn": measure_drift(first, drawn, counts, episode),
            "real": measure_drift(first, true, counts, episode),
        },
        "psnr": compare_with_truth(drawn.pictures, true.pictures, windows.levels[:, 1:], episode),
    }


def judge_actions(
    judge: ActionJudge,
    windows: Windows,
    true: np.ndarray,
    drawn: np.ndarray,
    command: Callable[[Tensor], np.ndarray],
) -> dict[str, Any]:
    """Whether the action that is seen between two frames is the one that was told.

    Args:
        true, drawn: (B, 1 + F, H, W, 3), what the first stage makes of the codes.
        command: draws pictures like those under actions (B, F).

    Returns:
        `score_actions` of `real` pairs of frames, of the same `reconstructed` (the ceiling), of
        `drawn` ones, and of those `commanded`: by name of the one action that all steps are told.
        `chance` is how often who always names the most frequent action is right.
    """
    names, told = judge.action_names, windows.actions.numpy()

    def score(pictures: np.ndarray, told: np.ndarray) -> dict[str, Any]:
        return score_actions(_name(judge, pictures), told, windows.episode, names)

    commanded = {}
    for i, name in enumerate(names):
        always = torch.full_like(windows.actions, i)
        commanded[name] = score(command(always), always.numpy())
    return {
        "action_names": list(names),
        "chance": chance(told),
        "real": score(windows.levels, told),
        "reconstructed": score(true, told),
        "drawn": score(drawn, told),
        "commanded": commanded,
    }


def measure_drift(
    first: PictureVQVAE, steps: Steps, code_counts: np.ndarray, episode: np.ndarray
) -> dict[str, list[float]]:
    """Whether frames stay what the first stage makes of real ones, step by step.

    Args:
        steps: frames, drawn or true.
        code_counts: (K,) how often each code occurs in real frames, others than these.
        episode: (B,) of each window.

    Returns:
        By step: `nmse` of the pictures once more encoded and decoded, and the share of codes that
        are `changed` by it; `entropy`, `perplexity`, `used` and `divergence` of the step's codes
        (`describe_codes`); the share that is `kept` of the frame before; `sharpness`.
    """
    found: dict[str, list[float]] = {"nmse": [], "changed": []}
    for step in range(1, steps.codes.shape[1]):
        pictures, codes = steps.pictures[:, step], steps.codes[:, step]
        again = encode_pictures(first, PictureSet(pictures, episode, None, ()))
        found["nmse"].append(nmse(pictures, _pictures(first, again)))
        found["changed"].append(float((again.numpy() != codes).mean()))
        for name, value in describe_codes(codes, code_counts).items():
            found.setdefault(name, []).append(value)
    kept = (steps.codes[:, 1:] == steps.codes[:, :-1]).mean(axis=(2, 3))  # (B, F)
    found["kept"] = by_step(kept, episode)
    found["sharpness"] = by_step(sharpness(steps.pictures[:, 1:]), episode)
    return found


def compare_with_truth(
    drawn: np.ndarray, true: np.ndarray, levels: np.ndarray, episode: np.ndarray
) -> dict[str, Any]:
    """dB of pictures against the frames that were there.

    Args:
        drawn, true: (B, 1 + F, H, W, 3), the last of the context first.
        levels: (B, F, H, W, 3) of the true frames themselves.
        episode: (B,).

    Returns:
        By step: of `drawn` frames; of the last one of the context `repeated`; of the true ones
        `reconstructed` by the first stage, the bound. `gain` of drawing over repeating at the
        first steps, paired window by window.
    """
    found = {
        "drawn": psnr(drawn[:, 1:], levels),
        "repeated": psnr(true[:, :1], levels),
        "reconstructed": psnr(true[:, 1:], levels),
    }  # each (B, F)
    gain = found["drawn"] - found["repeated"]
    return {
        **{name: by_step(values, episode) for name, values in found.items()},
        "gain": [over_episodes(step, episode) for step in gain.T[:PAIRED_STEPS]],
    }


def _steps(first: PictureVQVAE, codes: Tensor) -> Steps:
    pictures = _pictures(first, codes.flatten(0, 1))
    return Steps(codes.numpy(), pictures.reshape(*codes.shape[:2], *pictures.shape[1:]))


@torch.no_grad()
def _pictures(first: PictureVQVAE, codes: Tensor) -> np.ndarray:
    """(N, h, w) to (N, H, W, 3) uint8."""
    device = next(first.parameters()).device
    return np.concatenate([as_array(first.pictures(p.to(device))) for p in codes.split(BATCH)])


def _name(judge: ActionJudge, pictures: np.ndarray) -> np.ndarray:
    """The actions between pictures (B, 1 + F, H, W, 3): (B, F)."""
    before, after = pictures[:, :-1], pictures[:, 1:]
    named = name_actions(judge, *(x.reshape(-1, *x.shape[2:]) for x in (before, after)))
    return named.reshape(before.shape[:2])
