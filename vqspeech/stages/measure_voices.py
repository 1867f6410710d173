"""What the voices of a model are like, measured on recordings, for its vocoder."""

import os
from collections.abc import Callable, Sequence
from typing import Any

import torch

from vqspeech.data.crops import Stretch, list_stretches, make_batch
from vqspeech.data.data_dir import DataDir
from vqspeech.errors import UsageError
from vqspeech.generation.voice_profile import measure_profile
from vqspeech.models.speech import SpeechVQVAE

SECONDS = 90.0  # of a speaker; more tells no more


def measure_voices(
    model: SpeechVQVAE,
    data: Sequence[str | os.PathLike],
    *,
    note: Callable[[str], None] = lambda text: None,
) -> dict[str, dict[str, Any]]:
    """Profiles of the model's speakers, by name, as config.json holds them.

    Args:
        model: with an acoustic head.
        data: data directories; other speakers in them are passed over.
        note: told of whom there was too little voice, or nothing.

    Raises:
        UsageError: the model has no acoustic head.
        InputError: a data directory is broken or of another rate.
    """
    head = model.decoder.acoustics
    if head is None:
        raise UsageError(
            "--measure-voices: the model was trained without decoder.acoustic_bands; leave it out"
        )
    directories = [DataDir.read(path) for path in data]
    names = tuple(sorted({name for directory in directories for name in directory.speakers}))
    stretches = list_stretches(directories, names, model.sample_rate)
    found = {}
    for speaker in model.speakers:
        own = [s for s in stretches if names[s.speaker] == speaker]
        profile = measure_profile(head, map(_read, _first(own, SECONDS * model.sample_rate)))
        if profile is None:
            note(f"{speaker}: hardly a voice in {len(own)} recordings; it is spoken as predicted")
        else:
            found[speaker] = profile.to_json()
    return found


def _first(stretches: Sequence[Stretch], samples: float) -> list[Stretch]:
    """The first of them that hold so many samples."""
    chosen, total = [], 0
    for stretch in stretches:
        if total >= samples:
            break
        chosen.append(stretch)
        total += stretch.length
    return chosen


def _read(stretch: Stretch) -> torch.Tensor:
    return make_batch([(stretch, 0)], stretch.length).waveform[0]
