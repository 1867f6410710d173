"""A recording as a stream of mono blocks at the wanted rate, whatever the file holds.

Nothing is kept but the block at hand, so hours of audio need no more memory than seconds.
T' is the samples of one block.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soxr

from vqspeech.audio.recording import Recording
from vqspeech.errors import InputError

END_SLACK_SECONDS = 0.1  # how far a stretch may pass the end; tables round, and encoders pad


class MonoStream:
    """Blocks of (T',) float32 at `sample_rate`, within [-1, 1] but for the ripple of resampling.

    Values beyond 1, which float and lossy formats allow, are clipped before anything else.

    Args:
        path: the file.
        sample_rate: Hz of the blocks.
        start_seconds: where to begin; the beginning without it.
        end_seconds: where to end; the end without it.
    """

    def __init__(
        self,
        path: Path,
        sample_rate: int,
        start_seconds: float | None = None,
        end_seconds: float | None = None,
    ):
        self.path, self.sample_rate = path, sample_rate
        self.start_seconds, self.end_seconds = start_seconds, end_seconds
        self.notes: tuple[str, ...] = ()  # what had to be changed, once all blocks are read

    def blocks(self) -> Iterator[np.ndarray]:
        """All blocks, from the beginning at every call.

        Raises:
            InputError: what a recording may not be (`recording.py`), no sample at `sample_rate`, or
                a stretch that the file does not hold.
        """
        count = 0
        with Recording(self.path) as recording:
            rate, layout = recording.sample_rate, recording.layout
            resampler = None
            if rate != self.sample_rate:
                resampler = soxr.ResampleStream(rate, self.sample_rate, 1, "float32", quality="HQ")
            for block in recording.blocks(*self._frames(recording)):  # (T', C)
                mono = block[:, 0] if block.shape[1] == 1 else block.mean(axis=1)
                mono = np.ascontiguousarray(mono)
                if resampler:
                    mono = resampler.resample_chunk(mono)
                if len(mono):
                    count += len(mono)
                    yield mono
            if resampler:
                rest = resampler.resample_chunk(np.empty(0, np.float32), last=True)
                if len(rest):
                    count += len(rest)
                    yield rest
            if not count:
                raise InputError(
                    f"{self.path}: {recording.count} samples at {rate} Hz are less than one at"
                    f" {self.sample_rate} Hz; leave the file out"
                )
            self.notes = recording.notes()
        if rate != self.sample_rate or layout != "mono":
            change = f"{self.path}: {rate} Hz {layout} -> {self.sample_rate} Hz mono"
            self.notes = (change, *self.notes)

    def most_samples(self) -> int:
        """An upper bound of the samples in all blocks, as far as the file can be believed.

        Raises:
            InputError: as `blocks`.
        """
        with Recording(self.path) as recording:
            # Neither a header that lies nor the best codec holds 2^16 frames in a byte.
            frames = min(recording.claimed, self.path.stat().st_size << 16)
            return frames * self.sample_rate // recording.sample_rate + 1

    def _frames(self, recording: Recording) -> tuple[int, int | None]:
        """First frame of the stretch and the one after its last, in the file's own rate."""
        if self.start_seconds is None or self.end_seconds is None:
            return 0, None
        rate, claimed = recording.sample_rate, recording.claimed
        start, stop = round(self.start_seconds * rate), round(self.end_seconds * rate)
        if stop > claimed + END_SLACK_SECONDS * rate or start >= min(stop, claimed):
            raise InputError(
                f"{self.path}: {claimed / rate:.3f} s long, but a segment of it goes from"
                f" {self.start_seconds:g} to {self.end_seconds:g} s; mend its 'segments'"
            )
        return start, min(stop, claimed)
