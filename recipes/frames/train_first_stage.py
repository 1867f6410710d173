"""Training of a VQ-VAE over levels: its codebook and its pictures, for the loop of the core."""

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from recipes.frames.batches import PictureBatches
from recipes.frames.convolutions import STRIDE, prepare
from recipes.frames.first_stage import PictureVQVAE, score_pictures
from recipes.frames.level_vqvae import LevelVQVAE, level_config
from recipes.frames.pictures import PictureData, PictureSet
from recipes.frames.settings import PictureTrainingSettings
from vqspeech.errors import InputError
from vqspeech.models.vqvae import VQVAEOutput
from vqspeech.training.fit import Task
from vqspeech.training.optimizer import reset_rows

FIRST_BATCHES = 50  # at most, that a codebook is initialised from
VECTORS_PER_CODE = 40


class TrainingPictures:
    """The pictures that a run learns from and is validated on.

    Attributes:
        name: what they may be called.
        train, valid: parts of the data; of a large one for validation so many as are asked for.
        batches: of the training part.

    Raises:
        InputError: a part is empty, or its pictures do not fit the networks or the crops.
    """

    def __init__(self, data: PictureData, training: PictureTrainingSettings):
        self.name = data.name
        self.train = data.part("train")
        self.valid = _some(data.part("valid"), training.validation_pictures)
        for part in (self.train, self.valid):
            check_sides(data.name, part, training.crop)
        self.batches = PictureBatches(
            self.train, training.batch_size, training.seed, training.crop, training.flip
        )

    @property
    def size(self) -> int:
        """Pixels a side."""
        return self.train.pixels.shape[1]

    def digest(self) -> str:
        """Of what is trained on: other pictures make another run."""
        return digest_pixels(self.train.pixels)


def picture_task(model: PictureVQVAE, pictures: TrainingPictures) -> Task:
    """What the loop is given to train a VQ-VAE over pictures."""
    return vqvae_task(
        model,
        pictures.batches.at,
        lambda: score_pictures(model, pictures.valid),
        config=level_config(model, pictures.size, pictures.name),
        digest=pictures.digest(),
    )


def vqvae_task(
    model: LevelVQVAE,
    batch_at: Callable[[int], Tensor],
    validate: Callable[[], dict[str, float]],
    *,
    config: dict[str, Any],
    digest: str,
    things: str = "pictures",
) -> Task:
    """What the loop is given to train any VQ-VAE over levels.

    Args:
        model: on the device it is trained on.
        batch_at: step to levels (B, 3, *axes) uint8.
        validate: scores of the model as it is then, among them "nll".
        config: what config.json holds.
        digest: of the data; a run that goes on must have the same.
        things: what a batch has so many of, for errors.
    """
    learner = _CodebookLearner(model, batch_at)
    return Task(
        model,
        learner.compute_losses,
        batch_at,
        config=config,
        identity={"data": digest},
        validate=validate,
        before_first_step=learner.initialize_codebook,
        after_step=learner.update_codebook,
        describe=lambda batch: f"{len(batch)} {things}",
    )


class _CodebookLearner:
    """Losses, and the codebook's own ways to learn: from what was encoded first, and last."""

    def __init__(self, model: LevelVQVAE, batch_at: Callable[[int], Tensor]):
        self.model, self.batch_at = model, batch_at
        self.device = next(model.parameters()).device
        self._last: VQVAEOutput | None = None

    def compute_losses(self, levels: Tensor) -> dict[str, Tensor]:
        self._last = self.model.score(levels.to(self.device, non_blocking=True))
        return self.model.losses(self._last)

    def update_codebook(self, optimizer: Optimizer) -> None:
        restarted = self.model.update_codebook(self._last)
        reset_rows(optimizer, self.model.quantizer.codebook, map(tuple, restarted.tolist()))

    @torch.no_grad()
    def initialize_codebook(self) -> None:
        quantizer = self.model.settings.quantizer
        if quantizer.initialize == "uniform":
            return
        vectors: list[Tensor] = []
        for step in range(FIRST_BATCHES):
            encoded = self.model.encode(prepare(self.batch_at(step).to(self.device)))
            vectors.append(encoded.flatten(0, -2))
            if sum(map(len, vectors)) >= VECTORS_PER_CODE * quantizer.num_codes:
                break
        self.model.quantizer.initialize(torch.cat(vectors), method=quantizer.initialize)


def check_sides(name: str, pictures: PictureSet, crop: int) -> None:
    """Refuse pictures that the networks cannot halve twice, or that are smaller than the crops.

    Args:
        name: of the data.

    Raises:
        InputError: they are.
    """
    height, width = pictures.pixels.shape[1:3]
    found = f"{name}: pictures of {height} x {width} pixels"
    if height % STRIDE or width % STRIDE:
        raise InputError(f"{found}; give a --size that is a multiple of {STRIDE}")
    if crop > min(height, width):
        raise InputError(f"{found}, training.crop is {crop}; give a larger --size, or crop 0")


def digest_pixels(pixels: np.ndarray, *others: np.ndarray) -> str:
    """Of (N, H, W, 3) that are trained on, where a part stands for a large set, and of all else."""
    digest = hashlib.sha256(str(pixels.shape).encode())
    every = max(1, len(pixels) // 1000)
    for picture in pixels[::every]:
        digest.update(picture.tobytes())
    for array in others:
        digest.update(array.tobytes())
    return digest.hexdigest()[:16]


def _some(pictures: PictureSet, most: int) -> PictureSet:
    """So many, spread over all of them: neighbours are of one source."""
    every = -(-len(pictures) // most)
    labels = None if pictures.labels is None else pictures.labels[::every]
    return PictureSet(pictures.pixels[::every], pictures.sources[::every], labels, pictures.names)
