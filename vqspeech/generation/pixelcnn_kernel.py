"""Compiled PixelCNN steps in float32: what `vqspeech.generation.pixelcnn_cpu` calls.

Importing this module compiles `run` for one set of argument types, or loads it from numba's cache.
A map has the same codes, bit for bit, alone or in a batch: see `matrix_tiles`.

B maps of H x W, N layers, C channels, S spatial channels, E head channels, K codes; the places of a
row (P) and the padding are those of `pixelcnn_packing.start`.
"""

from numba import njit, types

from vqspeech.generation import kernel_math, matrix_packing, matrix_tiles
from vqspeech.generation.compilation import compiled, versions
from vqspeech.generation.kernel_math import PART, copy, draw, gated, rectify
from vqspeech.generation.matrix_tiles import product


@njit(**PART)
def _stack_above(weights, bias, condition, spatial, memory, reaches, row, batch, is_beside_used):
    """The vertical stack of a row, and what it and the conditions add beside: `memory.beside`."""
    rows, above, conditions, beside = memory
    N, C, P = len(rows), rows.shape[3], len(above)
    padding, pitch = rows.shape[2] - P, P // batch
    places = P - padding  # those between two maps are computed, but not used
    w_at = 0
    for i in range(N):
        reach = reaches[0] if i == 0 else reaches[1]
        for n in range(places):
            copy(bias[i, : 2 * C], above[n])
            copy(bias[i, 2 * C : 4 * C], beside[i, n])
            copy(condition[i, n // pitch], conditions[n])
        # A kernel's columns are neighbours in a row of the ring: one product for each of its rows.
        for back in range(reach, 0 if i == 0 else -1, -1):
            x, columns = rows[i, (row - back) % rows.shape[1]], 2 * reach + 1
            w_at = product(
                *(weights, w_at, x, padding - reach, 0, columns * C),
                *(above, 0, 0, above.shape[1], places),
            )
        wanted = places if is_beside_used else 0
        w_at = product(weights, w_at, above, 0, 0, 2 * C, beside[i], 0, 0, beside.shape[2], wanted)
        if len(spatial) > 0:
            S = spatial.shape[1]
            w_at = product(
                weights, w_at, spatial, 0, 0, S, conditions, 0, 0, conditions.shape[1], places
            )
        for n in range(places):
            if n % pitch < pitch - padding:
                if i + 1 < N:
                    gated(above[n], conditions[n], rows[i + 1, row % rows.shape[1], padding + n])
                for c in range(2 * C):
                    beside[i, n, c] += conditions[n, 2 * C + c]


@njit(**PART)
def _stack_beside(weights, bias, beside, windows, gates, z, h, reaches, x):
    """The horizontal stack of column x: `h` (B, C); where the weights of the head begin."""
    N, B, C = len(windows), len(windows[0]), z.shape[1]
    pitch = beside.shape[1] // B
    w_at, padding = 0, max(reaches[0], reaches[1])
    for i in range(N):
        reach = reaches[0] if i == 0 else reaches[1]
        inputs = (reach if i == 0 else reach + 1) * C
        gates[:] = 0
        w_at = product(
            *(weights, w_at, windows[i], 0, (x + padding - reach) * C, inputs),
            *(gates, 0, 0, gates.shape[1], B),
        )
        for s in range(B):
            gated(gates[s], beside[i, s * pitch + x], z[s])
            if i == 0:
                h[s] = 0
            for c in range(C):
                h[s, c] += bias[i, 4 * C + c]
        w_at = product(weights, w_at, z, 0, 0, C, h, 0, 0, h.shape[1], B)
        if i + 1 < N:
            for s in range(B):
                copy(h[s, :C], windows[i + 1, s, (padding + x) * C : (padding + x + 1) * C])
    return w_at


def _make_run(version):
    """`run`, with the version of what it calls into as a part of numba's key to its cache."""

    def run(
        packed, memory, condition, spatial, uniforms, codes, seen, reaches, row, temperature, top_k
    ):
        """Draw one row of every map.

        Args:
            packed: a `PackedPixelCNN`, as a tuple.
            memory: of `pixelcnn_packing.start`, as the row before left it.
            condition: (N, B, 4C), of the classes.
            spatial: (P, S) of this row, or (0, 0) for a model without.
            uniforms: (B, W) float64 below 1.
            codes: (B, W) int64, given or -1, where the drawn ones are written.
            seen: (B * W, K), where the logits are written, or (0, K).
            reaches: of the first layer and of the others.
            row: of the maps.
            temperature: 0 takes the likeliest.
            top_k: 0 keeps all.
        """
        _ = version  # closed over, which numba looks at; of files it looks at this one alone
        above_weights, weights, layer_bias, hidden_bias, logits_bias, embedding = packed
        rows, windows, above, conditions, beside, gates, z, h, hidden, logits = memory
        (B, W), C, K, E = codes.shape, embedding.shape[1], len(logits_bias), len(hidden_bias)
        padding, slot = max(reaches[0], reaches[1]), row % rows.shape[1]

        # What is given needs no logits, and from the last column on that is drawn nothing beside.
        stop = W if len(seen) > 0 else 0
        for s in range(B):
            for x in range(stop, W):
                if codes[s, x] < 0:
                    stop = x + 1
        part = rows, above, conditions, beside
        _stack_above(above_weights, layer_bias, condition, spatial, part, reaches, row, B, stop > 0)
        for x in range(W):
            if x < stop:
                w_at = _stack_beside(weights, layer_bias, beside, windows, gates, z, h, reaches, x)
                for s in range(B):
                    rectify(h[s])
                    copy(hidden_bias, hidden[s])
                    copy(logits_bias, logits[s])
                w_at = product(weights, w_at, h, 0, 0, C, hidden, 0, 0, hidden.shape[1], B)
                for s in range(B):
                    rectify(hidden[s])
                product(weights, w_at, hidden, 0, 0, E, logits, 0, 0, logits.shape[1], B)
            for s in range(B):
                if len(seen) > 0:
                    copy(logits[s, :K], seen[s * W + x])
                if codes[s, x] < 0:
                    codes[s, x] = draw(logits[s, :K], uniforms[s, x], temperature, top_k)
                vector = embedding[codes[s, x]]
                copy(vector, rows[0, slot, padding + s * (W + padding) + x])
                copy(vector, windows[0, s, (padding + x) * C : (padding + x + 1) * C])

    return run


_vector, _matrix, _cube = types.float32[::1], types.float32[:, ::1], types.float32[:, :, ::1]
_memory = (types.float32[:, :, :, ::1], _cube, _matrix, _matrix, _cube, *[_matrix] * 5)
run = compiled(
    _make_run(versions(kernel_math, matrix_packing, matrix_tiles)),
    types.void(
        types.Tuple((_vector, _vector, _matrix, _vector, _vector, _matrix)),
        types.Tuple(_memory),
        *(_cube, _matrix, types.float64[:, ::1], types.int64[:, ::1], _matrix),
        *(types.UniTuple(types.int64, 2), types.int64, types.float64, types.int64),
    ),
)
