"""Codes in as few bits as the prior needs for them: range coding, and the files of it.

A range coder spends -log2 p bits on a code that was expected with probability p, so a file's size
is the likelihood that the prior gives the codes; who has the prior can read them back.
"""

import hashlib
import math
import os
import re
import sys
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

import vqspeech
from vqspeech.data.code_file import RecordedCodes, load_codes, save_codes
from vqspeech.data.compressed_codes import (
    HEADER_BYTES,
    SUFFIX,
    VERSIONED,
    CompressedCodes,
    checksum,
    load_compressed,
    save_compressed,
)
from vqspeech.data.targets import check_targets, unique_files
from vqspeech.errors import InputError, MissingError
from vqspeech.generation.code_probabilities import CodeProbabilities
from vqspeech.generation.voice import Voice
from vqspeech.models.prior import SpeechPrior
from vqspeech.stages.recordings import encode_recordings


class Compressed(NamedTuple):
    """One file that was written."""

    path: Path
    coded_bytes: int
    likelihood_bits: float  # -log2 p of the codes
    seconds: float

    def __str__(self) -> str:
        rate = 8 * self.coded_bytes / self.seconds if self.seconds else 0.0
        return (
            f"wrote {self.path}  {self.coded_bytes + HEADER_BYTES} bytes: {self.coded_bytes} of "
            f"codes ({self.likelihood_bits / 8:.1f} by the prior's likelihood), {HEADER_BYTES} of "
            f"header  {self.seconds:.1f} s  {rate:.1f} bits/s"
        )


def compress_codes(prior: SpeechPrior, codes: np.ndarray, speaker: int) -> tuple[bytes, float]:
    """Codes (L,) or (L, G) as a range coder writes them, and their -log2 p in bits.

    Args:
        prior: on the CPU.
        speaker: row of the prior's table.

    Raises:
        MissingError: the extra `compress` is not installed.
    """
    coder = load_coder()
    encoder, probabilities = coder.queue.RangeEncoder(), CodeProbabilities(prior, speaker)
    bits = 0.0
    for code in codes.reshape(-1).tolist():
        expected = probabilities.next()
        encoder.encode(code, _categorical(coder, expected))
        bits -= math.log2(max(expected[code], sys.float_info.min))
        probabilities.tell(code)
    return _fewest_bytes(encoder), bits


def decompress_codes(prior: SpeechPrior, coded: bytes, frames: int, speaker: int) -> np.ndarray:
    """Codes (L,) or (L, G) int64; undoes `compress_codes`. Wrong bytes give wrong codes."""
    coder, groups = load_coder(), prior.code_format.groups
    decoder = coder.queue.RangeDecoder(_words(coded))
    probabilities = CodeProbabilities(prior, speaker)
    sequence = np.empty(frames * groups, np.int64)
    for t in range(len(sequence)):
        sequence[t] = decoder.decode(_categorical(coder, probabilities.next()))
        probabilities.tell(int(sequence[t]))
    return sequence.reshape(frames, groups) if groups > 1 else sequence


def compress_files(
    voice: Voice,
    prior: SpeechPrior,
    sources: Sequence[str | os.PathLike],
    out: str | os.PathLike,
    *,
    model_hash: str,
    speaker: str | None = None,
    overwrite: bool = False,
    note: Callable[[str], None] = lambda text: None,
) -> tuple[list[Compressed], list[str]]:
    """Write the codes of recordings to OUT/<name>.vqz, entropy-coded with a prior.

    Args:
        prior: of the voice's model, on the CPU.
        model_hash: by `hash_model`; who reads the files must have the model's prior.
        speaker: who speaks, where the prior knows; nobody in particular without it.
        overwrite: replace files that are there.
        note: told what had to be changed in a recording.

    Returns:
        What was written, and a line for each recording that failed.

    Raises:
        MissingError: the extra `compress` is not installed.
        UsageError: two recordings of the same name.
        WriteError: a file is there already and `overwrite` is not set, or cannot be written.
    """
    load_coder()
    sources = unique_files(sources)
    targets = [Path(out) / f"{source.stem}{SUFFIX}" for source in sources]
    check_targets(targets, sources, overwrite=overwrite)
    if f"p{speaker}" in prior.speakers and speaker not in prior.speakers:
        speaker = f"p{speaker}"  # as elsewhere 225 is taken for p225
    row, made_by = prior.speaker_row(speaker), hash_weights(prior)
    if speaker is not None and prior.speakers and row == prior.nobody:
        note(f"--speaker {speaker}: unknown to the prior; coded as of nobody in particular")
    written, failures = [], []
    target_of = dict(zip(sources, targets, strict=True))
    for source, codes, samples in encode_recordings(voice, sources, failures, note):
        target = target_of[source]
        coded, bits = compress_codes(prior, codes, row)
        facts = (row, voice.sample_rate, voice.hop, samples, _versions())
        save_compressed(
            target, CompressedCodes(coded, checksum(codes), model_hash, made_by, *facts)
        )
        written.append(Compressed(target, len(coded), bits, samples / voice.sample_rate))
    return written, failures


def expand_file(path: str | os.PathLike, prior: SpeechPrior, model: str = "") -> RecordedCodes:
    """The codes of a file of `compress_files`.

    Args:
        prior: that it was written with, on the CPU.
        model: what the model of the codes is called.

    Raises:
        MissingError: the extra `compress` is not installed.
        InputError: no such file, damaged, of another prior, model or version, or the codes are not
            those that were written.
    """
    compressed = load_compressed(path)
    model_hash = prior.code_format.model_hash
    for what, found, wanted in (
        ("model", compressed.model_hash, model_hash),
        ("prior", compressed.prior_hash, hash_weights(prior)),
    ):
        if found != wanted:
            raise InputError(
                f"{path}: written with the {what} {found}, not {wanted}; give its own by --{what}"
            )
    load_coder()
    for name, found, wanted in zip(VERSIONED, compressed.versions, _versions(), strict=True):
        if found != wanted:
            raise InputError(
                f"{path}: written with {name} {_dotted(found)}, this is {_dotted(wanted)}; read it "
                "with that version"
            )
    form = prior.code_format
    if (compressed.sample_rate, compressed.hop) != (form.sample_rate, form.hop):
        raise InputError(f"{path}: its rate is not that of its model; encode the recording again")
    if compressed.speaker > prior.nobody:
        raise InputError(f"{path}: speaker {compressed.speaker} is unknown; encode it again")
    try:
        codes = decompress_codes(prior, compressed.coded, compressed.frames, compressed.speaker)
    except AssertionError as error:  # the range decoder's, of bits that no code can have made
        raise _decoded_wrong(path) from error
    if checksum(codes) != compressed.codes_crc:
        raise _decoded_wrong(path)
    return RecordedCodes(codes, form.sample_rate, form.hop, compressed.samples, model, model_hash)


def unpack_codes(
    source: str | os.PathLike,
    out: str | os.PathLike,
    recorded: RecordedCodes | None = None,
    *,
    overwrite: bool = False,
) -> int:
    """Write codes of one file to another, `.npz` or `.jsonl`, and return their number of frames.

    Args:
        source: a file of codes.
        recorded: what it holds, where it was read before.
        overwrite: replace a file that is there.
    """
    check_targets([Path(out)], [Path(source)], overwrite=overwrite)
    recorded = load_codes(source) if recorded is None else recorded
    save_codes(out, recorded)
    return len(recorded.codes)


def hash_weights(prior: SpeechPrior) -> str:
    """16 hexadecimal digits of all that a prior computes with.

    Not `hash_model`: an export has the hash of its checkpoint, and in 16 bits other probabilities.
    """
    digest = hashlib.sha256(prior.settings.model_dump_json().encode())
    for name, value in sorted(prior.state_dict().items()):
        digest.update(name.encode() + value.float().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]


def load_coder() -> ModuleType:
    """`constriction.stream`; `MissingError` where it is not installed."""
    try:
        import constriction
    except ImportError as error:
        raise MissingError(
            "compressed codes need the library constriction; pip install 'vqspeech[compress]'"
        ) from error
    return constriction.stream


def _versions() -> tuple[tuple[int, int, int], ...]:
    """The versions of `VERSIONED` here."""
    found = (vqspeech.__version__, *(metadata.version(name) for name in VERSIONED[1:]))
    return tuple(_numbers(version) for version in found)


def _numbers(version: str) -> tuple[int, int, int]:
    numbers = [min(int(number), 255) for number in re.findall(r"\d+", version)[:3]]
    return tuple((*numbers, 0, 0, 0)[:3])


def _dotted(version: tuple[int, int, int]) -> str:
    return ".".join(map(str, version))


def _decoded_wrong(path: str | os.PathLike) -> InputError:
    return InputError(
        f"{path}: decodes to other codes than were written (CRC-32), as on another kind of "
        "processor; decode it on the machine that wrote it"
    )


def _categorical(coder: ModuleType, probabilities: np.ndarray):
    return coder.model.Categorical(probabilities, perfect=False)


def _words(coded: bytes) -> np.ndarray:
    """The decoder's words of bytes: zeros stand for what was left out, as it reads two ahead."""
    return np.frombuffer(coded + bytes(-len(coded) % 4 + 8), ">u4").astype(np.uint32)


def _fewest_bytes(encoder: Any) -> bytes:
    """What the encoder wrote, most significant byte first, with the shortest end that decodes.

    It ends on one or two whole words, but any number in its last interval says the same.
    """
    words = encoder.get_compressed()
    position, (low, size) = encoder.pos()
    end = int.from_bytes(_big_endian(words[position:]).ljust(8, b"\0"))
    if end < low:  # the interval goes on beyond 2^64, and the words before are raised by one
        low, high = 0, low + size - (1 << 64)
    else:
        high = min(low + size, 1 << 64)
    for count in range(9):
        unit = 1 << 64 - 8 * count
        number = -(-low // unit) * unit
        if number < high:
            return _big_endian(words[:position]) + number.to_bytes(8)[:count]
    raise AssertionError("the interval is empty")


def _big_endian(words: np.ndarray) -> bytes:
    return words.astype(">u4").tobytes()
