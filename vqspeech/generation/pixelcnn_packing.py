"""A PixelCNN's weights and memory as the compiled steps of `pixelcnn_kernel` read them.

B maps of width W, N layers, C channels, S spatial channels, E head channels, K codes.
"""

from typing import NamedTuple

import numpy as np

from vqspeech.generation.matrix_packing import aligned, array, check_finite, pack, padded, zeros
from vqspeech.nn.pixelcnn import GatedPixelCNN


class PackedPixelCNN(NamedTuple):
    """Weights of a PixelCNN, float32.

    Attributes:
        above: flat, the packed matrices of the vertical stack: of each layer one for each row under
            its kernel (columns * C, 2C), then vertical_to_horizontal (2C, 2C), then where there is
            a spatial condition its map (S, 4C).
        beside: flat, those of the horizontal stack: of each layer the horizontal kernel
            (columns * C, 2C) and the output (C, C); then both of the head.
        layer_bias: (N, 5C) of the vertical kernel, of all that is added beside it, of the output.
        hidden_bias, logits_bias: (E,), (K,), of the head.
        embedding: (K, C).
    """

    above: np.ndarray
    beside: np.ndarray
    layer_bias: np.ndarray
    hidden_bias: np.ndarray
    logits_bias: np.ndarray
    embedding: np.ndarray


def pack_pixelcnn(model: GatedPixelCNN) -> PackedPixelCNN:
    """The weights of a PixelCNN, copied; it is left as it is.

    Raises:
        ValueError: a weight is NaN or infinite.
    """
    check_finite(model)
    above, beside, biases = [], [], []
    for layer in model.layers:
        vertical = array(layer.vertical.weight).transpose(2, 3, 1, 0)  # (rows, columns, C, 2C)
        above += [pack(np.concatenate(row)) for row in vertical]
        above.append(pack(array(layer.vertical_to_horizontal.weight)[:, :, 0, 0].T))
        if layer.spatial_condition is not None:
            above.append(pack(array(layer.spatial_condition.weight)[:, :, 0, 0].T))
        horizontal = array(layer.horizontal.weight)[:, :, 0].transpose(2, 1, 0)  # (columns, C, 2C)
        beside.append(pack(np.concatenate(horizontal)))
        beside.append(pack(array(layer.output.weight)[:, :, 0, 0].T))
        added = layer.horizontal.bias + layer.vertical_to_horizontal.bias
        biases.append(
            np.concatenate([array(layer.vertical.bias), array(added), array(layer.output.bias)])
        )
    hidden, logits = model.head[1], model.head[3]
    beside += [pack(array(layer.weight)[:, :, 0, 0].T) for layer in (hidden, logits)]
    return PackedPixelCNN(
        aligned(above),
        aligned(beside),
        np.stack(biases),
        array(hidden.bias),
        array(logits.bias),
        array(model.embedding.weight),
    )


def start(model: GatedPixelCNN, batch: int, width: int) -> tuple[np.ndarray, ...]:
    """The memory of B maps before their first row: zeros, float32.

    A row of all maps is a row of vectors with the padding between them: `padding` vectors, then of
    each map W vectors and `padding` more, so that a kernel which leaves a map on one side sees
    zeros. Where a vector of a map stands without the first padding is its place; there are
    P = B * (W + padding) of them.

    Returns:
        Inputs of the vertical stack, the last D rows as a ring: (N, D, padding + P, C). Those of
        the horizontal stack in this row: (N, B, (padding + W) * C). What the row uses: the vertical
        stack before its gates (P, 2C), its conditions (P, 4C), what is added beside (N, P, 2C).
        What a position uses: the gates (B, 2C), the gated units (B, C), the horizontal stack
        (B, C), the hidden layer (B, E), logits (B, K). Where a product is added, the columns are
        padded to whole tiles.
    """
    layers, channels = len(model.layers), model.embedding.embedding_dim
    first, rest = reaches(model)
    padding, depth = max(first, rest), max(first, rest + 1)
    places = batch * (width + padding)
    return (
        zeros(layers, depth, padding + places, channels),
        zeros(layers, batch, (padding + width) * channels),
        zeros(places, padded(2 * channels)),
        zeros(places, padded(4 * channels)),
        zeros(layers, places, padded(2 * channels)),
        zeros(batch, padded(2 * channels)),
        zeros(batch, channels),
        zeros(batch, padded(channels)),
        zeros(batch, padded(model.head[1].out_channels)),
        zeros(batch, padded(model.num_codes)),
    )


def reaches(model: GatedPixelCNN) -> tuple[int, int]:
    """How far the first layer sees, and how far the others."""
    return model.layers[0].reach, model.layers[-1].reach
