"""How the models of the recipes are read: which folder, what is in it, and its weights."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from vqspeech.checkpoint import find_model, load_json, load_tensors, verify_folder, weights_file
from vqspeech.config.loader import Schema, parse_config
from vqspeech.errors import InputError


def read_model_config(
    path: str | os.PathLike, formats: Mapping[str, int], wanted: str
) -> tuple[Path, dict[str, Any]]:
    """The folder that is meant by `path`, all its files as they were written, and its config.json.

    Args:
        path: a run, a checkpoint or a model folder.
        formats: the format of each kind of model that will do.
        wanted: what the folder should hold, for the error.

    Raises:
        InputError: another kind of model, another format, or broken files.
    """
    folder = find_model(path)
    place = folder / "config.json"
    config = load_json(place)
    kind = config.get("kind")
    if kind not in formats:
        raise InputError(f"{folder}: holds a {kind}; give the folder of {wanted}")
    if config.get("format") != formats[kind]:
        raise InputError(
            f"{place}: format {config.get('format')}, this version reads {formats[kind]}; use the "
            "version that wrote it"
        )
    verify_folder(folder)
    return folder, config


def read_model_settings(folder: Path, config: Mapping[str, Any], schema: type[Schema]) -> Schema:
    """The settings that a model was built from.

    Raises:
        InputError: there are none, or they are not of this kind of model.
    """
    place = folder / "config.json"
    if not isinstance(config.get("model"), dict):
        raise InputError(f"{place}: no settings of a model; copy the folder again")
    return parse_config(config["model"], schema, str(place))


def training_seconds(paths: Mapping[str, str | os.PathLike]) -> dict[str, float]:
    """How long runs took up to the checkpoints that are meant; of a shared model it is not known.

    Args:
        paths: name to a run, a checkpoint or a model folder.
    """
    found = {}
    for name, path in paths.items():
        state = find_model(path) / "state.json"
        if state.is_file():
            found[name] = float(load_json(state)["seconds"])
    return found


def steps_of(folder: Path) -> int | None:
    """After how many steps a checkpoint was written; of a shared model it is not known."""
    return int(folder.name.removeprefix("step-")) if folder.name[:5] == "step-" else None


def load_weights(model: nn.Module, folder: Path) -> None:
    """Fill a model with the weights of its folder, the averaged ones of a checkpoint.

    Raises:
        InputError: they are of a model of other settings, or cannot be read.
    """
    path = weights_file(folder)
    try:
        model.load_state_dict(load_tensors(path))
    except RuntimeError as error:  # names or shapes
        raise InputError(
            f"{path}: not the weights of the settings beside it; copy the folder again"
        ) from error
