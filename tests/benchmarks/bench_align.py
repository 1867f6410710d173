"""How near `vqspeech align make` comes to the phone times of the embedded corpus.

    python tests/benchmarks/bench_align.py [PART]

The reference was made by the synthesiser that spoke the corpus, its boundaries moved by one number
for each of a few kinds to where PocketSphinx has them: so the comparison is in part with itself.
Errors are distances from each boundary of the reference to the nearest one found; frames are 10 ms.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from vqspeech.data.alignment import Phone
from vqspeech.data.data_dir import DataDir
from vqspeech.stages.make_alignments import make_alignments
from vqspeech.stages.prepare import prepare_corpus

FRAME_SECONDS = 0.01


def boundaries(phones: tuple[Phone, ...]) -> np.ndarray:
    """Seconds at which one phone goes over into the next."""
    return np.array([phone.start_seconds for phone in phones[1:]])


def labels_at(phones: tuple[Phone, ...], times: np.ndarray) -> list[str]:
    starts = [phone.start_seconds for phone in phones]
    return [phones[i].label for i in np.searchsorted(starts, times, side="right") - 1]


def main() -> None:
    part = sys.argv[1] if len(sys.argv) > 1 else "test"
    with tempfile.TemporaryDirectory() as name:
        out = Path(name)
        prepare_corpus("mini", None, out)
        data_dir = DataDir.read(out / part)
        wanted = data_dir.phones()
        began = time.perf_counter()
        done = make_alignments(out / part, overwrite=True)
        spent = time.perf_counter() - began
        found = data_dir.phones()
    errors, agree = [], []
    for key, phones in found.items():
        distance = np.abs(boundaries(wanted[key])[:, None] - boundaries(phones)[None])
        errors.append(distance.min(axis=1))
        end = phones[-1].start_seconds + phones[-1].duration_seconds
        times = np.arange(FRAME_SECONDS / 2, end, FRAME_SECONDS)
        pairs = zip(labels_at(wanted[key], times), labels_at(phones, times), strict=True)
        agree += [one == other for one, other in pairs]
    error = np.concatenate(errors)
    seconds = sum(data_dir.durations.values())
    print(f"{part}: {done.num_aligned} of {done.num_utterances} utterances aligned")
    print(
        f"boundaries: median {1000 * np.median(error):.0f} ms,"
        f" {100 * (error <= 0.0201).mean():.1f} % within 20 ms,"
        f" {100 * (error <= 0.0501).mean():.1f} % within 50 ms; frames that agree"
        f" {100 * np.mean(agree):.1f} %; {spent / seconds:.3f} of real time, one process"
    )


if __name__ == "__main__":
    main()
