"""Compiled WaveNet steps in float32: what `vqspeech.generation.wavenet_cpu` calls.

Importing this module compiles `run` for one set of argument types, or loads it from numba's cache.
A stream has the same samples, bit for bit, alone or in a batch: see `matrix_tiles`.

B streams, N layers, R residual, G = 2H gate, S skip, E head channels, K classes.
"""

from numba import njit, types

from vqspeech.generation import kernel_math, matrix_packing, matrix_tiles, wavenet_packing
from vqspeech.generation.compilation import compiled, versions
from vqspeech.generation.kernel_math import PART, copy, draw, f32, gated, rectify
from vqspeech.generation.matrix_packing import NARROW
from vqspeech.generation.matrix_tiles import product
from vqspeech.generation.wavenet_packing import AHEAD


@njit(**PART)
def _add_past(past, t, lag, lag_weight, x):
    """x (R,) += what the elements about `lag` before t add; `past` is a ring of them."""
    taps, size = len(lag_weight) // 2, len(past)
    for j in range(len(lag_weight)):
        value = past[(t - lag - taps + j) % size]
        for r in range(len(x)):
            x[r] += value * lag_weight[j, r]


def _make_run(version):
    """`run`, with the version of what it calls into as a part of numba's key to its cache."""

    def run(
        packed,
        embedding,
        lag_weight,
        state,
        dilations,
        condition,
        lags,
        uniforms,
        tokens,
        seen,
        span,
        temperature,
    ):
        """Steps start to stop - 1 of every stream.

        Args:
            packed, embedding, lag_weight, dilations: of `PackedWaveNet`.
            state: of `wavenet_packing.start`, as the step before `start` left it.
            condition: (B * F * N, G), of F frames.
            lags: (B * F,) of these frames; (0,) for a network without.
            uniforms: (B, stop - start) float64 below 1.
            tokens: (B, 1 + stop - start) int64: the element before `start`, then those of the
                steps.
            seen: (B * (stop - start), K), where the logits are written, or (0, K).
            span: start, stop, hop (elements that share a frame), the first of the F frames, the
                first element that is drawn (those before it are in `tokens`), and top_k.
            temperature: 0 takes the likeliest.
        """
        weights, past_weights, skip_bias, head_bias, logits_bias = packed
        rings, past, sums, z, hidden, logits, elements = state
        N, B = len(dilations), tokens.shape[0]
        R, H, S = embedding.shape[1], z.shape[1], len(skip_bias)
        E, K, frames = len(head_bias), len(logits_bias), len(condition) // (B * N)
        (start, stop, hop, first_frame, given, top_k), gates = span, past.shape[1]
        _ = version  # closed over, which numba looks at; of files it looks at this one alone
        for t in range(start, stop):
            for s in range(B):
                if t > 0:
                    token = tokens[s, t - start]
                    copy(embedding[token], sums[s, :R])
                    if len(lag_weight) > 0:
                        lag = lags[s * frames + t // hop - first_frame]
                        elements[s, (t - 1) % elements.shape[1]] = f32(2 * token + 1 - K) / f32(K)
                        if lag > 0:
                            _add_past(elements[s], t, lag, lag_weight, sums[s, :R])
                copy(skip_bias, sums[s, R : R + S])
            w_at, past_at, ring = 0, 0, 0
            for i in range(N):
                # Inputs t - d to t - d + ahead - 1 are known at t if ahead <= d, and as `ahead`
                # divides d and t, they stand side by side in the ring: their products are taken
                # together.
                d = dilations[i]
                ahead = min(d, AHEAD)
                slot = ring + t % d * B
                gate = (i * AHEAD + t % ahead) * B
                if t % ahead == 0:
                    past[gate : gate + ahead * B] = 0
                    product(
                        past_weights, past_at, rings, slot, 0, R, past, gate, 0, gates, ahead * B
                    )
                w_at = product(weights, w_at, sums, 0, 0, R, past, gate, 0, gates, B)
                for s in range(B):
                    copy(sums[s, :R], rings[slot + s])
                    frame = s * frames + t // hop - first_frame
                    gated(past[gate + s], condition[frame * N + i], z[s])
                # The last layer has no residual connection: its matrix begins with the skips.
                first = R if i + 1 == N else 0
                columns = -(-(R + S - first) // NARROW) * NARROW
                w_at = product(weights, w_at, z, 0, 0, H, sums, 0, first, columns, B)
                past_at += R * gates
                ring += d * B
            for s in range(B):
                rectify(sums[s, R : R + S])
                copy(head_bias, hidden[s])
                copy(logits_bias, logits[s])
            w_at = product(weights, w_at, sums, 0, R, S, hidden, 0, 0, hidden.shape[1], B)
            for s in range(B):
                rectify(hidden[s, :E])
            product(weights, w_at, hidden, 0, 0, E, logits, 0, 0, logits.shape[1], B)
            for s in range(B):
                if len(seen) > 0:
                    copy(logits[s, :K], seen[s * (stop - start) + t - start])
                if t >= given:
                    u = uniforms[s, t - start]
                    tokens[s, t - start + 1] = draw(logits[s, :K], u, temperature, top_k)

    return run


_vector, _matrix, _tokens = types.float32[::1], types.float32[:, ::1], types.int64[:, ::1]
run = compiled(
    _make_run(versions(kernel_math, matrix_packing, matrix_tiles, wavenet_packing)),
    types.void(
        *(types.UniTuple(_vector, 5), _matrix, _matrix, types.UniTuple(_matrix, 7)),
        *(types.int64[::1], _matrix, types.int64[::1]),
        *(types.float64[:, ::1], _tokens, _matrix),
        *(types.UniTuple(types.int64, 6), types.float64),
    ),
)
