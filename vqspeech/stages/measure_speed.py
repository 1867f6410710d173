"""How fast a model speaks on this machine, in one number that a person can use."""

import time
from typing import Any

import torch

from vqspeech.audio.waveform import read_waveform
from vqspeech.environment import describe_processor
from vqspeech.generation.voice import Voice
from vqspeech.stages.demo import packaged_recording

SECONDS, REPEATS = 1.0, 3


def measure_speed(
    voice: Voice, *, seconds: float = SECONDS, repeats: int = REPEATS
) -> dict[str, Any]:
    """Convert a stretch of a person's speech a few times, after one time that is not counted.

    Args:
        seconds: of speech; it is converted at once, alone.
        repeats: the shortest of so many counts: what else the machine does only adds.

    Returns:
        What can be written as JSON: times_real_time (seconds of speech in a second), seconds,
        threads, processor.
    """
    voice.get_ready()
    samples = read_waveform(packaged_recording(), voice.sample_rate).samples
    samples = samples[: round(seconds * voice.sample_rate)]
    taken = []
    for _ in range(1 + repeats):
        began = time.perf_counter()
        voice.convert(samples, voice.speakers[0])
        taken.append(time.perf_counter() - began)
    return {
        "times_real_time": round(seconds / min(taken[1:]), 2),
        "seconds": seconds,
        "threads": torch.get_num_threads(),
        "processor": describe_processor(voice.device),
    }
