"""Train the speech VQ-VAE: settings and data directories in, a run out."""

import hashlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.optim import Optimizer

from vqspeech.audio.augment import disturb, warp_frequencies
from vqspeech.checkpoint import checkpoints
from vqspeech.config.loader import dump_config, load_config
from vqspeech.config.schema import TrainSpeechVQVAE
from vqspeech.data.crops import Batch, CropBatches, list_stretches, validation_windows
from vqspeech.data.data_dir import DataDir
from vqspeech.devices import choose_device, keep_freed_memory
from vqspeech.errors import InputError
from vqspeech.files import directory_lock, write_json, write_text
from vqspeech.models.build import build_speech_vqvae, model_config
from vqspeech.models.speech import SpeechVQVAE
from vqspeech.models.vqvae import VQVAEOutput
from vqspeech.stages.environment import describe_environment
from vqspeech.stages.score_vqvae import score_speech_vqvae
from vqspeech.training.fit import Task, fit
from vqspeech.training.optimizer import reset_rows
from vqspeech.training.progress import TrainingProgress

# Vectors for each code that k-means starts from, and the batches it may take to gather them.
VECTORS_PER_CODE, FIRST_BATCHES = 8, 64
# Settings that a finished run does not depend on, or only in how its sums were rounded.
FREE = (
    *("steps", "threads", "precision", "log_every", "checkpoint_every", "validation_seconds"),
    *("keep_checkpoints", "skipped_batches_allowed"),
)


@dataclass(frozen=True)
class TrainingSummary:
    """What a run came to."""

    checkpoint: Path
    best: Path
    best_nll: float  # nats a sample on the validation set
    seconds: float  # of this call

    def __str__(self) -> str:
        minutes, seconds = divmod(round(self.seconds), 60)
        return (
            f"{self.checkpoint}  best {self.best.name}  val {self.best_nll:.3f} nats  "
            f"{minutes // 60} h {minutes % 60} min {seconds} s"
        )


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
    where = choose_device(device)
    if settings.training.threads:
        torch.set_num_threads(settings.training.threads)
    keep_freed_memory()
    train_dirs = [DataDir.read(path) for path in train]
    valid_dir = DataDir.read(valid)
    shared = sorted(set(valid_dir).intersection(*map(set, train_dirs)))
    if shared:
        raise InputError(
            f"{valid}: {len(shared)} of its utterances are trained on too, {shared[0]} first; hold "
            "them out"
        )
    if resume == "must" and not checkpoints(out):
        raise InputError(f"{out}: no checkpoint to resume from; try --resume auto")
    speakers = tuple(sorted({name for data in train_dirs for name in data.speakers}))
    out = Path(out)
    with directory_lock(out):
        torch.manual_seed(settings.training.seed)
        try:
            model = build_speech_vqvae(settings.model, speakers).to(where)
        except ValueError as error:  # sizes that do not fit each other
            raise InputError(f"{config}: model: {error}; change these settings") from error
        task = _SpeechTask(model, settings, train_dirs, valid_dir).task()

        def describe_run() -> None:
            write_text(out / "config.yaml", dump_config(settings))
            write_json(out / "environment.json", describe_environment())

        is_finished = _is_finished(out, settings)
        task.on_start = None if is_finished else describe_run  # else it would claim another origin
        began = time.monotonic()
        progress = TrainingProgress(settings.training.steps, quiet=quiet)
        state = fit(task, settings.training, out, resume=resume, progress=progress)
    return TrainingSummary(
        out / f"step-{state.step:08d}",
        out / f"step-{state.best_step:08d}",
        state.best_nll,
        time.monotonic() - began,
    )


def _is_finished(out: Path, settings: TrainSpeechVQVAE) -> bool:
    """Whether the run in `out` has all its steps, so that these settings would change nothing.

    Raises:
        InputError: it has, by other settings than these.
    """
    done = checkpoints(out)
    if not done or int(done[-1].name.removeprefix("step-")) < settings.training.steps:
        return False
    before = load_config(out / "config.yaml", TrainSpeechVQVAE).training
    for name, wanted in settings.training:
        if name not in FREE and getattr(before, name) != wanted:
            raise InputError(
                f"{out}: has its {settings.training.steps} steps, by training.{name}"
                f" {getattr(before, name)} and not {wanted}; give another --out, or more steps"
            )
    return True


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
        names.append(str(self.batches.crops_per_epoch))
        return hashlib.sha256(" ".join(names).encode()).hexdigest()[:16]

    def compute_losses(self, step_and_batch: tuple[int, Batch]) -> dict[str, torch.Tensor]:
        step, batch = step_and_batch
        training = self.settings.training
        waveform, speaker, length = (
            tensor.to(self.device, non_blocking=True) for tensor in batch[:3]
        )
        heard = warp_frequencies(waveform, training.warp)
        heard = disturb(heard, training.augment) if training.augment else heard
        is_guided = self.model.guide is not None and training.guide_weight > 0
        is_first = step < training.guide_steps
        if is_first:
            output = self.model.quantize(heard)
        else:
            output = self.model.score(waveform, speaker, length, heard=heard)
        losses = self.model.losses(output)
        if is_guided:
            losses["guide"] = self.model.guide_loss(output, waveform, speaker, length)
            losses["loss"] = losses["loss"] + training.guide_weight * losses["guide"]
        if is_first:
            del losses["nll"]  # there is none
        self._last = output
        self._is_real = self.model.real_frames(length, self.crop // self.model.hop)
        return losses

    def update_codebook(self, optimizer: Optimizer) -> None:
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
