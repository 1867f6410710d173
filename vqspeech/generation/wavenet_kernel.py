"""Compiled WaveNet steps in float32: what `vqspeech.generation.wavenet_cpu` calls.

Importing this module compiles `run` for one set of argument types, or loads it from numba's cache.
Every output is summed over its inputs from the first to the last by one chain of multiply-adds,
whatever the number of streams: a stream has the same samples, bit for bit, alone or in a batch.

B streams, N layers, R residual, G = 2H gate, S skip, E head channels, K classes.
"""

import numpy as np
from numba import njit, types
from numba.core.cgutils import ir  # llvmlite's; it comes with numba
from numba.extending import intrinsic

from vqspeech.generation import wavenet_packing as packing

TILE, NARROW, AHEAD = 64, 16, 8  # here too: numba's cache is renewed when this file changes
assert (TILE, NARROW, AHEAD) == (packing.TILE, packing.NARROW, packing.AHEAD), "change both"
_PREFETCH = 2048  # bytes ahead; +10 % for one stream and +30 % for four on an AMD EPYC (Zen 3)
_LANES = 8
_FLOAT, _BYTE, _I32, _I64 = ir.FloatType(), ir.IntType(8), ir.IntType(32), ir.IntType(64)
_VECTOR = ir.VectorType(_FLOAT, _LANES)
# Multiply-adds may be fused; nothing may be reordered or assumed finite.
_JIT = {"nogil": True, "boundscheck": False, "error_model": "numpy", "fastmath": {"contract"}}
_PART = _JIT | {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}

f32 = np.float32


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


@njit(**_PART)
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


@intrinsic
def _as_float(typing, bits):
    return types.float32(types.int32), lambda context, b, signature, args: b.bitcast(
        args[0], _FLOAT
    )


@njit(inline="always", **_PART)
def _split_exp(x):
    """m (float32, near 1) and n (int32) with e^x = m 2^n, |x| < 2^20; within 2e-7 (Cephes).

    numba's own exp is a call for each element; this becomes vector code.
    """
    # Adding and taking off 1.5 * 2^23 rounds to the nearest whole number.
    n = (x * f32(1.44269504) + f32(12582912)) - f32(12582912)
    r = (x - n * f32(0.693359375)) + n * f32(2.12194440e-4)  # ln 2 in two parts
    p = f32(1.9875691500e-4)
    p = p * r + f32(1.3981999507e-3)
    p = p * r + f32(8.3334519073e-3)
    p = p * r + f32(4.1665795894e-2)
    p = p * r + f32(1.6666665459e-1)
    p = p * r + f32(5.0000001201e-1)
    return p * (r * r) + (r + f32(1)), np.int32(n)


@njit(inline="always", **_PART)
def _power_of_two(n):
    return _as_float((n + np.int32(127)) << np.int32(23))


@njit(**_PART)
def _gated(gate, condition, z):
    """z (H,) = tanh(a) sigmoid(b) with one division; gate + condition is a beside b."""
    half = len(z)
    for j in range(half):
        # Beyond 15 tanh is 1 to the last bit, and e^87 is the largest that float32 holds.
        a = min(max(gate[j] + condition[j], f32(-15)), f32(15))
        b = min(max(gate[half + j] + condition[half + j], f32(-87)), f32(87))
        m, n = _split_exp(f32(-2) * a)
        e_a = m * _power_of_two(n)
        m, n = _split_exp(-b)
        e_b = m * _power_of_two(n)
        z[j] = (f32(1) - e_a) / ((f32(1) + e_a) * (f32(1) + e_b))


@njit(**_PART)
def _draw(logits, u, temperature):
    """The rule of `vqspeech.nn.sampling.draw`; the logits are overwritten."""
    top = logits[0]
    for k in range(len(logits)):
        top = max(top, logits[k])
    if temperature == 0:
        for k in range(len(logits)):
            if logits[k] == top:
                return k
    divisor = f32(temperature)
    for k in range(len(logits)):
        m, n = _split_exp(max((logits[k] - top) / divisor, f32(-110)))
        # In two steps, so that what float32 holds below its normal range is not lost.
        low = n >> np.int32(1)
        logits[k] = m * _power_of_two(low) * _power_of_two(n - low)
    total = 0.0
    for k in range(len(logits)):
        total += logits[k]
    divisor = f32(total)
    last = 0.0
    for k in range(len(logits)):
        logits[k] /= divisor
        last += logits[k]
    cumulative, threshold = 0.0, u * last
    for k in range(len(logits)):
        cumulative += logits[k]
        if cumulative > threshold:  # only where p > 0: added in order, zeros raise no sum
            return k
    return 0


@njit(**_PART)
def _copy(x, y):
    for j in range(len(x)):
        y[j] = x[j]


@njit(**_PART)
def _rectify(x):
    for j in range(len(x)):
        x[j] = max(x[j], f32(0))


def _run(packed, embedding, state, dilations, condition, uniforms, tokens, seen, span, temperature):
    """Steps start to stop - 1 of every stream.

    Args:
        packed, embedding, dilations: of `PackedWaveNet`.
        state: of `wavenet_packing.start`, as the step before `start` left it.
        condition: (B * F * N, G), of F frames.
        uniforms: (B, stop - start) float64 below 1.
        tokens: (B, T) int64; elements start to stop - 1 are written, start - 1 is read.
        seen: (B * T, K), where the logits are written, or (0, K).
        span: start, stop, hop (elements that share a frame), and the first of the F frames.
        temperature: 0 takes the likeliest.
    """
    weights, past_weights, skip_bias, head_bias, logits_bias = packed
    rings, past, sums, z, hidden, logits = state
    N, B, T = len(dilations), tokens.shape[0], tokens.shape[1]
    R, H, S = embedding.shape[1], z.shape[1], len(skip_bias)
    E, K, frames = len(head_bias), len(logits_bias), len(condition) // (B * N)
    (start, stop, hop, first_frame), gates = span, past.shape[1]
    for t in range(start, stop):
        for s in range(B):
            if t > 0:
                _copy(embedding[tokens[s, t - 1]], sums[s, :R])
            _copy(skip_bias, sums[s, R : R + S])
        w_at, past_at, ring = 0, 0, 0
        for i in range(N):
            # Inputs t - d to t - d + ahead - 1 are known at t if ahead <= d, and as `ahead` divides
            # d and t, they stand side by side in the ring: their products are taken together.
            d = dilations[i]
            ahead = min(d, AHEAD)
            slot = ring + t % d * B
            gate = (i * AHEAD + t % ahead) * B
            if t % ahead == 0:
                past[gate : gate + ahead * B] = 0
                _product(past_weights, past_at, rings, slot, 0, R, past, gate, 0, gates, ahead * B)
            w_at = _product(weights, w_at, sums, 0, 0, R, past, gate, 0, gates, B)
            for s in range(B):
                _copy(sums[s, :R], rings[slot + s])
                frame = s * frames + t // hop - first_frame
                _gated(past[gate + s], condition[frame * N + i], z[s])
            # The last layer has no residual connection: its matrix begins with the skips.
            first = R if i + 1 == N else 0
            columns = -(-(R + S - first) // NARROW) * NARROW
            w_at = _product(weights, w_at, z, 0, 0, H, sums, 0, first, columns, B)
            past_at += R * gates
            ring += d * B
        for s in range(B):
            _rectify(sums[s, R : R + S])
            _copy(head_bias, hidden[s])
            _copy(logits_bias, logits[s])
        w_at = _product(weights, w_at, sums, 0, R, S, hidden, 0, 0, hidden.shape[1], B)
        for s in range(B):
            _rectify(hidden[s, :E])
        _product(weights, w_at, hidden, 0, 0, E, logits, 0, 0, logits.shape[1], B)
        for s in range(B):
            if len(seen) > 0:
                _copy(logits[s, :K], seen[s * T + t])
            tokens[s, t] = _draw(logits[s, :K], uniforms[s, t - start], temperature)


def compiled(function, signature):
    """The function compiled for one set of argument types, from numba's cache if it is there."""
    try:
        return njit(signature, cache=True, **_JIT)(function)
    except (RuntimeError, OSError):  # no folder can be written: compiled anew in every process
        return njit(signature, **_JIT)(function)


_vector, _matrix, _tokens = types.float32[::1], types.float32[:, ::1], types.int64[:, ::1]
run = compiled(
    _run,
    types.void(
        *(types.UniTuple(_vector, 5), _matrix, types.UniTuple(_matrix, 6), types.int64[::1]),
        *(_matrix, types.float64[:, ::1], _tokens, _matrix),
        *(types.UniTuple(types.int64, 4), types.float64),
    ),
)
