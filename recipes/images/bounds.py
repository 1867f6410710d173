"""A bound on log p(x) in its two parts."""

from typing import NamedTuple

from torch import Tensor


class Bound(NamedTuple):
    """-log p(x) <= rate + distortion, nats of each picture."""

    rate: Tensor  # (B,) of the latents
    distortion: Tensor  # (B,) of the pixels given them

    @property
    def nats(self) -> Tensor:
        """(B,) both together."""
        return self.rate + self.distortion
