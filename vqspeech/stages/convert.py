"""Voice conversion: recordings in, the same words in other voices out."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vqspeech.audio.waveform import FORMATS, wav_bytes, write_waveform
from vqspeech.data.code_file import RecordedCodes, load_codes
from vqspeech.data.targets import check_targets, unique_files
from vqspeech.errors import InputError, UsageError
from vqspeech.files import write_error
from vqspeech.generation.voice import Voice
from vqspeech.stages.recordings import encode_recordings


@dataclass(frozen=True)
class Converted:
    """One file that was written."""

    path: Path
    source: Path
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
    temperature: float | None = None,
    overwrite: bool = False,
    note: Callable[[str], None] = lambda text: None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Converted], list[str]]:
    """Convert every source into every speaker's voice.

    Args:
        out: a file for one source and one speaker, `-` for standard output, or a folder, which
            then holds `<source>-<speaker>.wav`; the current folder without it.
        seed: of the random numbers.
        temperature: divides the logits of the decoder; the model's own without it.
        overwrite: replace files that are there.
        note: told what had to be changed in a recording.
        progress: told (samples drawn, their total).

    Returns:
        What was written, and a line for each source that failed.

    Raises:
        UsageError: an unknown speaker, or an `out` that does not fit.
        WriteError: a file is there already and `overwrite` is not set.
    """
    paths = unique_files(sources)
    names = [voice.speakers[voice.speaker_index(speaker)] for speaker in speakers]
    names = list(dict.fromkeys(names))
    targets = _targets(paths, names, out)
    _check_targets(targets.values(), paths, overwrite)
    failures, jobs, codes, lengths = [], [], [], []
    began = time.perf_counter()
    for path, encoded, samples in encode_recordings(voice, paths, failures, note):
        for name in names:
            jobs.append((path, name))
            codes.append(encoded)
            lengths.append(samples)

    if jobs:  # loading the sampler, or compiling it once, is no work on these recordings
        loading = time.perf_counter()
        voice.get_ready()
        began += time.perf_counter() - loading

    def write(index: int, speech: np.ndarray) -> None:
        _write(targets[jobs[index]], speech[: lengths[index]], voice.sample_rate)

    voice.decode_batch(
        codes,
        [name for _, name in jobs],
        seed=seed,
        temperature=temperature,
        progress=progress,
        done=write,
    )
    spent = time.perf_counter() - began
    speed = sum(lengths) / voice.sample_rate / max(spent, 1e-9)
    written = [
        Converted(targets[job], job[0], job[1], length, voice.sample_rate, speed)
        for job, length in zip(jobs, lengths, strict=True)
    ]
    return written, failures


def decode_file(
    voice: Voice,
    codes: str | os.PathLike,
    speaker: str,
    out: str | os.PathLike,
    *,
    seed: int = 0,
    temperature: float | None = None,
    overwrite: bool = False,
    model_hash: str = "",
    recorded: RecordedCodes | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Converted:
    """Speak the codes that `vqspeech encode` wrote, in the voice of `speaker`.

    Args:
        codes: the file.
        out: the file to write, or `-` for standard output.
        model_hash: of the model; without it, codes of any model that fit are spoken.
        recorded: what the file holds, where it was read before.

    Raises:
        InputError: the codes are of another model, hop or rate, or beyond its codebook.
    """
    recorded = load_codes(codes) if recorded is None else recorded
    for name in ("hop", "sample_rate"):
        found, wanted = getattr(recorded, name), getattr(voice, name)
        if found != wanted:
            raise InputError(
                f"{codes}: {name} {found}, {voice.name} has {wanted}; "
                "give the model that made the codes"
            )
    if recorded.model_hash and model_hash and recorded.model_hash != model_hash:
        raise InputError(
            f"{codes}: made by {recorded.model} ({recorded.model_hash}), not by {voice.name} "
            f"({model_hash}); give the model that made the codes"
        )
    target = Path(out)
    _check_targets([target], [Path(codes)], overwrite)
    name = voice.speakers[voice.speaker_index(speaker)]
    voice.get_ready()
    began = time.perf_counter()
    try:
        (speech,) = voice.decode_batch(
            [recorded.codes], [name], seed=seed, temperature=temperature, progress=progress
        )
    except InputError as error:  # a code the model does not have; the voice knows no file
        raise InputError(f"{codes}: {error}") from error
    speech = speech[: recorded.samples]
    spent = time.perf_counter() - began
    _write(target, speech, voice.sample_rate)
    speed = len(speech) / voice.sample_rate / max(spent, 1e-9)
    return Converted(target, Path(codes), name, len(speech), voice.sample_rate, speed)


def _targets(
    sources: Sequence[Path], speakers: Sequence[str], out: str | os.PathLike | None
) -> dict[tuple[Path, str], Path]:
    pairs = [(source, speaker) for source in sources for speaker in speakers]
    is_file = out is not None and (str(out) == "-" or Path(out).suffix != "")
    if is_file and not os.path.isdir(out):
        if len(pairs) > 1:
            raise UsageError(
                f"--out {out}: one file for {len(pairs)} conversions; give a folder instead"
            )
        return {pairs[0]: Path(out)}
    folder = Path(out) if out is not None else Path()
    return {pair: folder / f"{pair[0].stem}-{pair[1]}.wav" for pair in pairs}


def _check_targets(targets: Iterable[Path], sources: Sequence[Path], overwrite: bool) -> None:
    files = [target for target in targets if str(target) != "-"]
    for target in files:
        if target.suffix.lower() not in FORMATS:
            raise UsageError(f"--out {target}: end the name in one of {', '.join(FORMATS)}")
    check_targets(files, sources, overwrite=overwrite)


def _write(target: Path, samples: np.ndarray, sample_rate: int) -> None:
    if str(target) != "-":
        write_waveform(target, samples, sample_rate)
        return
    try:
        sys.stdout.buffer.write(wav_bytes(samples, sample_rate))
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # the reader had enough
        raise
    except OSError as error:
        raise write_error(target, error) from error
