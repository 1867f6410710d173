"""What the compiled steps do element by element: gates, and the draw of a level.

Compiled into `wavenet_kernel` and `pixelcnn_kernel`, whose cached code is renewed when this file
changes.
"""

import numpy as np
from numba import njit, types
from numba.core.cgutils import ir  # llvmlite's; it comes with numba
from numba.extending import intrinsic

# Multiply-adds may be fused; nothing may be reordered or assumed finite.
JIT = {"nogil": True, "boundscheck": False, "error_model": "numpy", "fastmath": {"contract"}}
PART = JIT | {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}

f32 = np.float32


@intrinsic
def _as_float(typing, bits):
    return types.float32(types.int32), lambda context, b, signature, args: b.bitcast(
        args[0], ir.FloatType()
    )


@njit(inline="always", **PART)
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


@njit(inline="always", **PART)
def _power_of_two(n):
    return _as_float((n + np.int32(127)) << np.int32(23))


@njit(**PART)
def gated(gate, condition, z):
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


@njit(**PART)
def _keep_likeliest(logits, top_k):
    """Levels where so many others have a strictly larger logit become minus infinity."""
    border, larger = f32(np.inf), 0
    for _ in range(top_k):  # each time at least one, and none where a logit is no number
        if larger >= top_k:
            break
        below = f32(-np.inf)
        for k in range(len(logits)):
            if logits[k] < border:
                below = max(below, logits[k])
        border = below
        for k in range(len(logits)):
            larger += logits[k] == border
    for k in range(len(logits)):
        if logits[k] < border:
            logits[k] = f32(-np.inf)


@njit(**PART)
def draw(logits, u, temperature, top_k):
    """The rule of `vqspeech.nn.sampling.draw`; the logits are overwritten."""
    top = logits[0]
    for k in range(len(logits)):
        top = max(top, logits[k])
    if temperature == 0:
        for k in range(len(logits)):
            if logits[k] == top:
                return k
    if 0 < top_k < len(logits):
        _keep_likeliest(logits, top_k)
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


@njit(**PART)
def copy(x, y):
    for j in range(len(x)):
        y[j] = x[j]


@njit(**PART)
def rectify(x):
    for j in range(len(x)):
        x[j] = max(x[j], f32(0))
