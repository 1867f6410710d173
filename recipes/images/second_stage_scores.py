"""Whether the 27 bits of the second stage say anything: held-out codes with them and without.

N pictures, h x w codes each. Scores are paired picture by picture. The frames of one walk are
alike, so means are taken over each source (an episode) first, and intervals over sources.
"""

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from recipes.frames.batches import as_array
from recipes.frames.code_map import check_size
from recipes.frames.first_stage import PictureVQVAE, load_picture_vqvae
from recipes.frames.grids import contact_sheet, write_png
from recipes.frames.intervals import interval
from recipes.frames.model_folder import training_seconds
from recipes.frames.pictures import PictureData
from recipes.images.code_prior import PicturePrior, load_prior
from recipes.images.draw import draw_from_latents
from recipes.images.encoded import EncodedSet, encode_set
from recipes.images.first_stage_scores import spread
from recipes.images.second_stage import SecondStage, load_second_stage
from vqspeech.checkpoint import find_model, hash_folder
from vqspeech.devices import choose_device
from vqspeech.environment import describe_environment
from vqspeech.errors import InputError
from vqspeech.files import write_json
from vqspeech.nn.quantizer import perplexity

BATCH = 32


def examine_second_stage(
    model: str | os.PathLike,
    prior: str | os.PathLike,
    second: str | os.PathLike,
    data: PictureData,
    out: str | os.PathLike,
    *,
    count: int = 8,
    seed: int = 0,
    temperature: float = 1.0,
    device: str = "auto",
) -> dict[str, Any]:
    """Score the second stage on the test part, show frames, and write `second.json`.

    Writes `second.png`: originals, what the first stage makes of them, and three times what 27
    bits make of them.

    Args:
        model: the first stage.
        prior: a PixelCNN of the same size over the same codes, without latents.
        second: the second stage.
        data: its part test is scored.
        count: frames that are shown.
        seed, temperature: of the samples.

    Raises:
        VQSpeechError: models or pictures are not as they should be, or of different sizes.
    """
    where, out = choose_device(device), Path(out)
    folder = find_model(model)
    first, _ = load_picture_vqvae(folder)
    first.to(where)
    name = hash_folder(folder)
    stage = load_second_stage(second, name).to(where)
    alone = load_prior(prior, name).to(where)
    if alone.settings != stage.settings.pixelcnn:
        raise InputError(
            f"{prior}: a PixelCNN of another size than that of {second}; train one with the same "
            "settings, so that the latents are all the difference"
        )
    if alone.class_names:
        raise InputError(f"{prior}: is told of classes, the second stage is not; train one without")
    test = data.part("test")
    check_size(stage.code_map, test.pixels.shape[1:3], second)
    encoded = encode_set(first, test)
    nats = score_codes(stage, alone, encoded, seed)
    shown = spread(test, count)
    rows = [shown.pixels, *_pictures(first, stage, encode_set(first, shown), seed, temperature)]
    write_png(out / "second.png", contact_sheet(np.concatenate(rows), count))
    height, width = test.pixels.shape[1:3]
    facts = {
        "kind": "second-stage-scores",
        "format": 1,
        "data": data.name,
        "size": width,
        "test_pictures": len(test),
        "bits": stage.bits,
        "first_stage_bits": encoded.codes[0].numel() * math.log2(stage.code_map.num_codes),
        "raw_bits": height * width * 3 * 8,
        "compression": height * width * 3 * 8 / stage.bits,
        "settings": stage.settings.model_dump(mode="json"),
        **summarise_codes(nats, encoded),
        "perplexity": _perplexity(stage, encoded),
        "training_seconds": training_seconds({"second stage": second, "without latents": prior}),
        "environment": describe_environment("python -m recipes.images.examine_second"),
    }
    write_json(out / "second.json", facts)
    return facts


@torch.no_grad()
def score_codes(
    stage: SecondStage, alone: PicturePrior, encoded: EncodedSet, seed: int
) -> dict[str, np.ndarray]:
    """Nats of each picture's codes, (N,): `with` its latents, `without`, and `shuffled`.

    Shuffled latents are those of a picture of another source, wherever there is one.
    """
    device = next(stage.parameters()).device
    latents = second_codes(stage, encoded.codes)
    others = torch.from_numpy(derange(encoded.sources, seed))
    found: dict[str, list[Tensor]] = {"with": [], "without": [], "shuffled": []}
    for i in range(0, len(encoded), BATCH):
        codes = encoded.codes[i : i + BATCH].to(device)
        own = stage.latents(latents[i : i + BATCH])
        other = stage.latents(latents[others[i : i + BATCH].to(device)])
        found["with"].append(stage.decoder.nats(codes, own).flatten(1).sum(1))
        found["shuffled"].append(stage.decoder.nats(codes, other).flatten(1).sum(1))
        found["without"].append(alone.nats(codes).flatten(1).sum(1))
    return {key: torch.cat(parts).double().cpu().numpy() for key, parts in found.items()}


@torch.no_grad()
def second_codes(stage: SecondStage, codes: Tensor) -> Tensor:
    """What stands for codes (N, h, w) of the first stage: (N, 1, 1, G), on the stage's device."""
    device = next(stage.parameters()).device
    return torch.cat([stage.codes(stage.embed(part.to(device))) for part in codes.split(BATCH)])


def derange(sources: np.ndarray, seed: int) -> np.ndarray:
    """For each picture another one, of another source where there are two or more: (N,) indices."""
    count = len(sources)
    order = np.random.default_rng(seed).permutation(count)
    others = np.empty(count, np.int64)
    for place, index in enumerate(order):
        following = np.roll(order, -place - 1)
        is_other = sources[following] != sources[index]
        others[index] = following[is_other.argmax()] if is_other.any() else following[0]
    return others


def summarise_codes(nats: dict[str, np.ndarray], encoded: EncodedSet) -> dict[str, Any]:
    """Bits a picture and a code, and what the latents save, with intervals over sources."""
    codes = encoded.codes[0].numel()
    bits = {
        key: np.array([values[encoded.sources == s].mean() for s in np.unique(encoded.sources)])
        / math.log(2)
        for key, values in nats.items()
    }  # each (sources,)
    return {
        "bits_a_picture": {key: float(means.mean()) for key, means in bits.items()},
        "bits_a_code": {key: float(means.mean() / codes) for key, means in bits.items()},
        "saved": interval(bits["without"] - bits["with"]),
        "lost_by_shuffling": interval(bits["shuffled"] - bits["with"]),
    }


@torch.no_grad()
def _perplexity(stage: SecondStage, encoded: EncodedSet) -> list[float]:
    """Of each latent's codes."""
    codes = second_codes(stage, encoded.codes).flatten(0, 2)  # (N, G)
    size = stage.quantizer.num_codes
    return [float(perplexity(torch.bincount(group, minlength=size))) for group in codes.T]


@torch.no_grad()
def _pictures(
    first: PictureVQVAE, stage: SecondStage, encoded: EncodedSet, seed: int, temperature: float
) -> list[np.ndarray]:
    """Reconstructions by the first stage, then three by 27 bits, each (N, H, W, 3) uint8."""
    device = next(first.parameters()).device
    codes = encoded.codes.to(device)
    latents = second_codes(stage, codes)
    drawn = [
        draw_from_latents(stage, latents, seed=seed + turn, temperature=temperature).to(device)
        for turn in range(3)
    ]
    return [as_array(first.pictures(each)) for each in (codes, *drawn)]


def format_second_stage(facts: dict[str, Any]) -> str:
    """The scores as text, and what they mean where they mean little."""
    saved, lost = facts["saved"], facts["lost_by_shuffling"]
    bits = facts["bits_a_picture"]
    lines = [
        f"{facts['data']}, {facts['test_pictures']} held-out frames: {facts['bits']:.0f} bits for "
        f"{facts['raw_bits']} ({facts['compression']:.0f} times smaller); first stage "
        f"{facts['first_stage_bits']:.0f}",
        f"codes of the first stage: {bits['with']:.1f} bits with the latents, "
        f"{bits['without']:.1f} without",
        f"saved {_told(saved)}; lost by another frame's latents {_told(lost)}; perplexity "
        + ", ".join(f"{value:.0f}" for value in facts["perplexity"]),
    ]
    if saved["bits"] > facts["bits"]:
        lines.append(
            "more is saved than the latents can say: the PixelCNN without them learnt too little"
        )
    return "\n".join(lines)


def _told(entry: dict[str, Any]) -> str:
    if entry["low"] is None:
        return f"{entry['bits']:.1f} bits"
    return f"{entry['bits']:.1f} bits [{entry['low']:.1f}, {entry['high']:.1f}]"
