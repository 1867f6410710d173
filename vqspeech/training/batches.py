"""The next batch is read while the current one is trained on."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Batch = TypeVar("Batch")

AHEAD = 4


def prefetch(
    batch_at: Callable[[int], Batch], first: int, last: int, ahead: int = AHEAD
) -> Iterator[Batch]:
    """`batch_at(first)` to `batch_at(last - 1)` in order, some steps ahead in another thread.

    A batch is a function of its step alone, so reading ahead changes nothing but the waiting.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="batches") as pool:
        waiting = [pool.submit(batch_at, step) for step in range(first, min(first + ahead, last))]
        following = first + ahead
        try:
            while waiting:
                yield waiting.pop(0).result()
                if following < last:
                    waiting.append(pool.submit(batch_at, following))
                    following += 1
        finally:
            for future in waiting:
                future.cancel()
