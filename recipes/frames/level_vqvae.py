"""A VQ-VAE over levels, be they of pictures or of clips: what both can do, and their scores.

Shapes: B examples; *axes H x W of pictures, T x H x W of clips; fewer of each for codes.
"""

import math
import os
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Protocol, TypeVar

import torch
from torch import Tensor, nn

from recipes.frames.convolutions import LevelDecoder, prepare
from recipes.frames.model_folder import load_weights, read_model_config, read_model_settings
from recipes.frames.settings import NetworkSettings
from vqspeech.config.schema import QuantizerSettings, Settings
from vqspeech.models.vqvae import VQVAE, VQVAEOutput
from vqspeech.nn.quantizer import VectorQuantizer, perplexity


class FirstStageSettings(Protocol):
    """What the settings of pictures and of clips have in common."""

    network: NetworkSettings
    quantizer: QuantizerSettings


class LevelVQVAE(VQVAE):
    """Levels (B, 3, *axes) uint8 to codes (B, *axes[, G]) and back.

    Attributes:
        kind, format: in config.json.
        schema: of its settings; the class makes a model of these alone.

    Args:
        settings: written into its checkpoints.
        build_encoder: of the network's settings and D.
        build_decoder: likewise.
    """

    kind: ClassVar[str]
    format: ClassVar[int]
    schema: ClassVar[type[Settings]]
    decoder: LevelDecoder

    def __init__(
        self,
        settings: FirstStageSettings,
        build_encoder: Callable[[NetworkSettings, int], nn.Module],
        build_decoder: Callable[[NetworkSettings, int], LevelDecoder],
    ):
        quantizer = VectorQuantizer(**settings.quantizer.model_dump(exclude={"initialize"}))
        super().__init__(
            build_encoder(settings.network, quantizer.dim),
            quantizer,
            build_decoder(settings.network, quantizer.dim),
        )
        self.settings = settings

    def score(self, levels: Tensor) -> VQVAEOutput:
        """Encode levels and score them."""
        return self(prepare(levels), levels)

    def codes_of(self, levels: Tensor) -> Tensor:
        """Codes (B, *axes[, G]) of levels."""
        return self.codes(prepare(levels))

    def pictures(self, codes: Tensor) -> Tensor:
        """What codes look like: the expected levels rounded, (B, 3, *axes) uint8."""
        return self.decoder.mean(self.latents(codes)).round().clamp(0, 255).to(torch.uint8)


Model = TypeVar("Model", bound=LevelVQVAE)


def level_config(model: LevelVQVAE, size: int, data: str) -> dict[str, Any]:
    """What config.json holds.

    Args:
        size: pixels a side of what it was trained for.
        data: what that may be called.
    """
    settings = model.settings.model_dump(mode="json")
    names = {"kind": model.kind, "format": model.format}
    return {**names, "model": settings, "size": size, "data": data}


def load_level_vqvae(
    path: str | os.PathLike, of: type[Model], wanted: str
) -> tuple[Model, dict[str, Any]]:
    """A trained model from a run, a checkpoint or a model folder, and its config.json.

    Args:
        of: its class.
        wanted: what that is, for errors.

    Raises:
        InputError: another kind of model, another format, or broken files.
    """
    folder, config = read_model_config(path, {of.kind: of.format}, wanted)
    model = of(read_model_settings(folder, config, of.schema))
    load_weights(model, folder)
    return model.eval(), config


class LevelScores:
    """Sums over batches of levels that say how well they are reconstructed by how many codes."""

    def __init__(self, model: LevelVQVAE):
        self._model = model
        self._device = next(model.parameters()).device
        self._nats = self._squares = 0.0
        self._elements = 0
        self._levels = torch.zeros(2, 3, dtype=torch.float64)  # of each colour: sum, and of squares
        self._counts = torch.zeros(model.quantizer.groups, model.quantizer.num_codes)

    @torch.no_grad()
    def add(self, levels: Tensor) -> Tensor:
        """Take levels (B, 3, *axes); the mean squared error of each example, (B,) float64."""
        levels = levels.to(self._device)
        decoder, quantizer = self._model.decoder, self._model.quantizer
        quantized = quantizer(self._model.encode(prepare(levels)))
        parameters = decoder(quantized.latents.movedim(-1, 1))
        self._nats += float(decoder.nats(parameters, levels).double().sum())
        squares = (decoder.mean_of(parameters) - levels).double().square().flatten(1)  # (B, N)
        self._squares += float(squares.sum())
        colours = levels.double().movedim(1, -1).reshape(-1, 3).cpu()
        self._levels += torch.stack([colours.sum(0), colours.square().sum(0)])
        self._elements += levels.numel()
        codes = quantized.codes.reshape(-1, quantizer.groups).cpu()
        for group in range(quantizer.groups):
            self._counts[group] += torch.bincount(codes[:, group], minlength=quantizer.num_codes)
        return squares.mean(1).cpu()

    def result(self) -> dict[str, float]:
        """The scores of all that was taken; see `score_levels`."""
        total, squares = self._levels / (self._elements / 3)
        variance = float((squares - total.square()).mean())
        mse = self._squares / self._elements
        nats = self._nats / self._elements
        return {
            "nll": nats,
            "pixel_bits": nats / math.log(2),
            "nmse": mse / max(variance, 1e-9),
            "psnr": psnr(mse),
            "perplexity": float(perplexity(self._counts).mean()),
            "codes_used": float((self._counts > 0).sum(1).float().mean()),
        }


def psnr(mse: float) -> float:
    """Decibels of a mean squared error of levels: 10 log10(255^2 / mse)."""
    return 10 * math.log10(255**2 / max(mse, 1e-9))


def score_levels(model: LevelVQVAE, batches: Iterable[Tensor]) -> dict[str, float]:
    """How well levels are reconstructed, and how many codes that takes.

    Args:
        batches: (B, 3, *axes) uint8 each.

    Returns:
        nll: nats a dimension of -log p(x | z_q), without what the codes cost. pixel_bits: the same
        in bits. nmse: mean squared error over the variance of the levels, each colour about its own
        mean. psnr: dB, of the mean squared error. perplexity and codes_used: of the codes of all
        of them together, averaged over the groups.
    """
    scores = LevelScores(model)
    for levels in batches:
        scores.add(levels)
    return scores.result()
