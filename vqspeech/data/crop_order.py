"""Which pieces of which utterances a batch is cut from.

Randomness is counted, not drawn: the order of an epoch is a function of (seed, epoch), a crop's
position one of (seed, epoch, utterance, number of the crop). Batch 1000 is therefore the same
whether a run was resumed, read ahead or divided among workers.
"""

import hashlib
from collections.abc import Sequence

import numpy as np


class CropOrder:
    """Random crops; `pieces(step)` is a pure function of the step.

    An epoch takes ceil(length / crop) crops of every utterance, so each utterance is visited and
    long ones in proportion to their length. Crops of one utterance are drawn independently of each
    other; over epochs every element away from the ends is seen equally often. A batch may hold the
    last crops of one epoch and the first of the next.

    Args:
        utterances: ids.
        lengths: elements of each, at least 1.
        crop: elements of a crop.
        batch_size: B.
        seed: order and positions follow from it.
        overhang: how far a crop may be drawn beyond an end of its utterance, from where it is moved
            back inside: with half a crop the ends are seen about as often as the middle, and many
            crops begin where their utterance does.
    """

    def __init__(
        self,
        utterances: Sequence[str],
        lengths: Sequence[int],
        crop: int,
        batch_size: int,
        seed: int,
        overhang: int = 0,
    ):
        if batch_size < 1 or crop < 1:
            raise ValueError(f"batch_size {batch_size} and crop {crop} must be positive")
        self._utterances, self._lengths = utterances, lengths
        self._crop, self._batch_size, self._seed = crop, batch_size, seed
        self._overhang = overhang
        counts = np.array([-(-length // crop) for length in lengths])
        self._owners = np.repeat(np.arange(len(counts)), counts)  # utterance of each crop
        self._numbers = np.concatenate([np.arange(count) for count in counts])
        self._orders: dict[int, np.ndarray] = {}

    @property
    def crops_per_epoch(self) -> int:
        """Crops that one epoch takes of all utterances."""
        return len(self._owners)

    def epoch(self, step: int) -> int:
        """The epoch of the first crop of a batch."""
        return step * self._batch_size // self.crops_per_epoch

    def pieces(self, step: int) -> list[tuple[int, int]]:
        """(utterance, first element) of each crop of batch number `step`, counted from 0."""
        first = step * self._batch_size
        return [self._piece(index) for index in range(first, first + self._batch_size)]

    def _piece(self, index: int) -> tuple[int, int]:
        epoch, place = divmod(index, self.crops_per_epoch)
        crop = self._order(epoch)[place]
        owner = int(self._owners[crop])
        room = max(self._lengths[owner] - self._crop, 0)
        key = f"{self._seed} {epoch} {self._numbers[crop]} {self._utterances[owner]}"
        digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
        drawn = int.from_bytes(digest, "big") % (room + 2 * self._overhang + 1)
        return owner, min(max(drawn - self._overhang, 0), room)

    def _order(self, epoch: int) -> np.ndarray:
        order = self._orders.get(epoch)
        if order is None:
            # numpy promises that raw bits stay the same in later versions, but not permutations.
            bits = np.random.Philox(np.random.SeedSequence((self._seed, epoch)))
            order = np.argsort(bits.random_raw(self.crops_per_epoch), kind="stable")
            # A batch may span two epochs, so the one before is kept. This saves time, no state.
            self._orders = {**dict(list(self._orders.items())[-1:]), epoch: order}
        return order
