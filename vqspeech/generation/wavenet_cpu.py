"""Sampling a WaveNet on one CPU core by compiled steps: the samples of `wavenet_torch`, faster.

The weights are read once a step, for all streams; see `wavenet_packing` and `wavenet_kernel`.
"""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vqspeech.generation.compilation import check_numba
from vqspeech.generation.wavenet_packing import pack_wavenet, start
from vqspeech.generation.wavenet_torch import check_given
from vqspeech.nn.sampling import BELOW_ONE, COLDEST, check_choice
from vqspeech.nn.wavenet import WaveNet

# Elements of a call of the compiled code, at most: between two of them Ctrl-C is heard.
CHUNK = 256
_WHOLE = 1 << 62  # elements of a frame that never ends


@torch.inference_mode()
def sample_wavenet_cpu(
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

    The draw follows `vqspeech.nn.sampling.draw`; logits differ from those of the reference by
    rounding alone. A stream has the same samples, bit for bit, alone and in any batch. It runs in
    the calling thread, without the GIL, so that two calls may run in two threads.

    The first call in a process loads numba and the compiled code (half a second each). The first
    ever compiles it, in about 10 s of CPU time, and keeps it: in `__pycache__` beside the module,
    in the user's cache folder where that cannot be written, or else for the process only.

    Args:
        wavenet: in evaluation mode.
        uniforms: (B, T) in [0, 1), T <= L * hop; equal numbers give equal samples.
        local: (B, C_local, L), where the network has a local condition.
        global_: (B, C_global), where it has a global one.
        temperature: divides the logits; 0 takes the likeliest.
        top_k: a level is left out where so many have a strictly larger logit; 0 keeps all.
        given: (B, P) int64, P <= T: the first elements, which are not drawn. The numbers for them
            are not used.
        progress: called at least every 256 elements with the number drawn so far.

    Returns:
        (B, T) int64, on the device of the uniforms.

    Raises:
        ValueError: a weight or a condition is NaN or infinite, shapes or given elements do not
            fit, or the temperature or top_k is negative or no number.
    """
    if uniforms.dim() != 2:
        raise ValueError(f"uniforms of shape {tuple(uniforms.shape)}; (B, T) is wanted")
    streams = CpuStreams(wavenet, len(uniforms), global_)
    return streams.advance(
        uniforms, local, temperature=temperature, top_k=top_k, given=given, progress=progress
    )


def load_kernel() -> Callable[..., None]:
    """The compiled steps; the first call in a process loads or compiles them.

    Raises:
        MissingError: numba is switched off.
    """
    check_numba()
    # Here, because the import compiles: whoever samples elsewhere need not wait for it.
    from vqspeech.generation.wavenet_kernel import run

    return run


class CpuStreams:
    """B sequences that are drawn piece after piece; see `sample_wavenet_cpu`.

    Args:
        wavenet: in evaluation mode; its weights are copied.
        batch: B.
        global_: (B, C_global), where the network has a global condition.

    Raises:
        MissingError: numba is switched off.
        ValueError: a weight or the condition is NaN or infinite, or the condition does not fit.
    """

    def __init__(self, wavenet: WaveNet, batch: int, global_: Tensor | None = None):
        _check_condition("global", global_, (batch, wavenet.global_channels))
        self._wavenet, self._global = wavenet, global_
        self._run = load_kernel()
        self._packed = pack_wavenet(wavenet)
        self._state = start(wavenet, batch)
        self._last = np.zeros((batch, 1), np.int64)  # nothing reads what stands before element 0
        self._position = 0

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
        logits: np.ndarray | None = None,
    ) -> Tensor:
        """The next n elements (B, n) int64; the arguments are those of `sample_wavenet_cpu`.

        Args:
            uniforms: (B, n) for these elements.
            local: the frames of these elements; the first one begins a frame.
            given: (B, P), the first of these elements.
            progress: called with the number of these elements drawn so far.
            logits: (B, n, K) float32, to be filled with what they are drawn from.
        """
        batch, length = len(self._last), uniforms.shape[-1]
        wavenet = self._wavenet
        check_choice(temperature, top_k)
        if uniforms.dim() != 2 or len(uniforms) != batch:
            raise ValueError(f"uniforms of shape {tuple(uniforms.shape)}; ({batch}, T) is wanted")
        check_given(wavenet, uniforms, given)
        lags = 1 if wavenet.lag_taps else 0
        _check_condition("local", local, (batch, wavenet.local_channels + lags, -1))
        if local is not None and length > local.shape[2] * wavenet.hop:
            raise ValueError(
                f"{length} elements for {local.shape[2]} frames of {wavenet.hop}; give fewer"
            )
        known = 0 if given is None else given.shape[1]
        tokens = np.empty((batch, length), np.int64)
        if known:
            tokens[:, :known] = given.cpu().numpy()
        hop = wavenet.hop if local is not None else _WHOLE
        frames = max(CHUNK // hop, 1)  # whose conditioning is prepared at once
        drawn = self._position + known  # the first element that is
        for begin in range(0, length if batch else 0, frames * hop):
            condition = self.condition(local, begin // hop, frames)
            lags = self._lags(local, begin // hop, frames)
            span = (hop, self._position // hop, drawn, top_k)
            end = min(begin + frames * hop, length)
            for t in range(begin, end, CHUNK):
                stop = min(t + CHUNK, end)
                numbers = uniforms[:, t:stop].double().clamp(max=BELOW_ONE).cpu().contiguous()
                seen = self._steps(
                    *(condition, lags, numbers.numpy(), tokens[:, t:stop], span, temperature),
                    keep_logits=logits is not None,
                )
                if logits is not None:
                    logits[:, t:stop] = seen
                if progress is not None:
                    progress(stop)
        return torch.from_numpy(tokens).to(uniforms.device)

    def next_logits(self, before: np.ndarray, condition: np.ndarray) -> np.ndarray:
        """Logits (B, K) float32 for the next element, which the next call is told.

        Bit for bit those that `advance` would draw it from. For networks without lags.

        Args:
            before: (B,) int64, the element before it; before element 0 any one.
            condition: of `condition`, one frame.
        """
        self._last[:, 0] = before
        element, span = np.empty_like(self._last), (_WHOLE, 0, _WHOLE, 0)
        unused, lags = np.zeros(element.shape), np.zeros(0, np.int64)
        return self._steps(condition, lags, unused, element, span, 1.0, keep_logits=True)[:, 0]

    @torch.inference_mode()
    def condition(self, local: Tensor | None, first: int, frames: int) -> np.ndarray:
        """What is added to the gates from frame `first` on: (B * F * N, G), F 1 or `frames`."""
        # Stream by stream and always as many frames: the last bits of a matrix product depend on
        # its size, and a stream's samples must not depend on its neighbours.
        conditions = []
        for s in range(len(self._last)):
            part = None if local is None else local[s : s + 1, :, first : first + frames]
            if part is not None:
                part = F.pad(part, (0, frames - part.shape[2]))
            who = None if self._global is None else self._global[s : s + 1]
            conditions.append(self._wavenet.condition(part, who, 1))  # (1, F, N, G)
        together = torch.cat(conditions).float().cpu().contiguous().numpy()
        return together.reshape(-1, self._wavenet.gate_channels)

    def _lags(self, local: Tensor | None, first: int, frames: int) -> np.ndarray:
        """Lags of the frames of `condition`: (B * F,) int64, (0,) for a network without."""
        if not self._wavenet.lag_taps:
            return np.zeros(0, np.int64)
        known = self._wavenet.lags(local[:, :, first : first + frames])
        return F.pad(known, (0, frames - known.shape[1])).cpu().numpy().ravel()

    def _steps(
        self,
        condition: np.ndarray,
        lags: np.ndarray,
        uniforms: np.ndarray,
        tokens: np.ndarray,
        span: tuple[int, int, int, int],
        temperature: float,
        *,
        keep_logits: bool,
    ) -> np.ndarray:
        """One call of the compiled code: it fills `tokens` (B, n); logits (B, n, K) if kept.

        Args:
            span: hop, the first frame of the condition, the first element that is drawn, top_k.
        """
        batch, length = tokens.shape
        hop, frame, drawn, top_k = span
        around = np.concatenate([self._last, tokens], axis=1)
        classes = self._wavenet.num_classes
        logits = np.empty((batch * length if keep_logits else 0, classes), np.float32)
        packed = self._packed
        self._run(
            *(packed.packed, packed.embedding, packed.lag_weight, self._state, packed.dilations),
            *(condition, lags, uniforms, around, logits),
            (self._position, self._position + length, hop, frame, drawn, top_k),
            0.0 if temperature < COLDEST else float(temperature),
        )
        tokens[:] = around[:, 1:]
        self._last = around[:, -1:].copy()
        self._position += length
        return logits.reshape(batch, -1, classes)


def _check_condition(name: str, condition: Tensor | None, shape: tuple[int, ...]) -> None:
    """The compiled code checks no index: `shape` is (B, C) or (B, C, any)."""
    batch, channels = shape[:2]
    if (condition is not None) != bool(channels):
        raise ValueError(f"{name} condition of {channels} channels: wanted or not")
    if condition is None:
        return
    if condition.dim() != len(shape) or condition.shape[:2] != (batch, channels):
        raise ValueError(
            f"{name} condition of shape {tuple(condition.shape)}; ({batch}, {channels}"
            f"{', L' if len(shape) == 3 else ''}) is wanted"
        )
    if not torch.isfinite(condition).all():
        raise ValueError(f"the {name} condition holds NaN or infinity")
