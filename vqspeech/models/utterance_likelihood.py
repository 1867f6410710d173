"""-log p of whole utterances, however long: of a waveform given its codes, and of the codes.

Together they are the bound of section 3.2, log p(x) >= log p(x | z_q(x)) + log p(z_q(x)). A WaveNet
sees no further back than its receptive field, so a stretch preceded by as much is scored exactly
as within the whole, and memory does not grow with the length.

T samples, L frames, G groups, P what precedes a stretch.
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from vqspeech.audio.mulaw import mulaw_encode
from vqspeech.models.prior import SpeechPrior
from vqspeech.models.speech import SpeechVQVAE

PIECE_SECONDS = 4.0  # of a waveform that is scored at once
PIECE_CODES = 4096


@torch.no_grad()
def waveform_nats(
    model: SpeechVQVAE,
    waveform: Tensor,
    codes: Tensor,
    speaker: int,
    *,
    piece_seconds: float = PIECE_SECONDS,
) -> Tensor:
    """-log p of each mu-law level given all before it, the codes and the speaker.

    Args:
        model: in evaluation mode; its device is where the work is done.
        waveform: (T,) float in [-1, 1].
        codes: (L,), or (L, G) with groups; L = ceil(T / hop).
        speaker: row of the model's table.
        piece_seconds: of samples that are scored at once, besides what precedes them.

    Returns:
        (T,) float32 nats, on the CPU.

    Raises:
        ValueError: the codes are not those of so many samples.
    """
    device, hop = next(model.parameters()).device, model.hop
    length, frames = len(waveform), -(-len(waveform) // hop)
    if len(codes) != frames:
        raise ValueError(f"{len(codes)} frames of codes for {length} samples, {frames} of {hop}")
    levels = mulaw_encode(model.pad(waveform[None].to(device)))  # (1, L * hop)
    wavenet = model.decoder.wavenet
    row = torch.tensor([speaker], device=device)
    # Over all frames at once: each of them sees its neighbours, and they are few.
    local, global_ = model.decoder.conditions(model.latents(codes[None].to(device)), row)
    before = -(-wavenet.receptive_field // hop)  # whole frames that hold the receptive field
    size = max(1, round(piece_seconds * model.code_rate))
    nats = []
    for first, start, last in _pieces(frames, size, before):
        target = levels[:, first * hop : last * hop]
        logits = wavenet(target, local[:, :, first:last], global_)
        nats.append(_nats(logits, target)[(start - first) * hop :].cpu())
    return torch.cat(nats)[:length] if nats else torch.zeros(0)


@torch.no_grad()
def code_nats(
    prior: SpeechPrior, codes: Tensor, speaker: int, *, piece_codes: int = PIECE_CODES
) -> Tensor:
    """-log p of each code of an utterance given all before it: (L * G,) float32, on the CPU.

    Args:
        prior: in evaluation mode; its device is where the work is done.
        codes: (L,), or (L, G) with groups.
        speaker: row of the prior's table; `prior.nobody` for none.
        piece_codes: how many are scored at once, besides those that precede them.
    """
    row = torch.tensor([speaker], device=next(prior.parameters()).device)
    groups = prior.code_format.groups
    before = -(-prior.wavenet.receptive_field // groups)  # frames
    nats = []
    for first, start, last in _pieces(len(codes), max(1, piece_codes // groups), before):
        piece = prior.nats(codes[None, first:last].to(row.device), row)[0]
        nats.append(piece[(start - first) * groups :].cpu())
    return torch.cat(nats) if nats else torch.zeros(0)


def _pieces(frames: int, size: int, before: int) -> Iterator[tuple[int, int, int]]:
    """(first, start, last): frames [start, last) are scored, those from `first` on are heard."""
    for start in range(0, frames, size):
        yield max(start - before, 0), start, min(start + size, frames)


def _nats(logits: Tensor, target: Tensor) -> Tensor:
    """(T,) of logits (1, K, T) and target (1, T)."""
    return F.cross_entropy(logits[0].T.float(), target[0], reduction="none")
