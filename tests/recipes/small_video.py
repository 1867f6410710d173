"""Tiny priors over frames, as objects and as folders; their weights are drawn."""

import torch
from small_pictures import SMALL_PIXELCNN

from recipes.frames.code_map import CodeMap
from recipes.video.settings import ContextSettings, VideoPriorSettings
from recipes.video.video_prior import VideoPrior, video_prior_config
from vqspeech.checkpoint import hash_folder, save_folder

SMALL_CONTEXT = ContextSettings(channels=8, blocks=1, embedding_channels=4, map_channels=4)


def build_video_prior(code_map, action_names=("forward", "right", "left"), *, context=2, seed=0):
    torch.manual_seed(seed)
    settings = VideoPriorSettings(
        context=context,
        actions=bool(action_names),
        network=SMALL_CONTEXT,
        pixelcnn=SMALL_PIXELCNN,
    )
    embedding = torch.randn(code_map.num_codes, 4)
    prior = VideoPrior(settings, code_map, tuple(action_names), embedding).eval()
    with torch.no_grad():
        prior.pixelcnn.head[-1].weight.mul_(20)  # far from uniform
    return prior


def save_video_prior(folder, vqvae_folder, action_names=("forward", "right", "left"), **changes):
    """The folder of a prior over 2 x 2 codes of 8."""
    code_map = CodeMap(8, 1, 2, 2, hash_folder(vqvae_folder))
    prior = build_video_prior(code_map, action_names, **changes)
    files = {"config.json": video_prior_config(prior), "model.safetensors": prior.state_dict()}
    save_folder(folder, files)
    return prior
