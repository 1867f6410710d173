"""Audio files in and out: every format, rate and channel count to one mono float signal, and back.

Files are read in blocks, mixed down by the mean of the channels and resampled on the way, so a
recording of two hours needs little more memory than its result. Headers lie: nothing is allocated
by them, samples are counted (see `recording.py`), and what is missing, not finite or not audio is
one line for the user. T is samples.
"""

import errno
import io
import itertools
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from vqspeech.audio.recording import LIBRARY_ERRORS, Recording, reason_of
from vqspeech.audio.stream import MonoStream
from vqspeech.errors import InputError, MissingError, UsageError, WriteError
from vqspeech.files import atomic_path

BLOCK = 1 << 13  # samples at a time; one long OGG write crashes libsndfile

# format and subtype of soundfile; a subtype of None is chosen by the caller
FORMATS = {
    ".wav": ("WAV", None),
    ".flac": ("FLAC", None),
    ".ogg": ("OGG", "VORBIS"),
    ".opus": ("OGG", "OPUS"),
}
OPUS_RATES = (8000, 12000, 16000, 24000, 48000)  # Hz
_RIFF_LIMIT = (1 << 32) - (1 << 16)  # bytes of a plain WAV, with room for its header
_WIDTHS = {"PCM_U8": 1, "PCM_16": 2, "PCM_24": 3, "PCM_32": 4, "FLOAT": 4}  # bytes a sample


class Waveform(NamedTuple):
    """A mono signal and what had to be changed to get it."""

    samples: np.ndarray  # (T,) float32, within [-1, 1] but for the ripple of resampling
    sample_rate: int
    notes: tuple[str, ...]  # as in `a.wav: 48000 Hz stereo -> 16000 Hz mono`; for the user, once


class Header(NamedTuple):
    """What a file says of itself; enough for prepared WAV, never proof."""

    length: int  # samples of one channel
    sample_rate: int
    channels: int


class Written(NamedTuple):
    """What a file was given."""

    length: int  # samples
    clipped: int  # of them


def read_waveform(path: str | os.PathLike, sample_rate: int = 16000) -> Waveform:
    """The recording in `path` as mono float32 at `sample_rate`.

    Values beyond 1, which float and lossy formats allow, are clipped before anything else, and
    `notes` says how many.

    Raises:
        InputError: missing, no audio, empty, truncated, not finite, or outside 100 Hz to 768 kHz
            or 64 channels; one line that names the file and the reason.
        MissingError: not enough memory for the result.
    """
    path = Path(path)
    stream = MonoStream(path, sample_rate)
    samples = bytearray()  # grows in place, where a list of arrays would need all twice at the end
    try:
        for block in stream.blocks():
            samples += block.data.cast("B")
    except MemoryError as error:
        raise MissingError(
            f"{path}: not enough memory after {len(samples) >> 20} MB; cut the recording in pieces"
        ) from error
    return Waveform(np.frombuffer(samples, np.float32), sample_rate, stream.notes)


def read_header(path: str | os.PathLike) -> Header:
    """Length, rate and channels as the header gives them.

    Raises:
        InputError: the header already is one that `read_waveform` would refuse.
    """
    with Recording(Path(path)) as recording:
        return Header(recording.claimed, recording.sample_rate, recording.channels)


def count_samples(path: str | os.PathLike) -> Header:
    """Decode the whole file, keep nothing, and return its true length.

    Raises:
        InputError: whatever `read_waveform` would refuse.
    """
    with Recording(Path(path)) as recording:
        for _ in recording.blocks():
            pass
        return Header(recording.count, recording.sample_rate, recording.channels)


def read_segment(path: str | os.PathLike, start: int, length: int) -> np.ndarray:
    """Samples `start` to `start + length` of a mono file at its own rate, (length,) float32.

    Raises:
        InputError: the file cannot be read, has several channels or ends too early.
    """
    with Recording(Path(path)) as recording:
        if recording.channels != 1:
            raise InputError(
                f"{path}: {recording.layout}, a mono file was wanted; run 'vqspeech prepare'"
            )
        samples = recording.segment(start, length)
    if len(samples) != length:
        raise InputError(
            f"{path}: samples {start} to {start + length} wanted, {recording.claimed} are there;"
            " run 'vqspeech prepare' again"
        )
    return samples


def write_waveform(
    path: str | os.PathLike, samples: np.ndarray, sample_rate: int, subtype: str = "PCM_16"
) -> int:
    """Write mono samples (T,); the suffix chooses WAV, FLAC, OGG Vorbis or Opus.

    The file appears whole or not at all. Values beyond 1 are clipped. A signal read from a 16-bit
    file is written back bit for bit. WAV above 4 GiB becomes RF64.

    Args:
        subtype: sample format of WAV and FLAC, as soundfile names them; lossy formats ignore it.

    Returns:
        How many samples were clipped.

    Raises:
        ValueError: `samples` is not (T,) float or holds NaN or infinity.
        UsageError: the suffix, or its combination with rate and subtype, is not known.
        WriteError: the system or libsndfile refused.
    """
    samples = _checked(samples)
    return write_stream(path, _slices(samples), sample_rate, samples.size, subtype).clipped


def write_stream(
    path: str | os.PathLike,
    blocks: Iterable[np.ndarray],
    sample_rate: int,
    length: int,
    subtype: str = "PCM_16",
) -> Written:
    """`write_waveform` for samples that come in blocks of (T',) finite float.

    Args:
        length: of all blocks, or a little more: chooses RF64 where a plain WAV could not hold them.

    Raises:
        UsageError, WriteError: as above; and whatever making the blocks raises.
    """
    path = Path(path)
    container, subtype = _choose_format(path, length, sample_rate, subtype)
    with atomic_path(path) as temporary:
        try:
            return _write_blocks(temporary, blocks, sample_rate, container, subtype)
        except (*LIBRARY_ERRORS, AssertionError) as error:  # a full disk is an AssertionError
            # libsndfile says "System error"; what the system says becomes an error of the path.
            _probe(temporary, 4 * length)
            reason = reason_of(error) or "it took only a part; is the disk full?"
            raise WriteError(f"{path}: cannot be written at {sample_rate} Hz: {reason}") from error


def wav_bytes(samples: np.ndarray, sample_rate: int) -> bytes:
    """Exactly what `write_waveform` writes to a `.wav`: for a pipe, which cannot be rewound."""
    samples = _checked(samples)
    container, subtype = _choose_format(Path("-.wav"), samples.size, sample_rate, "PCM_16")
    buffer = io.BytesIO()
    _write_blocks(buffer, _slices(samples), sample_rate, container, subtype)
    return buffer.getvalue()


def _slices(samples: np.ndarray) -> Iterator[np.ndarray]:
    return (samples[start : start + BLOCK] for start in range(0, len(samples), BLOCK))


def _checked(samples: np.ndarray) -> np.ndarray:
    samples = np.asarray(samples)
    if samples.ndim != 1 or not np.issubdtype(samples.dtype, np.floating):
        raise ValueError(f"samples must be (T,) float, not {samples.shape} {samples.dtype}")
    for start in range(0, len(samples), BLOCK):
        if not np.isfinite(samples[start : start + BLOCK]).all():
            raise ValueError("samples are not finite; nothing was written")
    return samples


def _probe(path: Path, num_bytes: int) -> None:
    """Raise the `OSError` that keeps `num_bytes` from being written to `path`, if there is one."""
    with open(path, "ab") as file:
        file.write(bytes(1 << 16))
        os.fsync(file.fileno())
    if shutil.disk_usage(path.parent).free < num_bytes:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _choose_format(path: Path, length: int, sample_rate: int, subtype: str) -> tuple[str, str]:
    if path.suffix.lower() not in FORMATS:
        known = ", ".join(FORMATS)
        raise UsageError(f"{path}: cannot write {path.suffix!r}; end the name in one of {known}")
    container, fixed_subtype = FORMATS[path.suffix.lower()]
    subtype = fixed_subtype or subtype
    if container == "WAV" and length * _WIDTHS.get(subtype, 8) > _RIFF_LIMIT:
        container = "RF64"
    if not soundfile.check_format(container, subtype):
        raise UsageError(f"{path}: {container} cannot hold {subtype}; try PCM_16")
    if subtype == "OPUS" and sample_rate not in OPUS_RATES:
        raise UsageError(f"{path}: Opus cannot hold {sample_rate} Hz, only {OPUS_RATES}; try .ogg")
    return container, subtype


def _write_blocks(
    file: Path | io.BytesIO,
    blocks: Iterable[np.ndarray],
    sample_rate: int,
    container: str,
    subtype: str,
) -> Written:
    length = clipped = 0
    if isinstance(file, Path):
        file = os.fsencode(file)  # a name may be in any encoding
    with soundfile.SoundFile(file, "w", sample_rate, 1, format=container, subtype=subtype) as sound:
        for part in itertools.chain.from_iterable(map(_slices, blocks)):
            part = part.astype(np.float32)
            length += len(part)
            clipped += int(np.count_nonzero(np.abs(part) > 1))
            part = part.clip(-1, 1)
            if subtype == "PCM_16":
                # libsndfile would scale by 32767 and truncate; this is the inverse of reading.
                part = np.rint(part * 32768).clip(-32768, 32767).astype(np.int16)
            sound.write(part)
    # A full disk may show only when the header is rewritten, and libsndfile does not tell.
    if isinstance(file, io.BytesIO):
        file.seek(0)
    if container != "OGG" and soundfile.info(file).frames != length:
        raise OSError("it took only a part; is the disk full?")
    return Written(length, clipped)
