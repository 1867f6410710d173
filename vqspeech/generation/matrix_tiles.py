"""Products of a few rows with a packed matrix, compiled into the kernels of the samplers.

Every output is summed over its inputs from the first to the last by one chain of multiply-adds,
whatever the number of rows: a row has the same result, bit for bit, alone or among others.
"""

from numba import njit, types
from numba.core.cgutils import ir  # llvmlite's; it comes with numba
from numba.extending import intrinsic

from vqspeech.generation.kernel_math import PART
from vqspeech.generation.matrix_packing import NARROW, TILE

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
def product(w, w_at, x, x_row, x_column, inputs, y, y_row, y_column, columns, rows):
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
