"""Clips out of a few frames: their codes are drawn one frame after the other, then decoded.

Section 4.4: nothing is decoded before the last code is drawn. R clips, T context frames, F drawn
ones, h x w codes of H x W pixels.
"""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch

from recipes.frames.batches import as_array, as_tensor
from recipes.frames.first_stage import PictureVQVAE
from recipes.video.roll_out import roll_out
from recipes.video.video_prior import VideoPrior
from vqspeech.generation.pixelcnn_cpu import load_steps

BATCH = 64  # frames decoded at once


class DrawnClips(NamedTuple):
    """Clips that go on from the same frames."""

    context: np.ndarray  # (T, H, W, 3) uint8, as they were given
    context_codes: np.ndarray  # (T, h, w) int32
    codes: np.ndarray  # (R, F, h, w) int32
    pictures: np.ndarray  # (R, F, H, W, 3) uint8
    actions: np.ndarray | None  # (R, F) int64; None for a prior that is told none
    seconds: float  # that a clip took, of all that were drawn together

    def whole(self) -> np.ndarray:
        """The context before each clip: (R, T + F, H, W, 3) uint8."""
        context = np.broadcast_to(self.context, (len(self.codes), *self.context.shape))
        return np.concatenate([context, self.pictures], 1)


@torch.no_grad()
def draw_clips(
    first: PictureVQVAE,
    prior: VideoPrior,
    context: np.ndarray,
    actions: Sequence[Sequence[int]] | None = None,
    *,
    frames: int | None = None,
    count: int = 1,
    seed: int = 0,
    temperature: float = 1.0,
    top_k: int = 0,
    progress: Callable[[int], None] | None = None,
) -> DrawnClips:
    """Draw clips that go on from the same context.

    Args:
        first: whose codes the prior has learnt, in evaluation mode.
        prior: in evaluation mode, on the same device.
        context: (T, H, W, 3) uint8.
        actions: lists of F; each leads through `count` clips. Wanted exactly when the prior is told
            of actions.
        frames: F, wanted without actions.
        count: of clips for each list of actions, or in all.
        seed: of the uniform numbers; clip i has stream i.
        temperature, top_k: as in `vqspeech.generation.pixelcnn_sampling.sample_pixelcnn`.
        progress: see `roll_out`.

    Raises:
        ValueError: no clip or frame, lists of several lengths, actions that are missing or unasked
            for, or a context that the prior cannot take.
    """
    if (actions is None) != (not prior.action_names) or (frames is None) == (actions is None):
        raise ValueError(
            f"actions {actions}, frames {frames}, of a prior told {prior.action_names}"
        )
    lists = None if actions is None else [list(row) for row in actions for _ in range(count)]
    lengths = {frames} if lists is None else {len(row) for row in lists}
    if len(lengths) != 1 or count < 1 or min(lengths) < 1:
        raise ValueError(f"{count} clips of {sorted(lengths)} frames; all as long, and some")
    device = next(first.parameters()).device
    if device.type == "cpu":
        load_steps()  # whether they had to be compiled is no matter of the clips
    began = time.perf_counter()
    before = first.codes_of(as_tensor(context).to(device))  # (T, h, w)
    rows = count if lists is None else len(lists)
    told = None if lists is None else torch.tensor(lists, device=device)
    codes = roll_out(
        prior,
        before.expand(rows, -1, -1, -1),
        told,
        *lengths,
        seed=seed,
        temperature=temperature,
        top_k=top_k,
        progress=progress,
    )
    decoded = [first.pictures(part.to(device)) for part in codes.flatten(0, 1).split(BATCH)]
    pictures = as_array(torch.cat(decoded))
    return DrawnClips(
        context=context,
        context_codes=_as_int32(before),
        codes=_as_int32(codes),
        pictures=pictures.reshape(*codes.shape[:2], *pictures.shape[1:]),
        actions=None if told is None else told.cpu().numpy(),
        seconds=(time.perf_counter() - began) / rows,
    )


def _as_int32(codes: torch.Tensor) -> np.ndarray:
    return codes.to("cpu", torch.int32).numpy()
