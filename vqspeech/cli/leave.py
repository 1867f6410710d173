"""How a command ends: its errors in one line, and the exit status that is documented for each.

The recipes' own commands end the same way.
"""

import errno
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from typing import NoReturn

from vqspeech.cli.console import error
from vqspeech.errors import Stopped, VQSpeechError


def _stop(number: int, _frame: object) -> None:
    """Raise where the program stands, so that open files are cleaned up."""
    raise Stopped(number)


def leave_with_status(app: Callable[[], object]) -> NoReturn:
    """Run a command line and leave with the documented exit status."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    # When the reader of a pipe goes away, end without a word, as other programs do.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(run_for_status(app))


def _log_traceback() -> str:
    """Where the traceback of the error being handled was written."""
    try:
        descriptor, log = tempfile.mkstemp(prefix="vqspeech-", suffix=".log")
        with open(descriptor, "w", encoding="utf-8") as file:
            traceback.print_exc(file=file)
    except OSError as error:
        return f"its traceback could not be written ({error.strerror})"
    return f"its traceback is in {log}"


def run_for_status(app: Callable[[], object]) -> int:
    """Run a command line in this process: its exit status, with errors told in one line."""
    try:
        app()
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 0
    except VQSpeechError as mistake:
        error(str(mistake))
        return mistake.exit_code
    except Stopped as stopped:
        error(str(stopped))
        return stopped.status
    except OSError as refused:  # of a file that no stage expected to be refused
        error(f"{refused.filename or 'standard output'}: {refused.strerror}; choose another place")
        return 5 if refused.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS) else 3
    except MemoryError:
        error("not enough memory; try shorter recordings or a smaller training.batch_size")
        return 4
    except Exception as bug:
        if "out of memory" in str(bug).lower() or "can't allocate memory" in str(bug).lower():
            error(f"not enough memory ({str(bug).splitlines()[0]}); try a smaller batch")
            return 4
        error(f"a bug in vqspeech ({type(bug).__name__}: {bug}); {_log_traceback()}")
        return 1
    return 0
