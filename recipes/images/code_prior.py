"""The prior of section 4.2: a gated PixelCNN over the codes of a VQ-VAE of pictures.

B pictures, h x w places, G groups, K codes of each. The codes of a place follow one another, group
by group: the PixelCNN sees a map of h x (w G) codes and is told at each whose turn it is.
"""

import os
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recipes.frames.code_map import CodeMap
from recipes.frames.model_folder import load_weights, read_model_config, read_model_settings
from recipes.frames.settings import PixelCNNSettings
from vqspeech.errors import InputError
from vqspeech.nn.pixelcnn import GatedPixelCNN

KIND, FORMAT = "picture-prior", 1


class PicturePrior(nn.Module):
    """p(codes), or p(codes | class).

    Args:
        settings: sizes; written into its checkpoints.
        code_map: of the codes that it is fitted to.
        class_names: of the classes that it is told of; empty for none.
    """

    def __init__(
        self, settings: PixelCNNSettings, code_map: CodeMap, class_names: tuple[str, ...] = ()
    ):
        super().__init__()
        self.settings, self.code_map, self.class_names = settings, code_map, class_names
        self.pixelcnn = GatedPixelCNN(
            code_map.num_codes,
            num_classes=len(class_names),
            spatial_channels=code_map.groups if code_map.groups > 1 else 0,
            **settings.model_dump(),
        )

    def as_map(self, codes: Tensor) -> Tensor:
        """Codes (B, h, w[, G]) as one map (B, h, w G)."""
        return codes.flatten(2) if self.code_map.groups > 1 else codes

    def from_map(self, codes: Tensor) -> Tensor:
        """Undo `as_map`."""
        groups = self.code_map.groups
        return codes.unflatten(2, (-1, groups)) if groups > 1 else codes

    def turns(self, batch: int) -> Tensor | None:
        """Which group each place of the map is of, (B, G, h, w G); None for one group."""
        groups = self.code_map.groups
        if groups == 1:
            return None
        like = self.pixelcnn.embedding.weight
        row = torch.eye(groups, dtype=like.dtype, device=like.device)
        row = row.repeat(1, self.code_map.width)  # (G, w G)
        return row[:, None].expand(batch, -1, self.code_map.height, -1)

    def nats(self, codes: Tensor, classes: Tensor | None = None) -> Tensor:
        """-log p of each code given all before it: (B, h, w G) float32.

        Args:
            codes: (B, h, w), or (B, h, w, G).
            classes: (B,) int64, wanted exactly when it is told of classes.
        """
        codes = self.as_map(codes)
        logits = self.pixelcnn(codes, classes, self.turns(len(codes)))
        return F.cross_entropy(logits.float(), codes, reduction="none")

    def log_prior(self, codes: Tensor, classes: Tensor | None = None) -> Tensor:
        """log p of whole maps, (B,)."""
        return -self.nats(codes, classes).flatten(1).sum(1)


def prior_config(prior: PicturePrior) -> dict[str, Any]:
    """What config.json of a prior holds."""
    return {
        "kind": KIND,
        "format": FORMAT,
        "model": prior.settings.model_dump(mode="json"),
        "codes": prior.code_map._asdict(),
        "classes": list(prior.class_names),
    }


def load_prior(path: str | os.PathLike, model_hash: str | None = None) -> PicturePrior:
    """A trained prior from a run, a checkpoint or a model folder.

    Args:
        model_hash: of the VQ-VAE whose codes it must have been fitted to.

    Raises:
        InputError: another kind of model, another's codes, or broken files.
    """
    folder, config = read_model_config(path, {KIND: FORMAT}, "a prior")
    settings = read_model_settings(folder, config, PixelCNNSettings)
    prior = PicturePrior(settings, CodeMap(**config["codes"]), tuple(config["classes"]))
    if model_hash is not None and prior.code_map.model_hash != model_hash:
        raise InputError(
            f"{folder}: a prior over the codes of model {prior.code_map.model_hash}, not of "
            f"{model_hash}; train one for this model"
        )
    load_weights(prior, folder)
    return prior.eval()
