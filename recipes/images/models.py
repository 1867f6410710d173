"""The three models of section 4.1 by their settings: built, written into config.json, loaded."""

import os
from typing import Any

import torch

from recipes.frames.first_stage import KIND as VQVAE_KIND
from recipes.frames.first_stage import PictureVQVAE, load_picture_vqvae, picture_config
from recipes.frames.settings import VQVAESettings
from recipes.images.sampled_latents import SampledLatents
from recipes.images.settings import VAESettings, VIMCOSettings
from recipes.images.vae import PictureVAE
from vqspeech.checkpoint import find_model, load_json, load_tensors, verify_folder, weights_file
from vqspeech.config.loader import parse_config
from vqspeech.errors import InputError

PictureModel = PictureVQVAE | PictureVAE | SampledLatents
FORMAT = 1
_SETTINGS = {PictureVAE.kind: VAESettings, SampledLatents.kind: VIMCOSettings}


def build_model(settings: VQVAESettings | VAESettings | VIMCOSettings) -> PictureModel:
    """A model with fresh weights, drawn from torch's random state.

    Raises:
        ValueError: sizes that do not fit each other.
    """
    match settings:
        case VQVAESettings():
            return PictureVQVAE(settings)
        case VAESettings():
            return PictureVAE(settings)
        case VIMCOSettings():
            return SampledLatents(settings)


def model_config(model: PictureModel, size: int, data: str) -> dict[str, Any]:
    """What config.json holds; `data` is what the pictures may be called."""
    if isinstance(model, PictureVQVAE):
        return picture_config(model, size, data)
    settings = model.settings.model_dump(mode="json")
    return {"kind": model.kind, "format": FORMAT, "model": settings, "size": size, "data": data}


def load_model(path: str | os.PathLike) -> tuple[PictureModel, dict[str, Any]]:
    """A trained model from a run, a checkpoint or a model folder, and its config.json.

    Raises:
        InputError: no model of pictures, another format, or broken files.
    """
    folder = find_model(path)
    config = load_json(folder / "config.json")
    if config.get("kind") == VQVAE_KIND:
        return load_picture_vqvae(folder)
    if config.get("kind") not in _SETTINGS or config.get("format") != FORMAT:
        raise InputError(
            f"{folder}: holds a {config.get('kind')}; give the folder of a model of pictures"
        )
    verify_folder(folder)
    schema = _SETTINGS[config["kind"]]
    model = build_model(parse_config(config["model"], schema, str(folder / "config.json")))
    try:
        model.load_state_dict(load_tensors(weights_file(folder)))
    except RuntimeError as error:
        raise InputError(f"{folder}: its weights do not fit its settings; copy it again") from error
    return model.eval(), config


def seeded(seed: int) -> torch.Generator:
    """A generator of a seed, on the CPU, so that its numbers are the same on any device."""
    return torch.Generator().manual_seed(seed)
