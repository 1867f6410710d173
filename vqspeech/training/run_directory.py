"""A run on disk: its checkpoints, its log, and going on from them."""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from vqspeech.checkpoint import (
    checkpoints,
    load_json,
    load_tensors,
    newest_checkpoint,
    save_checkpoint,
)
from vqspeech.errors import InputError, WriteError
from vqspeech.files import replace_link, write_text
from vqspeech.training.average import WeightAverage
from vqspeech.training.optimizer import load_optimizer_tensors, optimizer_tensors


@dataclass
class RunState:
    """Where a run stands, as state.json keeps it."""

    step: int = 0
    best_nll: float | None = None
    best_step: int | None = None
    validated_step: int = 0
    seconds: float = 0.0
    skipped: int = 0
    sums: dict[str, float] = field(default_factory=dict)  # of the log line in the making
    counts: dict[str, int] = field(default_factory=dict)  # of values in each sum


class RunDirectory:
    """Saves and restores what a run needs.

    Args:
        path: the run; the caller holds its lock.
        model: what is trained.
        optimizer: of its parameters.
        average: the running average of its weights.
        config: what config.json of every checkpoint holds; a run with another one is refused.
        identity: what else may not change while a run goes on, such as its seed and data.
    """

    def __init__(
        self,
        path: Path,
        model: nn.Module,
        optimizer: Optimizer,
        average: WeightAverage,
        config: dict[str, Any],
        identity: dict[str, Any],
    ):
        self.path = path
        self._model, self._optimizer, self._average = model, optimizer, average
        self._config, self._identity = json.loads(json.dumps([config, identity]))  # as read back

    def save(self, state: RunState, keep: int) -> Path:
        """Write a checkpoint; of the older ones, the best and the newest `keep` stay."""
        path = save_checkpoint(
            self.path,
            state.step,
            {
                "config.json": self._config,
                "model.safetensors": self._model.state_dict(),
                "average.safetensors": self._average.tensors,
                "optimizer.safetensors": optimizer_tensors(self._optimizer, self._model),
                "state.json": {
                    **vars(state),
                    "identity": self._identity,
                    "circumstances": self._circumstances(),
                },
            },
        )
        kept = checkpoints(self.path)
        best = self.path / f"step-{state.best_step:08d}" if state.best_step is not None else path
        if best in kept:
            replace_link(self.path / "best", best.name)
        for old in kept[:-keep]:
            if old != best:
                _remove(old)
        return path

    def restore(self, resume: str) -> tuple[RunState, list[str]]:
        """Fill model, average and optimiser from the newest checkpoint that verifies.

        Args:
            resume: "auto" starts afresh where there is none, "must" wants one, "never" none.

        Returns:
            Where the run stands, and notes for the user.

        Raises:
            InputError: `resume` or the run's settings do not fit what is there.
        """
        path, notes = newest_checkpoint(self.path)
        if resume == "never" and (path or notes):
            raise InputError(f"{self.path}: holds a run; give another --out, or --resume auto")
        if path is None:
            if notes:
                raise InputError(f"{self.path}: no checkpoint verifies; give another --out")
            if resume == "must":
                raise InputError(f"{self.path}: no checkpoint to resume from; try --resume auto")
            return RunState(), []
        saved = load_json(path / "state.json")
        self._check(path, load_json(path / "config.json"), self._config)
        self._check(path, saved["identity"], self._identity)
        self._model.load_state_dict(load_tensors(path / "model.safetensors"))
        self._average.load(load_tensors(path / "average.safetensors"))
        place = path / "optimizer.safetensors"
        load_optimizer_tensors(self._optimizer, self._model, load_tensors(place), str(place))
        for name, now in self._circumstances().items():
            before = saved["circumstances"].get(name)
            if before != now:
                notes.append(
                    f"{path}: written with {name} {before}, going on with {now}: not bit-identical "
                    "to an unbroken run"
                )
        for broken in checkpoints(self.path):
            if broken.name > path.name:  # else it would count as one of the newest, later on
                broken.rename(broken.with_name(f"{broken.name}.broken"))
        notes.append(f"resuming from {path}")
        return RunState(
            **{name: saved.get(name, value) for name, value in vars(RunState()).items()}
        ), notes

    def _circumstances(self) -> dict[str, Any]:
        """What decides how sums are rounded."""
        return {
            "threads": torch.get_num_threads(),
            "device": next(self._model.parameters()).device.type,
            "torch": torch.__version__,
        }

    @staticmethod
    def _check(checkpoint: Path, found: dict[str, Any], wanted: dict[str, Any]) -> None:
        for name in sorted(wanted.keys() | found.keys()):
            if found.get(name) != wanted.get(name):
                raise InputError(
                    f"{checkpoint}: its {name} differs from what is asked for now; give another "
                    "--out, or the settings and data that the run began with"
                )


class RunLog:
    """log.jsonl, one JSON object a line.

    It holds no times and says nothing of interruptions, so that equal runs have equal logs. A
    resumed run drops the lines that it will write again, and leaves a line `{"step": n}` in
    resumed.jsonl beside it.
    """

    def __init__(self, path: Path, step: int):
        self._path = path
        if path.exists():
            kept = []
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                with contextlib.suppress(ValueError, KeyError, TypeError):  # cut off by a crash
                    if json.loads(line)["step"] <= step:
                        kept.append(line + "\n")
            write_text(path, "".join(kept))

    def write(self, entry: Mapping[str, Any]) -> None:
        _append_line(self._path, entry)

    def write_resumption(self, step: int) -> None:
        """Note that the run goes on from `step`, for whoever looks at its curves."""
        _append_line(self._path.with_name("resumed.jsonl"), {"step": step})


def _append_line(path: Path, entry: Mapping[str, Any]) -> None:
    line = json.dumps(entry, allow_nan=False) + "\n"
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(line)
    except OSError as error:
        raise WriteError(f"{path}: {error.strerror}; free some space") from error


def _remove(checkpoint: Path) -> None:
    # The manifest goes first: what is left of a checkpoint half removed never verifies.
    for file in sorted(checkpoint.iterdir(), key=lambda file: file.name != "MANIFEST.json"):
        file.unlink()
    checkpoint.rmdir()
