"""What a person sees of a run: a bar on a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

QUIET_SECONDS = 60.0  # between lines where stderr is no terminal


class TrainingProgress:
    """Reports steps and validations on stderr, with the time that is left.

    Args:
        steps: where the run ends.
        quiet: report nothing at all.
    """

    def __init__(self, steps: int, quiet: bool = False):
        self._steps = steps
        self._console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
        self._bar = RichProgress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[loss]}"),
            console=self._console,
            disable=quiet or not sys.stderr.isatty(),
            transient=True,
        )
        self._task = self._bar.add_task("training", total=steps, loss="")
        self._first: tuple[int, float] | None = None
        self._told = -QUIET_SECONDS

    def __enter__(self) -> "TrainingProgress":
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def step(self, step: int, losses: Mapping[str, float] | None) -> None:
        """A step was taken; `losses` is None where its batch was skipped."""
        now = time.monotonic()
        self._first = self._first or (step - 1, now)
        if losses is None:
            shown = "skipped"
        else:
            name = "nll" if "nll" in losses else "loss"  # there may be no likelihood yet
            shown = f"{name} {losses[name]:.3f}"
        self._bar.update(self._task, completed=step, loss=shown)
        if self._bar.disable and now - self._told >= QUIET_SECONDS:
            self._told = now
            first, began = self._first
            left = (now - began) / (step - first) * (self._steps - step)
            when = f", {_duration(left)} left" if step - first > 2 else ""
            self._console.print(f"step {step} of {self._steps}: {shown}{when}", markup=False)

    def validated(self, step: int, numbers: Mapping[str, float]) -> None:
        """The averaged model was validated."""
        shown = "  ".join(f"{name} {value:.4g}" for name, value in numbers.items())
        self._console.print(f"step {step}: valid {shown}", markup=False)

    def note(self, text: str) -> None:
        """Something that happened once."""
        self._console.print(f"note: {text}", markup=False)


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
