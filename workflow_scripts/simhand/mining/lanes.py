"""SIMD loops that numba does not find by itself: one query against many points or boxes at a time.

Points and boxes lie as structure of arrays: for each block of ``LANES`` of them, their first coordinates
side by side, then their second ones, and so on. LLVM maps a vector of ``LANES`` float64 to whatever the
processor has (two AVX-512, four AVX2 or eight NEON registers and so on).

Every lane adds its squared differences in the order of the coordinates, each operation rounded by itself
(no fused multiply-add, no reassociation). So a lane holds the very bits of a plain loop in float64, and
the bound of a box is never above the distance of a point in it: subtraction, squaring and addition are
monotone after rounding too.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 16

_INT64 = ir.IntType(64)
_INT32 = ir.IntType(32)
_VECTOR = ir.VectorType(ir.DoubleType(), LANES)
_ZEROS = ir.Constant(_VECTOR, [0.0] * LANES)
_BYTES_OF_FLOAT64 = 8


@intrinsic
def squared_distances(
    typing: Any, points: Any, block: Any, query: Any, limit: Any, lanes: Any
) -> tuple[Any, Callable[..., Any]]:
    """Squared distances of ``query`` (D,) to the points of one block.

    Args:
        typing: numba's typing context.
        points: float64 (blocks * D * LANES,), contiguous.
        block: which block.
        query: float64 (D,), contiguous.
        limit: float64.
        lanes: float64 (LANES,); takes the squared distances.

    Returns:
        uint64: bit j is set where lane j is at most ``limit``.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        points, block, query, limit, lanes = _data(context, builder, signature, args)

        def gap(at: Any, coordinate: Any) -> Any:
            return builder.fsub(_load(builder, points, at), coordinate)

        size = context.make_array(signature.args[2])(context, builder, args[2]).nitems
        return _sums(builder, block, query, size, limit, lanes, gap)

    return types.uint64(points, types.int64, query, types.float64, lanes), codegen


@intrinsic
def squared_box_distances(
    typing: Any, low: Any, high: Any, block: Any, query: Any, limit: Any, lanes: Any
) -> tuple[Any, Callable[..., Any]]:
    """Squared distances of ``query`` to the boxes of one block, zero inside; see squared_distances.

    ``low`` and ``high`` hold the corners, laid out as points are. An absent box has low = inf, high = -inf.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        low, high, block, query, limit, lanes = _data(context, builder, signature, args)

        def larger(a: Any, b: Any) -> Any:
            return builder.select(builder.fcmp_ordered(">", a, b), a, b)

        def gap(at: Any, coordinate: Any) -> Any:
            below = builder.fsub(_load(builder, low, at), coordinate)
            above = builder.fsub(coordinate, _load(builder, high, at))
            return larger(larger(below, above), _ZEROS)

        size = context.make_array(signature.args[3])(context, builder, args[3]).nitems
        return _sums(builder, block, query, size, limit, lanes, gap)

    return types.uint64(low, high, types.int64, query, types.float64, lanes), codegen


@intrinsic
def lowest_bit(typing: Any, bits: Any) -> tuple[Any, Callable[..., Any]]:
    """The number of the lowest set bit of a uint64 that is not zero, as int64."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), codegen


def _data(context: Any, builder: Any, signature: Any, args: Any) -> list[Any]:
    """The arguments, arrays as pointers to their first element."""
    return [
        context.make_array(kind)(context, builder, value).data if isinstance(kind, types.Array) else value
        for kind, value in zip(signature.args, args, strict=True)
    ]


def _sums(
    builder: Any,
    block: Any,
    query: Any,
    dimensions: Any,
    limit: Any,
    lanes: Any,
    gap: Callable[[Any, Any], Any],
) -> Any:
    """Store the sums over dimensions of the squared gaps; bits of the lanes that are at most ``limit``."""
    width = ir.Constant(_INT64, LANES)
    start = builder.mul(block, builder.mul(dimensions, width))
    total = cgutils.alloca_once_value(builder, _ZEROS)
    with cgutils.for_range(builder, dimensions) as loop:
        at = builder.add(start, builder.mul(loop.index, width))
        difference = gap(at, _splat(builder, builder.load(builder.gep(query, [loop.index]))))
        square = builder.fmul(difference, difference)
        builder.store(builder.fadd(builder.load(total), square), total)
    sums = builder.load(total)
    builder.store(sums, builder.bitcast(lanes, _VECTOR.as_pointer()), align=_BYTES_OF_FLOAT64)
    near = builder.fcmp_ordered("<=", sums, _splat(builder, limit))
    return builder.zext(builder.bitcast(near, ir.IntType(LANES)), _INT64)


def _load(builder: Any, array: Any, at: Any) -> Any:
    place = builder.bitcast(builder.gep(array, [at]), _VECTOR.as_pointer())
    return builder.load(place, align=_BYTES_OF_FLOAT64)


def _splat(builder: Any, value: Any) -> Any:
    undefined = ir.Constant(_VECTOR, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(_INT32, 0))
    everywhere = ir.Constant(ir.VectorType(_INT32, LANES), [0] * LANES)
    return builder.shuffle_vector(first, undefined, everywhere)
