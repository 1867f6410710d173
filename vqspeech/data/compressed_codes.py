"""Files of entropy-coded codes (`.vqz`): a header of 52 bytes, then what a range coder wrote.

    magic "VQZ", format                    4 bytes
    CRC-32 of all that follows             4    a damaged file is told apart from a wrong reader
    CRC-32 of the codes, as uint32         4    a decoding that went wrong is never taken for speech
    hash of the model, of the prior        8 + 8
    row of the speaker in the prior        2
    sample rate, hop, samples              4 + 2 + 4
    versions, 3 numbers each               12   of `VERSIONED`

Numbers are little-endian. There are ceil(samples / hop) frames.
"""

import os
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vqspeech.errors import InputError
from vqspeech.files import atomic_path

SUFFIX = ".vqz"
FORMAT = 1
MAGIC = b"VQZ" + bytes([FORMAT])
# What the probabilities, and with them the codes, may depend on.
VERSIONED = ("vqspeech", "torch", "numba", "constriction")
_CHECKED = struct.Struct("<I8s8sHIHI12s")
HEADER_BYTES = len(MAGIC) + 4 + _CHECKED.size


class CompressedCodes(NamedTuple):
    """The coded codes of one recording, and all that decoding them depends on."""

    coded: bytes
    codes_crc: int  # of `checksum`
    model_hash: str  # 16 hexadecimal digits
    prior_hash: str  # as many, of the weights themselves
    speaker: int  # row of the prior's table
    sample_rate: int
    hop: int
    samples: int
    versions: tuple[tuple[int, int, int], ...]  # of `VERSIONED`

    @property
    def frames(self) -> int:
        """Frames of codes."""
        return -(-self.samples // self.hop)


def checksum(codes: np.ndarray) -> int:
    """CRC-32 of codes of any shape."""
    return zlib.crc32(np.ascontiguousarray(codes).astype("<u4").tobytes())


def save_compressed(path: str | os.PathLike, compressed: CompressedCodes) -> int:
    """Write the file and return its size in bytes.

    Raises:
        InputError: a number is too large for its field, as the samples of a day of audio are.
    """
    try:
        checked = _CHECKED.pack(
            compressed.codes_crc,
            bytes.fromhex(compressed.model_hash),
            bytes.fromhex(compressed.prior_hash),
            compressed.speaker,
            compressed.sample_rate,
            compressed.hop,
            compressed.samples,
            bytes(min(number, 255) for version in compressed.versions for number in version),
        )
    except struct.error as error:
        raise InputError(f"{path}: {error}; cut the recording into shorter ones") from error
    checked += compressed.coded
    content = MAGIC + struct.pack("<I", zlib.crc32(checked)) + checked
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
    return len(content)


def load_compressed(path: str | os.PathLike) -> CompressedCodes:
    """Undo `save_compressed`.

    Raises:
        InputError: no such file, another kind of file, another format, or a damaged one.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; check the name") from error
    if content[: len(MAGIC) - 1] != MAGIC[:-1]:
        raise InputError(
            f"{path}: holds no compressed codes; give a file of 'vqspeech encode --compress'"
        )
    if content[len(MAGIC) - 1 : len(MAGIC)] not in (b"", MAGIC[-1:]):
        raise InputError(
            f"{path}: format {content[len(MAGIC) - 1]}, this version reads {FORMAT}; read it with "
            "the version of vqspeech that wrote it"
        )
    checked = content[len(MAGIC) + 4 :]
    if len(content) < HEADER_BYTES or content[len(MAGIC) :][:4] != struct.pack(
        "<I", zlib.crc32(checked)
    ):
        raise InputError(f"{path}: is damaged or not whole (CRC-32); copy it again")
    crc, model, prior, *numbers, versions = _CHECKED.unpack(checked[: _CHECKED.size])
    if not numbers[2]:  # nothing that was written
        raise InputError(f"{path}: frames of no samples; encode the recording again")
    return CompressedCodes(
        checked[_CHECKED.size :],
        crc,
        model.hex(),
        prior.hex(),
        *numbers,
        tuple(tuple(versions[i : i + 3]) for i in range(0, 12, 3)),
    )
