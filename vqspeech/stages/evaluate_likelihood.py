"""A trained model's likelihood and use of its codes on a data directory, told or strange voices."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from vqspeech.audio.mulaw import mulaw_encode
from vqspeech.data.crops import Batch, Stretch, list_stretches, make_batch, validation_windows
from vqspeech.data.data_dir import DataDir
from vqspeech.generation.voice import Voice
from vqspeech.models.speech import SpeechVQVAE
from vqspeech.stages.score_vqvae import score_speech_vqvae

WINDOW_SECONDS, BATCH = 2.0, 8
# Of a speaker whom the model does not know: what chooses the row of the table that stands in.
PROBE_UTTERANCES, PROBE_SECONDS = 3, 2.0


def evaluate_likelihood(
    voice: Voice,
    data: str | os.PathLike,
    *,
    seconds: float | None = None,
    name: str | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Score the utterances of a data directory in windows of two seconds.

    A speaker whom the model was not trained on has no row in its table: the row under which the
    first seconds of the speaker's first utterances are likeliest stands in, and is named.

    Args:
        voice: the model.
        data: a data directory at the model's rate.
        seconds: of audio for the likelihood, spread over all; everything without it. Codes are
            counted over all in any case.
        name: what the data is called in the result; the name of its folder without it.
        note: told which speaker stands in for whom.

    Returns:
        What `score_speech_vqvae` gives, and utterances, speakers, seconds of audio,
        seconds_scored for the likelihood, stand_ins by speaker. A stand-in was chosen on a few
        seconds of what is scored.

    Raises:
        InputError: the data directory is broken or of another rate.
    """
    model, data_dir = voice.model, DataDir.read(data)
    strangers = tuple(sorted(set(data_dir.speakers) - set(model.speakers)))
    names = (*model.speakers, *strangers)
    stretches = list_stretches([data_dir], names, model.sample_rate)
    stand_ins = {}
    rows = list(range(len(model.speakers)))
    for index in range(len(model.speakers), len(names)):
        own = [s for s in stretches if s.speaker == index]
        rows.append(likeliest_row(model, own))
        stand_ins[names[index]] = model.speakers[rows[-1]]
        note(f"{names[index]} is no speaker of {voice.name}; {stand_ins[names[index]]} stands in")
    table = torch.tensor(rows)
    window = _whole_frames(WINDOW_SECONDS, model)
    total = sum(s.length for s in stretches) / model.sample_rate
    every = 1 if seconds is None else max(1, round(total / seconds))
    scored = 0

    def windows() -> Iterator[Batch]:
        nonlocal scored
        batches = validation_windows(data_dir, window, BATCH, names, model.sample_rate)
        for number, batch in enumerate(batches):
            scored += 0 if number % every else int(batch.length.sum())
            yield batch._replace(speaker=table[batch.speaker])

    scores = score_speech_vqvae(model, windows(), every)
    return {
        "data": name or data_dir.path.resolve().name,
        **scores,
        "utterances": len(stretches),
        "seconds": total,
        "seconds_scored": scored / model.sample_rate,
        "speakers": len({s.speaker for s in stretches}),
        "stand_ins": stand_ins,
    }


def _whole_frames(seconds: float, model: SpeechVQVAE) -> int:
    return max(1, round(seconds * model.code_rate)) * model.hop


def likeliest_row(model: SpeechVQVAE, stretches: Sequence[Stretch]) -> int:
    """The speaker under whom the first seconds of a stranger's first utterances are likeliest."""
    pieces = [(stretch, 0) for stretch in stretches[:PROBE_UTTERANCES]]
    batch = make_batch(pieces, _whole_frames(PROBE_SECONDS, model))
    nats = list(nats_by_row(model, batch.waveform, batch.length, range(len(model.speakers))))
    return nats.index(min(nats))


@torch.no_grad()
def nats_by_row(
    model: SpeechVQVAE, waveform: Tensor, lengths: Tensor, rows: Iterable[int]
) -> Iterator[float]:
    """Nats of waveforms (B, T), T whole frames, of `lengths` (B,), as if spoken by each row."""
    device = next(model.parameters()).device
    waveform, lengths = waveform.to(device), lengths.to(device)
    latents = model.latents(model.codes(waveform))
    levels = mulaw_encode(waveform)
    for row in rows:
        speaker = torch.full((len(waveform),), row, device=device)
        yield float(model.decoder.nll(levels, latents, speaker, lengths).nats.sum())
