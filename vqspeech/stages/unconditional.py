"""Speech that nobody said, in the length that the paper draws: codes from a prior, then a voice."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from vqspeech.errors import UsageError
from vqspeech.generation.code_sampling import sample_codes
from vqspeech.generation.voice import Voice
from vqspeech.models.prior import SpeechPrior

SECONDS = 2.56  # 40,960 samples at 16 kHz, as in the paper
ROUNDING = 1e-6  # of a frame: 2.56 s at 50 a second are 128


def whole_frames(seconds: float, code_rate: float, option: str = "--seconds") -> int:
    """How many whole codes `seconds` hold.

    Raises:
        UsageError: not one; it names the option.
    """
    frames = seconds * code_rate + ROUNDING
    if not 1 <= frames < math.inf:
        raise UsageError(
            f"{option} {seconds:g}: shorter than one code, which lasts {1 / code_rate:g} s; "
            "give more"
        )
    return int(frames)


def draw_speech(
    prior: SpeechPrior,
    voice: Voice,
    speakers: Sequence[str],
    *,
    seed: int,
    temperature: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[np.ndarray]:
    """A waveform of `SECONDS` by each speaker: those of `draw_samples` with the same voices.

    Args:
        prior: over the codes of the voice's model, on its device.
        speakers: of the voice; the prior is told of those whom it knows.
        seed: of the random numbers.
        temperature: of the voice; its own without it.
        progress: told (samples drawn, their total) while codes are spoken.
    """
    frames = whole_frames(SECONDS, voice.model.code_rate)
    rows = [prior.speaker_row(name) for name in speakers]
    codes = sample_codes(prior, frames, rows, seed=seed)
    return voice.decode_batch(
        list(codes), speakers, seed=seed, temperature=temperature, progress=progress
    )
