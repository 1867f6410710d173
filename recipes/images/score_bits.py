"""What each of the three models needs for a picture it was not trained on, in nats.

N pictures, S samples. A system is a model with a way to count: a VQ-VAE has two, its codes being
equally likely or as likely as a learnt prior says.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from recipes.frames.batches import as_tensor
from recipes.frames.first_stage import PictureVQVAE, bits_of_codes
from recipes.frames.pictures import PictureSet
from recipes.images.code_prior import PicturePrior
from recipes.images.models import PictureModel
from recipes.images.sampled_latents import SampledLatents
from recipes.images.vae import PictureVAE
from recipes.images.vimco import importance_bound, weight_spread

BATCH = 32
REPEATS = 4  # draws that a one-sample bound is averaged over


@dataclass(frozen=True)
class SystemScore:
    """An upper bound on -log p(x) of each picture.

    Attributes:
        nats: (N,) float64.
        rate: (N,) the part of it that the latents cost; None where the parts cannot be told apart.
        facts: further numbers, such as the effective number of samples.
    """

    nats: np.ndarray
    rate: np.ndarray | None
    facts: dict[str, float]


@torch.no_grad()
def score_systems(
    model: PictureModel,
    pictures: PictureSet,
    *,
    prior: PicturePrior | None = None,
    samples: int = 50,
    seed: int = 0,
) -> dict[str, SystemScore]:
    """All systems of a model by name.

    Args:
        model: in evaluation mode; its device is where the work is done.
        pictures: held out.
        prior: of a VQ-VAE's codes.
        samples: of the bounds that take many.
        seed: of all samples.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        match model:
            case PictureVQVAE():
                return _score_vqvae(model, pictures, prior)
            case PictureVAE():
                one = _score_one_sample(model, pictures)
                many = _score_samples(model, pictures, samples)
                return {"VAE": one, f"VAE, importance-weighted, {samples} samples": many}
            case SampledLatents():
                kind = "VIMCO" if model.is_categorical else "VIMCO, Gaussian latents"
                many = _score_samples(model, pictures, samples)
                one = _score_one_sample(model, pictures)
                return {f"{kind}, {samples} samples": many, f"{kind}, 1 sample": one}


def _batches(model: PictureModel, pictures: PictureSet) -> list[Tensor]:
    device = next(model.parameters()).device
    return [part.to(device) for part in as_tensor(np.asarray(pictures.pixels)).split(BATCH)]


def _joined(parts: list[Tensor]) -> np.ndarray:
    return torch.cat(parts).double().cpu().numpy()


def _score_vqvae(
    model: PictureVQVAE, pictures: PictureSet, prior: PicturePrior | None
) -> dict[str, SystemScore]:
    distortion, learnt = [], []
    height, width = pictures.pixels.shape[1:3]
    for pixels in _batches(model, pictures):
        output = model.score(pixels)
        distortion.append(output.likelihood.nats)
        if prior is not None:
            learnt.append(-prior.log_prior(output.quantized.codes))
    nats = _joined(distortion)
    uniform = np.full(len(nats), bits_of_codes(model, height, width) * math.log(2))
    found = {"VQ-VAE, uniform prior": SystemScore(nats + uniform, uniform, {})}
    if prior is not None:
        rate = _joined(learnt)
        found["VQ-VAE, learnt prior"] = SystemScore(nats + rate, rate, {})
    return found


def _score_one_sample(model: PictureVAE | SampledLatents, pictures: PictureSet) -> SystemScore:
    rate, total = [], []
    for pixels in _batches(model, pictures):
        bounds = [model.bound(pixels) for _ in range(REPEATS)]
        rate.append(torch.stack([bound.rate for bound in bounds]).mean(0))
        total.append(torch.stack([bound.nats for bound in bounds]).mean(0))
    return SystemScore(_joined(total), _joined(rate), {"draws": REPEATS})


def _score_samples(
    model: PictureVAE | SampledLatents, pictures: PictureSet, samples: int
) -> SystemScore:
    nats, effective = [], []
    for pixels in _batches(model, pictures):
        log_w = model.log_weights(pixels, samples)
        nats.append(-importance_bound(log_w))
        effective.append(weight_spread(log_w).effective_samples)
    facts = {"samples": samples, "effective_samples": float(torch.cat(effective).mean())}
    return SystemScore(_joined(nats), None, facts)


def histogram_bits(pictures: PictureSet) -> float:
    """Entropy of the levels of each colour, as if sub-pixels knew nothing of each other: bits."""
    bits = []
    for colour in range(3):
        counts = np.bincount(np.asarray(pictures.pixels)[..., colour].ravel(), minlength=256)
        share = counts[counts > 0] / counts.sum()
        bits.append(-(share * np.log2(share)).sum())
    return float(np.mean(bits))
