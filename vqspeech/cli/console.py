"""Notes, errors and progress on standard error."""

import sys
import time
from types import TracebackType

QUIET_SECONDS = 30.0  # between lines of progress where standard error is no terminal


def note(text: str) -> None:
    """Something the user should know once, such as a change of sample rate."""
    print(f"note: {_one_line(text)}", file=sys.stderr)


def error(text: str) -> None:
    """Why the command ends."""
    print(f"error: {_one_line(text)}", file=sys.stderr)


def _one_line(text: str) -> str:
    return " ".join(text.splitlines())


class StageProgress:
    """A bar with speed and time left on a terminal, a line now and then elsewhere.

    Args:
        label: what is going on, such as "converting".
        unit: what is counted, such as "samples".
    """

    def __init__(self, label: str, unit: str):
        self._label, self._unit = label, unit
        self._bar = None
        self._began = self._told = time.monotonic()

    def __enter__(self) -> "StageProgress":
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            self._bar = Progress(
                TextColumn(self._label),
                BarColumn(),
                TextColumn("{task.percentage:>3.0f} %"),
                TextColumn("{task.fields[speed]}"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task(self._label, total=None, speed="")
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        mistake: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, done: int, total: int) -> None:
        """`done` of `total` units are finished."""
        now = time.monotonic()
        speed = f"{done / max(now - self._began, 1e-9):.0f} {self._unit}/s"
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total, speed=speed)
        elif now - self._told >= QUIET_SECONDS:
            self._told = now
            left = (now - self._began) / max(done, 1) * (total - done)
            print(
                f"{self._label}: {done} of {total} {self._unit}, {speed}, {left:.0f} s left",
                file=sys.stderr,
            )
