"""The 3-D form of the first stage: a VQ-VAE over clips, built, saved, loaded and scored.

The same quantiser and the same class as for speech and pictures (section 3: latents on one, two or
three axes); a code stands for 4 x 4 pixels of 2 or 4 frames.
"""

import math
import os
from functools import partial
from typing import Any

from recipes.frames.convolutions import STRIDE
from recipes.frames.level_vqvae import LevelVQVAE, load_level_vqvae, score_levels
from recipes.frames.likelihoods import build_likelihood
from recipes.frames.settings import NetworkSettings
from recipes.video.clip_networks import ClipDecoder, ClipEncoder
from recipes.video.clip_settings import ClipVQVAESettings
from recipes.video.clips import ClipSet


class ClipVQVAE(LevelVQVAE):
    """Levels (B, 3, T, H, W) to codes (B, T / time_stride, H / 4, W / 4[, G]) and back.

    Args:
        settings: written into its checkpoints.
    """

    kind, format, schema = "clip-vqvae", 1, ClipVQVAESettings
    settings: ClipVQVAESettings

    def __init__(self, settings: ClipVQVAESettings):
        stride = settings.time_stride
        super().__init__(
            settings, partial(_build_encoder, stride=stride), partial(_build_decoder, stride=stride)
        )


def _build_encoder(network: NetworkSettings, dim: int, *, stride: int) -> ClipEncoder:
    return ClipEncoder(network.channels, dim, stride, network.residual_blocks)


def _build_decoder(network: NetworkSettings, dim: int, *, stride: int) -> ClipDecoder:
    likelihood = build_likelihood(network.likelihood, network.scales)
    return ClipDecoder(dim, network.channels, likelihood, stride, network.residual_blocks)


def load_clip_vqvae(path: str | os.PathLike) -> tuple[ClipVQVAE, dict[str, Any]]:
    """A trained model from a run, a checkpoint or a model folder, and its config.json.

    Raises:
        InputError: another kind of model, another format, or broken files.
    """
    return load_level_vqvae(path, ClipVQVAE, "a VQ-VAE over clips")


def score_clips(model: ClipVQVAE, clips: ClipSet) -> dict[str, float]:
    """How well clips are reconstructed, and how many codes that takes: see `score_levels`."""
    return score_levels(model, clips.batches())


def bits_of_clip(model: ClipVQVAE, frames: int, height: int, width: int) -> float:
    """Bits of a clip's codes when all are equally likely: t h w G log2 K."""
    quantizer = model.quantizer
    cells = (frames // model.settings.time_stride) * (height // STRIDE) * (width // STRIDE)
    return cells * quantizer.groups * math.log2(quantizer.num_codes)


def clip_compression(model: ClipVQVAE, frames: int, height: int, width: int) -> float:
    """Bits of the raw levels over bits of the codes."""
    return frames * height * width * 3 * 8 / bits_of_clip(model, frames, height, width)
