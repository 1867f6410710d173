"""Drawing codes from a prior, each given those before it. G groups, P frames of a prompt."""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from vqspeech.generation.uniforms import uniforms
from vqspeech.generation.wavenet_cpu import CpuStreams
from vqspeech.generation.wavenet_torch import TorchStreams
from vqspeech.models.prior import SpeechPrior

STREAM = 1 << 32  # of the first sequence; the samples of a waveform are drawn by stream 0
BATCH = 16  # sequences that are stepped together
PIECE = 1024  # frames for which numbers are drawn at once


@torch.inference_mode()
def sample_codes(
    prior: SpeechPrior,
    frames: int,
    speakers: Sequence[int],
    *,
    seed: int = 0,
    first: int = 0,
    temperature: float = 1.0,
    top_k: int = 0,
    prompt: np.ndarray | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> np.ndarray:
    """Codes of as many sequences as `speakers`: ancestral sampling from p(codes | speaker).

    Sequence i is drawn by the random numbers of (seed, first + i): it is the same in any batch.
    Beside the codes, memory does not grow with `frames`.

    Args:
        prior: on the device that shall compute; a CPU takes the compiled steps.
        frames: L, of each sequence, those of the prompt among them.
        speakers: rows of the prior's table, one a sequence; `prior.nobody` for none.
        seed: of the random numbers.
        first: the number of the first sequence, where these are some of many.
        temperature: divides the logits; 0 takes the likeliest.
        top_k: a code is left out where so many are likelier; 0 keeps all.
        prompt: (P,), or (P, G) with groups: the codes that every sequence begins with.
        progress: told (codes drawn so far, their total) over all sequences.

    Returns:
        (B, L), or (B, L, G) with groups, int64.

    Raises:
        ValueError: a speaker that is no row, a prompt that does not fit, or a temperature or top_k
            that `vqspeech.nn.sampling.draw` refuses.
    """
    if frames < 0:
        raise ValueError(f"{frames} frames")
    if strangers := [row for row in speakers if not 0 <= row <= prior.nobody]:
        raise ValueError(f"speakers {strangers}: the table has rows 0 to {prior.nobody}")
    groups, count = prior.code_format.groups, len(speakers)
    length = frames * groups
    total = count * length
    known = _prompt_codes(prior, frames, prompt)  # (P * G,)
    device = next(prior.parameters()).device
    make_streams = CpuStreams if device.type == "cpu" else TorchStreams
    codes = np.empty((count, length), np.int64)
    for begin in range(0, count, BATCH):
        rows = torch.tensor(speakers[begin : begin + BATCH], device=device)
        # A piece is of whole frames: whose turn it is begins anew with it.
        piece = PIECE * groups
        local, global_ = prior.conditions(rows, min(PIECE, frames))
        streams = make_streams(prior.wavenet, len(rows), global_)
        numbers = range(STREAM + first + begin, STREAM + first + begin + len(rows))
        for t in range(0, length, piece):
            size = min(piece, length - t)
            u = np.stack([uniforms(seed, number, t, size) for number in numbers])
            given = torch.from_numpy(known[t : t + size]).to(device).expand(len(rows), -1)
            done = begin * length + len(rows) * t
            told = None if progress is None else _count_from(progress, done, len(rows), total)
            drawn = streams.advance(
                torch.from_numpy(u).to(device),
                None if local is None else local[:, :, :size],
                temperature=temperature,
                top_k=top_k,
                given=given,
                progress=told,
            )
            codes[begin : begin + len(rows), t : t + size] = drawn.cpu().numpy()
    return codes.reshape(count, frames, groups) if groups > 1 else codes


def _count_from(
    progress: Callable[[int, int], None], done: int, sequences: int, total: int
) -> Callable[[int], None]:
    """What a sampler tells of elements of each sequence, as codes of all."""
    return lambda n: progress(done + sequences * n, total)


def _prompt_codes(prior: SpeechPrior, frames: int, prompt: np.ndarray | None) -> np.ndarray:
    """The codes of a prompt one after another, (P * G,) int64."""
    if prompt is None:
        return np.zeros(0, np.int64)
    prompt = np.asarray(prompt)
    num_codes, groups = prior.code_format[:2]
    if prompt.shape[1:] != (() if groups == 1 else (groups,)) or len(prompt) > frames:
        raise ValueError(f"a prompt of shape {prompt.shape} for {frames} frames of {groups} groups")
    if prompt.size and not 0 <= prompt.min() <= prompt.max() < num_codes:
        raise ValueError(f"a prompt with codes beyond 0 to {num_codes - 1}")
    return prompt.astype(np.int64).reshape(-1)
