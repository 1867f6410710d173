"""Training of a judge of actions on real frames, on the loop of `vqspeech.training`."""

import os

import torch
import torch.nn.functional as F
from torch import Tensor

from recipes.frames.batches import ShuffledIndices
from recipes.frames.command import PLAIN, RunOptions
from recipes.frames.frames_file import read_frames
from recipes.video.action_judge import (
    BATCH,
    ActionJudge,
    JudgeSettings,
    as_pairs,
    judge_config,
)
from recipes.video.frame_pairs import FramePairs, split_pairs
from vqspeech.config.loader import load_config
from vqspeech.config.schema import Positive, Settings, TrainingSettings
from vqspeech.training.fit import Task
from vqspeech.training.run import TrainingSummary, check_resumable, get_ready, run_training


class JudgeTrainingSettings(TrainingSettings):
    """The loop over pairs of frames."""

    batch_size: Positive = 32
    validation_pictures: Positive = 1024  # pairs


class TrainJudge(Settings):
    """A settings file of `python -m recipes.video.train_judge`."""

    model: JudgeSettings = JudgeSettings()
    training: JudgeTrainingSettings = JudgeTrainingSettings()


def train_action_judge(
    config: str | os.PathLike,
    data: str | os.PathLike,
    out: str | os.PathLike,
    options: RunOptions = PLAIN,
) -> TrainingSummary:
    """Train a judge, or go on training it, until the settings' last step.

    Args:
        config: a settings file for `TrainJudge`.
        data: a frames file with actions; its parts train and valid are used.
        out: the run; one process at a time works in it.
        options: overrides of settings, device and the like.

    Raises:
        VQSpeechError: settings, frames, device or run are not as they should be.
        Interrupted: a signal came; a checkpoint was written first.
    """
    settings = load_config(config, TrainJudge, options.overrides)
    where = get_ready(settings.training, options.device)
    check_resumable(out, options.resume)
    file = read_frames(data)
    parts = split_pairs(file, data)

    def make_task() -> Task:
        judge = ActionJudge(settings.model, file.action_names, file.frames.shape[1:3]).to(where)
        return _JudgeTask(judge, settings.training, parts["train"], parts["valid"]).task()

    return run_training(
        out,
        settings,
        make_task,
        resume=options.resume,
        quiet=options.quiet,
        unit="nats a pair",
        program="python -m recipes.video.train_judge",
    )


class _JudgeTask:
    """What the loop asks for, in terms of a judge and pairs of frames."""

    def __init__(
        self,
        judge: ActionJudge,
        training: JudgeTrainingSettings,
        train: FramePairs,
        valid: FramePairs,
    ):
        self.judge = judge
        self.train, self.valid = train, valid.some(training.validation_pictures)
        self.order = ShuffledIndices(len(train), training.batch_size, training.seed)
        self.device = next(judge.parameters()).device

    def task(self) -> Task:
        return Task(
            self.judge,
            self.compute_losses,
            self.batch,
            config=judge_config(self.judge, self.train.file.collector or "frames"),
            identity={"data": self.train.digest()},
            validate=self.validate,
            describe=lambda batch: f"{len(batch[1])} pairs of frames",
        )

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Levels (B, 6, H, W) and actions (B,) of a step."""
        return _tensors(self.train.at(self.order.at(step)))

    def compute_losses(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        pairs, actions = (each.to(self.device, non_blocking=True) for each in batch)
        logits = self.judge(pairs)
        nll = F.cross_entropy(logits.float(), actions)
        with torch.no_grad():
            accuracy = (logits.argmax(1) == actions).float().mean()
        return {"loss": nll, "nll": nll, "accuracy": accuracy}

    def validate(self) -> dict[str, float]:
        """Nats a pair, and the share of pairs whose action is named right."""
        nats = right = 0.0
        for i in range(0, len(self.valid), BATCH):
            part = self.valid.at(slice(i, i + BATCH))
            pairs, actions = (each.to(self.device) for each in _tensors(part))
            logits = self.judge(pairs).float()
            nats += float(F.cross_entropy(logits, actions, reduction="sum"))
            right += int((logits.argmax(1) == actions).sum())
        return {"nll": nats / len(self.valid), "accuracy": right / len(self.valid)}


def _tensors(pairs: FramePairs) -> tuple[Tensor, Tensor]:
    return as_pairs(pairs.before, pairs.after), torch.from_numpy(pairs.actions)
