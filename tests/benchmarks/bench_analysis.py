"""Time and memory of the phoneme analysis over many hours of codes, which are simulated.

    python tests/benchmarks/bench_analysis.py [HOURS] [--disk]

Phones last 40 to 160 ms; a code tells its phone in six frames of ten. The map is fitted on a tenth.
With --disk the codes and their phones.ctm are written, and the whole command is measured, reading
included; without it the arrays alone, as they lie in memory.
"""

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from vqspeech.analysis.aligned_codes import AlignedCodes
from vqspeech.analysis.bootstrap import draw_resamples
from vqspeech.analysis.frame_labels import label_corpus_frames
from vqspeech.analysis.phoneme_mapping import random_codes
from vqspeech.analysis.phoneme_scores import score_codes, score_every_frame
from vqspeech.data.alignment import Phone, format_phones
from vqspeech.data.codes import write_code_dir
from vqspeech.data.data_dir import DataDir, Utterance
from vqspeech.data.phone_set import PHONES
from vqspeech.stages.analyze_phonemes import analyze_phonemes

RATE, NUM_CODES, SECONDS, PER_SPEAKER = 25.0, 128, 12.8, 28


def simulate(hours, seed):
    """(AlignedCodes) of utterances of 12.8 s, 28 a speaker."""
    rng = np.random.default_rng(seed)
    utterances = max(round(hours * 3600 / SECONDS), 2)
    frames = round(SECONDS * RATE)
    per_utterance = round(SECONDS / 0.1)
    lengths = rng.uniform(0.04, 0.16, (utterances, per_utterance))
    ends = np.cumsum(lengths, axis=1)
    ends *= SECONDS / ends[:, -1:]
    starts = np.concatenate([np.zeros((utterances, 1)), ends[:, :-1]], axis=1)
    weights = rng.dirichlet(np.ones(len(PHONES)))
    phones = rng.choice(len(PHONES), utterances * per_utterance, p=weights).astype(np.int16)
    seconds = np.stack([starts.ravel(), ends.ravel()], axis=1)
    phone_starts = np.arange(utterances + 1, dtype=np.int64) * per_utterance
    frame_starts = np.arange(utterances + 1, dtype=np.int64) * frames
    labels = label_corpus_frames(phones, seconds, phone_starts, frame_starts, RATE, gap=39)
    own = labels * 3 + rng.integers(0, 3, len(labels))
    codes = np.where(rng.random(len(labels)) < 0.6, own, rng.integers(0, NUM_CODES, len(labels)))
    speaker = np.arange(utterances) // PER_SPEAKER
    return AlignedCodes(
        utterances=tuple(f"s{s:05d}-{seed}-{u:06d}" for u, s in enumerate(speaker)),
        speakers=tuple(f"s{s:05d}" for s in range(speaker[-1] + 1)),
        speaker=speaker.astype(np.int32),
        codes=codes.astype(np.int32),
        labels=labels,
        frame_starts=frame_starts,
        phones=phones,
        phone_seconds=seconds,
        phone_starts=phone_starts,
        num_codes=NUM_CODES,
        phone_names=PHONES,
        rate=RATE,
    )


def write(aligned, folder):
    """The same as a code directory."""
    phones = {}
    for u, name in enumerate(aligned.utterances):
        part = slice(*aligned.phone_starts[u : u + 2])
        phones[name] = [
            Phone(start, end - start, PHONES[p])
            for p, (start, end) in zip(
                aligned.phones[part], aligned.phone_seconds[part], strict=True
            )
        ]
    source = folder.with_name(folder.name + "-data")
    source.mkdir()
    (source / "phones.ctm").write_text(format_phones(phones))
    owners = {name: Utterance(name, name[:6], None) for name in aligned.utterances}
    codes = {
        name: aligned.codes[slice(*aligned.frame_starts[u : u + 2])]
        for u, name in enumerate(aligned.utterances)
    }
    write_code_dir(
        folder,
        codes,
        DataDir(source, owners),
        hop=640,
        sample_rate=16000,
        num_codes=NUM_CODES,
        groups=1,
        model_hash="simulated",
    )


def arrays(fit, score):
    """All that `analyze phonemes` computes."""
    drawn = draw_resamples(score.speaker)
    ours = score_codes(fit, score, drawn, silence="SIL")
    rng = np.random.default_rng(0)
    chance = [
        part.with_codes(random_codes(len(part.codes), NUM_CODES, rng), NUM_CODES)
        for part in (fit, score)
    ]
    score_codes(*chance, drawn, silence="SIL")
    score_every_frame(score, drawn)
    return ours["accuracy"].value


def main():
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    hours = float(words[0]) if words else 100.0
    fit, score = simulate(hours / 10, 1), simulate(hours, 2)
    if "--disk" in sys.argv:
        with tempfile.TemporaryDirectory() as folder:
            write(fit, Path(folder) / "fit")
            write(score, Path(folder) / "score")
            # What simulating took is no memory of the analysis: that runs in a process of its own.
            if (child := os.fork()) == 0:
                os.execv(sys.executable, [sys.executable, __file__, "--read", folder])
            os.waitpid(child, 0)
        return
    report(lambda: arrays(fit, score), f"arrays of {hours:g} hours, {len(score.codes)} frames")


def report(job, what):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    with threadpool_limits(1):
        accuracy = job()
    seconds = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"{what}: {seconds:.1f} s of CPU time on one core, peak {peak / 1e6:.2f} GB "
        f"({before / 1e6:.2f} before), accuracy {accuracy:.3f}"
    )


if __name__ == "__main__":
    if "--read" in sys.argv:
        place = Path(sys.argv[-1])

        def job():
            found = analyze_phonemes(place / "score", place / "fit")
            return found["systems"][0]["measures"]["accuracy"]["value"]

        report(job, "the command, reading included")
    else:
        main()
