"""p(z_t | z_t-6 .. z_t-1, a): a gated PixelCNN over a frame's codes that sees the frames before.

Section 4.4. A network without masks turns the codes of the frames before into a map that is aligned
with the frame, and the map goes into every layer of the PixelCNN; so does the action, which the
network knows too: where a turn moves things to is its business.

Shapes: B frames, T frames before each, h x w codes of K.
"""

import os
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recipes.frames.code_map import CodeMap
from recipes.frames.model_folder import load_weights, read_model_config, read_model_settings
from recipes.video.context_network import ContextNetwork
from recipes.video.settings import VideoPriorSettings
from vqspeech.errors import InputError
from vqspeech.nn.pixelcnn import GatedPixelCNN

KIND, FORMAT = "video-prior", 1


class VideoPrior(nn.Module):
    """The distribution of a frame's codes.

    Attributes:
        network: the `ContextNetwork`; None for a prior that sees no frames before.
        pixelcnn: the `GatedPixelCNN`; actions are its classes, the network's map its condition.

    Args:
        settings: written into its checkpoints.
        code_map: of the codes that it is fitted to; of one group.
        action_names: of the actions that it is told; empty for none.
        embedding: see `ContextNetwork`.

    Raises:
        ValueError: settings that do not fit each other or the codes.
    """

    def __init__(
        self,
        settings: VideoPriorSettings,
        code_map: CodeMap,
        action_names: tuple[str, ...],
        embedding: Tensor,
    ):
        super().__init__()
        if code_map.groups != 1:
            raise ValueError(f"codes of {code_map.groups} groups; one is wanted")
        if settings.actions != bool(action_names):
            raise ValueError(f"model.actions is {settings.actions}, beside names {action_names}")
        self.settings, self.code_map, self.action_names = settings, code_map, action_names
        wide = settings.network.map_channels if settings.context else 0
        self.network = self.guide = None
        if settings.context:
            self.network = ContextNetwork(
                settings.network, settings.context, len(action_names), embedding
            )
            self.guide = nn.Conv2d(wide, code_map.num_codes, 1)
        self.pixelcnn = GatedPixelCNN(
            code_map.num_codes,
            num_classes=len(action_names),
            spatial_channels=wide,
            **settings.pixelcnn.model_dump(),
        )

    @property
    def context(self) -> int:
        """T, the frames that it sees."""
        return self.settings.context

    def condition(self, before: Tensor | None, actions: Tensor | None) -> Tensor | None:
        """What the PixelCNN is told beside the action: (B, map_channels, h, w); None if T is 0.

        Raises:
            ValueError: frames or actions are missing or unasked for, or of another shape.
        """
        if (actions is not None) != bool(self.action_names):
            wanted = "are wanted" if self.action_names else "are none of its business"
            raise ValueError(f"actions {wanted}")
        if self.network is None:
            return None
        if before is None or before.shape[1:] != self.frame_shape:
            found = None if before is None else tuple(before.shape)
            raise ValueError(f"frames before of shape {found}; (B, *{self.frame_shape}) is wanted")
        return self.network(before, actions)

    @property
    def frame_shape(self) -> tuple[int, int, int]:
        """(T, h, w) of the frames before."""
        return self.context, self.code_map.height, self.code_map.width

    def nats(self, codes: Tensor, before: Tensor | None, actions: Tensor | None) -> Tensor:
        """-log p of each code given all before it: (B, h, w) float32.

        Args:
            codes: (B, h, w) of the frames.
            before: (B, T, h, w); not looked at if T is 0.
            actions: (B,) int64 that led to the frames, wanted exactly when it is told of actions.
        """
        return self.nats_given(codes, self.condition(before, actions), actions)

    def nats_given(self, codes: Tensor, spatial: Tensor | None, actions: Tensor | None) -> Tensor:
        """The same, given the map of `condition`."""
        logits = self.pixelcnn(codes, actions, spatial)
        return F.cross_entropy(logits.float(), codes, reduction="none")

    def guide_nats(self, codes: Tensor, spatial: Tensor) -> Tensor:
        """-log p of each code given the map of `condition` alone: (B, h, w) float32.

        Nothing is sampled from it; by it the map learns to say what comes next.
        """
        return F.cross_entropy(self.guide(spatial).float(), codes, reduction="none")


def video_prior_config(prior: VideoPrior) -> dict[str, Any]:
    """What config.json of a prior holds."""
    return {
        "kind": KIND,
        "format": FORMAT,
        "model": prior.settings.model_dump(mode="json"),
        "codes": prior.code_map._asdict(),
        "actions": list(prior.action_names),
        "embedding": list(prior.network.embedding.shape) if prior.network is not None else [1, 1],
    }


def load_video_prior(path: str | os.PathLike, model_hash: str | None = None) -> VideoPrior:
    """A trained prior from a run, a checkpoint or a model folder.

    Args:
        model_hash: of the VQ-VAE whose codes it must have been fitted to.

    Raises:
        InputError: another kind of model, another's codes, or broken files.
    """
    folder, config = read_model_config(path, {KIND: FORMAT}, "a prior over frames")
    settings = read_model_settings(folder, config, VideoPriorSettings)
    code_map = CodeMap(**config["codes"])
    if model_hash is not None and code_map.model_hash != model_hash:
        raise InputError(
            f"{folder}: a prior over the codes of model {code_map.model_hash}, not of "
            f"{model_hash}; train one for this model"
        )
    names = tuple(config["actions"])
    prior = VideoPrior(settings, code_map, names, torch.ones(config["embedding"]))
    load_weights(prior, folder)
    return prior.eval()
