"""Training a prior over frames of codes, on the loop of `vqspeech.training`."""

import math
import os
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from recipes.frames.batches import ShuffledIndices
from recipes.frames.code_map import code_map_of
from recipes.frames.command import PLAIN, RunOptions
from recipes.frames.first_stage import load_picture_vqvae
from recipes.frames.frames_file import FramesFile, read_frames, split_frames
from recipes.video.code_frames import CodeFrames, encode_frames
from recipes.video.settings import TrainVideoPrior, VideoPriorTrainingSettings
from recipes.video.video_prior import VideoPrior, video_prior_config
from vqspeech.checkpoint import find_model
from vqspeech.config.loader import load_config
from vqspeech.errors import InputError
from vqspeech.training.fit import Task
from vqspeech.training.run import TrainingSummary, check_resumable, get_ready, run_training

BATCH = 32  # frames that are scored at once


class FrameBatch(NamedTuple):
    """Frames to be predicted, and what they are predicted from."""

    codes: Tensor  # (B, h, w)
    before: Tensor | None  # (B, T, h, w)
    actions: Tensor | None  # (B,) that led to them


def train_video_prior(
    config: str | os.PathLike,
    model: str | os.PathLike,
    data: str | os.PathLike,
    out: str | os.PathLike,
    options: RunOptions = PLAIN,
) -> TrainingSummary:
    """Fit a prior to the codes that a VQ-VAE gives the training episodes.

    Args:
        config: a settings file for `TrainVideoPrior`.
        model: a VQ-VAE of pictures.
        data: a frames file; its parts train and valid are used.
        out: the run; one process at a time works in it.
        options: overrides of settings, device and the like.

    Raises:
        VQSpeechError: settings, frames, model, device or run are not as they should be.
    """
    settings = load_config(config, TrainVideoPrior, options.overrides)
    where = get_ready(settings.training, options.device)
    check_resumable(out, options.resume)
    folder = find_model(model)  # once: `best` may move on
    first, about = load_picture_vqvae(folder)
    first.to(where)
    file = read_frames(data, about["size"])
    if settings.model.actions and file.actions is None:
        raise InputError(f"{data}: no actions; give other frames, or set model.actions=false")
    train, valid = (_encode(first, file, part, data) for part in ("train", "valid"))
    code_map = code_map_of(first, folder, train.codes)
    names = file.action_names if settings.model.actions else ()

    def make_task() -> Task:
        embedding = first.quantizer.codebook[0].detach().cpu()
        try:
            prior = VideoPrior(settings.model, code_map, names, embedding)
        except ValueError as error:  # sizes that do not fit each other
            raise InputError(f"{out}: {error}; change these settings") from error
        return _FramesTask(prior.to(where), settings.training, train, valid, data).task()

    return run_training(
        out,
        settings,
        make_task,
        resume=options.resume,
        quiet=options.quiet,
        unit="nats a code",
        program="python -m recipes.video.train_prior",
    )


def _encode(first, file: FramesFile, part: str, place: str | os.PathLike) -> CodeFrames:
    index = split_frames(file)[part]
    if not len(index):
        raise InputError(f"{place}: no episode in the part {part}; collect more frames")
    return encode_frames(first, file, index)


class _FramesTask:
    """What the loop asks for, in terms of a prior and frames of codes."""

    def __init__(
        self,
        prior: VideoPrior,
        training: VideoPriorTrainingSettings,
        train: CodeFrames,
        valid: CodeFrames,
        place: str | os.PathLike,
    ):
        self.prior, self.training = prior, training
        self.train, self.valid = train, valid
        self.device = next(prior.parameters()).device
        # Whoever sees no frames before still needs one for the action; so all see the same.
        self.targets, valid_targets = (
            _targets(part, max(1, prior.context), place) for part in (train, valid)
        )
        every = -(-len(valid_targets) // training.validation_pictures)
        self.valid_targets = valid_targets[::every]
        self.order = ShuffledIndices(len(self.targets), training.batch_size, training.seed)

    def task(self) -> Task:
        return Task(
            self.prior,
            self.compute_losses,
            lambda step: frame_batch(self.prior, self.train, self.targets[self.order.at(step)]),
            config=video_prior_config(self.prior),
            identity={"data": self.train.digest()},
            validate=self.validate,
            describe=lambda batch: f"{len(batch.codes)} frames",
        )

    def compute_losses(self, batch: FrameBatch) -> dict[str, Tensor]:
        codes, before, actions = (None if x is None else x.to(self.device) for x in batch)
        spatial = self.prior.condition(before, actions)
        nll = self.prior.nats_given(codes, spatial, actions).mean()
        if spatial is None or not self.training.guide_weight:
            return {"loss": nll, "nll": nll}
        guide = self.prior.guide_nats(codes, spatial).mean()
        return {"loss": nll + self.training.guide_weight * guide, "nll": nll, "guide": guide}

    def validate(self) -> dict[str, float]:
        nats = score_frames(self.prior, self.valid, self.valid_targets)
        nll = float(nats.mean()) / self.valid.codes[0].numel()
        return {"nll": nll, "bits": nll / math.log(2)}


def _targets(part: CodeFrames, context: int, place: str | os.PathLike) -> np.ndarray:
    found = part.targets(context)
    if not len(found):
        raise InputError(
            f"{place}: no episode is longer than {context} frames, which model.context asks for; "
            "collect longer ones, or set a shorter context"
        )
    return found


def frame_batch(prior: VideoPrior, part: CodeFrames, index: np.ndarray) -> FrameBatch:
    """Frames `index` (B,) of a part, with what the prior is told."""
    return FrameBatch(
        part.codes[torch.from_numpy(index)],
        part.before(index, prior.context) if prior.context else None,
        part.leading(index) if prior.action_names else None,
    )


@torch.no_grad()
def score_frames(
    prior: VideoPrior, part: CodeFrames, index: np.ndarray, action: int | None = None
) -> np.ndarray:
    """-log p of whole frames in nats, (B,) float64.

    Args:
        index: (B,) of the frames.
        action: that the prior is told to have led to each of them; None for what did.
    """
    device = next(prior.parameters()).device
    found = []
    for i in range(0, len(index), BATCH):
        batch = frame_batch(prior, part, index[i : i + BATCH])
        if action is not None:
            batch = batch._replace(actions=torch.full((len(batch.codes),), action))
        nats = prior.nats(*(None if x is None else x.to(device) for x in batch))
        found.append(nats.double().flatten(1).sum(1).cpu())
    return torch.cat(found).numpy()
