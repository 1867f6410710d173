"""Compiled WaveNet steps in float32: what `vqspeech.generation.wavenet_cpu` calls.

Importing this module compiles `run` for one set of argument types, or loads it from numba's cache.
Every output is summed over its inputs from the first to the last by one chain of multiply-adds,
whatever the number of streams: a stream has the same samples, bit for bit, alone or in a batch.

B streams, N layers, R residual, G = 2H gate, S skip, E head channels, K classes.
"""

import os

from numba import njit, types
from numba.core.cgutils import ir  # llvmlite's; it comes with numba
from numba.extending import intrinsic

from vqspeech.generation import wavenet_math
from vqspeech.generation import wavenet_packing as packing
from vqspeech.generation.wavenet_math import JIT, PART, copy, draw, f32, gated, rectify

TILE, NARROW, AHEAD = 64, 16, 8  # here too: numba's cache is renewed when this file changes
assert (TILE, NARROW, AHEAD) == (packing.TILE, packing.NARROW, packing.AHEAD), "change both"
_PREFETCH = 2048  # bytes ahead; +10 % for one stream and +30 % for four on an AMD EPYC (Zen 3)
_LANES = 8
_FLOAT, _BYTE, _I32, _I64 = ir.FloatType(), ir.IntType(8), ir.IntType(32), ir.IntType(64)
_VECTOR = ir.VectorType(_FLOAT, _LANES)


def _tile(rows: int, vectors: int):
    """A function (w, w_at, w_step, x, x_at, inputs, y, y_at): a piece of y += x @ w.

    x is (rows, inputs), w (inputs, 8 * vectors), y (rows, 8 * vectors). Each begins at an element
    of its array; x and y are parts of matrices, and w has `w_step` elements from row to row. In
    LLVM's language, since numba would keep the sums in memory: here they stay in registers.
    """

    @intrinsic
    def tile(typing, w, w_at, w_step, x, x_at, inputs, y, y_at):
        def emit(context, b, signature, args):
            def base(position):  # address of the element named by the two arguments, row length
                array = context.make_array(signature.args[position])(context, b, args[position])
                offset = b.shl(args[position + 1], _I64(2))
                step = b.shl(b.extract_value(array.shape, array.shape.type.count - 1), _I64(2))
                return b.add(b.ptrtoint(array.data, _I64), offset), step

            def at(address, offset, kind):
                return b.inttoptr(b.add(address, _I64(offset)), kind.as_pointer())

            def function(name, kind, arguments):
                known = b.module.globals.get(name)
                return known or ir.Function(b.module, ir.FunctionType(kind, arguments), name)

            # Called, not copied into each of its callers: that took most of the compilation.
            b.function.attributes.add("noinline")
            add = function(f"llvm.fmuladd.v{_LANES}f32", _VECTOR, [_VECTOR] * 3)
            pointer = _BYTE.as_pointer()
            name = f"llvm.prefetch.{pointer.intrinsic_name}"
            fetch = function(name, ir.VoidType(), [pointer, _I32, _I32, _I32])
            undefined = ir.Constant(_VECTOR, ir.Undefined)
            first_lane = ir.Constant(ir.VectorType(_I32, _LANES), [0] * _LANES)
            columns = [4 * _LANES * v for v in range(vectors)]  # in bytes
            cells = [(row, column) for row in range(rows) for column in columns]
            (first_line, _), (x_base, x_step), (y_base, y_step) = base(0), base(3), base(6)
            x_rows = [b.add(x_base, b.mul(x_step, _I64(row))) for row in range(rows)]
            y_rows = [b.add(y_base, b.mul(y_step, _I64(row))) for row in range(rows)]
            starts = [b.load(at(y_rows[row], column, _VECTOR), align=4) for row, column in cells]
            line_step = b.shl(args[2], _I64(2))
            before, loop = b.block, b.append_basic_block("loop")
            b.branch(loop)

            b.position_at_end(loop)
            k, line = b.phi(_I64), b.phi(_I64)
            sums = [b.phi(_VECTOR) for _ in cells]
            weights = {c: b.load(at(line, c, _VECTOR), align=4) for c in columns}
            for byte in range(0, 4 * _LANES * vectors, 64):
                b.call(fetch, [at(line, _PREFETCH + byte, _BYTE), _I32(0), _I32(3), _I32(1)])
            spread = []
            for row in x_rows:
                scalar = b.load(at(b.add(row, b.shl(k, _I64(2))), 0, _FLOAT), align=4)
                one = b.insert_element(undefined, scalar, _I32(0))
                spread.append(b.shuffle_vector(one, undefined, first_lane))
            added = [
                b.call(add, [spread[row], weights[column], total])
                for (row, column), total in zip(cells, sums, strict=True)
            ]
            next_k = b.add(k, _I64(1))
            begin = [_I64(0), first_line, *starts]
            again = [next_k, b.add(line, line_step), *added]
            for phi, start, following in zip([k, line, *sums], begin, again, strict=True):
                phi.add_incoming(start, before)
                phi.add_incoming(following, loop)
            after = b.append_basic_block("after")
            b.cbranch(b.icmp_signed("<", next_k, args[5]), loop, after)

            b.position_at_end(after)
            for (row, column), total in zip(cells, added, strict=True):
                b.store(total, at(y_rows[row], column, _VECTOR), align=4)
            return context.get_dummy_value()

        i64 = types.int64
        return types.void(w, i64, i64, x, i64, i64, y, i64), emit

    return tile


_four_rows, _one_row, _one_row_narrow = _tile(4, 2), _tile(1, 8), _tile(1, 2)


@njit(**PART)
def _add_past(past, t, lag, lag_weight, x):
    """x (R,) += what the elements about `lag` before t add; `past` is a ring of them."""
    taps, size = len(lag_weight) // 2, len(past)
    for j in range(len(lag_weight)):
        value = past[(t - lag - taps + j) % size]
        for r in range(len(x)):
            x[r] += value * lag_weight[j, r]


@njit(**PART)
def _product(w, w_at, x, x_row, x_column, inputs, y, y_row, y_column, columns, rows):
    """y (rows, columns) += x (rows, inputs) @ a packed matrix; where the next matrix begins.

    x and y are the parts of matrices that begin at a row and a column.
    """
    for column in range(0, columns, TILE):
        step = TILE if column + TILE <= columns else NARROW
        for tile in range(column, min(column + TILE, columns), step):
            x_at = x_row * x.shape[1] + x_column
            y_at = y_row * y.shape[1] + y_column + tile
            for _ in range(rows // 4):
                for part in range(0, step, NARROW):
                    _four_rows(w, w_at + part, step, x, x_at, inputs, y, y_at + part)
                x_at, y_at = x_at + 4 * x.shape[1], y_at + 4 * y.shape[1]
            for _ in range(rows % 4):
                if step == TILE:
                    _one_row(w, w_at, step, x, x_at, inputs, y, y_at)
                else:
                    _one_row_narrow(w, w_at, step, x, x_at, inputs, y, y_at)
                x_at, y_at = x_at + x.shape[1], y_at + y.shape[1]
            w_at += inputs * step
    return w_at


def _version(path):
    """Time and size of a source file, by which numba too tells whether its cache is of today."""
    try:
        status = os.stat(path)
    except OSError:  # no source is kept beside the compiled code
        return (0, 0)
    return (status.st_mtime_ns, status.st_size)


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
                    _product(
                        past_weights, past_at, rings, slot, 0, R, past, gate, 0, gates, ahead * B
                    )
                w_at = _product(weights, w_at, sums, 0, 0, R, past, gate, 0, gates, B)
                for s in range(B):
                    copy(sums[s, :R], rings[slot + s])
                    frame = s * frames + t // hop - first_frame
                    gated(past[gate + s], condition[frame * N + i], z[s])
                # The last layer has no residual connection: its matrix begins with the skips.
                first = R if i + 1 == N else 0
                columns = -(-(R + S - first) // NARROW) * NARROW
                w_at = _product(weights, w_at, z, 0, 0, H, sums, 0, first, columns, B)
                past_at += R * gates
                ring += d * B
            for s in range(B):
                rectify(sums[s, R : R + S])
                copy(head_bias, hidden[s])
                copy(logits_bias, logits[s])
            w_at = _product(weights, w_at, sums, 0, R, S, hidden, 0, 0, hidden.shape[1], B)
            for s in range(B):
                rectify(hidden[s, :E])
            _product(weights, w_at, hidden, 0, 0, E, logits, 0, 0, logits.shape[1], B)
            for s in range(B):
                if len(seen) > 0:
                    copy(logits[s, :K], seen[s * (stop - start) + t - start])
                if t >= given:
                    u = uniforms[s, t - start]
                    tokens[s, t - start + 1] = draw(logits[s, :K], u, temperature, top_k)

    return run


def compiled(function, signature):
    """The function compiled for one set of argument types, from numba's cache if it is there."""
    try:
        return njit(signature, cache=True, **JIT)(function)
    except (RuntimeError, OSError):  # no folder can be written: compiled anew in every process
        return njit(signature, **JIT)(function)


_vector, _matrix, _tokens = types.float32[::1], types.float32[:, ::1], types.int64[:, ::1]
run = compiled(
    _make_run(_version(wavenet_math.__file__)),
    types.void(
        *(types.UniTuple(_vector, 5), _matrix, _matrix, types.UniTuple(_matrix, 7)),
        *(types.int64[::1], _matrix, types.int64[::1]),
        *(types.float64[:, ::1], _tokens, _matrix),
        *(types.UniTuple(types.int64, 6), types.float64),
    ),
)
