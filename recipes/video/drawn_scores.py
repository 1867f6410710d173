"""How well a prior draws frames: windows of held-out episodes, drawn from their first frames.

It is told the actions that were taken there. What is measured is in
`recipes.video.window_scores`.

Shapes: B windows, T frames of context, F frames drawn, h x w codes.
"""

import copy
import time
from typing import Any

import numpy as np
import torch
from torch import Tensor

from recipes.frames.first_stage import PictureVQVAE
from recipes.video.action_judge import ActionJudge
from recipes.video.code_frames import CodeFrames
from recipes.video.roll_out import roll_out
from recipes.video.video_prior import VideoPrior
from recipes.video.window_scores import score_windows
from recipes.video.windows import cut_windows
from vqspeech.devices import choose_device
from vqspeech.errors import InputError

AT_ONCE = 16  # windows that are drawn at once


def score_drawn(
    first: PictureVQVAE,
    prior: VideoPrior,
    judge: ActionJudge | None,
    part: CodeFrames,
    pixels: np.ndarray,
    *,
    clips: int,
    frames: int = 10,
    seed: int = 0,
    temperature: float = 1.0,
    device: str = "auto",
) -> dict[str, Any]:
    """Draw windows of held-out episodes and score them.

    Args:
        first: the first stage, over whose codes the prior is.
        prior: told of actions or not; drawn frames of the latter are not judged.
        judge: of the actions; None where nobody judges.
        part: held-out frames as codes of the first stage: whole episodes, in order.
        pixels: (n, H, W, 3) uint8, the same frames.
        clips: windows, at most.
        frames: F.
        seed, temperature: of the samples.

    Returns:
        What `score_windows` does, how the windows were drawn, and `seconds_a_clip`.

    Raises:
        InputError: the actions of the frames are not those that the prior or the judge knows, or
            no episode is long enough.
        MissingError: no such device.
    """
    where = choose_device(device)
    check_actions(prior, judge, part.action_names)
    first, prior = first.to(where), prior.to(where)
    is_told = bool(prior.action_names)

    def draw(before: Tensor, actions: Tensor | None) -> Tensor:
        parts = [
            roll_out(
                prior,
                before[i : i + AT_ONCE],
                actions[i : i + AT_ONCE] if is_told else None,
                frames,
                seed=seed + i,  # or each batch would draw by the same random numbers
                temperature=temperature,
            )
            for i in range(0, len(before), AT_ONCE)
        ]
        return torch.cat(parts)

    windows = cut_windows(
        *(part, pixels, first.quantizer.num_codes),
        count=clips,
        context=prior.context,
        frames=frames,
    )
    judge = judge.to(where) if judge is not None and is_told else None
    facts = score_windows(first, judge, windows, draw)
    one = windows.actions[:1] if is_told else None
    return {
        **{"frames": frames, "context": prior.context, "seed": seed, "temperature": temperature},
        **facts,
        "seconds_a_clip": seconds_a_clip(first, prior, windows.before[:1], one, frames),
    }


def check_actions(
    prior: VideoPrior, judge: ActionJudge | None, action_names: tuple[str, ...]
) -> None:
    """Refuse models that know other actions than those of the frames.

    Raises:
        InputError: they do.
    """
    known = {"prior": prior.action_names, "judge": judge.action_names if judge else ()}
    for model, names in known.items():
        if names and names != action_names:
            raise InputError(
                f"the {model} knows the actions {' '.join(names)}, those of the frames are "
                f"{' '.join(action_names) or 'none'}; give frames as it has learnt from"
            )


@torch.no_grad()
def seconds_a_clip(
    first: PictureVQVAE, prior: VideoPrior, before: Tensor, actions: Tensor | None, frames: int
) -> float:
    """CPU seconds of one core for drawing one window (1, T, h, w) and decoding it."""
    first, prior = (copy.deepcopy(model).cpu() for model in (first, prior))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        # What is made once, such as compiled code, is no part of a clip.
        roll_out(prior, before, None if actions is None else actions[:, :1], 1)
        began = time.process_time()
        first.pictures(roll_out(prior, before, actions, frames)[0])
        return time.process_time() - began
    finally:
        torch.set_num_threads(threads)
