"""Random numbers by address: the uniform number at (seed, stream, t) whatever was drawn before.

Every sampler inverts a CDF on these, so that samplers can be compared sample by sample, and a
result depends neither on the batch it was drawn in nor on where a chunk began. Philox is a
counter-based generator (Salmon et al. 2011): any number of a stream is reached in one step.
"""

import numpy as np

_PER_COUNT = 4  # 64-bit numbers that Philox makes for each value of its counter


def uniforms(seed: int, stream: int, start: int, length: int) -> np.ndarray:
    """Numbers start to start + length - 1 of a stream: (length,) float64 in [0, 1).

    Args:
        seed: of the whole result; 0 or more, taken modulo 2**64.
        stream: which of the sequences that share the seed; 0 or more.
        start: address of the first number.
        length: how many.
    """
    bits = np.random.Philox(key=np.array([seed % 2**64, stream % 2**64], dtype=np.uint64))
    skip = start % _PER_COUNT
    bits.advance(start // _PER_COUNT)
    return np.random.Generator(bits).random(skip + length)[skip:]
