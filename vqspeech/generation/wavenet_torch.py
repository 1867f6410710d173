"""Sampling a WaveNet one element at a time with cached steps: the reference for faster samplers."""

from collections.abc import Callable

import torch
from torch import Tensor

from vqspeech.nn.sampling import draw
from vqspeech.nn.wavenet import WaveNet


@torch.inference_mode()
def sample_wavenet(
    wavenet: WaveNet,
    condition: Tensor,
    uniforms: Tensor,
    *,
    hop: int,
    temperature: float = 1.0,
    progress: Callable[[int], None] | None = None,
) -> Tensor:
    """Draw sequences element by element, each given those before it.

    Args:
        wavenet: in evaluation mode.
        condition: (B, L, N, G) from `WaveNet.condition`.
        uniforms: (B, T) in [0, 1), T <= L * hop; equal numbers give equal samples.
        hop: elements a frame.
        temperature: divides the logits; 0 takes the likeliest.
        progress: called now and then with the number of elements drawn so far.

    Returns:
        (B, T) int64.
    """
    batch, length = uniforms.shape
    tokens = torch.empty(batch, length, dtype=torch.int64, device=condition.device)
    state, token = wavenet.start(batch), None
    for t in range(length):
        logits, state = wavenet.step(token, state, condition[:, t // hop])
        token = draw(logits, uniforms[:, t], temperature)
        tokens[:, t] = token
        if progress is not None and (t + 1) % 256 == 0:
            progress(t + 1)
    return tokens
