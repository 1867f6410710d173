"""Sampling a WaveNet one element at a time with cached steps: the reference for faster samplers."""

from collections.abc import Callable

import torch
from torch import Tensor

from vqspeech.nn.sampling import draw
from vqspeech.nn.wavenet import WaveNet

# Frames whose conditioning is prepared at once: all layers of it are much larger than its source.
FRAMES = 64


@torch.inference_mode()
def sample_wavenet(
    wavenet: WaveNet,
    uniforms: Tensor,
    local: Tensor | None = None,
    global_: Tensor | None = None,
    *,
    temperature: float = 1.0,
    progress: Callable[[int], None] | None = None,
) -> Tensor:
    """Draw sequences element by element, each given those before it.

    Args:
        wavenet: in evaluation mode.
        uniforms: (B, T) in [0, 1), T <= L * hop; equal numbers give equal samples.
        local: (B, C_local, L), where the network has a local condition.
        global_: (B, C_global), where it has a global one.
        temperature: divides the logits; 0 takes the likeliest.
        progress: called now and then with the number of elements drawn so far.

    Returns:
        (B, T) int64.
    """
    batch, length = uniforms.shape
    hop = wavenet.hop if local is not None else max(length, 1)
    tokens = torch.empty(batch, length, dtype=torch.int64, device=uniforms.device)
    state, token = wavenet.start(batch), None
    for t in range(length):
        frame, offset = divmod(t, hop)
        if offset == 0:
            if frame % FRAMES == 0:
                part = local[:, :, frame : frame + FRAMES] if local is not None else None
                condition = wavenet.condition(part, global_, batch)  # (B, FRAMES, N, G)
            current = condition[:, frame % FRAMES]
        logits, state = wavenet.step(token, state, current)
        token = draw(logits, uniforms[:, t], temperature)
        tokens[:, t] = token
        if progress is not None and (t + 1) % 256 == 0:
            progress(t + 1)
    return tokens
