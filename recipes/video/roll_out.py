"""Frames drawn one after another, wholly in latent space: section 4.4.

Each frame's codes are drawn given those of the frames before it, its own as soon as there are some.
Nothing is decoded on the way.

Shapes: B clips, T frames that the prior sees, F frames that are drawn, h x w codes.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from recipes.video.video_prior import VideoPrior
from vqspeech.generation.pixelcnn_sampling import map_uniforms, sample_pixelcnn


@torch.no_grad()
def roll_out(
    prior: VideoPrior,
    before: Tensor,
    actions: Tensor | None,
    frames: int,
    *,
    seed: int = 0,
    temperature: float = 1.0,
    top_k: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Tensor:
    """Draw frames that follow on others.

    Args:
        prior: on the device that shall compute.
        before: (B, N, h, w) codes of which the last T are seen.
        actions: (B, F) that lead to the frames; wanted exactly when the prior is told of actions.
        frames: F.
        seed: of the uniform numbers. Clip i has stream i, so it is the same in any batch, and its
            first frames are the same however many follow.
        temperature, top_k: as in `vqspeech.generation.pixelcnn_sampling.sample_pixelcnn`.
        progress: told after each frame how many are done.

    Returns:
        (B, F, h, w) int64 on the CPU.

    Raises:
        ValueError: fewer than T frames before, or actions that are missing, unasked for or of
            another shape.
    """
    clips, given, height, width = before.shape
    if given < prior.context:
        raise ValueError(f"{given} frames before; the prior sees {prior.context}")
    if (actions is not None) != bool(prior.action_names):
        raise ValueError(f"actions {actions}; the prior is told of {prior.action_names}")
    if actions is not None and actions.shape != (clips, frames):
        raise ValueError(f"actions of shape {tuple(actions.shape)}; {(clips, frames)} is wanted")
    device = next(prior.parameters()).device
    uniforms = map_uniforms(seed, range(clips), frames * height, width)
    uniforms = uniforms.view(clips, frames, height, width)
    # A place in memory for all of them, so that the last T are always a slice.
    codes = torch.cat(
        [before.cpu(), torch.zeros(clips, frames, height, width, dtype=torch.int64)], 1
    )
    for number in range(frames):
        end = given + number
        seen = codes[:, end - prior.context : end].to(device)
        own = None if actions is None else actions[:, number].to(device)
        codes[:, end] = sample_pixelcnn(
            prior.pixelcnn,
            uniforms[:, number],
            own,
            prior.condition(seen, own),
            temperature=temperature,
            top_k=top_k,
        )
        if progress is not None:
            progress(number + 1)
    return codes[:, given:]
