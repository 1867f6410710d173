"""Tiny pictures and models of them, as objects and as folders; their weights are drawn."""

import numpy as np
import torch

from recipes.frames.batches import as_tensor
from recipes.frames.code_map import CodeMap
from recipes.frames.convolutions import prepare
from recipes.frames.first_stage import PictureVQVAE
from recipes.frames.level_vqvae import level_config
from recipes.frames.pictures import PictureData, PictureSet
from recipes.frames.settings import NetworkSettings, PixelCNNSettings, VQVAESettings
from recipes.images.code_prior import PicturePrior, prior_config
from recipes.images.settings import SecondStageSettings
from vqspeech.checkpoint import hash_folder, save_folder
from vqspeech.config.schema import QuantizerSettings

SMALL_NETWORK = NetworkSettings(channels=4, residual_blocks=1)
SMALL_PIXELCNN = PixelCNNSettings(
    channels=8, layers=3, kernel_size=3, first_kernel_size=5, head_channels=8
)


def noise(count, size, *, sources=2, classes=0, seed=0):
    """Pictures of noise; neighbours are of different sources and classes."""
    rng = np.random.default_rng(seed)
    index = np.arange(count)
    return PictureSet(
        rng.integers(256, size=(count, size, size, 3), dtype=np.uint8),
        index % sources,
        index % classes if classes else None,
        tuple(f"walk{i}" for i in range(sources)),
    )


def noise_data(size, *, classes=0, count=6):
    parts = {
        part: noise(count, size, classes=classes, seed=seed)
        for seed, part in enumerate(("train", "valid", "test"))
    }
    return PictureData("made-up", parts, tuple(f"class{i}" for i in range(classes)))


def build_vqvae(*, num_codes=8, groups=1, seen=None):
    torch.manual_seed(0)
    quantizer = QuantizerSettings(num_codes=num_codes, groups=groups, dim=4 * groups)
    vqvae = PictureVQVAE(VQVAESettings(network=SMALL_NETWORK, quantizer=quantizer)).eval()
    # Among the vectors that an untrained encoder gives, so that pictures differ in their codes.
    seen = torch.randn(8, 3, 16, 16) if seen is None else prepare(as_tensor(seen))
    vectors = vqvae.encode(seen).detach()
    vqvae.quantizer.initialize(vectors, torch.Generator().manual_seed(0))
    return vqvae


def save_vqvae(folder, *, size=8, **sizes):
    vqvae = build_vqvae(**sizes)
    files = {"config.json": level_config(vqvae, size, "made-up")}
    save_folder(folder, files | {"model.safetensors": vqvae.state_dict()})
    return vqvae


def build_prior(code_map, classes=(), seed=0):
    torch.manual_seed(seed)
    prior = PicturePrior(SMALL_PIXELCNN, code_map, tuple(classes)).eval()
    with torch.no_grad():
        prior.pixelcnn.head[-1].weight.mul_(20)  # far from uniform
    return prior


def save_prior(folder, vqvae_folder, *, classes=(), **code_map):
    """The folder of a prior over 2 x 2 codes of 8, but for what is said."""
    sizes = {"num_codes": 8, "groups": 1, "height": 2, "width": 2} | code_map
    prior = build_prior(CodeMap(**sizes, model_hash=hash_folder(vqvae_folder)), classes)
    files = {"config.json": prior_config(prior), "model.safetensors": prior.state_dict()}
    save_folder(folder, files)
    return prior


def small_second_stage(**changes):
    quantizer = QuantizerSettings(num_codes=8, groups=3, dim=12, decay=0.9)
    sizes = {"pixelcnn": SMALL_PIXELCNN, "channels": 8, "condition_channels": 4}
    return SecondStageSettings(**sizes | {"quantizer": quantizer} | changes)
