"""Silence for C libraries that write to file descriptor 2 by themselves.

libmpg123, which decodes MP3, prints its own warnings there and would drown a one-line message.
The descriptor belongs to the whole process, so threads that need silence share one redirection.
"""

import contextlib
import os
import threading
from collections.abc import Iterator

_lock = threading.Lock()
_users = 0
_kept = -1  # a duplicate of the real descriptor 2 while somebody needs silence


@contextlib.contextmanager
def silent_native_stderr() -> Iterator[None]:
    """Send what is written to descriptor 2 to the null device; re-entrant and thread-safe.

    Python's own `sys.stderr` is silent too inside the block: print before or after it.
    """
    global _users, _kept
    with _lock:
        if _users == 0:
            _kept = _redirect()
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0 and _kept >= 0:
                os.dup2(_kept, 2)
                os.close(_kept)
                _kept = -1


def _redirect() -> int:
    try:
        kept = os.dup(2)
    except OSError:  # closed, as under some daemons: nothing can be written there anyway
        return -1
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    os.close(null)
    return kept
