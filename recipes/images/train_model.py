"""Training of any of the three models, on the loop of `vqspeech.training`."""

import math
import os

import torch
from torch import Tensor

from recipes.frames.command import PLAIN, RunOptions
from recipes.frames.first_stage import PictureVQVAE, batches_of
from recipes.frames.pictures import PictureData
from recipes.frames.train_first_stage import TrainingPictures, picture_task
from recipes.images.models import build_model, model_config
from recipes.images.sampled_latents import SampledLatents
from recipes.images.settings import TrainPictureModel
from recipes.images.vae import PictureVAE
from vqspeech.config.loader import load_config
from vqspeech.training.fit import Task
from vqspeech.training.run import TrainingSummary, check_resumable, get_ready, run_training


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
        model = build_model(settings.model).to(where)
        pictures = TrainingPictures(data, settings.training)
        if isinstance(model, PictureVQVAE):
            return picture_task(model, pictures)
        return bound_task(model, pictures)

    return run_training(
        out,
        settings,
        make_task,
        resume=options.resume,
        quiet=options.quiet,
        unit="nats a dimension",
        program="python -m recipes.images.train",
    )


def bound_task(model: PictureVAE | SampledLatents, pictures: TrainingPictures) -> Task:
    """What the loop is given to train a model that bounds the likelihood by samples."""
    device = next(model.parameters()).device

    def compute_losses(pixels: Tensor) -> dict[str, Tensor]:
        return model.losses(pixels.to(device, non_blocking=True))

    def validate() -> dict[str, float]:
        with torch.random.fork_rng():
            torch.manual_seed(0)  # the same samples at every step
            nats = sum(
                float(model.bound(pixels.to(device)).nats.double().sum())
                for pixels in batches_of(pictures.valid)
            )
        nats /= pictures.valid.pixels.size
        return {"nll": nats, "bits_per_dim": nats / math.log(2)}

    return Task(
        model,
        compute_losses,
        pictures.batches.at,
        config=model_config(model, pictures.size, pictures.name),
        identity={"data": pictures.digest()},
        validate=validate,
        describe=lambda batch: f"{len(batch)} pictures",
    )
