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
    top_k: int = 0,
    given: Tensor | None = None,
    progress: Callable[[int], None] | None = None,
) -> Tensor:
    """Draw sequences element by element, each given those before it.

    Args:
        wavenet: in evaluation mode.
        uniforms: (B, T) in [0, 1), T <= L * hop; equal numbers give equal samples.
        local: (B, C_local, L), where the network has a local condition.
        global_: (B, C_global), where it has a global one.
        temperature: divides the logits; 0 takes the likeliest.
        top_k: a level is left out where so many have a strictly larger logit; 0 keeps all.
        given: (B, P) int64, P <= T: the first elements, which are not drawn. The numbers for them
            are not used.
        progress: called now and then with the number of elements drawn so far.

    Returns:
        (B, T) int64.

    Raises:
        ValueError: `given` does not fit.
    """
    streams = TorchStreams(wavenet, len(uniforms), global_)
    return streams.advance(
        uniforms, local, temperature=temperature, top_k=top_k, given=given, progress=progress
    )


class TorchStreams:
    """B sequences that are drawn piece after piece.

    Args:
        wavenet: in evaluation mode.
        batch: B.
        global_: (B, C_global), where the network has a global condition.
    """

    def __init__(self, wavenet: WaveNet, batch: int, global_: Tensor | None = None):
        self.wavenet = wavenet
        self._batch, self._global = batch, global_
        with torch.inference_mode():
            self._state = wavenet.start(batch)
        self._last: Tensor | None = None

    @torch.inference_mode()
    def advance(
        self,
        uniforms: Tensor,
        local: Tensor | None = None,
        *,
        temperature: float = 1.0,
        top_k: int = 0,
        given: Tensor | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Tensor:
        """The next n elements (B, n) int64; the arguments are those of `sample_wavenet`.

        Args:
            uniforms: (B, n) for these elements.
            local: the frames of these elements; the first one begins a frame.
            given: (B, P), the first of these elements.
        """
        batch, length = uniforms.shape
        wavenet = self.wavenet
        check_given(wavenet, uniforms, given)
        known = 0 if given is None else given.shape[1]
        hop = wavenet.hop if local is not None else max(length, 1)
        tokens = torch.empty(batch, length, dtype=torch.int64, device=uniforms.device)
        for t in range(length):
            frame, offset = divmod(t, hop)
            if offset == 0:
                if frame % FRAMES == 0:
                    part = local[:, :, frame : frame + FRAMES] if local is not None else None
                    condition = wavenet.condition(part, self._global, batch)  # (B, FRAMES, N, G)
                    lags = wavenet.lags(part) if wavenet.lag_taps else None  # (B, FRAMES)
                current = condition[:, frame % FRAMES]
                lag = None if lags is None else lags[:, frame % FRAMES]
            logits, self._state = wavenet.step(self._last, self._state, current, lag)
            if t < known:
                self._last = given[:, t]
            else:
                self._last = draw(logits, uniforms[:, t], temperature, top_k)
            tokens[:, t] = self._last
            if progress is not None and (t + 1) % 256 == 0:
                progress(t + 1)
        return tokens


def check_given(wavenet: WaveNet, uniforms: Tensor, given: Tensor | None) -> None:
    """Refuse elements that are none of the network's, or more than are asked for.

    Raises:
        ValueError: the shape is not (B, P) with P <= T, or a value is beyond the classes.
    """
    if given is None:
        return
    batch, length = uniforms.shape
    if given.dim() != 2 or len(given) != batch or given.shape[1] > length:
        raise ValueError(
            f"given elements of shape {tuple(given.shape)}; ({batch}, at most {length}) is wanted"
        )
    if given.is_floating_point() or given.is_complex():
        raise ValueError(f"given elements are {given.dtype}; int64 is wanted")
    if given.numel() and not 0 <= int(given.min()) <= int(given.max()) < wavenet.num_classes:
        raise ValueError(f"given elements beyond 0 to {wavenet.num_classes - 1}")
