"""Train the speech VQ-VAE: settings and data directories in, a run out."""

import hashlib
import os
from collections.abc import Sequence

import torch
from torch.optim import Optimizer

from vqspeech.audio.augment import disturb, warp_frequencies
from vqspeech.config.loader import load_config
from vqspeech.config.schema import TrainSpeechVQVAE
from vqspeech.data.crops import Batch, CropBatches, list_stretches, validation_windows
from vqspeech.data.data_dir import DataDir
from vqspeech.errors import InputError
from vqspeech.generation.revoicing import revoice
from vqspeech.models.acoustics import Measured
from vqspeech.models.build import build_speech_vqvae, model_config
from vqspeech.models.speech import SpeechVQVAE
from vqspeech.models.vqvae import VQVAEOutput
from vqspeech.stages.held_out import check_held_out
from vqspeech.stages.score_vqvae import score_speech_vqvae
from vqspeech.training.fit import Task
from vqspeech.training.optimizer import reset_rows
from vqspeech.training.run import (
    TrainingSummary,
    check_resumable,
    get_ready,
    run_training,
)

# Vectors for each code that k-means starts from, and the batches it may take to gather them.
VECTORS_PER_CODE, FIRST_BATCHES = 8, 64


def train_vqvae(
    config: str | os.PathLike,
    train: Sequence[str | os.PathLike],
    valid: str | os.PathLike,
    out: str | os.PathLike,
    *,
    resume: str = "auto",
    overrides: Sequence[str] = (),
    device: str = "auto",
    quiet: bool = False,
) -> TrainingSummary:
    """Train, or go on training, until the settings' last step.

    Args:
        config: a settings file for `TrainSpeechVQVAE`.
        train: data directories; their speakers are those the model will speak as.
        valid: a data directory of held-out utterances of the same speakers.
        out: the run; one process at a time works in it.
        resume: "auto", "never" or "must".
        overrides: `training.steps=100` and the like.
        device: "auto", "cpu", "cuda:0", ...
        quiet: no progress.

    Raises:
        VQSpeechError: settings, data, device or run are not as they should be; see each child.
    """
    settings = load_config(config, TrainSpeechVQVAE, overrides)
    where = get_ready(settings.training, device)
    train_dirs = [DataDir.read(path) for path in train]
    valid_dir = DataDir.read(valid)
    check_held_out(valid, valid_dir, train_dirs)
    check_resumable(out, resume)
    speakers = tuple(sorted({name for data in train_dirs for name in data.speakers}))

    def make_task() -> Task:
        try:
            model = build_speech_vqvae(settings.model, speakers).to(where)
        except ValueError as error:  # sizes that do not fit each other
            raise InputError(f"{config}: model: {error}; change these settings") from error
        return _SpeechTask(model, settings, train_dirs, valid_dir).task()

    unit = "nats a sample"
    return run_training(out, settings, make_task, resume=resume, quiet=quiet, unit=unit)


class _SpeechTask:
    """What the loop asks for, in terms of a speech model and its data."""

    def __init__(
        self,
        model: SpeechVQVAE,
        settings: TrainSpeechVQVAE,
        train: Sequence[DataDir],
        valid: DataDir,
    ):
        self.model, self.settings, self.train, self.valid = model, settings, train, valid
        self.device = next(model.parameters()).device
        training = settings.training
        frames = round(training.crop_seconds * model.code_rate)
        self.crop = max(frames, 1) * model.hop
        self.batches = CropBatches(
            train,
            training.batch_size,
            self.crop,
            training.seed,
            model.speakers,
            model.sample_rate,
        )
        lengths = [s.length for s in list_stretches([valid], model.speakers, model.sample_rate)]
        self.valid_seconds = sum(lengths) / model.sample_rate
        self._last: VQVAEOutput | None = None
        self._is_frozen = False

    def task(self) -> Task:
        information = {
            name: {
                "gender": next((d.genders[name] for d in self.train if name in d.genders), None),
                "accent": next((d.accents[name] for d in self.train if name in d.accents), None),
            }
            for name in self.model.speakers
        }
        return Task(
            self.model,
            self.compute_losses,
            lambda step: (step, self.batches.batch(step)),
            config=model_config(self.model, speaker_information=information),
            identity={"data": self._digest()},
            validate=self.validate,
            before_first_step=self.initialize_codebook,
            after_step=self.update_codebook,
            describe=lambda step_and_batch: list(step_and_batch[1].utterances),
        )

    def _digest(self) -> str:
        """Of what is trained on: other utterances make another run."""
        names = sorted(name for data in self.train for name in data)
        names.append(str(self.batches.order.crops_per_epoch))
        return hashlib.sha256(" ".join(names).encode()).hexdigest()[:16]

    def compute_losses(self, step_and_batch: tuple[int, Batch]) -> dict[str, torch.Tensor]:
        step, batch = step_and_batch
        training = self.settings.training
        waveform, speaker, length = (
            tensor.to(self.device, non_blocking=True) for tensor in batch[:3]
        )
        is_first = step < training.guide_steps
        self._is_frozen = training.freeze and not is_first
        if self._is_frozen:
            self.model.freeze_all_but_wavenet()
            rows = training.likelihood_crops or training.batch_size  # the rest teaches nothing more
            waveform, speaker, length = waveform[:rows], speaker[:rows], length[:rows]
        head = self.model.decoder.acoustics
        measured = None if head is None or self._is_frozen else head.measure(waveform)
        heard = self._heard(waveform, measured)
        if is_first:
            output = self.model.quantize(heard)
        else:
            stretch = self._stretch(step)
            output = self.model.score(waveform, speaker, length, heard=heard, stretch=stretch)
        losses = self.model.losses(output)
        if self.model.has_guide and training.guide_weight and not self._is_frozen:
            losses |= self.model.guide_losses(output, waveform, speaker, length, measured)
            losses["loss"] = losses["loss"] + training.guide_weight * losses["guide"]
        if is_first:
            del losses["nll"]  # there is none
        if self._is_frozen:
            losses = {"loss": losses["nll"], "nll": losses["nll"]}
        self._last = output
        self._is_real = self.model.real_frames(length, self.crop // self.model.hop)
        return losses

    def _heard(self, waveform: torch.Tensor, measured: Measured | None) -> torch.Tensor:
        """What the encoder is given of waveforms (B, T): other throats, pitches, microphones."""
        training = self.settings.training
        heard = warp_frequencies(waveform, training.warp)
        if training.revoice and measured is not None:
            rows = (torch.rand(len(waveform)) < training.revoice).to(waveform.device)
            head, heard = self.model.decoder.acoustics, heard.clone()
            heard[rows] = revoice(
                *(measured.envelope[rows], measured.hz[rows], self.model.sample_rate, head.hop),
                throat=training.warp,
                octaves=training.revoice_octaves,
            )
        return disturb(heard, training.augment) if training.augment else heard

    def _stretch(self, step: int) -> tuple[int, int, int] | None:
        """Which part of a batch the likelihood is taken of; a function of (seed, step)."""
        training, model = self.settings.training, self.model
        if not training.likelihood_seconds and not training.likelihood_crops:
            return None
        frames = self.crop // model.hop
        wanted = round(training.likelihood_seconds * model.code_rate) or frames
        generator = torch.Generator().manual_seed((training.seed << 32) + step)
        first = int(torch.randint(frames - min(wanted, frames) + 1, (), generator=generator))
        return training.likelihood_crops or training.batch_size, first, first + min(wanted, frames)

    def update_codebook(self, optimizer: Optimizer) -> None:
        if self._is_frozen:
            return
        restarted = self.model.update_codebook(self._last, self._is_real)
        reset_rows(optimizer, self.model.quantizer.codebook, map(tuple, restarted.tolist()))

    @torch.no_grad()
    def initialize_codebook(self) -> None:
        quantizer = self.settings.model.quantizer
        if quantizer.initialize == "uniform":
            return
        vectors, wanted = [], VECTORS_PER_CODE * quantizer.num_codes
        for step in range(FIRST_BATCHES):
            batch = self.batches.batch(step)
            encoded = self.model.encode(batch.waveform.to(self.device))  # (B, L, D)
            is_real = self.model.real_frames(batch.length.to(self.device), encoded.shape[1])
            vectors.append(encoded[is_real])
            if sum(map(len, vectors)) >= wanted:
                break
        self.model.quantizer.initialize(torch.cat(vectors), method=quantizer.initialize)

    def validate(self) -> dict[str, float]:
        training = self.settings.training
        windows = validation_windows(
            self.valid,
            self.crop,
            max(2, training.batch_size),  # one window alone has no other's codes to swap with
            self.model.speakers,
            self.model.sample_rate,
        )
        # Spread over the whole set: utterances begin with silence, so the first windows are easy.
        every = max(1, round(self.valid_seconds / training.validation_seconds))
        return score_speech_vqvae(self.model, windows, every)
