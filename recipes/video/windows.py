"""Stretches of held-out episodes that are drawn anew: a few frames of context, then the drawn.

Shapes: B windows, T frames of context, F frames drawn, H x W pixels, h x w codes of K.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from recipes.video.code_frames import CodeFrames
from vqspeech.errors import InputError

MOST_OF_EPISODE = 4  # windows: those of one episode are alike


@dataclass(frozen=True)
class Windows:
    """What is drawn from, and what was there.

    Attributes:
        before: (B, T, h, w) int64, codes of the context.
        actions: (B, F) int64, each leading to its frame; None where not known.
        episode: (B,) of each window.
        codes: (B, 1 + F, h, w) int64, of the last frame of the context and those after it.
        levels: (B, 1 + F, H, W, 3) uint8, the same frames.
        code_counts: (K,) how often each code occurs in the held-out frames that are not drawn.
    """

    before: Tensor
    actions: Tensor | None
    episode: np.ndarray
    codes: Tensor
    levels: np.ndarray
    code_counts: np.ndarray


def choose_windows(episode: np.ndarray, count: int, context: int, frames: int) -> np.ndarray:
    """Windows spread over episodes, and in each over its length; no frame is drawn twice.

    Args:
        episode: (n,) of which each frame is; those of one stand together.
        count: windows, at most: short or few episodes have fewer.
        context: frames before the first that is drawn.
        frames: that are drawn.

    Returns:
        (B,) int64 in ascending order: the first frame of each window that is drawn.

    Raises:
        InputError: no episode is as long as a window.
    """
    index = np.arange(context, len(episode) - frames + 1)
    index = index[episode[index - context] == episode[index + frames - 1]]
    if not len(index):
        raise InputError(
            f"no held-out episode of {context + frames} frames, {context} of context and {frames} "
            "to be drawn; collect longer ones, or draw fewer"
        )
    places = [index[episode[index] == number] for number in np.unique(episode[index])]
    room = np.array([min(MOST_OF_EPISODE, max(1, len(each) // frames)) for each in places])
    taken = np.zeros_like(room)
    while (left := count - taken.sum()) > 0 and (free := np.flatnonzero(taken < room)).size:
        if left < len(free):  # not one for each: some, from the first to the last
            free = free[np.linspace(0, len(free) - 1, left).round().astype(int)]
        taken[free] += 1
    return np.concatenate(
        [
            each[((np.arange(of_it) + 0.5) * len(each) / of_it).astype(int)]
            for each, of_it in zip(places, taken, strict=True)
            if of_it
        ]
    )


def cut_windows(
    part: CodeFrames,
    pixels: np.ndarray,
    num_codes: int,
    *,
    count: int,
    context: int,
    frames: int,
) -> Windows:
    """Windows of held-out episodes, by `choose_windows`.

    Args:
        part: the episodes.
        pixels: (n, H, W, 3) uint8, its frames.
        num_codes: K.
        count: windows, at most.
        context: T.
        frames: F.

    Raises:
        InputError: no episode is as long as a window.
    """
    start = choose_windows(part.episode, count, max(1, context), frames)
    index = start[:, None] + np.arange(-1, frames)  # (B, 1 + F)
    drawn = index[:, 1:]
    actions = None
    if part.actions is not None:
        actions = part.leading(drawn.ravel()).reshape(drawn.shape)
    others = np.setdiff1d(np.arange(len(part)), drawn)
    return Windows(
        before=part.before(start, context),
        actions=actions,
        episode=part.episode[start],
        codes=part.codes[torch.from_numpy(index)],
        levels=pixels[index],
        code_counts=np.bincount(part.codes[others].flatten().numpy(), minlength=num_codes),
    )
