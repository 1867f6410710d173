"""The command line: arguments in, one stage called, text out.

Results go to standard output, progress and notes to standard error. Nothing heavy is imported until
a command needs it, so that `vqspeech --help` answers at once. Exit status: 0 done, 1 a bug, 2 wrong
usage, 3 bad input, 4 missing device, memory, extra or model, 5 cannot write, 6 diverged,
7 directory in use, 8 some of a batch failed, 130 and 143 signals.
"""

import os
import signal
import sys
import tempfile
import traceback
from typing import Annotated

import typer

import vqspeech
from vqspeech.cli import data, doctor, train, voices
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
data.register(app)
train.register(app)
doctor.register(app)


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
    sys.exit(_run())


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
    except BrokenPipeError:
        # The reader of standard output went away; nothing more can be written to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except MemoryError:
        error("not enough memory; try shorter recordings or a smaller training.batch_size")
        return 4
    except Exception as bug:
        if "out of memory" in str(bug).lower() or "can't allocate memory" in str(bug).lower():
            error(f"not enough memory ({str(bug).splitlines()[0]}); try a smaller batch")
            return 4
        descriptor, log = tempfile.mkstemp(prefix="vqspeech-", suffix=".log")
        with open(descriptor, "w", encoding="utf-8") as file:
            traceback.print_exc(file=file)
        error(f"a bug in vqspeech ({type(bug).__name__}: {bug}); its traceback is in {log}")
        return 1
    return 0
