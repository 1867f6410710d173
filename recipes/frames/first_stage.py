"""A VQ-VAE over pictures: built from settings, saved with them, loaded, and scored."""

import math
import os
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from recipes.frames.batches import as_tensor
from recipes.frames.convolutions import STRIDE, PictureDecoder, PictureEncoder
from recipes.frames.level_vqvae import LevelVQVAE, load_level_vqvae, score_levels
from recipes.frames.likelihoods import build_likelihood
from recipes.frames.pictures import PictureSet
from recipes.frames.settings import NetworkSettings, VQVAESettings

KIND, FORMAT = "picture-vqvae", 1
BATCH = 64  # pictures that are scored or encoded at once


class PictureVQVAE(LevelVQVAE):
    """The VQ-VAE of section 4.1: levels (B, 3, H, W) to codes (B, H / 4, W / 4[, G]) and back.

    Args:
        settings: written into its checkpoints.
    """

    kind, format, schema = KIND, FORMAT, VQVAESettings

    def __init__(self, settings: VQVAESettings):
        super().__init__(settings, build_encoder, build_decoder)


def build_encoder(settings: NetworkSettings, out_channels: int) -> PictureEncoder:
    """Levels to `out_channels` numbers for every 4 x 4 pixels."""
    return PictureEncoder(settings.channels, out_channels, settings.residual_blocks)


def build_decoder(settings: NetworkSettings, in_channels: int) -> PictureDecoder:
    """The mirror image, with the likelihood that the settings name."""
    likelihood = build_likelihood(settings.likelihood, settings.scales)
    return PictureDecoder(in_channels, settings.channels, likelihood, settings.residual_blocks)


def load_picture_vqvae(path: str | os.PathLike) -> tuple[PictureVQVAE, dict[str, Any]]:
    """A trained model from a run, a checkpoint or a model folder, and its config.json.

    Raises:
        InputError: another kind of model, another format, or broken files.
    """
    return load_level_vqvae(path, PictureVQVAE, "a VQ-VAE over pictures")


@torch.no_grad()
def encode_pictures(model: PictureVQVAE, pictures: PictureSet) -> Tensor:
    """Codes of all pictures, (N, h, w[, G]) int64 on the CPU."""
    device = next(model.parameters()).device
    return torch.cat([model.codes_of(part.to(device)).cpu() for part in batches_of(pictures)])


def score_pictures(model: PictureVQVAE, pictures: PictureSet) -> dict[str, float]:
    """How well pictures are reconstructed, and how many codes that takes: see `score_levels`."""
    return score_levels(model, batches_of(pictures))


def batches_of(pictures: PictureSet) -> Iterable[Tensor]:
    """All pictures in order, at most `BATCH` at once: (B, 3, H, W) uint8 on the CPU."""
    for i in range(0, len(pictures), BATCH):
        yield as_tensor(pictures.pixels[i : i + BATCH])


def bits_of_codes(model: PictureVQVAE, height: int, width: int) -> float:
    """Bits of one picture's codes when all are equally likely: h w G log2 K."""
    quantizer = model.quantizer
    cells = (height // STRIDE) * (width // STRIDE)
    return cells * quantizer.groups * math.log2(quantizer.num_codes)


def compression(model: PictureVQVAE, height: int, width: int) -> float:
    """Bits of the raw levels over bits of the codes, 42.67 for 128 x 128 to 32 x 32 of 512."""
    return height * width * 3 * 8 / bits_of_codes(model, height, width)
