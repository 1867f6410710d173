"""A new voice for a trained model: one more row of the decoder's speaker table, all else frozen.

Whatever the decoder knows of a speaker comes out of that row (`WaveNetDecoder.conditions`), so the
rows that were there give bit for bit what they gave before, in every sampler. Encoder and codebook
stay as they are, so the codes of a recording are computed once.

B batch, T samples, L frames (T = L * hop), G groups, S speakers.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vqspeech.audio.mulaw import mulaw_encode
from vqspeech.models.speech import SpeechVQVAE

SPEAKER_TABLE = "decoder.speaker.weight"  # in the weights of a model, (S, channels)
# What a row may be fitted by: the error of the sound that the conditions predict, at the rate of
# the codes and therefore cheap, and nats a sample of the waveform.
GUIDE, NLL = "guide", "nll"


class SpokenCodes(NamedTuple):
    """Stretches of one speaker, and their codes."""

    waveform: Tensor  # (B, T) float32; zeros after the end of a shorter stretch
    codes: Tensor  # (B, L) int64, or (B, L, G) with groups
    lengths: Tensor  # (B,) int64, samples before the zeros


def known_terms(model: SpeechVQVAE) -> tuple[str, ...]:
    """The terms of `enrolment_terms` that a model has; an exported one may lack the guide."""
    return (GUIDE, NLL) if model.has_guide else (NLL,)


def enrolment_terms(
    model: SpeechVQVAE, batch: SpokenCodes, row: int, names: Collection[str]
) -> dict[str, Tensor]:
    """How badly a row of the speaker table says what was recorded: () for each of `names`."""
    device = next(model.parameters()).device
    waveform, codes, lengths = (tensor.to(device) for tensor in batch)
    latents = model.latents(codes)  # (B, D, L)
    speaker = torch.full((len(codes),), row, device=device)
    terms = {}
    if GUIDE in names:
        local, _ = model.decoder.conditions(latents, speaker)
        terms[GUIDE] = model.guide_losses_given(local, waveform, lengths)[GUIDE]
    if NLL in names:
        score = model.decoder.nll(mulaw_encode(waveform), latents, speaker, lengths)
        terms[NLL] = score.nats_per_element
    return terms


@torch.no_grad()
def nearest_speaker(model: SpeechVQVAE, batch: SpokenCodes, name: str) -> int:
    """The row that says the batch best, by the term `name`: where a new one starts from."""
    values = [
        float(enrolment_terms(model, batch, row, (name,))[name])
        for row in range(len(model.speakers))
    ]
    return values.index(min(values))


def add_speaker(model: SpeechVQVAE, name: str, like: int) -> nn.Parameter:
    """Give a model one more speaker, who begins as a copy of another, and freeze all but the table.

    Args:
        model: changed in place, and put in evaluation mode: nothing of it may drop or jitter.
        name: of the new speaker, behind those that are there.
        like: row of the table that the new one starts from.

    Returns:
        The table (S + 1, channels). Its gradient is zero but in the last row, as long as only that
        speaker is scored.
    """
    table = model.decoder.speaker.weight.detach()
    model.requires_grad_(False).eval()
    model.decoder.speaker = nn.Embedding.from_pretrained(
        torch.cat((table, table[like : like + 1])), freeze=False
    )
    model.speakers = (*model.speakers, name)
    return model.decoder.speaker.weight


def keep_rows(model: SpeechVQVAE, rows: Sequence[int]) -> None:
    """Leave a model with some of its speakers, in the order of `rows`; they speak as before."""
    table = model.decoder.speaker.weight.detach()
    model.decoder.speaker = nn.Embedding.from_pretrained(table[list(rows)], freeze=False)
    model.speakers = tuple(model.speakers[row] for row in rows)
