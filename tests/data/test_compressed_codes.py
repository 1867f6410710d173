"""Compressed files: the header by its bytes, and nothing damaged is taken for what was written."""

import struct
import zlib

import numpy as np
import pytest

from vqspeech.data.compressed_codes import (
    HEADER_BYTES,
    CompressedCodes,
    checksum,
    load_compressed,
    save_compressed,
)
from vqspeech.errors import InputError

VERSIONS = ((0, 1, 0), (2, 13, 0), (0, 68, 1), (0, 5, 0))
COMPRESSED = CompressedCodes(
    *(b"\x07\x00\xff", 0x01020304, "00112233aabbccdd", "ffeeddccbbaa9988"),
    *(5, 8000, 160, 1601, VERSIONS),
)


def test_the_header_has_its_bytes_in_the_order_that_is_written_down(tmp_path):
    path = tmp_path / "a.vqz"
    assert save_compressed(path, COMPRESSED) == HEADER_BYTES + 3 == path.stat().st_size
    content = path.read_bytes()
    assert HEADER_BYTES == 52
    assert content[:4] == b"VQZ\x01"
    assert struct.unpack("<I", content[4:8])[0] == zlib.crc32(content[8:])
    assert content[8:12] == b"\x04\x03\x02\x01"
    assert content[12:28].hex() == "00112233aabbccddffeeddccbbaa9988"
    assert struct.unpack("<HIHI", content[28:40]) == (5, 8000, 160, 1601)
    assert content[40:52] == bytes(sum(VERSIONS, ()))
    assert content[52:] == COMPRESSED.coded


def test_what_was_written_is_read(tmp_path):
    save_compressed(tmp_path / "a.vqz", COMPRESSED)
    found = load_compressed(tmp_path / "a.vqz")
    assert found == COMPRESSED
    assert found.frames == 11  # 10 of 160 samples and one that holds the last


def test_every_byte_that_is_changed_or_missing_is_found(tmp_path):
    path = tmp_path / "a.vqz"
    save_compressed(path, COMPRESSED)
    whole = path.read_bytes()
    for i in range(len(whole)):
        for bit in (1, 128):
            path.write_bytes(whole[:i] + bytes([whole[i] ^ bit]) + whole[i + 1 :])
            with pytest.raises(InputError, match=r"a\.vqz: ") as caught:
                load_compressed(path)
            assert "\n" not in str(caught.value)
        path.write_bytes(whole[:i])
        with pytest.raises(InputError, match=r"a\.vqz: "):
            load_compressed(path)
    path.write_bytes(whole + b"\x00")
    with pytest.raises(InputError, match="damaged or not whole"):
        load_compressed(path)


def test_other_files_and_other_formats_are_told_apart(tmp_path):
    path = tmp_path / "a.vqz"
    for content, message in [
        (b"", "holds no compressed codes"),
        (b"RIFF....WAVE", "holds no compressed codes"),
        (b"VQZ", "damaged or not whole"),
        (b"VQZ\x02" + bytes(60), "format 2, this version reads 1"),
    ]:
        path.write_bytes(content)
        with pytest.raises(InputError, match=message):
            load_compressed(path)
    with pytest.raises(InputError, match="check the name"):
        load_compressed(tmp_path / "b.vqz")
    with pytest.raises(InputError, match="check the name"):
        load_compressed(tmp_path)


def test_a_recording_too_long_for_the_header_is_refused(tmp_path):
    with pytest.raises(InputError, match="cut the recording into shorter ones"):
        save_compressed(tmp_path / "a.vqz", COMPRESSED._replace(samples=1 << 32))
    assert not (tmp_path / "a.vqz").exists()


def test_the_checksum_tells_codes_apart_whatever_their_type():
    codes = np.array([[1, 2], [3, 4]])
    assert checksum(codes) == checksum(codes.astype(np.uint16))
    assert checksum(codes) == zlib.crc32(struct.pack("<4I", 1, 2, 3, 4))
    assert checksum(codes[::-1]) == zlib.crc32(struct.pack("<4I", 3, 4, 1, 2))
