"""The loop: any model, any batches, exactly resumed.

`fit` knows of a model only that `compute_losses(batch)` returns a dict whose "loss" is minimised.
Batches and random numbers are functions of (seed, step), so a checkpoint holds weights, their
average, the optimiser and a few numbers, and a resumed run goes on as if never stopped: bit for bit
on a CPU with the same number of threads; on a GPU some sums are rounded in another order each time.
"""

import contextlib
import math
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vqspeech.config.schema import TrainingSettings
from vqspeech.errors import DivergedError, Stopped
from vqspeech.files import sweep_temporaries, write_json
from vqspeech.training.average import WeightAverage
from vqspeech.training.batches import prefetch
from vqspeech.training.optimizer import build_optimizer, learning_rate
from vqspeech.training.progress import TrainingProgress
from vqspeech.training.run_directory import RunDirectory, RunLog, RunState


class Interrupted(Stopped):
    """A signal ended training after a checkpoint was written."""

    def __init__(self, number: int, checkpoint: Path):
        super().__init__(number, f"{checkpoint} is complete")


@dataclass
class Task:
    """What is trained.

    Attributes:
        model: on the device it is trained on.
        compute_losses: batch to losses; "loss" () is minimised, all are logged.
        batch_at: step to batch, a pure function.
        config: what config.json of every checkpoint holds.
        identity: what else may not change when a run is resumed, such as its data.
        on_start: once it is clear that the run may begin or go on.
        validate: numbers of the averaged model; "nll" decides which checkpoint is best.
        before_first_step: once, at step 0, such as a codebook's initialisation.
        after_step: after each step that was taken; given the optimiser.
        describe: batch to what names it in an error, such as utterance ids.
    """

    model: nn.Module
    compute_losses: Callable[[Any], dict[str, Tensor]]
    batch_at: Callable[[int], Any]
    config: dict[str, Any] = field(default_factory=dict)
    identity: dict[str, Any] = field(default_factory=dict)
    on_start: Callable[[], None] | None = None
    validate: Callable[[], dict[str, float]] | None = None
    before_first_step: Callable[[], None] | None = None
    after_step: Callable[[torch.optim.Optimizer], None] | None = None
    describe: Callable[[Any], Any] = str


def fit(
    task: Task,
    settings: TrainingSettings,
    run: Path,
    *,
    resume: str = "auto",
    progress: TrainingProgress | None = None,
) -> RunState:
    """Train until `settings.steps`, from the newest checkpoint of `run` if there is one.

    The caller holds the lock of `run`.

    Args:
        resume: "auto" goes on where a checkpoint stands, "never" refuses to, "must" wants one.

    Raises:
        DivergedError: losses stayed NaN or infinite; their batches are named in a file.
        Interrupted: SIGINT or SIGTERM came; a checkpoint was written first.
        InputError: `resume` does not fit what is in `run`.
    """
    progress = progress or TrainingProgress(settings.steps)
    sweep_temporaries(run)
    optimizer = build_optimizer(task.model, settings)
    average = WeightAverage(task.model, settings.average_decay)
    identity = {**{name: getattr(settings, name) for name in settings.FIXED}, **task.identity}
    directory = RunDirectory(run, task.model, optimizer, average, task.config, identity)
    state, notes = directory.restore(resume)
    for note in notes:
        progress.note(note)
    if task.on_start is not None:
        task.on_start()
    if state.step == 0 and task.before_first_step is not None:
        torch.manual_seed(settings.seed)
        task.before_first_step()
        average.load(task.model.state_dict())
    log = RunLog(run / "log.jsonl", state.step)
    if 0 < state.step < settings.steps:
        log.write_resumption(state.step)
    autocast = choose_autocast(task.model, settings.precision)
    bad_in_a_row: list[Any] = []
    began = time.monotonic() - state.seconds

    def validate_and_save() -> None:
        is_due = state.step == settings.steps or state.step % settings.checkpoint_every == 0
        if not is_due or state.validated_step == state.step:
            return
        if task.validate is not None:
            numbers = _validate(task.model, task.validate, average)
            if not all(map(math.isfinite, numbers.values())):
                raise DivergedError(
                    f"{run}: the validation at step {state.step} gave NaN or infinity; lower "
                    "training.learning_rate, and go on from an earlier checkpoint"
                )
            log.write({"step": state.step, "valid": numbers})
            progress.validated(state.step, numbers)
            if state.best_nll is None or numbers["nll"] < state.best_nll:
                state.best_nll, state.best_step = numbers["nll"], state.step
        state.validated_step = state.step
        directory.save(state, settings.keep_checkpoints)

    task.model.train()
    validate_and_save()  # where a signal came between a step and its validation
    batches = prefetch(task.batch_at, state.step, settings.steps)
    with _signals() as received, progress, contextlib.closing(batches):
        for batch in batches:
            if 0 < state.step == settings.phase(state.step)[0]:
                average.give()  # what stays as it is from here on is what is shared
            # Dropout, jitter and restarts of step n do not depend on the steps before it.
            torch.manual_seed((settings.seed << 32) + state.step)
            rate = learning_rate(state.step, settings)
            losses = _step(task, optimizer, batch, rate, settings.gradient_clip, autocast)
            state.step += 1
            if losses is None:
                state.skipped += 1
                bad_in_a_row.append(task.describe(batch))
                if len(bad_in_a_row) > settings.skipped_batches_allowed:
                    raise _diverged(run, state.step, bad_in_a_row)
            else:
                bad_in_a_row.clear()
                if task.after_step is not None:
                    task.after_step(optimizer)
                average.update(state.step)
                for name, value in losses.items():
                    state.sums[name] = state.sums.get(name, 0.0) + value
                    state.counts[name] = state.counts.get(name, 0) + 1
            state.seconds = time.monotonic() - began
            progress.step(state.step, losses)
            if state.step % settings.log_every == 0 and state.sums:
                # Not every loss need be there at every step.
                means = {name: total / state.counts[name] for name, total in state.sums.items()}
                log.write(
                    {"step": state.step, "learning_rate": rate, **means, "skipped": state.skipped}
                )
                state.sums, state.counts = {}, {}
            if received:
                path = directory.save(state, settings.keep_checkpoints)
                raise Interrupted(received[0], path)
            validate_and_save()
    return state


def _step(
    task: Task,
    optimizer: torch.optim.Optimizer,
    batch: Any,
    rate: float,
    clip: float,
    autocast: Callable[[], contextlib.AbstractContextManager],
) -> dict[str, float] | None:
    """One step of the optimiser: the losses, or None where something was not finite."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    with autocast():
        losses = task.compute_losses(batch)
    optimizer.zero_grad(set_to_none=True)
    losses["loss"].backward()
    norm = nn.utils.clip_grad_norm_(task.model.parameters(), clip)
    values = {name: float(value.detach()) for name, value in losses.items()}
    values["gradient_norm"] = float(norm)
    # Before the optimiser and before the codebook's averages: neither forgets a NaN.
    if not all(math.isfinite(value) for value in values.values()):
        return None
    optimizer.step()
    return values


def _validate(
    model: nn.Module, validate: Callable[[], dict[str, float]], average: WeightAverage
) -> dict[str, float]:
    model.eval()
    with average.applied(), torch.no_grad():
        numbers = validate()
    model.train()
    return numbers


def choose_autocast(
    model: nn.Module, precision: str
) -> Callable[[], contextlib.AbstractContextManager]:
    """A context for the forward pass: bfloat16 where asked, or where "auto" finds it fast."""
    device = next(model.parameters()).device.type
    if device == "cuda":
        is_fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        is_fast = device == "cpu" and torch.cpu._is_amx_tile_supported()
    if precision == "float32" or (precision == "auto" and not is_fast):
        return contextlib.nullcontext
    return lambda: torch.autocast(device, dtype=torch.bfloat16)


@contextlib.contextmanager
def _signals() -> Iterator[list[int]]:
    """Collect SIGINT and SIGTERM, so that a step ends before the run does; a second one kills."""
    received: list[int] = []
    before = {}

    def handler(number, _frame):
        received.append(number)
        for known in before:
            signal.signal(known, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(ValueError):  # not in the main thread
            before[number] = signal.signal(number, handler)
    try:
        yield received
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def _diverged(run: Path, step: int, batches: list[Any]) -> DivergedError:
    write_json(run / "diverged.json", {"step": step, "batches": batches})
    return DivergedError(
        f"{run}: {len(batches)} batches in a row gave NaN or infinity before step {step}, listed "
        "in diverged.json; lower training.learning_rate or look at those utterances"
    )
