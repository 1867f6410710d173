"""What every training does around the loop: lock, settings and environment beside the run."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from vqspeech.checkpoint import checkpoints
from vqspeech.config.loader import dump_config, load_config
from vqspeech.config.schema import Settings, TrainingSettings
from vqspeech.devices import choose_device, keep_freed_memory
from vqspeech.environment import describe_environment
from vqspeech.errors import InputError
from vqspeech.files import directory_lock, write_json, write_text
from vqspeech.training.fit import Task, fit
from vqspeech.training.progress import TrainingProgress

# Settings that a finished run does not depend on, or only in how its sums were rounded.
FREE = (
    *("steps", "threads", "precision", "log_every", "checkpoint_every", "validation_seconds"),
    "validation_pictures",
    *("keep_checkpoints", "skipped_batches_allowed"),
)


@dataclass(frozen=True)
class TrainingSummary:
    """What a run came to."""

    checkpoint: Path
    best: Path
    best_nll: float  # on the validation set
    seconds: float  # of this call
    unit: str = "nats"

    def __str__(self) -> str:
        minutes, seconds = divmod(round(self.seconds), 60)
        return (
            f"{self.checkpoint}  best {self.best.name}  val {self.best_nll:.3f} {self.unit}  "
            f"{minutes // 60} h {minutes % 60} min {seconds} s"
        )


def get_ready(training: TrainingSettings, device: str) -> torch.device:
    """Choose where to compute and how many threads do.

    Raises:
        MissingError: no such device.
    """
    where = choose_device(device)
    if training.threads:
        torch.set_num_threads(training.threads)
    keep_freed_memory()
    return where


def check_resumable(out: str | os.PathLike, resume: str) -> None:
    """Refuse `resume="must"` where there is nothing, before data is read.

    Raises:
        InputError: no checkpoint.
    """
    if resume == "must" and not checkpoints(out):
        raise InputError(f"{out}: no checkpoint to resume from; try --resume auto")


def run_training(
    out: str | os.PathLike,
    settings: Settings,
    make_task: Callable[[], Task],
    *,
    resume: str,
    quiet: bool,
    unit: str = "nats",
    program: str = "vqspeech",
) -> TrainingSummary:
    """Train until the settings' last step, holding the lock of the run.

    Args:
        out: the run.
        settings: model and training; written beside the checkpoints when training begins.
        make_task: called with torch's random state at the settings' seed.
        resume: "auto", "never" or "must".
        quiet: no progress.
        unit: of the validation's likelihood, for the summary.
        program: what was started, for environment.json.

    Raises:
        VQSpeechError: of the run, or what `make_task` and `fit` raise.
    """
    out = Path(out)
    with directory_lock(out):
        torch.manual_seed(settings.training.seed)
        task = make_task()

        def describe_run(then: Callable[[], None] | None = task.on_start) -> None:
            write_text(out / "config.yaml", dump_config(settings))
            write_json(out / "environment.json", describe_environment(program))
            if then is not None:
                then()

        # A run that is finished already would claim another origin.
        task.on_start = None if _is_finished(out, settings) else describe_run
        began = time.monotonic()
        progress = TrainingProgress(settings.training.steps, quiet=quiet)
        state = fit(task, settings.training, out, resume=resume, progress=progress)
    return TrainingSummary(
        out / f"step-{state.step:08d}",
        out / f"step-{state.best_step:08d}",
        state.best_nll,
        time.monotonic() - began,
        unit,
    )


def _is_finished(out: Path, settings: Settings) -> bool:
    """Whether the run in `out` has all its steps, so that these settings would change nothing.

    Raises:
        InputError: it has, by other settings than these.
    """
    done = checkpoints(out)
    if not done or int(done[-1].name.removeprefix("step-")) < settings.training.steps:
        return False
    before = load_config(out / "config.yaml", type(settings)).training
    for name, wanted in settings.training:
        if name not in FREE and getattr(before, name) != wanted:
            raise InputError(
                f"{out}: has its {settings.training.steps} steps, by training.{name}"
                f" {getattr(before, name)} and not {wanted}; give another --out, or more steps"
            )
    return True
