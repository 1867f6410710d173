"""A trained model's likelihood and use of its codes on a data directory, told or strange voices."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from vqspeech.audio.mulaw import mulaw_encode
from vqspeech.data.crops import Batch, Stretch, list_stretches, make_batch, validation_windows
from vqspeech.data.data_dir import DataDir
from vqspeech.generation.voice import Voice
from vqspeech.models.speech import SpeechVQVAE
from vqspeech.stages.score_vqvae import WindowScore, score_speech_vqvae

WINDOW_SECONDS, BATCH = 2.0, 8
# Of a speaker whom the model does not know: what chooses the row of the table that stands in.
PROBE_UTTERANCES, PROBE_SECONDS = 3, 2.0


def evaluate_likelihood(
    voice: Voice,
    data: str | os.PathLike,
    *,
    seconds: float | None = None,
    name: str | None = None,
    by_utterance: bool = False,
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
        by_utterance: whether the result has what `vqspeech compare` takes: samples and nats of each
            utterance, and how many nats swapped codes lost of how many samples.
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

    sums: dict[str, _Sums] = {}
    scores = score_speech_vqvae(model, windows(), every, lambda one: _add(sums, one))
    speakers = {stretch.utterance: names[stretch.speaker] for stretch in stretches}
    each = [
        {"utterance": key, "speaker": speakers[key], **sums[key]._asdict()} for key in sorted(sums)
    ]
    return {
        "data": name or data_dir.path.resolve().name,
        **scores,
        "utterances": len(stretches),
        "seconds": total,
        "seconds_scored": scored / model.sample_rate,
        "speakers": len({s.speaker for s in stretches}),
        "stand_ins": stand_ins,
        **({"by_utterance": each} if by_utterance else {}),
    }


class _Sums(NamedTuple):
    """The windows of one utterance together."""

    samples: int = 0
    nats: float = 0.0
    swap_samples: int = 0
    swap_nats: float = 0.0


def _add(sums: dict[str, _Sums], one: WindowScore) -> None:
    known = sums.get(one.utterance, _Sums())
    sums[one.utterance] = _Sums(
        known.samples + one.samples,
        known.nats + one.nats,
        known.swap_samples + (0 if one.swap_nats is None else one.samples),
        known.swap_nats + (one.swap_nats or 0.0),
    )


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
