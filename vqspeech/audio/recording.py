"""An open audio file that is not believed: its header is checked and its samples are counted.

A damaged file can claim terabytes, lack half of what it claims or hold numbers that are none; each
of these is one line for the user. Nothing is allocated by a header.
"""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import soundfile

from vqspeech.audio.native_stderr import silent_native_stderr
from vqspeech.errors import InputError

BLOCK = 1 << 15  # frames at a time
RATES = (100, 768_000)  # Hz, the lowest and highest that are taken for a recording
MAX_CHANNELS = 64
MAX_PEAK = 100.0  # 40 dB over full scale is no recording but another scale, such as 16-bit integers
OGG_SLACK_SECONDS = 0.1  # Opus and Vorbis pad and trim, so their lengths may differ a little
STREAMED = 0x7FFFF000  # from here on a RIFF size is a placeholder of a program that could not seek

# libsndfile reports every kind of damage by one of these; some come from its Python side.
LIBRARY_ERRORS = (
    soundfile.SoundFileError,
    RuntimeError,
    ValueError,
    TypeError,  # of a name that ends in .raw: it wants to be told the rate
    OverflowError,
    OSError,
)


class Recording:
    """An open file whose claims were checked and whose samples are counted."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self.beyond = 0  # values outside [-1, 1]
        self.peak = 0.0
        with ExitStack() as stack:
            start = _first_bytes(path)
            # What libsndfile hands to libmpg123, which then talks to the terminal.
            is_mpeg = start[:3] == b"ID3" or (start[0] == 0xFF and start[1] & 0xE0 == 0xE0)
            if is_mpeg or path.suffix.lower() == ".mp3":
                stack.enter_context(silent_native_stderr())
            try:
                # As bytes, for a name may be in any encoding.
                self._sound = stack.enter_context(soundfile.SoundFile(os.fsencode(path)))
            except LIBRARY_ERRORS as error:
                raise InputError(f"{path}: not readable as audio: {reason_of(error)}") from error
            self.sample_rate, self.channels = self._sound.samplerate, self._sound.channels
            self.claimed = self._sound.frames
            self._check_header()
            self._stack = stack.pop_all()

    def __enter__(self) -> "Recording":
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    @property
    def layout(self) -> str:
        """The channels in words, for messages."""
        return {1: "mono", 2: "stereo"}.get(self.channels, f"{self.channels} channels")

    def _check_header(self) -> None:
        low, high = RATES
        if not low <= self.sample_rate <= high:
            raise InputError(
                f"{self.path}: {self.sample_rate} Hz, a rate from {low} to {high} Hz was wanted;"
                " the header is damaged or this is no recording"
            )
        if not 1 <= self.channels <= MAX_CHANNELS:
            raise InputError(
                f"{self.path}: {self.channels} channels, at most {MAX_CHANNELS} were wanted;"
                " the header is damaged or this is no recording"
            )
        claimed, there = _chunk_sizes(self._sound.extra_info)
        if there < claimed < STREAMED:
            raise InputError(
                f"{self.path}: truncated: {there} of {claimed} bytes of audio are there;"
                " fetch the file again"
            )
        if claimed == 0 and self.claimed == 0 and self.path.stat().st_size > 4096:
            raise InputError(
                f"{self.path}: the header says 0 samples but more follows, as a program leaves it"
                " that writes to a pipe; rewrite it with 'ffmpeg -i OLD.wav NEW.wav'"
            )

    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[np.ndarray]:
        """Blocks of (frames, channels) float32, finite and clipped to [-1, 1].

        Args:
            start: the first frame.
            stop: the frame after the last; the end of the file without it.
        """
        position = start
        if start:
            self._seek(start)
        while stop is None or position < stop:
            wanted = BLOCK if stop is None else min(BLOCK, stop - position)
            try:
                block = self._sound.read(wanted, dtype="float32", always_2d=True)
            except LIBRARY_ERRORS as error:
                raise InputError(
                    f"{self.path}: damaged after {position / self.sample_rate:.3f} s:"
                    f" {reason_of(error)}; fetch the file again"
                ) from error
            if not len(block):
                break
            self._check_values(block, position)
            position += len(block)
            self.count += len(block)
            yield block.clip(-1, 1, out=block)
        self._check_length(self.claimed if stop is None else stop - start)

    def _seek(self, start: int) -> None:
        try:
            self._sound.seek(start)
        except LIBRARY_ERRORS as error:
            raise InputError(
                f"{self.path}: damaged near sample {start}: {reason_of(error)};"
                " fetch the file again"
            ) from error

    def _check_values(self, block: np.ndarray, position: int) -> None:
        peak = float(np.abs(block).max())
        if not np.isfinite(peak):
            frame, channel = np.argwhere(~np.isfinite(block))[0]
            seconds = (position + frame) / self.sample_rate
            raise InputError(
                f"{self.path}: {block[frame, channel]} instead of a sample at {seconds:.3f} s"
                f" (channel {channel + 1}); repair the file or leave it out"
            )
        if peak > MAX_PEAK:
            raise InputError(
                f"{self.path}: values up to {peak:.4g}, float audio lies within 1;"
                " divide by its full scale first, such as 32768"
            )
        if peak > 1:
            self.beyond += int(np.count_nonzero(np.abs(block) > 1))
        self.peak = max(self.peak, peak)

    def _check_length(self, wanted: int) -> None:
        if not self.count:
            raise InputError(
                f"{self.path}: 0 samples of audio (header says {self.sample_rate} Hz"
                f" {self.layout}); nothing to read"
            )
        slack = OGG_SLACK_SECONDS * self.sample_rate if self._sound.format == "OGG" else 0
        if self.count + slack < wanted and not self._is_length_estimated():
            raise InputError(
                f"{self.path}: truncated: {self.count} of {wanted} samples are there;"
                " fetch the file again"
            )

    def _is_length_estimated(self) -> bool:
        # An MP3 without a table of contents only guesses its length from the first bit rate; a
        # FLAC stream that was piped has none, which libsndfile gives as the largest integer.
        return self._sound.format == "MP3" or self.claimed >= 1 << 62

    def segment(self, start: int, length: int) -> np.ndarray:
        """At most `length` samples from `start` of the first channel; fewer at the end."""
        if not 0 <= start <= self.claimed:
            return np.empty(0, np.float32)
        try:
            self._sound.seek(start)
            block = self._sound.read(length, dtype="float32", always_2d=True)
        except LIBRARY_ERRORS as error:
            raise InputError(
                f"{self.path}: damaged near sample {start}: {reason_of(error)}; prepare it again"
            ) from error
        if len(block):
            self._check_values(block, start)
        return block[:, 0].clip(-1, 1)

    def notes(self) -> tuple[str, ...]:
        """What the samples had against them, once all blocks are read."""
        notes = []
        if self.beyond:
            notes.append(
                f"{self.path}: {self.beyond} values beyond 1 clipped (peak {self.peak:.3f})"
            )
        if self._sound.format == "MP3" and self.count < self.claimed:
            notes.append(
                f"{self.path}: header says {self.claimed} samples, {self.count} are there;"
                " all of them were read"
            )
        return tuple(notes)


def _first_bytes(path: Path) -> bytes:
    try:
        # A pipe or a device would block or never end.
        if not stat.S_ISREG(path.stat().st_mode):
            what = "a folder" if path.is_dir() else "no regular file"
            raise InputError(f"{path}: {what}, an audio file was wanted; give the file itself")
        with open(path, "rb") as file:
            start = file.read(16)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; check the name") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise InputError(f"{path}: cannot be opened: {reason_of(error)}") from error
    if len(start) < 16:
        raise InputError(f"{path}: {len(start)} bytes, no audio file is so small; leave it out")
    return start


def _chunk_sizes(log: str) -> tuple[int, int]:
    """Bytes of audio that the header claims and that are there; libsndfile mends the first."""
    match = re.search(r"^\s*(?:data|SSND|Data Size)\s*:\s*(\d+)(?: \(should be (\d+))?", log, re.M)
    if match is None:
        return -1, -1
    claimed = int(match[1])
    return claimed, int(match[2]) if match[2] else claimed


def reason_of(error: BaseException) -> str:
    text = getattr(error, "error_string", None) or getattr(error, "strerror", None) or str(error)
    return text.strip().rstrip(".").replace("\n", " ")
