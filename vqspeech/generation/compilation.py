"""Code compiled by numba: whether it can be had, and the cache that it is kept in."""

import os
from collections.abc import Callable

from vqspeech.errors import MissingError


def check_numba() -> None:
    """Refuse to sample where nothing is compiled.

    Raises:
        MissingError: numba is switched off.
    """
    import numba

    if numba.config.DISABLE_JIT:
        raise MissingError("NUMBA_DISABLE_JIT is set, and the sampler needs numba; unset it")


def compiled(function: Callable, signature) -> Callable:
    """The function compiled for one set of argument types, from numba's cache if it is there."""
    from numba import njit

    from vqspeech.generation.kernel_math import JIT

    try:
        return njit(signature, cache=True, **JIT)(function)
    except (RuntimeError, OSError):  # no folder can be written: compiled anew in every process
        return njit(signature, **JIT)(function)


def versions(*modules) -> tuple[tuple[int, int], ...]:
    """Time and size of the modules' source files, by which numba too knows a cache of today.

    Of the files that a function calls into, numba looks at its own alone; it does look at what
    the function closes over. So a kernel closes over these.
    """
    return tuple(_version(module.__file__) for module in modules)


def _version(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:  # no source is kept beside the compiled code
        return (0, 0)
    return (status.st_mtime_ns, status.st_size)
