"""How good a speech model is on held-out speech: its likelihood, and whether it uses its codes."""

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from vqspeech.audio.mulaw import mulaw_encode
from vqspeech.data.crops import Batch
from vqspeech.models.speech import SpeechVQVAE
from vqspeech.nn.quantizer import perplexity


class WindowScore(NamedTuple):
    """The likelihood of one window."""

    utterance: str
    samples: int
    nats: float
    swap_nats: float | None  # lost with the codes of another utterance; None where none was near


@torch.no_grad()
def score_speech_vqvae(
    model: SpeechVQVAE,
    windows: Iterable[Batch],
    likelihood_every: int = 1,
    each: Callable[[WindowScore], None] | None = None,
) -> dict[str, float]:
    """Numbers of a model in evaluation mode over windows of held-out speech.

    Args:
        model: its device is where the work is done.
        windows: neighbours in a batch should be of different utterances.
        likelihood_every: likelihoods are computed on every so many batches, because they take
            long; the codes are counted over all.
        each: told the likelihood of every window that has one.

    Returns:
        nll: nats a sample, `bits` the same in bits.
        swap_gap: nats a sample that the likelihood loses when each window is decoded with the
            codes of another utterance. Near 0 the decoder ignores its codes. Left out where no
            batch held two utterances.
        codes_used, perplexity: over all windows; the mean over groups.
    """
    device = next(model.parameters()).device
    quantizer = model.quantizer
    counts = torch.zeros(quantizer.groups, quantizer.num_codes, device=device)
    right = wrong = right_of_swapped = 0.0
    samples = swapped_samples = 0
    for number, batch in enumerate(windows):
        waveform, speaker, length = (tensor.to(device) for tensor in batch[:3])
        if number % likelihood_every:
            _count(counts, model.codes(waveform), model, length)
            continue
        levels = mulaw_encode(waveform)
        output = model(waveform, levels, speaker, length)
        _count(counts, output.quantized.codes, model, length)
        nats, elements = output.likelihood
        right += float(nats.sum())
        samples += int(elements.sum())
        # Only rows whose neighbour is of another utterance tell anything.
        rows = [i for i, name in enumerate(batch.utterances) if batch.utterances[i - 1] != name]
        lost: dict[int, float] = {}
        if rows:
            latents = output.quantized.latents.movedim(-1, 1).roll(1, 0)
            other = model.decoder.nll(levels[rows], latents[rows], speaker[rows], length[rows])
            wrong += float(other.nats.sum())
            right_of_swapped += float(nats[rows].sum())
            swapped_samples += int(elements[rows].sum())
            lost = dict(zip(rows, (other.nats - nats[rows]).tolist(), strict=True))
        if each is not None:
            scored = zip(batch.utterances, elements.tolist(), nats.tolist(), strict=True)
            for i, (name, count, own) in enumerate(scored):
                each(WindowScore(name, int(count), own, lost.get(i)))
    nll = right / max(samples, 1)
    gap = (wrong - right_of_swapped) / swapped_samples if swapped_samples else None
    return {
        "nll": nll,
        "bits": nll / math.log(2),
        **({"swap_gap": gap} if gap is not None else {}),
        "codes_used": float((counts > 0).sum()) / quantizer.groups,
        "perplexity": float(perplexity(counts).mean()),
    }


def _count(counts: Tensor, codes: Tensor, model: SpeechVQVAE, length: Tensor) -> None:
    """Add the codes (B, L) or (B, L, G) of real frames to counts (G, K)."""
    groups, num_codes = counts.shape
    is_real = model.real_frames(length, codes.shape[1])  # (B, L)
    chosen = codes.unflatten(-1, (-1, 1))[is_real] if groups == 1 else codes[is_real]  # (N, G)
    offset = torch.arange(groups, device=codes.device) * num_codes
    counts += torch.bincount((chosen + offset).flatten(), minlength=counts.numel()).view_as(counts)
