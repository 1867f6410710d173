"""The command line: arguments in, one stage called, text out.

Results go to standard output, progress and notes to standard error. Nothing heavy is imported until
a command needs it, so that `vqspeech --help` answers at once. Exit status: 0 done, 1 a bug, 2 wrong
usage, 3 bad input, 4 missing device, memory, extra or model, 5 cannot write, 6 diverged,
7 directory in use, 8 some of a batch failed, 130 and 143 signals.
"""

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
from vqspeech.cli.leave import leave_with_status

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


def main() -> None:
    """Run the command line and leave with the documented exit status."""
    leave_with_status(app)
