"""What the codes of a speech model are known by: a short hash of all that makes them.

Codes mean the same where the rate, the encoder and the codebook are the same. A decoder that was
trained further and a speaker that was added change neither, so priors, maps of phones and
recordings that were encoded before go on fitting. Nothing here needs torch.
"""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from vqspeech.checkpoint import load_json, weights_file
from vqspeech.config.loader import parse_config
from vqspeech.config.schema import SpeechModelSettings
from vqspeech.errors import InputError

KIND = "speech-vqvae"
# Settings of the bottleneck that say how it is trained, and tensors that only training needs.
# What is not named here counts, so that a new kind of encoder is not taken for an old one.
TRAINING_SETTINGS = {
    "commitment_cost",
    "reduction",
    "codebook_update",
    "decay",
    "restart_below",
    "initialize",
}
TRAINING_TENSORS = ("quantizer.counts", "quantizer.sums")


def hash_codes(folder: str | os.PathLike) -> str:
    """16 hexadecimal digits that two speech models share where their codes mean the same.

    Of the sample rate, the settings of encoder and bottleneck as far as they change codes, and the
    tensors that encode and look up: those of the running average where there is one. An exported
    model, whose matrices are rounded, has the hash of what it was exported from.

    Args:
        folder: a model folder or a checkpoint, as `find_model` gives it.

    Raises:
        InputError: no speech model, or an incomplete one.
    """
    folder = Path(folder)
    config = speech_config(folder)
    exported_from = config.get("codes_of")
    if isinstance(exported_from, str):
        return exported_from
    place = folder / "config.json"
    settings = parse_config(config.get("model") or {}, SpeechModelSettings, str(place))
    # Without what is as it is by default: a setting that a later version adds changes no hash.
    encoder = settings.encoder.model_dump(mode="json", exclude_defaults=True)
    quantizer = settings.quantizer.model_dump(
        mode="json", exclude_defaults=True, exclude=TRAINING_SETTINGS
    )
    facts = [settings.sample_rate, settings.encoder.kind, encoder, quantizer]
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    digest.update(hash_tensors(weights_file(folder), _makes_codes).encode())
    return digest.hexdigest()[:16]


def speech_config(folder: str | os.PathLike) -> dict[str, Any]:
    """The config.json of a speech model.

    Raises:
        InputError: another kind of model, or none.
    """
    config = load_json(Path(folder) / "config.json")
    if config.get("kind") != KIND or not isinstance(config.get("speakers"), list):
        raise InputError(f"{folder}: holds a {config.get('kind')}, a {KIND} was wanted")
    return config


def hash_tensors(path: str | os.PathLike, wanted: Callable[[str], bool]) -> str:
    """sha256 of some tensors of a safetensors file: their names, types, shapes and values.

    Where they stand in the file and what stands beside them changes nothing, and half precision
    counts as the float32 that it is loaded as. Read as bytes, so that nothing needs torch.

    Args:
        wanted: told the name of each tensor.

    Raises:
        InputError: no safetensors file, or not a whole one.
    """
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            # The format: the header's length in 8 bytes, a JSON header, the values.
            length = int.from_bytes(file.read(8), "little")
            if length > os.path.getsize(path):
                raise ValueError("header")
            header = json.loads(file.read(length))
            for name in sorted(filter(wanted, header.keys() - {"__metadata__"})):
                entry = header[name]
                first, last = entry["data_offsets"]
                file.seek(8 + length + first)
                values = file.read(last - first)
                if len(values) != last - first:
                    raise ValueError(name)
                dtype, values = _as_single(entry["dtype"], values)
                digest.update(json.dumps([name, dtype, entry["shape"]]).encode())
                digest.update(values)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: cannot be read as safetensors; copy it again") from error
    return digest.hexdigest()


def _makes_codes(name: str) -> bool:
    # The counter of a batch normalisation is read by nobody once training is over.
    is_bookkeeping = name in TRAINING_TENSORS or name.endswith(".num_batches_tracked")
    return name.startswith(("encoder.", "quantizer.")) and not is_bookkeeping


def _as_single(dtype: str, values: bytes) -> tuple[str, bytes]:
    """Values of half precision as float32, which holds all of them; others as they are."""
    match dtype:
        case "F16":
            return "F32", np.frombuffer(values, "<f2").astype("<f4").tobytes()
        case "BF16":  # the upper half of a float32
            return "F32", (np.frombuffer(values, "<u2").astype("<u4") << 16).tobytes()
        case _:
            return dtype, values
