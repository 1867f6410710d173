"""What a first stage and its prior come to on held-out pictures, with pictures to look at."""

import math
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from recipes.frames.batches import as_array, as_tensor
from recipes.frames.code_map import check_size
from recipes.frames.first_stage import (
    PictureVQVAE,
    bits_of_codes,
    compression,
    load_picture_vqvae,
    score_pictures,
)
from recipes.frames.grids import contact_sheet, write_png
from recipes.frames.model_folder import steps_of, training_seconds
from recipes.frames.pictures import PictureData, PictureSet
from recipes.images.code_prior import PicturePrior, load_prior
from recipes.images.draw import draw_codes
from recipes.images.encoded import encode_set
from vqspeech.checkpoint import find_model, hash_folder
from vqspeech.devices import choose_device
from vqspeech.environment import describe_environment
from vqspeech.errors import InputError
from vqspeech.files import write_json

BATCH = 32
MOST_CLASSES = 16  # of which samples are drawn: ImageNet has 1,000


def examine_first_stage(
    model: str | os.PathLike,
    prior: str | os.PathLike | None,
    data: PictureData,
    out: str | os.PathLike,
    *,
    count: int = 8,
    seed: int = 0,
    temperature: float = 1.0,
    device: str = "auto",
) -> dict[str, Any]:
    """Score a VQ-VAE on the test part, show what it does, and write `scores.json`.

    Writes `reconstructions.png`, originals above reconstructions; with a prior `samples.png`, a
    row for each class, or for each of `MOST_CLASSES` from first to last.

    Args:
        model: a VQ-VAE of pictures.
        prior: over its codes; None for none.
        data: its part test is scored.
        count: pictures in a row.
        seed, temperature: of the samples.

    Raises:
        VQSpeechError: models or pictures are not as they should be.
    """
    where, out = choose_device(device), Path(out)
    folder = find_model(model)
    vqvae, config = load_picture_vqvae(folder)
    vqvae.to(where)
    test = data.part("test")
    height, width = test.pixels.shape[1:3]
    shown = spread(test, count)
    sheet = np.concatenate([shown.pixels, reconstruct(vqvae, shown)])
    write_png(out / "reconstructions.png", contact_sheet(sheet, count), _scale(width))
    facts: dict[str, Any] = {
        "kind": "first-stage-scores",
        "format": 1,
        "data": data.name,
        "size": width,
        "steps": steps_of(folder),
        "model": config["model"],
        "model_hash": hash_folder(folder),
        "test_pictures": len(test),
        "codes": [height // 4, width // 4, vqvae.quantizer.groups, vqvae.quantizer.num_codes],
        "code_bits": bits_of_codes(vqvae, height, width),
        "compression": compression(vqvae, height, width),
        "scores": score_pictures(vqvae, test),
        "prior": None,
    }
    if prior is not None:
        own = load_prior(prior, facts["model_hash"]).to(where)
        if own.class_names and own.class_names != data.class_names:
            raise InputError(
                f"{prior}: is told of {len(own.class_names)} classes that {data.name} does not "
                "have; give the data that it was trained on"
            )
        check_size(own.code_map, test.pixels.shape[1:3], prior)
        facts["prior"] = score_prior(own, vqvae, test)
        began = time.monotonic()
        drawn = _draw(own, count, seed, temperature)
        facts["prior"]["seconds_a_sample"] = (time.monotonic() - began) / len(drawn)
        pictures = as_array(torch.cat([vqvae.pictures(c.to(where)) for c in drawn.split(BATCH)]))
        write_png(out / "samples.png", contact_sheet(pictures, count), _scale(width))
    runs = {"VQ-VAE": model} | ({"prior": prior} if prior is not None else {})
    facts["training_seconds"] = training_seconds(runs)
    facts["environment"] = describe_environment("python -m recipes.images.examine")
    write_json(out / "scores.json", facts)
    return facts


def spread(pictures: PictureSet, count: int) -> PictureSet:
    """So many pictures from first to last; one is shown twice where there are few."""
    index = np.linspace(0, len(pictures) - 1, count).round().astype(np.int64)
    labels = None if pictures.labels is None else pictures.labels[index]
    return PictureSet(pictures.pixels[index], pictures.sources[index], labels, pictures.names)


@torch.no_grad()
def reconstruct(model: PictureVQVAE, pictures: PictureSet) -> np.ndarray:
    """Pictures through their codes, (N, H, W, 3) uint8."""
    device = next(model.parameters()).device
    parts = as_tensor(np.asarray(pictures.pixels)).to(device).split(BATCH)
    return as_array(torch.cat([model.pictures(model.codes_of(part)) for part in parts]))


@torch.no_grad()
def score_prior(prior: PicturePrior, model: PictureVQVAE, pictures: PictureSet) -> dict[str, Any]:
    """Bits a code that held-out pictures need, by the prior and if all codes are equally likely.

    With classes, also what it needs when it is told another class than that of the picture.
    """
    encoded = encode_set(model, pictures)
    device = next(prior.parameters()).device
    labels = encoded.labels if prior.class_names else None

    def bits(classes: torch.Tensor | None) -> float:
        nats = 0.0
        for i in range(0, len(encoded), BATCH):
            own = None if classes is None else classes[i : i + BATCH].to(device)
            part = prior.nats(encoded.codes[i : i + BATCH].to(device), own)
            nats += float(part.double().sum())
        return nats / encoded.codes.numel() / math.log(2)

    facts = {
        "bits_a_code": bits(labels),
        "uniform_bits_a_code": math.log2(prior.code_map.num_codes),
        "classes": list(prior.class_names),
    }
    if len(prior.class_names) > 1:
        facts["bits_a_code_other_class"] = bits((labels + 1) % len(prior.class_names))
    return facts


def _draw(prior: PicturePrior, count: int, seed: int, temperature: float) -> torch.Tensor:
    """`count` maps of each class, one class after another; without classes two rows of them."""
    names = len(prior.class_names)
    shown = np.linspace(0, names - 1, min(names, MOST_CLASSES)).round().astype(int)
    classes = np.repeat(shown, count).tolist()
    return draw_codes(
        prior,
        len(classes) or 2 * count,
        classes=classes or None,
        seed=seed,
        temperature=temperature,
    )


def _scale(width: int) -> int:
    """Small pictures are shown larger."""
    return max(1, 64 // width)


def format_first_stage(facts: dict[str, Any]) -> str:
    """The scores as text."""
    scores, prior = facts["scores"], facts["prior"]
    height, width, groups, codes = facts["codes"]
    lines = [
        f"{facts['data']}, {facts['test_pictures']} held-out pictures of {facts['size']} x "
        f"{facts['size']}: {height} x {width} x {groups} codes of {codes}, "
        f"{facts['code_bits']:.0f} bits, {facts['compression']:.2f} times smaller",
        f"NMSE {scores['nmse']:.3f}  PSNR {scores['psnr']:.1f} dB  pixels "
        f"{scores['pixel_bits']:.3f} bits each  perplexity {scores['perplexity']:.0f}  codes used "
        f"{scores['codes_used']:.0f}",
    ]
    if prior:
        lines.append(
            f"prior {prior['bits_a_code']:.3f} bits a code, all equally likely "
            f"{prior['uniform_bits_a_code']:.0f}"
        )
        if "bits_a_code_other_class" in prior:
            lines.append(f"told another class {prior['bits_a_code_other_class']:.3f}")
    return "\n".join(lines)
