"""What a prior expects of codes, in numbers for pictures: entropy and surprisal of each frame.

B utterances, L frames, K codes of each of G groups; T = L * G.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from vqspeech.data.codes import CodeDir
from vqspeech.models.prior import SpeechPrior

BATCH = 8  # utterances scored at once
MOST_UTTERANCES = 128  # that means are taken over
MOST_SECONDS = 5.12  # of each


class MeanExpectations(NamedTuple):
    """Means over utterances at each frame that at least half of them have."""

    entropy: np.ndarray  # (L,) bits
    surprisal: np.ndarray  # (L,) bits
    counts: np.ndarray  # (L,) utterances


@torch.inference_mode()
def expectations(prior: SpeechPrior, codes: Tensor, speaker: Tensor) -> tuple[Tensor, Tensor]:
    """Bits of each frame given all before it: (B, L) entropy and (B, L) surprisal.

    With groups both are summed over a frame, each code given those before it.

    Args:
        prior: in evaluation mode, on the device of the codes.
        codes: (B, L), or (B, L, G) with groups.
        speaker: (B,) int64, rows of the prior's table.
    """
    log_p = prior.logits(codes, speaker).float().log_softmax(1)  # (B, K, T)
    entropy = -(log_p.exp() * log_p).sum(1)
    surprisal = -log_p.gather(1, codes.flatten(1)[:, None])[:, 0]
    frames = (-1, prior.code_format.groups)
    return tuple(nats.unflatten(1, frames).sum(-1) / math.log(2) for nats in (entropy, surprisal))


def expect_utterance(
    prior: SpeechPrior, code_dir: CodeDir, key: str, most_seconds: float
) -> tuple[np.ndarray, np.ndarray]:
    """(L,) entropy and (L,) surprisal in bits of the beginning of one utterance."""
    entropy, surprisal, _ = _expect(prior, code_dir, [key], most_seconds)
    return entropy[0], surprisal[0]


def expect_positions(prior: SpeechPrior, code_dir: CodeDir) -> MeanExpectations | None:
    """Means over utterances from all over the directory; None where none has codes."""
    keys = sorted(key for key in code_dir if len(code_dir[key]))
    if not keys:
        return None
    count = min(len(keys), MOST_UTTERANCES)
    keys = [keys[i] for i in np.linspace(0, len(keys) - 1, count).round().astype(int)]
    keys.sort(key=lambda key: len(code_dir[key]))  # like lengths together: less padding
    most = _most_frames(code_dir, MOST_SECONDS)
    sums, counts = np.zeros((2, most)), np.zeros(most, np.int64)
    for first in range(0, len(keys), BATCH):
        chosen = keys[first : first + BATCH]
        *bits, is_real = _expect(prior, code_dir, chosen, MOST_SECONDS)
        frames = is_real.shape[1]
        sums[:, :frames] += np.where(is_real, bits, 0.0).sum(1)
        counts[:frames] += is_real.sum(0)
    kept = int((2 * counts >= counts[0]).sum())  # counts never rise
    entropy, surprisal = sums[:, :kept] / counts[:kept]
    return MeanExpectations(entropy, surprisal, counts[:kept])


def _expect(
    prior: SpeechPrior, code_dir: CodeDir, keys: Sequence[str], most_seconds: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(B, L) entropy, surprisal, and which frames are of the utterance and no padding."""
    most = _most_frames(code_dir, most_seconds)
    parts = [np.asarray(code_dir[key][:most]).astype(np.int64) for key in keys]
    lengths = np.array([len(part) for part in parts])
    codes = np.zeros((len(parts), lengths.max(), *parts[0].shape[1:]), np.int64)
    for row, part in zip(codes, parts, strict=True):
        row[: len(part)] = part
    device = next(prior.parameters()).device
    speakers = [prior.speaker_row(code_dir.utterances[key].speaker) for key in keys]
    entropy, surprisal = expectations(
        prior, torch.from_numpy(codes).to(device), torch.tensor(speakers, device=device)
    )
    is_real = np.arange(codes.shape[1]) < lengths[:, None]
    return entropy.double().cpu().numpy(), surprisal.double().cpu().numpy(), is_real


def _most_frames(code_dir: CodeDir, seconds: float) -> int:
    return max(math.ceil(seconds * code_dir.rate - 1e-9), 1)
