"""A VQ-VAE over the codes of another, with a PixelCNN for its decoder: 27 bits for a picture.

Section 4.2: three latents, each of 512 codes with a codebook of its own, stand for all 21 x 21
codes of a frame. They cannot say all; the PixelCNN makes up the rest.

B pictures, h x w codes of the first stage, G latents of K codes, Z channels of all latents.
"""

import math
import os
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recipes.frames.code_map import CodeMap
from recipes.frames.model_folder import load_weights, read_model_config, read_model_settings
from recipes.images.settings import SecondStageSettings
from vqspeech.errors import InputError
from vqspeech.models.vqvae import VQVAE, Likelihood
from vqspeech.nn.pixelcnn import GatedPixelCNN
from vqspeech.nn.quantizer import VectorQuantizer

KIND, FORMAT = "picture-second-stage", 1
SMALLEST = 3  # positions a side below which the encoder goes no further down


def sides(height: int, width: int) -> list[tuple[int, int]]:
    """Sizes of the maps from the codes down, halved and rounded up: 21, 11, 6, 3."""
    out = [(height, width)]
    while min(out[-1]) > SMALLEST:
        out.append((-(-out[-1][0] // 2), -(-out[-1][1] // 2)))
    return out


class MapEncoder(nn.Module):
    """Embedded codes (B, D, h, w) to one vector (B, Z, 1, 1) that has seen all of them."""

    def __init__(self, in_channels: int, channels: int, out_channels: int, code_map: CodeMap):
        super().__init__()
        maps = sides(code_map.height, code_map.width)
        widths = [in_channels] + [channels] * (len(maps) - 1)
        self.downsample = nn.ModuleList(
            nn.Conv2d(width, channels, 3, stride=2, padding=1) for width in widths[:-1]
        )
        self.output = nn.Conv2d(widths[-1], out_channels, maps[-1])

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.downsample:
            x = F.relu(layer(x))
        return self.output(x)


class MapDecoder(nn.Module):
    """p(codes | latents): a PixelCNN that a map made of the latents conditions everywhere."""

    def __init__(self, in_channels: int, settings: SecondStageSettings, code_map: CodeMap):
        super().__init__()
        self.maps = sides(code_map.height, code_map.width)[::-1]
        width = settings.condition_channels
        self.input = nn.ConvTranspose2d(in_channels, width, self.maps[0])
        self.upsample = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in self.maps[1:])
        self.pixelcnn = GatedPixelCNN(
            code_map.num_codes, spatial_channels=width, **settings.pixelcnn.model_dump()
        )
        self.guide = nn.Conv2d(width, code_map.num_codes, 1)

    def condition(self, latents: Tensor) -> Tensor:
        """Latents (B, Z, 1, 1) as a map (B, condition_channels, h, w)."""
        x = self.input(latents)
        for size, layer in zip(self.maps[1:], self.upsample, strict=True):
            x = layer(F.interpolate(F.relu(x), size=size, mode="nearest"))
        return x

    def nats(self, target: Tensor, latents: Tensor) -> Tensor:
        """-log p of each code given those before it: (B, h, w) float32."""
        logits = self.pixelcnn(target, None, self.condition(latents))
        return F.cross_entropy(logits.float(), target, reduction="none")

    def guide_nats(self, target: Tensor, latents: Tensor) -> Tensor:
        """-log p of each code given the latents alone: (B, h, w) float32.

        Nothing is sampled from it. A PixelCNN learns to do without its condition long before the
        condition says anything; what must predict the codes by itself has to say something.
        """
        logits = self.guide(self.condition(latents))
        return F.cross_entropy(logits.float(), target, reduction="none")

    def nll(
        self,
        target: Tensor,
        latents: Tensor,
        condition: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> Likelihood:
        """-log p of codes (B, h, w), summed over each picture.

        Raises:
            ValueError: a condition or lengths, which maps of codes do not have.
        """
        if condition is not None or lengths is not None:
            raise ValueError("maps of codes have neither a condition nor lengths")
        nats = self.nats(target, latents)
        elements = torch.full((len(target),), nats[0].numel(), device=target.device)
        return Likelihood(nats.flatten(1).sum(1), elements)


class SecondStage(VQVAE):
    """Codes (B, h, w) of a first stage to G codes (B, 1, 1, G) and back.

    Args:
        settings: written into its checkpoints.
        code_map: of the codes that it stands for; of one group.
        embedding: (K, D), what the first stage's decoder takes for each of its codes: how alike
            they are. It is not trained.
    """

    def __init__(self, settings: SecondStageSettings, code_map: CodeMap, embedding: Tensor):
        if code_map.groups != 1:
            raise ValueError(f"codes of {code_map.groups} groups; one is wanted")
        quantizer = VectorQuantizer(**settings.quantizer.model_dump(exclude={"initialize"}))
        super().__init__(
            MapEncoder(embedding.shape[1], settings.channels, quantizer.dim, code_map),
            quantizer,
            MapDecoder(quantizer.dim, settings, code_map),
        )
        self.settings, self.code_map = settings, code_map
        # Of one scale, whatever that of the first stage is.
        self.register_buffer("embedding", embedding / embedding.std().clamp_min(1e-9))

    def embed(self, codes: Tensor) -> Tensor:
        """(B, h, w) to (B, D, h, w)."""
        return F.embedding(codes, self.embedding).movedim(-1, 1)

    @property
    def bits(self) -> float:
        """What a picture costs: 27 for three latents of 512 codes."""
        return self.quantizer.groups * math.log2(self.quantizer.num_codes)


def second_stage_config(model: SecondStage) -> dict[str, Any]:
    """What config.json holds."""
    return {
        "kind": KIND,
        "format": FORMAT,
        "model": model.settings.model_dump(mode="json"),
        "codes": model.code_map._asdict(),
        "embedding": list(model.embedding.shape),
    }


def load_second_stage(path: str | os.PathLike, model_hash: str | None = None) -> SecondStage:
    """A trained second stage from a run, a checkpoint or a model folder.

    Args:
        model_hash: of the first stage whose codes it must have been fitted to.

    Raises:
        InputError: another kind of model, another's codes, or broken files.
    """
    folder, config = read_model_config(path, {KIND: FORMAT}, "a second stage")
    settings = read_model_settings(folder, config, SecondStageSettings)
    code_map = CodeMap(**config["codes"])
    if model_hash is not None and code_map.model_hash != model_hash:
        raise InputError(
            f"{folder}: over the codes of model {code_map.model_hash}, not of {model_hash}; train "
            "one for this model"
        )
    model = SecondStage(settings, code_map, torch.ones(config["embedding"]))
    load_weights(model, folder)
    return model.eval()
