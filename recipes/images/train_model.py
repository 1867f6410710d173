"""Training of any of the three models, on the loop of `vqspeech.training`."""

import hashlib
import math
import os

import torch
from torch import Tensor
from torch.optim import Optimizer

from recipes.frames.batches import PictureBatches, as_tensor
from recipes.frames.command import PLAIN, RunOptions
from recipes.frames.convolutions import STRIDE, prepare
from recipes.frames.first_stage import BATCH, PictureVQVAE, score_pictures
from recipes.frames.pictures import PictureData, PictureSet
from recipes.images.models import PictureModel, build_model, model_config
from recipes.images.settings import TrainPictureModel
from vqspeech.config.loader import load_config
from vqspeech.errors import InputError
from vqspeech.models.vqvae import VQVAEOutput
from vqspeech.training.fit import Task
from vqspeech.training.optimizer import reset_rows
from vqspeech.training.run import TrainingSummary, check_resumable, get_ready, run_training

FIRST_BATCHES = 50  # at most, that a codebook is initialised from
VECTORS_PER_CODE = 40


def train_picture_model(
    config: str | os.PathLike,
    data: PictureData,
    out: str | os.PathLike,
    options: RunOptions = PLAIN,
) -> TrainingSummary:
    """Train, or go on training, until the settings' last step.

    Args:
        config: a settings file for `TrainPictureModel`.
        data: its parts train and valid are used.
        out: the run; one process at a time works in it.
        options: overrides of settings, device and the like.

    Raises:
        VQSpeechError: settings, pictures, device or run are not as they should be.
        Interrupted: a signal came; a checkpoint was written first.
    """
    settings = load_config(config, TrainPictureModel, options.overrides)
    where = get_ready(settings.training, options.device)
    check_resumable(out, options.resume)

    def make_task() -> Task:
        return _PictureTask(build_model(settings.model).to(where), settings, data).task()

    return run_training(
        out,
        settings,
        make_task,
        resume=options.resume,
        quiet=options.quiet,
        unit="nats a dimension",
        program="python -m recipes.images.train",
    )


class _PictureTask:
    """What the loop asks for, in terms of a model and its pictures."""

    def __init__(self, model: PictureModel, settings: TrainPictureModel, data: PictureData):
        self.model, self.settings, self.data = model, settings, data
        self.device = next(model.parameters()).device
        training = settings.training
        self.train = data.part("train")
        self.valid = _some(data.part("valid"), training.validation_pictures)
        _check_sizes(data, self.train, self.valid, training.crop)
        self.batches = PictureBatches(
            self.train, training.batch_size, training.seed, training.crop, training.flip
        )
        self._last: VQVAEOutput | None = None

    def task(self) -> Task:
        is_quantised = isinstance(self.model, PictureVQVAE)
        size = self.train.pixels.shape[1]
        return Task(
            self.model,
            self.compute_losses,
            self.batches.at,
            config=model_config(self.model, size, self.data.name),
            identity={"data": _digest(self.train)},
            validate=self.validate,
            before_first_step=self.initialize_codebook if is_quantised else None,
            after_step=self.update_codebook if is_quantised else None,
            describe=lambda batch: f"{len(batch)} pictures",
        )

    def compute_losses(self, pixels: Tensor) -> dict[str, Tensor]:
        pixels = pixels.to(self.device, non_blocking=True)
        if not isinstance(self.model, PictureVQVAE):
            return self.model.losses(pixels)
        self._last = self.model.score(pixels)
        return self.model.losses(self._last)

    def update_codebook(self, optimizer: Optimizer) -> None:
        restarted = self.model.update_codebook(self._last)
        reset_rows(optimizer, self.model.quantizer.codebook, map(tuple, restarted.tolist()))

    @torch.no_grad()
    def initialize_codebook(self) -> None:
        quantizer = self.settings.model.quantizer
        if quantizer.initialize == "uniform":
            return
        vectors: list[Tensor] = []
        for step in range(FIRST_BATCHES):
            encoded = self.model.encode(prepare(self.batches.at(step).to(self.device)))
            vectors.append(encoded.flatten(0, 2))
            if sum(map(len, vectors)) >= VECTORS_PER_CODE * quantizer.num_codes:
                break
        self.model.quantizer.initialize(torch.cat(vectors), method=quantizer.initialize)

    def validate(self) -> dict[str, float]:
        if isinstance(self.model, PictureVQVAE):
            return score_pictures(self.model, self.valid)
        with torch.random.fork_rng():
            torch.manual_seed(0)  # the same samples at every step
            nats = sum(
                float(self.model.bound(pixels.to(self.device)).nats.double().sum())
                for pixels in as_tensor(self.valid.pixels).split(BATCH)
            )
        nats /= self.valid.pixels.size
        return {"nll": nats, "bits_per_dim": nats / math.log(2)}


def _check_sizes(data: PictureData, train: PictureSet, valid: PictureSet, crop: int) -> None:
    for height, width in {train.pixels.shape[1:3], valid.pixels.shape[1:3]}:
        found = f"{data.name}: pictures of {height} x {width} pixels"
        if height % STRIDE or width % STRIDE:
            raise InputError(f"{found}; give a --size that is a multiple of {STRIDE}")
        if crop > min(height, width):
            raise InputError(f"{found}, training.crop is {crop}; give a larger --size, or crop 0")


def _some(pictures: PictureSet, most: int) -> PictureSet:
    """So many, spread over all of them: neighbours are of one source."""
    every = -(-len(pictures) // most)
    labels = None if pictures.labels is None else pictures.labels[::every]
    return PictureSet(pictures.pixels[::every], pictures.sources[::every], labels, pictures.names)


def _digest(pictures: PictureSet) -> str:
    """Of what is trained on: other pictures make another run. A part stands for a large set."""
    digest = hashlib.sha256(str(pictures.pixels.shape).encode())
    every = max(1, len(pictures) // 1000)
    for picture in pictures.pixels[::every]:
        digest.update(picture.tobytes())
    return digest.hexdigest()[:16]
