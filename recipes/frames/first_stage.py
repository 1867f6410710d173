"""A VQ-VAE over pictures: built from settings, saved with them, loaded, and scored."""

import math
import os
from typing import Any

import torch
from torch import Tensor

from recipes.frames.batches import as_tensor
from recipes.frames.convolutions import STRIDE, PictureDecoder, PictureEncoder, prepare
from recipes.frames.likelihoods import build_likelihood
from recipes.frames.model_folder import load_weights, read_model_config, read_model_settings
from recipes.frames.pictures import PictureSet
from recipes.frames.settings import NetworkSettings, VQVAESettings
from vqspeech.models.vqvae import VQVAE, VQVAEOutput
from vqspeech.nn.quantizer import VectorQuantizer, perplexity

KIND, FORMAT = "picture-vqvae", 1
BATCH = 64  # pictures that are scored or encoded at once


class PictureVQVAE(VQVAE):
    """The VQ-VAE of section 4.1: levels (B, 3, H, W) to codes (B, H / 4, W / 4[, G]) and back.

    Args:
        settings: written into its checkpoints.
    """

    def __init__(self, settings: VQVAESettings):
        quantizer = VectorQuantizer(**settings.quantizer.model_dump(exclude={"initialize"}))
        super().__init__(
            build_encoder(settings.network, quantizer.dim),
            quantizer,
            build_decoder(settings.network, quantizer.dim),
        )
        self.settings = settings

    def score(self, pixels: Tensor) -> VQVAEOutput:
        """Encode levels (B, 3, H, W) and score them."""
        return self(prepare(pixels), pixels)

    def codes_of(self, pixels: Tensor) -> Tensor:
        """Codes (B, h, w[, G]) of levels."""
        return self.codes(prepare(pixels))

    def pictures(self, codes: Tensor) -> Tensor:
        """What codes look like: the expected levels rounded, (B, 3, H, W) uint8."""
        return self.decoder.mean(self.latents(codes)).round().clamp(0, 255).to(torch.uint8)


def build_encoder(settings: NetworkSettings, out_channels: int) -> PictureEncoder:
    """Levels to `out_channels` numbers for every 4 x 4 pixels."""
    return PictureEncoder(settings.channels, out_channels, settings.residual_blocks)


def build_decoder(settings: NetworkSettings, in_channels: int) -> PictureDecoder:
    """The mirror image, with the likelihood that the settings name."""
    likelihood = build_likelihood(settings.likelihood, settings.scales)
    return PictureDecoder(in_channels, settings.channels, likelihood, settings.residual_blocks)


def picture_config(model: PictureVQVAE, size: int, data: str) -> dict[str, Any]:
    """What config.json holds.

    Args:
        size: pixels a side of the pictures that it was trained for.
        data: what they may be called.
    """
    settings = model.settings.model_dump(mode="json")
    return {"kind": KIND, "format": FORMAT, "model": settings, "size": size, "data": data}


def load_picture_vqvae(path: str | os.PathLike) -> tuple[PictureVQVAE, dict[str, Any]]:
    """A trained model from a run, a checkpoint or a model folder, and its config.json.

    Raises:
        InputError: another kind of model, another format, or broken files.
    """
    folder, config = read_model_config(path, {KIND: FORMAT}, "a VQ-VAE over pictures")
    model = PictureVQVAE(read_model_settings(folder, config, VQVAESettings))
    load_weights(model, folder)
    return model.eval(), config


@torch.no_grad()
def encode_pictures(model: PictureVQVAE, pictures: PictureSet) -> Tensor:
    """Codes of all pictures, (N, h, w[, G]) int64 on the CPU."""
    device = next(model.parameters()).device
    parts = [
        model.codes_of(as_tensor(pictures.pixels[i : i + BATCH]).to(device)).cpu()
        for i in range(0, len(pictures), BATCH)
    ]
    return torch.cat(parts)


@torch.no_grad()
def score_pictures(model: PictureVQVAE, pictures: PictureSet) -> dict[str, float]:
    """How well pictures are reconstructed, and how many codes that takes.

    Returns:
        nll: nats a dimension of -log p(x | z_q), without what the codes cost. pixel_bits: the same
        in bits. nmse: mean squared error over the variance of the levels, each colour about its own
        mean. psnr: dB, of the mean squared error. perplexity and codes_used: of the codes of all
        these pictures together, averaged over the groups.
    """
    device = next(model.parameters()).device
    nats = squares = 0.0
    total = torch.zeros(3, dtype=torch.float64)
    total_squares = torch.zeros(3, dtype=torch.float64)
    elements = 0
    quantizer = model.quantizer
    counts = torch.zeros(quantizer.groups, quantizer.num_codes)
    for i in range(0, len(pictures), BATCH):
        pixels = as_tensor(pictures.pixels[i : i + BATCH]).to(device)
        encoded = model.encode(prepare(pixels))
        quantized = model.quantizer(encoded)
        parameters = model.decoder(quantized.latents.movedim(-1, 1))
        nats += float(model.decoder.likelihood.nats(parameters, pixels).double().sum())
        mean = model.decoder.likelihood.mean(parameters)
        squares += float((mean - pixels).double().square().sum())
        levels = pixels.double().movedim(1, -1).reshape(-1, 3).cpu()
        total += levels.sum(0)
        total_squares += levels.square().sum(0)
        elements += pixels.numel()
        codes = quantized.codes.reshape(-1, quantizer.groups).cpu()
        for group in range(quantizer.groups):
            counts[group] += torch.bincount(codes[:, group], minlength=quantizer.num_codes)
    per_channel = elements / 3
    variance = float((total_squares / per_channel - (total / per_channel).square()).mean())
    mse = squares / elements
    return {
        "nll": nats / elements,
        "pixel_bits": nats / elements / math.log(2),
        "nmse": mse / max(variance, 1e-9),
        "psnr": 10 * math.log10(255**2 / max(mse, 1e-9)),
        "perplexity": float(perplexity(counts).mean()),
        "codes_used": float((counts > 0).sum(1).float().mean()),
    }


def bits_of_codes(model: PictureVQVAE, height: int, width: int) -> float:
    """Bits of one picture's codes when all are equally likely: h w G log2 K."""
    quantizer = model.quantizer
    cells = (height // STRIDE) * (width // STRIDE)
    return cells * quantizer.groups * math.log2(quantizer.num_codes)


def compression(model: PictureVQVAE, height: int, width: int) -> float:
    """Bits of the raw levels over bits of the codes, 42.67 for 128 x 128 to 32 x 32 of 512."""
    return height * width * 3 * 8 / bits_of_codes(model, height, width)
