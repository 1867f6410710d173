"""Train the prior: settings and code directories in, a run out."""

import contextlib
import hashlib
import math
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from vqspeech.checkpoint import load_json
from vqspeech.config.loader import load_config
from vqspeech.config.schema import TrainSpeechPrior
from vqspeech.data.code_crops import (
    FORMAT,
    CodeBatch,
    CodeCrops,
    check_same_codes,
    spread_utterances,
    whole_utterances,
)
from vqspeech.data.codes import CodeDir, read_code_dir
from vqspeech.errors import InputError
from vqspeech.files import write_json
from vqspeech.models.build import prior_config
from vqspeech.models.prior import CodeFormat, SpeechPrior
from vqspeech.stages.held_out import check_held_out
from vqspeech.stages.score_ngrams import ngram_baselines
from vqspeech.training.fit import Task
from vqspeech.training.run import (
    TrainingSummary,
    check_resumable,
    get_ready,
    run_training,
)

VALIDATION_BATCH = 8  # utterances
MOST_NGRAM_CODES = 10_000_000  # that n-grams are counted in: some 15 s and 1 GB


def train_prior(
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

    Beside the checkpoints, `ngrams.json` says how many nats a code n-grams of the same codes need
    for the validation set.

    Args:
        config: a settings file for `TrainSpeechPrior`.
        train: code directories of one model.
        valid: a code directory of the same model, of held-out utterances.
        out: the run; one process at a time works in it.
        resume: "auto", "never" or "must".
        overrides: `training.steps=100` and the like.
        device: "auto", "cpu", "cuda:0", ...
        quiet: no progress.

    Raises:
        VQSpeechError: settings, codes, device or run are not as they should be; see each child.
    """
    settings = load_config(config, TrainSpeechPrior, overrides)
    where = get_ready(settings.training, device)
    train_dirs = [read_code_dir(path) for path in train]
    valid_dir = read_code_dir(valid)
    check_same_codes(train_dirs[0], valid_dir)
    check_held_out(valid, valid_dir, train_dirs)
    for codes in (*train_dirs, valid_dir):
        if not len(codes.codes):
            raise InputError(f"{codes.path}: holds no codes; encode other recordings")
    check_resumable(out, resume)

    def make_task() -> Task:
        utterances = Counter(u.speaker for codes in train_dirs for u in codes.utterances.values())
        fewest = settings.training.speaker_utterances
        speakers = tuple(sorted(name for name, count in utterances.items() if count >= fewest))
        code_format = CodeFormat(**{name: getattr(valid_dir, name) for name in FORMAT})
        prior = SpeechPrior(settings.model, code_format, speakers).to(where)
        return _PriorTask(prior, settings, train_dirs, valid_dir, Path(out)).task()

    unit = "nats a code"
    return run_training(out, settings, make_task, resume=resume, quiet=quiet, unit=unit)


@torch.no_grad()
def score_prior(
    prior: SpeechPrior, code_dir: CodeDir, keys: Sequence[str] | None = None
) -> dict[str, float]:
    """The likelihood of whole utterances, from the first code to the last.

    Args:
        prior: in evaluation mode; its device is where the work is done.
        code_dir: of the prior's codes.
        keys: utterances; all without it.

    Returns:
        nll: nats a code; bits: the same in bits; bits_per_second.
    """
    device = next(prior.parameters()).device
    nats, codes = 0.0, 0
    for batch in whole_utterances(code_dir, VALIDATION_BATCH, prior.speakers, keys):
        scored = prior.nll(*(tensor.to(device) for tensor in batch[:3]))
        nats += float(scored.nats.sum())
        codes += int(scored.elements.sum())
    bits = nats / codes / math.log(2)
    return {
        "nll": nats / codes,
        "bits": bits,
        "bits_per_second": bits * code_dir.rate * code_dir.groups,
    }


class _PriorTask:
    """What the loop asks for, in terms of a prior and its codes."""

    def __init__(
        self,
        prior: SpeechPrior,
        settings: TrainSpeechPrior,
        train: Sequence[CodeDir],
        valid: CodeDir,
        out: Path,
    ):
        self.prior, self.settings, self.train, self.valid = prior, settings, train, valid
        self.out = out
        self.device = next(prior.parameters()).device
        training = settings.training
        crop = max(round(training.crop_seconds * valid.rate), 1)
        self.chosen = spread_utterances(valid, training.validation_seconds)
        self.batches = CodeCrops(train, training.batch_size, crop, training.seed, prior.speakers)

    def task(self) -> Task:
        return Task(
            self.prior,
            self.compute_losses,
            self.batches.batch,
            config=prior_config(self.prior),
            identity={"data": self._digest()},
            on_start=self.write_ngrams,
            validate=self.validate,
            describe=lambda batch: list(batch.utterances),
        )

    def _digest(self) -> str:
        """Of what is trained on: other codes make another run."""
        digest = hashlib.sha256()
        for codes in sorted(self.train, key=lambda codes: min(codes)):
            digest.update(" ".join(codes).encode())
            digest.update(codes.codes.tobytes())
        return digest.hexdigest()[:16]

    def compute_losses(self, batch: CodeBatch) -> dict[str, Tensor]:
        codes, speaker, length = (tensor.to(self.device, non_blocking=True) for tensor in batch[:3])
        training = self.settings.training
        if self.prior.speaker is not None:
            is_hidden = torch.rand(speaker.shape, device=self.device) < training.speaker_dropout
            speaker = torch.where(is_hidden, self.prior.nobody, speaker)
        heard = codes
        if training.corruption:
            is_wrong = torch.rand(codes.shape, device=self.device) < training.corruption
            num_codes = self.prior.code_format.num_codes
            heard = torch.where(is_wrong, torch.randint_like(codes, num_codes), codes)
        nats = self.prior.nats(codes, speaker, heard)  # (B, T)
        counted = self.prior.real_codes(length, codes)
        nll = (nats * counted).sum() / counted.sum()
        return {"loss": nll, "nll": nll}

    def write_ngrams(self) -> None:
        """What the prior has to beat on the utterances that it is validated on."""
        path, scored = self.out / "ngrams.json", self._digest_validation()
        with contextlib.suppress(InputError):  # there is none, or half of one
            if load_json(path).get("scored") == scored:
                return  # the run goes on
        # Of a large corpus a part: training is not to wait for minutes, nor for memory.
        seconds = MOST_NGRAM_CODES / sum(codes.rate * codes.groups for codes in self.train)
        fit_on = {key for codes in self.train for key in spread_utterances(codes, seconds)}
        facts = {"valid": str(self.valid.path), "scored": scored, "fit_utterances": len(fit_on)}
        try:
            nats = ngram_baselines(self.train, self.valid, self.valid, self.chosen, fit_on)
        except InputError as error:  # more kinds of frames than can be counted; a prior can be had
            facts["left_out"] = str(error)
            nats = {"uniform": math.log(self.prior.code_format.num_codes)}
        write_json(path, facts | {"nats": nats})

    def _digest_validation(self) -> str:
        """Of what is scored: a run may go on with other utterances, or more of them."""
        digest = hashlib.sha256()
        for key in self.chosen:
            digest.update(key.encode())
            digest.update(self.valid[key].tobytes())
        return digest.hexdigest()[:16]

    def validate(self) -> dict[str, float]:
        return score_prior(self.prior, self.valid, self.chosen)
