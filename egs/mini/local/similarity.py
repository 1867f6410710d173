#!/usr/bin/env python3
"""Score conversions: whose voice is it, is the rhythm kept, where does the pitch go?

    similarity.py --model MODEL --targets DATA --sources DATA --pairs 48 > scores.json
    similarity.py --model MODEL --targets DATA --recordings FOLDER --name human > scores.json

Each pair is a source utterance and a target speaker, drawn by a seed. Speaker embeddings are those
of Resemblyzer (GE2E), which vqspeech does not depend on: pip install 'setuptools<81' resemblyzer.
A speaker is the mean embedding of up to ten recordings, without the source utterance unless there
is no other. All audio is brought to the model's rate first, so that a missing upper band does not
decide.
"""

import argparse
import json
import math
import statistics
import sys
from pathlib import Path

import numpy as np
import torch
from resemblyzer import VoiceEncoder, preprocess_wav

import vqspeech
from vqspeech.analysis.rhythm import energy_correlation
from vqspeech.audio.pitch import median_pitch
from vqspeech.audio.waveform import read_waveform
from vqspeech.data.data_dir import DataDir

RECORDINGS = 10  # of a speaker, for the mean embedding


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--targets", required=True, help="data directory of the model's speakers")
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--sources", help="data directory of what is converted")
    group.add_argument("--recordings", type=Path, help="or a folder, SPEAKER/RECORDING or flat")
    parser.add_argument("--name", help="what the sources are called in the output")
    parser.add_argument("--pairs", type=int, default=48)
    parser.add_argument("--longest", type=float, default=6.0, help="seconds of a source")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--temperature", type=float, help="the model's own without it")
    parser.add_argument("--batch", type=int, default=4)
    return parser.parse_args()


def list_sources(arguments) -> list[tuple[str, Path]]:
    """(speaker, file) of everything that may be converted."""
    if arguments.sources:
        return [(u.speaker, u.audio) for u in DataDir.read(arguments.sources).values()]
    files = sorted(
        p for p in arguments.recordings.rglob("*") if p.suffix in (".flac", ".wav", ".opus", ".ogg")
    )
    return [
        (p.stem.split("_")[0] if p.parent == arguments.recordings else p.parent.name, p)
        for p in files
    ]


class Embedder:
    """Speaker embeddings of recordings, each computed once."""

    def __init__(self, sample_rate: int):
        self.encoder = VoiceEncoder("cpu", verbose=False)
        self.sample_rate = sample_rate
        self.known: dict[Path, np.ndarray] = {}

    def of(self, waveform: np.ndarray) -> np.ndarray:
        return self.encoder.embed_utterance(preprocess_wav(waveform, source_sr=self.sample_rate))

    def of_file(self, path: Path) -> np.ndarray:
        if path not in self.known:
            self.known[path] = self.of(read_waveform(path, self.sample_rate).samples)
        return self.known[path]

    def of_speaker(self, files: list[Path]) -> np.ndarray:
        mean = np.mean([self.of_file(path) for path in files[:RECORDINGS]], axis=0)
        return mean / np.linalg.norm(mean)


def usual_pitch(files: list[Path], rate: int) -> float:
    """Median over the recordings that are voiced at all; nan for a voice that whispers."""
    found = [median_pitch(read_waveform(path, rate).samples, rate).median_hz for path in files]
    return statistics.median([hz for hz in found if not math.isnan(hz)] or [math.nan])


def main() -> None:
    arguments = read_arguments()
    torch.set_num_threads(1)
    voice = vqspeech.load(arguments.model)
    if arguments.temperature is not None:
        voice.temperature = arguments.temperature
    rate = voice.sample_rate
    embedder = Embedder(rate)
    rng = np.random.default_rng(arguments.seed)
    sources = list_sources(arguments)
    targets: dict[str, list[Path]] = {}
    for utterance in DataDir.read(arguments.targets).values():
        targets.setdefault(utterance.speaker, []).append(utterance.audio)
    centres = {name: embedder.of_speaker(files) for name, files in targets.items()}
    # What the similarities can be at best, and what those of strangers are.
    firsts = {name: embedder.of_file(files[0]) for name, files in targets.items()}
    rests = {name: embedder.of_speaker(files[1:]) for name, files in targets.items()}
    scale = {
        "same_speaker": statistics.fmean(float(firsts[n] @ rests[n]) for n in targets),
        "other_speaker": statistics.fmean(
            float(firsts[a] @ rests[b]) for a in targets for b in targets if a != b
        ),
    }
    pitches = {name: usual_pitch(files[:3], rate) for name, files in targets.items()}
    pairs = []
    for index in rng.permutation(len(sources))[: arguments.pairs]:
        speaker, path = sources[index]
        others = [name for name in sorted(targets) if name != speaker]
        pairs.append((speaker, path, others[rng.integers(len(others))]))
    rows = []
    for first in range(0, len(pairs), arguments.batch):
        part = pairs[first : first + arguments.batch]
        limit = round(arguments.longest * rate)
        waveforms = [read_waveform(path, rate).samples[:limit] for _, path, _ in part]
        spoken = voice.decode_batch(
            [voice.encode(waveform) for waveform in waveforms],
            [target for _, _, target in part],
        )
        for (speaker, path, target), source, speech in zip(part, waveforms, spoken, strict=True):
            own = [p for s, p in sources if s == speaker and p != path] or [path]
            embedding = embedder.of(speech)
            similarities = {name: float(embedding @ centre) for name, centre in centres.items()}
            before, after = (median_pitch(x, rate) for x in (source, speech))
            rows.append(
                {
                    "source": path.stem,
                    "target": target,
                    "target_similarity": similarities[target],
                    "source_similarity": float(embedding @ embedder.of_speaker(own)),
                    "is_identified": max(similarities, key=similarities.get) == target,
                    "energy_correlation": energy_correlation(source, speech, rate),
                    "source_hz": before.median_hz,
                    "target_hz": pitches[target],
                    "hz": after.median_hz,
                    "voiced": after.voiced_share,
                    "source_voiced": before.voiced_share,
                }
            )
            print(rows[-1], file=sys.stderr)
    summary = {**summarize(rows, arguments), **scale, "temperature": voice.temperature}
    print(json.dumps(summary, indent=1, allow_nan=False))


def summarize(rows: list[dict], arguments: argparse.Namespace) -> dict:
    """Means over the pairs; pitch over those that are voiced at all."""

    def mean(key: str) -> float:  # a silent conversion has no rhythm
        return statistics.fmean(row[key] for row in rows if not math.isnan(row[key]))

    voiced = [
        row
        for row in rows
        if not any(math.isnan(row[key]) for key in ("hz", "source_hz", "target_hz"))
    ]
    # How far the median went from the source's to the target's: 0 stayed, 1 arrived.
    moves = [
        math.log(row["hz"] / row["source_hz"]) / math.log(row["target_hz"] / row["source_hz"])
        for row in voiced
        if abs(math.log(row["target_hz"] / row["source_hz"])) > 0.2
    ]
    name = arguments.name or Path(arguments.sources or arguments.recordings).name
    return {
        "data": name,
        "pairs": len(rows),
        "target_similarity": mean("target_similarity"),
        "source_similarity": mean("source_similarity"),
        "nearer_to_target": mean("target_similarity")
        and statistics.fmean(row["target_similarity"] > row["source_similarity"] for row in rows),
        "identified": mean("is_identified"),
        "energy_correlation": mean("energy_correlation"),
        "voiced_share": mean("voiced"),
        "source_voiced_share": mean("source_voiced"),
        "voiced_pairs": len(voiced),
        "pitch_move": statistics.median(moves) if moves else None,
    }


if __name__ == "__main__":
    main()
