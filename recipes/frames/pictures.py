"""Arrays of pictures with what is known of each: where it comes from, and its class."""

from dataclasses import dataclass

import numpy as np

from vqspeech.errors import InputError

PARTS = ("train", "valid", "test")


@dataclass(frozen=True)
class PictureSet:
    """Pictures of one size, the (N, H, W, 3) of RGB.

    Attributes:
        pixels: (N, H, W, 3) uint8, in memory or mapped from a file.
        sources: (N,) int64, the photograph or episode that each was cut from; errors of means are
            taken over sources, since crops of one photograph are no independent pictures.
        labels: (N,) int64 classes; None where there are none.
        names: of the sources, so that `names[sources[i]]` is that of picture i.
    """

    pixels: np.ndarray
    sources: np.ndarray
    labels: np.ndarray | None
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.pixels)


@dataclass(frozen=True)
class PictureData:
    """A data set: what is learnt from, chosen by, and scored on.

    Attributes:
        name: what it may be called, such as `cifar10` or `photos`.
        parts: by `PARTS`; no source is in two of them.
        class_names: of the labels; empty where there are none.
        skipped: names and reasons of what was passed over.
    """

    name: str
    parts: dict[str, PictureSet]
    class_names: tuple[str, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()

    def part(self, name: str) -> PictureSet:
        """One part.

        Raises:
            InputError: it is empty or not there.
        """
        found = self.parts.get(name)
        if found is None or not len(found):
            raise InputError(f"{self.name}: no pictures in the part {name}; give a larger data set")
        return found
