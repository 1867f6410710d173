"""Codes beside phones, for a whole corpus: what every measure of phoneme discovery takes.

All utterances lie end to end in flat arrays, so that 100 hours are a few megabytes and a measure is
a handful of array operations. U utterances, S speakers, N frames, M labelled segments, K codes,
P phones.
"""

from dataclasses import dataclass, replace

import numpy as np

LEFT_OUT = -1  # label of a frame or segment that the phone set has no class for: it is not scored


@dataclass(frozen=True, eq=False)
class AlignedCodes:
    """Codes, the phone of each frame, and the reference segments.

    Attributes:
        utterances: U ids.
        speakers: S names, sorted.
        speaker: (U,) int32, whose each utterance is.
        codes: (N,) int32, from 0 to K - 1.
        labels: (N,) int16, the phone of each frame, or `LEFT_OUT`.
        frame_starts: (U + 1,) int64; frames of utterance u are frame_starts[u] to
            frame_starts[u + 1] - 1.
        phones: (M,) int16, the phone of each segment in time, or `LEFT_OUT`; neighbouring silences
            are one segment.
        phone_seconds: (M, 2) float64, start and end of each within its utterance.
        phone_starts: (U + 1,) int64, as `frame_starts`.
        num_codes: K.
        phone_names: P names, as `labels` and `phones` index them.
        rate: frames a second.
    """

    utterances: tuple[str, ...]
    speakers: tuple[str, ...]
    speaker: np.ndarray
    codes: np.ndarray
    labels: np.ndarray
    frame_starts: np.ndarray
    phones: np.ndarray
    phone_seconds: np.ndarray
    phone_starts: np.ndarray
    num_codes: int
    phone_names: tuple[str, ...]
    rate: float

    @property
    def seconds(self) -> float:
        """How long all frames last."""
        return len(self.codes) / self.rate

    def frame_owners(self) -> np.ndarray:
        """(N,) int32, the utterance of each frame."""
        return np.repeat(
            np.arange(len(self.utterances), dtype=np.int32), np.diff(self.frame_starts)
        )

    def phone_owners(self) -> np.ndarray:
        """(M,) int32, the utterance of each segment."""
        return np.repeat(
            np.arange(len(self.utterances), dtype=np.int32), np.diff(self.phone_starts)
        )

    def without(self, phone: str) -> "AlignedCodes":
        """The same, with frames and segments of one phone left out, silence for example.

        Codes stay as they are: `labels` says which frames are scored.
        """
        if phone not in self.phone_names:
            return self
        index = self.phone_names.index(phone)
        return replace(
            self,
            labels=np.where(self.labels == index, LEFT_OUT, self.labels).astype(np.int16),
            phones=np.where(self.phones == index, LEFT_OUT, self.phones).astype(np.int16),
        )

    def with_codes(self, codes: np.ndarray, num_codes: int) -> "AlignedCodes":
        """The same frames under other codes (N,), such as random ones.

        Raises:
            ValueError: another number of frames.
        """
        if codes.shape != self.codes.shape:
            raise ValueError(f"{codes.shape} codes for {self.codes.shape} frames")
        return replace(self, codes=codes.astype(np.int32), num_codes=num_codes)
