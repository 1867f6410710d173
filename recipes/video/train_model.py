"""Training of either first stage of video, on the loop of `vqspeech.training`."""

import os

from recipes.frames.command import PLAIN, RunOptions
from recipes.frames.first_stage import PictureVQVAE
from recipes.frames.frames_file import frames_pictures
from recipes.frames.level_vqvae import level_config
from recipes.frames.pictures import PictureData
from recipes.frames.settings import PictureTrainingSettings, VQVAESettings
from recipes.frames.train_first_stage import (
    TrainingPictures,
    check_sides,
    digest_pixels,
    picture_task,
    vqvae_task,
)
from recipes.video.clip_settings import TrainFirstStage
from recipes.video.clip_vqvae import ClipVQVAE, score_clips
from recipes.video.clips import ClipBatches, clips_of, tell_short_episodes
from vqspeech.config.loader import load_config
from vqspeech.training.fit import Task
from vqspeech.training.run import TrainingSummary, check_resumable, get_ready, run_training


def train_first_stage(
    config: str | os.PathLike,
    frames: str | os.PathLike,
    out: str | os.PathLike,
    options: RunOptions = PLAIN,
    size: int | None = None,
) -> TrainingSummary:
    """Train, or go on training, until the settings' last step.

    Args:
        config: a settings file for `TrainFirstStage`.
        frames: a frames file; its parts train and valid are used.
        out: the run; one process at a time works in it.
        options: overrides of settings, device and the like.
        size: pixels a side that the frames must have; any will do if it is None.

    Raises:
        VQSpeechError: settings, frames, device or run are not as they should be.
        Interrupted: a signal came; a checkpoint was written first.
    """
    settings = load_config(config, TrainFirstStage, options.overrides)
    where = get_ready(settings.training, options.device)
    check_resumable(out, options.resume)
    data = frames_pictures(frames, size)

    def make_task() -> Task:
        if isinstance(settings.model, VQVAESettings):
            pictures = TrainingPictures(data, settings.training)
            return picture_task(PictureVQVAE(settings.model).to(where), pictures)
        return _clip_task(ClipVQVAE(settings.model).to(where), data, settings.training)

    return run_training(
        out,
        settings,
        make_task,
        resume=options.resume,
        quiet=options.quiet,
        unit="nats a dimension",
        program="python -m recipes.video.train",
    )


def _clip_task(model: ClipVQVAE, data: PictureData, training: PictureTrainingSettings) -> Task:
    length = model.settings.frames
    train = clips_of(data, "train", length)
    # Each frame once; their number is that of `validation_pictures`, as near as clips allow.
    valid = clips_of(data, "valid", length, every=length)
    valid = valid.some(max(1, training.validation_pictures // length))
    for part, clips in (("train", train), ("valid", valid)):
        check_sides(data.name, clips.frames, training.crop)
        tell_short_episodes(part, clips)
    frames = train.frames
    batches = ClipBatches(train, training.batch_size, training.seed, training.crop, training.flip)
    return vqvae_task(
        model,
        batches.at,
        lambda: score_clips(model, valid),
        config=level_config(model, frames.pixels.shape[1], data.name),
        digest=digest_pixels(frames.pixels, frames.sources),
        things="clips",
    )
