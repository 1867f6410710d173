"""Voice conversion: recordings in, the same words in other voices out."""

import io
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from vqspeech.audio.waveform import FORMATS, read_waveform, write_waveform
from vqspeech.errors import InputError, UsageError, WriteError
from vqspeech.files import check_writable
from vqspeech.generation.voice import Voice
from vqspeech.stages.encode import load_codes


@dataclass(frozen=True)
class Converted:
    """One file that was written."""

    path: Path
    speaker: str
    samples: int
    sample_rate: int
    real_time: float  # seconds of audio a second of work, over the whole call

    def __str__(self) -> str:
        seconds = self.samples / self.sample_rate
        return (
            f"wrote {self.path}  {seconds:.2f} s  {self.sample_rate} Hz  {self.speaker}  "
            f"{self.real_time:.2f}x real time"
        )


def convert_files(
    voice: Voice,
    sources: Sequence[str | os.PathLike],
    speakers: Sequence[str],
    out: str | os.PathLike | None = None,
    *,
    seed: int = 0,
    temperature: float = 1.0,
    overwrite: bool = False,
    note: Callable[[str], None] = lambda text: None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Converted], list[str]]:
    """Convert every source into every speaker's voice.

    Args:
        out: a file for one source and one speaker, `-` for standard output, or a folder, which
            then holds `<source>-<speaker>.wav`; the current folder without it.
        seed: of the random numbers.
        temperature: divides the logits of the decoder.
        overwrite: replace files that are there.
        note: told what had to be changed in a recording.
        progress: told (samples drawn, their total).

    Returns:
        What was written, and a line for each source that failed.

    Raises:
        UsageError: an unknown speaker, or an `out` that does not fit.
        WriteError: a file is there already and `overwrite` is not set.
    """
    paths = [Path(source) for source in sources]
    names = [voice.speakers[voice.speaker_index(speaker)] for speaker in speakers]
    targets = _targets(paths, names, out)
    _check_targets(targets.values(), paths, overwrite)
    failures, jobs, codes, lengths = [], [], [], []
    began = time.perf_counter()
    for path in paths:
        try:
            waveform = read_waveform(path, voice.sample_rate)
        except InputError as error:
            failures.append(str(error))
            continue
        for text in waveform.notes:
            note(text)
        encoded = voice.encode(waveform.samples)
        for name in names:
            jobs.append((path, name))
            codes.append(encoded)
            lengths.append(len(waveform.samples))
    speech = voice.decode_batch(
        codes,
        [name for _, name in jobs],
        seed=seed,
        temperature=temperature,
        progress=progress,
    )
    speech = [samples[:length] for samples, length in zip(speech, lengths, strict=True)]
    spent = time.perf_counter() - began
    speed = sum(lengths) / voice.sample_rate / max(spent, 1e-9)
    written = []
    for job, samples in zip(jobs, speech, strict=True):
        _write(targets[job], samples, voice.sample_rate)
        written.append(Converted(targets[job], job[1], len(samples), voice.sample_rate, speed))
    return written, failures


def decode_file(
    voice: Voice,
    codes: str | os.PathLike,
    speaker: str,
    out: str | os.PathLike,
    *,
    seed: int = 0,
    temperature: float = 1.0,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Converted:
    """Speak the codes that `vqspeech encode` wrote, in the voice of `speaker`.

    Raises:
        InputError: the codes are of another hop or rate than the model's, or beyond its codebook.
    """
    facts = load_codes(codes)
    for name in ("hop", "sample_rate"):
        if facts[name] != getattr(voice, name):
            raise InputError(
                f"{codes}: {name} {facts[name]}, {voice.name} has {getattr(voice, name)}; "
                "give the model that made the codes"
            )
    target = Path(out)
    _check_targets([target], [Path(codes)], overwrite)
    began = time.perf_counter()
    (speech,) = voice.decode_batch(
        [facts["codes"]], [speaker], seed=seed, temperature=temperature, progress=progress
    )
    speech = speech[: facts["samples"]]
    spent = time.perf_counter() - began
    _write(target, speech, voice.sample_rate)
    name = voice.speakers[voice.speaker_index(speaker)]
    speed = len(speech) / voice.sample_rate / max(spent, 1e-9)
    return Converted(target, name, len(speech), voice.sample_rate, speed)


def _targets(
    sources: Sequence[Path], speakers: Sequence[str], out: str | os.PathLike | None
) -> dict[tuple[Path, str], Path]:
    pairs = [(source, speaker) for source in sources for speaker in dict.fromkeys(speakers)]
    is_file = out is not None and (str(out) == "-" or Path(out).suffix != "")
    if is_file and not Path(out).is_dir():
        if len(pairs) > 1:
            raise UsageError(
                f"--out {out}: one file for {len(pairs)} conversions; give a folder instead"
            )
        return {pairs[0]: Path(out)}
    folder = Path(out) if out is not None else Path()
    targets = {pair: folder / f"{pair[0].stem}-{pair[1]}.wav" for pair in pairs}
    if len(set(targets.values())) < len(targets):
        raise UsageError("--src: two recordings of the same name; convert them one after another")
    return targets


def _check_targets(targets: Iterable[Path], sources: Sequence[Path], overwrite: bool) -> None:
    """Refuse, before any work, what could not be written after it."""
    for target in targets:
        if str(target) == "-":
            continue
        if target.suffix.lower() not in FORMATS:
            raise UsageError(f"--out {target}: end the name in one of {', '.join(FORMATS)}")
        if target.exists():
            if any(source.exists() and target.samefile(source) for source in sources):
                raise UsageError(f"--out {target}: is the source itself; choose another name")
            if not overwrite:
                raise WriteError(f"{target}: is there already; give --overwrite or another --out")
        check_writable(target)


def _write(target: Path, samples: np.ndarray, sample_rate: int) -> None:
    if str(target) != "-":
        write_waveform(target, samples, sample_rate)
        return
    buffer = io.BytesIO()  # a WAV header holds the length, and a pipe cannot be rewound
    soundfile.write(buffer, np.clip(samples, -1, 1), sample_rate, format="WAV", subtype="PCM_16")
    sys.stdout.buffer.write(buffer.getvalue())
    sys.stdout.buffer.flush()
