"""A WaveNet's weights and memory as the compiled steps of `wavenet_kernel` read them.

The weights lie in one array in order of use. N layers, R residual, G = 2H gate, S skip, E head
channels, K classes.
"""

from typing import NamedTuple

import numpy as np
import torch

from vqspeech.generation.matrix_packing import aligned, array, check_finite, pack, padded, zeros
from vqspeech.nn.wavenet import WaveNet

AHEAD = 8  # steps for which the product with the past tap is taken at once


class PackedWaveNet(NamedTuple):
    """Weights of a WaveNet, float32.

    Attributes:
        packed: flat arrays. First the packed matrices that every step multiplies by: of each layer
            the tap of the present (R, G) and residual beside skip (H, R + S), of the last layer
            skip alone; then both of the head. Then the packed taps of the past (R, G), and the
            biases of skip (S), head (E) and logits (K).
        embedding: (K, R).
        lag_weight: (J, R) of the elements about a lag before; J is 0 for a network without lags.
        dilations: (N,) int64.
    """

    packed: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
    embedding: np.ndarray
    lag_weight: np.ndarray
    dilations: np.ndarray


def pack_wavenet(wavenet: WaveNet) -> PackedWaveNet:
    """The weights of a WaveNet, copied; it is left as it is.

    Raises:
        ValueError: a weight is NaN or infinite.
    """
    check_finite(wavenet)
    layers, width = len(wavenet.dilations), wavenet.residual_channels
    taps, residual = array(wavenet.taps), array(wavenet.residual)  # (N, G, 2R), (N - 1, R, H)
    skip = array(wavenet.skip.weight.unflatten(1, (layers, -1)))  # (S, N, H)
    used, past = [], []
    for i in range(layers):
        past.append(pack(taps[i, :, :width].T))
        used.append(pack(taps[i, :, width:].T))
        mixed = [residual[i], skip[:, i]] if i + 1 < layers else [skip[:, i]]
        used.append(pack(np.concatenate(mixed).T))
    used += [pack(array(layer.weight).T) for layer in (wavenet.head, wavenet.logits)]
    lag_weight = wavenet.lag_weight if wavenet.lag_taps else torch.zeros(0, width)
    biases = [array(layer.bias) for layer in (wavenet.skip, wavenet.head, wavenet.logits)]
    return PackedWaveNet(
        (aligned(used), aligned(past), *map(np.ascontiguousarray, biases)),
        np.ascontiguousarray(array(wavenet.embedding.weight)),
        np.ascontiguousarray(array(lag_weight)),
        np.array(wavenet.dilations, np.int64),
    )


def start(wavenet: WaveNet, batch: int) -> tuple[np.ndarray, ...]:
    """The memory of B streams before element 0: zeros, float32.

    Returns:
        The last d inputs of every layer, d its dilation: rings (sum of d * B, R). For the next 8
        steps the products with the past tap: (N * 8 * B, G). What a step uses: its input beside
        the sum of skips (B, R + S), the gated units (B, H), the hidden layer (B, E), logits (B, K).
        Last the elements that a lag can reach back to, as `WaveNet.scaled` has them: a ring (B, P).
        Where a product is added, the columns are padded to whole tiles.
    """
    width, gate = wavenet.residual_channels, wavenet.gate_channels
    shapes = (
        (sum(wavenet.dilations) * batch, width),
        (len(wavenet.dilations) * AHEAD * batch, padded(gate)),
        (batch, padded(width) + padded(wavenet.skip.out_features)),
        (batch, gate // 2),
        (batch, padded(wavenet.head.out_features)),
        (batch, padded(wavenet.num_classes)),
        (batch, wavenet.longest_lag + wavenet.lag_taps),
    )
    return tuple(zeros(rows, size) for rows, size in shapes)
