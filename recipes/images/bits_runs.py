"""The runs of a comparison in bits per dimension: trained where they are not, scored, told."""

import functools
import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from recipes.frames.batches import as_tensor
from recipes.frames.command import RunOptions
from recipes.frames.first_stage import PictureVQVAE, bits_of_codes, score_pictures
from recipes.frames.model_folder import training_seconds
from recipes.frames.pictures import PictureData
from recipes.images.code_prior import PicturePrior, load_prior
from recipes.images.compare_bits import by_source, paired_differences, summarise
from recipes.images.datasets import load_for_command
from recipes.images.models import load_model
from recipes.images.near_codes import neighbour_gain, uniform_log_prior
from recipes.images.score_bits import histogram_bits, score_systems
from recipes.images.settings import TrainPictureModel
from recipes.images.train_model import train_picture_model
from recipes.images.train_on_codes import train_picture_prior
from vqspeech.checkpoint import hash_folder
from vqspeech.config.loader import load_config
from vqspeech.devices import choose_device
from vqspeech.environment import describe_environment
from vqspeech.errors import InputError, UsageError

PRIOR = "prior.yaml"
NEAREST = 2  # next-nearest codes of each latent that enlarge the bound
FOLDS = 3  # of the photographs: each is tested in one of them


# Every run asks for its pictures, and cutting thousands of crops takes seconds.
_load = functools.lru_cache(FOLDS)(load_for_command)


@dataclass(frozen=True)
class Source:
    """Where pictures come from."""

    spec: str
    size: int
    cache: Path
    limit: int | None = None  # pictures of a class in each part

    def load(self, seed: int) -> PictureData:
        """The data of a seed; of `photos` those of a fold, so that seeds test all photographs.

        Classes are left out: a prior that is told of them would bound p(x | class), not p(x).
        """
        spec = f"photos:{seed % FOLDS}" if self.spec == "photos" else self.spec
        data = _load(spec, self.size, self.cache, self.limit)
        parts = {name: replace(part, labels=None) for name, part in data.parts.items()}
        return replace(data, parts=parts, class_names=())


@dataclass(frozen=True)
class Comparison:
    """All models of a folder of settings over one data set.

    Attributes:
        source: the pictures.
        models: a folder of settings files.
        out: the runs go here, and those that are finished are not trained again.
        options: of all runs.
        samples: of the bounds that take many.
        neighbours: pictures of the first seed whose bound is enlarged by near codes; 0 for none.
    """

    source: Source
    models: Path
    out: Path
    options: RunOptions
    samples: int
    neighbours: int

    def run(self, seeds: int, grid: str, betas: str) -> dict[str, Any]:
        """Train, score and gather; JSON-ready.

        Args:
            seeds: 0 to seeds - 1.
            grid: "1x512,4x64": VQ-VAEs of so many groups of so many codes, with the first seed.
            betas: "0.1,0.5": commitment costs, likewise.

        Raises:
            VQSpeechError: a setting, a picture or a run is not as it should be.
        """
        shapes, costs = read_grid(grid), read_numbers(betas)
        if shapes or costs:
            self._vqvae_config()  # a missing one is told before hours of training
        configs = sorted(p for p in self.models.glob("*.yaml") if p.name != PRIOR)
        if not configs:
            raise InputError(f"{self.models}: holds no settings (*.yaml); give a folder of them")
        began = time.monotonic()
        runs: list[dict[str, Any]] = []
        usage: dict[str, Any] = {}
        for config, seed in itertools.product(configs, range(seeds)):
            runs += self._scored(config, seed, f"{config.stem}-seed{seed}", (), usage)
        systems = list(dict.fromkeys(run["system"] for run in runs))
        data = [self.source.load(seed) for seed in range(seeds)]
        return {
            "kind": "bits-per-dim",
            "format": 1,
            "data": data[0].name,
            "size": self.source.size,
            "pictures": {part: len(data[0].part(part)) for part in ("train", "valid", "test")},
            "seeds": seeds,
            "histogram_bits": sum(histogram_bits(d.part("test")) for d in data) / len(data),
            "systems": summarise(runs),
            "differences": paired_differences(runs, systems),
            "usage": usage,
            "grid": [self._grid_row(groups, codes) for groups, codes in shapes],
            "betas": [self._beta_row(cost) for cost in costs],
            "near_codes": self._near_codes(data[0]) if self.neighbours else None,
            "runs": runs,
            "training_seconds": {"all runs": self._trained_for()},
            "seconds": time.monotonic() - began,
            "environment": describe_environment("python -m recipes.images.bits_per_dim"),
        }

    def _trained_for(self) -> float:
        """Seconds of all runs, whenever they were trained."""
        runs = {str(path): path for path in self.out.iterdir() if (path / "latest").exists()}
        return sum(training_seconds({name: run / "latest" for name, run in runs.items()}).values())

    def _scored(
        self,
        config: Path,
        seed: int,
        name: str,
        overrides: tuple[str, ...],
        usage: dict[str, Any],
        with_prior: bool = True,
    ) -> Iterator[dict[str, Any]]:
        """Train a model, and a prior over its codes, unless that was done; score every system."""
        data = self.source.load(seed)
        overrides = (*self.options.overrides, f"training.seed={seed}", *overrides)
        options = self.options._replace(overrides=overrides)
        summary = train_picture_model(config, data, self.out / name, options)
        model, _ = load_model(summary.checkpoint)
        model.to(choose_device(self.options.device))
        prior = None
        if with_prior:
            prior = self._prior(model, summary.checkpoint, data, seed, name)
        test = data.part("test")
        found = score_systems(model, test, prior=prior, samples=self.samples, seed=seed)
        if isinstance(model, PictureVQVAE):
            scores = score_pictures(model, test)
            height, width = test.pixels.shape[1:3]
            usage[name] = scores | {"latent_bits": bits_of_codes(model, height, width)}
        for system, score in found.items():
            yield {
                "system": system,
                "run": name,
                "seed": seed,
                "sources": by_source(score, test),
                "facts": score.facts,
            }

    def _prior(
        self, model: torch.nn.Module, folder: Path, data: PictureData, seed: int, name: str
    ) -> PicturePrior | None:
        config = self.models / PRIOR
        if not isinstance(model, PictureVQVAE) or not config.is_file():
            return None
        options = self.options._replace(overrides=(f"training.seed={seed}",))
        summary = train_picture_prior(config, folder, data, self.out / f"{name}-prior", options)
        prior = load_prior(summary.best, hash_folder(folder))
        return prior.to(next(model.parameters()).device)

    def _vqvae_config(self) -> Path:
        config = self.models / "vqvae.yaml"
        if not config.is_file():
            raise InputError(f"{config}: missing; --grid and --betas vary its settings")
        return config

    def _grid_row(self, groups: int, codes: int) -> dict[str, Any]:
        """A VQ-VAE of so many latents a place, each as wide as those of `vqvae.yaml`."""
        config = self._vqvae_config()
        quantizer = load_config(config, TrainPictureModel, self.options.overrides).model.quantizer
        overrides = (
            f"model.quantizer.groups={groups}",
            f"model.quantizer.num_codes={codes}",
            f"model.quantizer.dim={quantizer.dim // quantizer.groups * groups}",
        )
        return {"groups": groups, "num_codes": codes} | self._row(
            f"vqvae-{groups}x{codes}", overrides
        )

    def _beta_row(self, cost: float) -> dict[str, Any]:
        overrides = (f"model.quantizer.commitment_cost={cost}",)
        return {"beta": cost} | self._row(f"vqvae-beta{cost:g}", overrides, with_prior=False)

    def _row(
        self, name: str, overrides: tuple[str, ...], with_prior: bool = True
    ) -> dict[str, Any]:
        usage: dict[str, Any] = {}
        config = self._vqvae_config()
        runs = [*self._scored(config, 0, name, overrides, usage, with_prior)]
        return {"systems": summarise(runs), **usage[name]}

    def _near_codes(self, data: PictureData) -> dict[str, Any] | None:
        """What the bound gains from codes beside the nearest (section 3.2), all as likely."""
        run = self.out / "vqvae-seed0"
        if not run.is_dir():
            return None
        model, _ = load_model(run / "latest")
        model.to(choose_device(self.options.device))
        test = data.part("test")
        every = max(1, len(test) // self.neighbours)
        pixels = as_tensor(test.pixels[::every][: self.neighbours])
        log_prior = uniform_log_prior(model.quantizer.num_codes)
        device = next(model.parameters()).device
        gain = neighbour_gain(model, pixels.to(device), log_prior, neighbours=NEAREST)
        return {
            "pictures": len(pixels),
            "neighbours": NEAREST,
            "evaluations": gain.evaluations,
            "gain_bits": float(gain.bits.mean()),
            "gain_bits_per_dim": float(gain.bits_per_dimension.mean()),
        }


def read_grid(text: str) -> list[tuple[int, int]]:
    """`1x512,4x64` as pairs of groups and codes.

    Raises:
        UsageError: anything else.
    """
    try:
        pairs = [tuple(map(int, entry.split("x"))) for entry in text.split(",") if entry]
    except ValueError:
        pairs = [()]
    if any(len(pair) != 2 or min(pair) < 1 for pair in pairs):
        raise UsageError(f"--grid {text}: groups and codes were wanted, such as 1x512,4x64")
    return pairs


def read_numbers(text: str) -> list[float]:
    """`0.1,0.5` as numbers of 0 or more.

    Raises:
        UsageError: anything else.
    """
    try:
        numbers = [float(entry) for entry in text.split(",") if entry]
    except ValueError:
        numbers = [-1.0]
    if not all(0 <= number < math.inf for number in numbers):
        raise UsageError(f"--betas {text}: numbers of 0 or more were wanted, such as 0.1,0.5")
    return numbers
