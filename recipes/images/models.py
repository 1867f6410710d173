"""The three models of section 4.1 by their settings: built, written into config.json, loaded."""

import os
from typing import Any

from recipes.frames.first_stage import FORMAT as VQVAE_FORMAT
from recipes.frames.first_stage import KIND as VQVAE_KIND
from recipes.frames.first_stage import PictureVQVAE
from recipes.frames.level_vqvae import level_config
from recipes.frames.model_folder import load_weights, read_model_config, read_model_settings
from recipes.frames.settings import VQVAESettings
from recipes.images.sampled_latents import SampledLatents
from recipes.images.settings import VAESettings, VIMCOSettings
from recipes.images.vae import PictureVAE

PictureModel = PictureVQVAE | PictureVAE | SampledLatents
FORMAT = 1
_SETTINGS = {
    VQVAE_KIND: VQVAESettings,
    PictureVAE.kind: VAESettings,
    SampledLatents.kind: VIMCOSettings,
}
_FORMATS = dict.fromkeys(_SETTINGS, FORMAT) | {VQVAE_KIND: VQVAE_FORMAT}


def build_model(settings: VQVAESettings | VAESettings | VIMCOSettings) -> PictureModel:
    """A model with fresh weights, drawn from torch's random state."""
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
        return level_config(model, size, data)
    settings = model.settings.model_dump(mode="json")
    return {"kind": model.kind, "format": FORMAT, "model": settings, "size": size, "data": data}


def load_model(path: str | os.PathLike) -> tuple[PictureModel, dict[str, Any]]:
    """A trained model from a run, a checkpoint or a model folder, and its config.json.

    Raises:
        InputError: no model of pictures, another format, or broken files.
    """
    folder, config = read_model_config(path, _FORMATS, "a model of pictures")
    model = build_model(read_model_settings(folder, config, _SETTINGS[config["kind"]]))
    load_weights(model, folder)
    return model.eval(), config
