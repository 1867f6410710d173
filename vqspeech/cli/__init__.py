"""The command line: arguments in, one stage called, text out.

Results go to standard output, progress and notes to standard error. Nothing heavy is imported until
a command needs it, so that `vqspeech --help` answers at once. Exit status: 0 done, 1 a bug, 2 wrong
usage, 3 bad input, 4 missing device, memory, extra or model, 5 cannot write, 6 diverged,
7 directory in use, 8 some of a batch failed, 130 and 143 signals.
"""

import errno
import signal
import sys
import tempfile
import traceback
from typing import Annotated

import typer

import vqspeech
from vqspeech.cli import (
    align,
    analyze,
    cluster,
    codes,
    compare,
    data,
    demo,
    doctor,
    enrol,
    evaluate,
    report,
    sample,
    serve,
    train,
    voices,
)
from vqspeech.cli.console import error
from vqspeech.errors import VQSpeechError

app = typer.Typer(
    name="vqspeech",
    help="Voice conversion and unsupervised phoneme discovery with discrete codes.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"vqspeech {vqspeech.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    pass


voices.register(app)
codes.register(app)
data.register(app)
align.register(app)
train.register(app)
evaluate.register(app)
analyze.register(app)
cluster.register(app)
compare.register(app)
enrol.register(app)
doctor.register(app)
demo.register(app)
serve.register(app)
sample.register(app)
report.register(app)


class _Stopped(BaseException):
    """A signal arrived; raised where the program stands, so that open files are cleaned up."""

    def __init__(self, number: int):
        self.number = number


def _stop(number: int, _frame: object) -> None:
    raise _Stopped(number)


def main() -> None:
    """Run the command line and leave with the documented exit status."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    # When the reader of a pipe goes away, end without a word, as other programs do.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(_run())


def _log_traceback() -> str:
    """Where the traceback of the error being handled was written."""
    try:
        descriptor, log = tempfile.mkstemp(prefix="vqspeech-", suffix=".log")
        with open(descriptor, "w", encoding="utf-8") as file:
            traceback.print_exc(file=file)
    except OSError as error:
        return f"its traceback could not be written ({error.strerror})"
    return f"its traceback is in {log}"


def _run() -> int:
    try:
        app()
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 0
    except VQSpeechError as mistake:
        error(str(mistake))
        return mistake.exit_code
    except _Stopped as stopped:
        error(f"stopped by {signal.Signals(stopped.number).name}")
        return 128 + stopped.number
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
