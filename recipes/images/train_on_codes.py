"""Training on the codes of a VQ-VAE of pictures: its prior, and the second stage over it."""

import math
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from recipes.frames.batches import ShuffledIndices
from recipes.frames.code_map import code_map_of
from recipes.frames.command import PLAIN, RunOptions
from recipes.frames.first_stage import load_picture_vqvae
from recipes.frames.pictures import PictureData
from recipes.frames.settings import CodeTrainingSettings
from recipes.images.code_prior import PicturePrior, prior_config
from recipes.images.encoded import EncodedSet, encode_parts
from recipes.images.second_stage import SecondStage, second_stage_config
from recipes.images.settings import (
    SecondStageTrainingSettings,
    TrainPicturePrior,
    TrainSecondStage,
)
from vqspeech.checkpoint import find_model
from vqspeech.config.loader import load_config
from vqspeech.config.schema import Settings
from vqspeech.errors import InputError
from vqspeech.training.fit import Task
from vqspeech.training.optimizer import reset_rows
from vqspeech.training.run import TrainingSummary, check_resumable, get_ready, run_training

BATCH = 64  # maps that are scored at once
INITIAL_MAPS = 20_000  # at most, that the codebooks of the second stage are initialised from


def train_picture_prior(
    config: str | os.PathLike,
    model: str | os.PathLike,
    data: PictureData,
    out: str | os.PathLike,
    options: RunOptions = PLAIN,
) -> TrainingSummary:
    """Fit a prior to the codes that a VQ-VAE gives the training part; by class where it has any.

    Args:
        config: a settings file for `TrainPicturePrior`.
        model: a VQ-VAE of pictures.
        data: its parts train and valid are used.
        out: the run; one process at a time works in it.
        options: overrides of settings, device and the like.

    Raises:
        VQSpeechError: settings, pictures, model, device or run are not as they should be.
    """
    settings = load_config(config, TrainPicturePrior, options.overrides)

    def make(train: EncodedSet, valid: EncodedSet, first, code_map) -> "_CodeTask":
        names = data.class_names if train.labels is not None else ()
        prior = PicturePrior(settings.model, code_map, names)
        return _PriorTask(prior, prior_config(prior), settings.training, train, valid)

    return _train("train_prior", settings, make, model, data, out, options)


def train_second_stage(
    config: str | os.PathLike,
    model: str | os.PathLike,
    data: PictureData,
    out: str | os.PathLike,
    options: RunOptions = PLAIN,
) -> TrainingSummary:
    """Train the second stage over the codes of a first one; arguments as `train_picture_prior`.

    Raises:
        VQSpeechError: settings, pictures, model, device or run are not as they should be.
    """
    settings = load_config(config, TrainSecondStage, options.overrides)

    def make(train: EncodedSet, valid: EncodedSet, first, code_map) -> "_CodeTask":
        if code_map.groups != 1:
            raise InputError(
                f"{model}: codes of {code_map.groups} groups; a second stage wants a model of one"
            )
        stage = SecondStage(settings.model, code_map, first.quantizer.codebook[0].detach())
        config = second_stage_config(stage)
        return _SecondStageTask(stage, config, settings.training, train, valid)

    return _train("train_second", settings, make, model, data, out, options)


def _train(
    command: str,
    settings: Settings,
    make: Callable[..., "_CodeTask"],
    model: str | os.PathLike,
    data: PictureData,
    out: str | os.PathLike,
    options: RunOptions,
) -> TrainingSummary:
    where = get_ready(settings.training, options.device)
    check_resumable(out, options.resume)
    folder = find_model(model)  # once: `best` may move on
    first, _ = load_picture_vqvae(folder)
    train, valid = encode_parts(first.to(where), data, "train", "valid")
    code_map = code_map_of(first, folder, train.codes)

    def make_task() -> Task:
        try:
            return make(train, valid, first, code_map).task(where)
        except ValueError as error:  # sizes that do not fit each other
            raise InputError(f"{out}: {error}; change these settings") from error

    return run_training(
        out,
        settings,
        make_task,
        resume=options.resume,
        quiet=options.quiet,
        unit="nats a code",
        program=f"python -m recipes.images.{command}",
    )


class _CodeTask(ABC):
    """What the loop asks for, in terms of a model of codes and its data."""

    def __init__(
        self,
        model: nn.Module,
        config: dict[str, Any],
        training: CodeTrainingSettings,
        train: EncodedSet,
        valid: EncodedSet,
    ):
        self.model, self.config, self.training = model, config, training
        self.train, self.valid = train, valid.some(training.validation_pictures)
        self.order = ShuffledIndices(len(train), training.batch_size, training.seed)
        self.device = torch.device("cpu")

    def task(self, device: torch.device) -> Task:
        self.model.to(device)
        self.device = device
        return Task(
            self.model,
            self.compute_losses,
            self.batch,
            config=self.config,
            identity={"data": self.train.digest()},
            validate=self.validate,
            describe=lambda batch: f"codes of {len(batch[0])} pictures",
        )

    def batch(self, step: int) -> tuple[Tensor, Tensor | None]:
        """Codes and classes of a step."""
        index = self.order.at(step)
        labels = self.train.labels
        return self.train.codes[index], None if labels is None else labels[index]

    @abstractmethod
    def compute_losses(self, batch: tuple[Tensor, Tensor | None]) -> dict[str, Tensor]:
        """What is minimised, of codes and classes."""

    def validate(self) -> dict[str, float]:
        """Nats and bits a code of the validation part."""
        nats = total = 0
        for i in range(0, len(self.valid), BATCH):
            part = EncodedSet(
                self.valid.codes[i : i + BATCH].to(self.device),
                None if self.valid.labels is None else self.valid.labels[i : i + BATCH],
                self.valid.sources,
                self.valid.names,
            )
            nats += float(self.nats_of(part).double().sum())
            total += part.codes.numel()
        return {"nll": nats / total, "bits": nats / total / math.log(2)}

    @abstractmethod
    def nats_of(self, part: EncodedSet) -> Tensor:
        """-log p of each code."""


class _PriorTask(_CodeTask):
    model: PicturePrior

    def compute_losses(self, batch: tuple[Tensor, Tensor | None]) -> dict[str, Tensor]:
        codes, labels = batch
        classes = labels.to(self.device) if labels is not None else None
        nll = self.model.nats(codes.to(self.device), classes).mean()
        return {"loss": nll, "nll": nll}

    def nats_of(self, part: EncodedSet) -> Tensor:
        classes = part.labels.to(self.device) if part.labels is not None else None
        return self.model.nats(part.codes, classes)


class _SecondStageTask(_CodeTask):
    model: SecondStage
    training: SecondStageTrainingSettings

    def task(self, device: torch.device) -> Task:
        task = super().task(device)
        task.before_first_step = self.initialize_codebook
        task.after_step = self.update_codebook
        return task

    def batch(self, step: int) -> tuple[Tensor, Tensor | None, int]:
        """Codes, classes and the step itself."""
        return *super().batch(step), step

    def compute_losses(self, batch: tuple[Tensor, Tensor | None, int]) -> dict[str, Tensor]:
        codes, training = batch[0].to(self.device), self.training
        encoded = self.model.encode(self.model.embed(codes))
        quantized = self.model.quantizer(encoded)
        latents, decoder = quantized.latents.movedim(-1, 1), self.model.decoder
        self._encoded, self._codes = encoded.detach(), quantized.codes
        guide = decoder.guide_nats(codes, latents).mean()
        losses = {"guide": guide, "commitment": quantized.commitment_loss}
        if batch[2] < training.guide_steps:
            return {"loss": guide + quantized.loss, **losses}
        nll = decoder.nats(codes, latents).mean()
        loss = nll + quantized.loss + training.guide_weight * guide
        return {"loss": loss, "nll": nll, **losses}

    def update_codebook(self, optimizer: Optimizer) -> None:
        restarted = self.model.quantizer.update(self._encoded, self._codes)
        reset_rows(optimizer, self.model.quantizer.codebook, map(tuple, restarted.tolist()))

    @torch.no_grad()
    def initialize_codebook(self) -> None:
        method = self.model.settings.quantizer.initialize
        if method == "uniform":
            return
        vectors = [
            self.model.encode(self.model.embed(part.to(self.device)))
            for part in self.train.some(INITIAL_MAPS).codes.split(BATCH)
        ]
        self.model.quantizer.initialize(torch.cat(vectors), method=method)

    def nats_of(self, part: EncodedSet) -> Tensor:
        latents = self.model.latents(self.model.codes(self.model.embed(part.codes)))
        return self.model.decoder.nats(part.codes, latents)
