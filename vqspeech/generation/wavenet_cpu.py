"""Sampling a WaveNet on one CPU core by compiled steps: the samples of `wavenet_torch`, faster.

The weights are read once a step, for all streams; see `wavenet_packing` and `wavenet_kernel`.
"""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vqspeech.errors import MissingError
from vqspeech.generation.wavenet_packing import pack_wavenet, start
from vqspeech.nn.sampling import BELOW_ONE, COLDEST
from vqspeech.nn.wavenet import WaveNet

# Elements of a call of the compiled code, at most: between two of them Ctrl-C is heard.
CHUNK = 256


@torch.inference_mode()
def sample_wavenet_cpu(
    wavenet: WaveNet,
    uniforms: Tensor,
    local: Tensor | None = None,
    global_: Tensor | None = None,
    *,
    temperature: float = 1.0,
    progress: Callable[[int], None] | None = None,
) -> Tensor:
    """Draw sequences element by element, each given those before it.

    The draw follows `vqspeech.nn.sampling.draw`; logits differ from those of the reference by
    rounding alone. A stream has the same samples, bit for bit, alone and in any batch. It runs in
    the calling thread, without the GIL, so that two calls may run in two threads.

    The first call in a process loads numba and the compiled code (half a second each). The first
    ever compiles it, in about 7 s of CPU time, and keeps it: in `__pycache__` beside the module, in
    the user's cache folder where that cannot be written, or else for the process only.

    Args:
        wavenet: in evaluation mode.
        uniforms: (B, T) in [0, 1), T <= L * hop; equal numbers give equal samples.
        local: (B, C_local, L), where the network has a local condition.
        global_: (B, C_global), where it has a global one.
        temperature: divides the logits; 0 takes the likeliest.
        progress: called at least every 256 elements with the number drawn so far.

    Returns:
        (B, T) int64, on the device of the uniforms.

    Raises:
        ValueError: a weight or a condition is NaN or infinite, the shapes do not fit, or the
            temperature is negative or no number.
    """
    tokens, _ = _sample(wavenet, uniforms, local, global_, temperature, progress)
    return tokens.to(uniforms.device)


def load_kernel() -> Callable[..., None]:
    """The compiled steps; the first call in a process loads or compiles them.

    Raises:
        MissingError: numba is switched off.
    """
    import numba

    if numba.config.DISABLE_JIT:
        raise MissingError("NUMBA_DISABLE_JIT is set, and the sampler needs numba; unset it")
    # Here, because the import compiles: whoever samples elsewhere need not wait for it.
    from vqspeech.generation.wavenet_kernel import run

    return run


@torch.inference_mode()
def _sample(
    wavenet: WaveNet,
    uniforms: Tensor,
    local: Tensor | None = None,
    global_: Tensor | None = None,
    temperature: float = 1.0,
    progress: Callable[[int], None] | None = None,
    *,
    keep_logits: bool = False,
) -> tuple[Tensor, Tensor]:
    """Samples (B, T) int64 and, if kept, the logits (B, T, K) they were drawn from."""
    _check(wavenet, uniforms, local, global_, temperature)
    run = load_kernel()
    batch, length = uniforms.shape
    packed = pack_wavenet(wavenet)
    state = start(wavenet, batch)
    tokens = np.empty((batch, length), np.int64)
    logits = np.empty((batch, length if keep_logits else 0, wavenet.num_classes), np.float32)
    hop = wavenet.hop if local is not None else max(length, 1)
    frames = max(CHUNK // hop, 1)  # whose conditioning is prepared at once
    for begin in range(0, length if batch else 0, frames * hop):
        first = begin // hop
        condition = _condition(wavenet, local, global_, batch, first, frames)
        end = min(begin + frames * hop, length)
        for t in range(begin, end, CHUNK):
            stop = min(t + CHUNK, end)
            run(
                *(packed.packed, packed.embedding, state, packed.dilations, condition),
                uniforms[:, t:stop].double().clamp(max=BELOW_ONE).cpu().contiguous().numpy(),
                tokens,
                logits.reshape(-1, wavenet.num_classes),
                (t, stop, hop, first),
                0.0 if temperature < COLDEST else float(temperature),
            )
            if progress is not None:
                progress(stop)
    return torch.from_numpy(tokens), torch.from_numpy(logits)


def _condition(
    wavenet: WaveNet,
    local: Tensor | None,
    global_: Tensor | None,
    batch: int,
    first: int,
    frames: int,
) -> np.ndarray:
    """What is added to the gates from frame `first` on: (B * F * N, G), F 1 or `frames`."""
    # Stream by stream and always as many frames: the last bits of a matrix product depend on its
    # size, and a stream's samples must not depend on its neighbours.
    conditions = []
    for s in range(batch):
        part = None if local is None else local[s : s + 1, :, first : first + frames]
        if part is not None:
            part = F.pad(part, (0, frames - part.shape[2]))
        who = None if global_ is None else global_[s : s + 1]
        conditions.append(wavenet.condition(part, who, 1))  # (1, F, N, G)
    together = torch.cat(conditions).float().cpu().contiguous().numpy()
    return together.reshape(-1, wavenet.gate_channels)


def _check(
    wavenet: WaveNet,
    uniforms: Tensor,
    local: Tensor | None,
    global_: Tensor | None,
    temperature: float,
) -> None:
    if not temperature >= 0:
        raise ValueError(f"temperature {temperature}; 0 or more is wanted")
    if uniforms.dim() != 2:
        raise ValueError(f"uniforms of shape {tuple(uniforms.shape)}; (B, T) is wanted")
    batch, length = uniforms.shape
    # The compiled code checks no index.
    for name, condition, channels, dims in (
        ("local", local, wavenet.local_channels, 3),
        ("global", global_, wavenet.global_channels, 2),
    ):
        if (condition is not None) != bool(channels):
            raise ValueError(f"{name} condition of {channels} channels: wanted or not")
        if condition is None:
            continue
        if condition.dim() != dims or condition.shape[:2] != (batch, channels):
            raise ValueError(
                f"{name} condition of shape {tuple(condition.shape)}; ({batch}, {channels}"
                f"{', L' if dims == 3 else ''}) is wanted"
            )
        if not torch.isfinite(condition).all():
            raise ValueError(f"the {name} condition holds NaN or infinity")
    if local is not None and length > local.shape[2] * wavenet.hop:
        raise ValueError(
            f"{length} elements for {local.shape[2]} frames of {wavenet.hop}; give fewer"
        )
