"""A trained model as people share it: settings, 16-bit weights, a card, a manifest.

DIR/config.json          kind, settings, speakers, scores
    model.safetensors    the running average of the weights, without what only training needs
    README.md            the model card
    MANIFEST.json        size and sha256 of each file
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vqspeech.checkpoint import find_model, load_json, save_folder
from vqspeech.errors import InputError, UsageError
from vqspeech.files import check_replaceable
from vqspeech.models.build import load_speech_vqvae, model_config
from vqspeech.models.speech import SpeechVQVAE

PRECISIONS = {"float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32}
# What a folder may hold that is replaced without a question.
FILES = ("config.json", "model.safetensors", "README.md", "MANIFEST.json")


def export_model(
    model: str | os.PathLike,
    out: str | os.PathLike,
    *,
    precision: str = "float16",
    about: str | os.PathLike | None = None,
    scores: Sequence[str | os.PathLike] = (),
) -> Path:
    """Write the folder that `vqspeech.load` and `--model` take.

    Args:
        model: a run, a checkpoint or a model folder.
        out: the folder to make, or an exported one to replace.
        precision: of the weights in the file; computing is in float32 whatever it is.
        about: a Markdown file that opens the card: data, licence, how it sounds.
        scores: JSON files of `vqspeech evaluate`; they go into config.json by their `data`, those
            of the same data together, and into the card.

    Raises:
        InputError: no speech model there, a file that cannot be read, or weights beyond the range
            of the precision.
        WriteError: `out` holds other files.
    """
    if precision not in PRECISIONS:
        raise UsageError(f"--precision {precision}: one of {', '.join(PRECISIONS)} was wanted")
    loaded = load_speech_vqvae(model)
    source = load_json(find_model(model) / "config.json")
    check_replaceable(Path(out), FILES, "file of an exported model")
    text = _read_text(about) if about is not None else _DEFAULT_ABOUT
    numbers = {name: dict(row) for name, row in (source.get("scores") or {}).items()}
    for path in scores:
        for name, row in _read_scores(path).items():
            numbers.setdefault(name, {}).update(row)
    settings = loaded.settings.model_copy(update={"guide_mels": 0})
    loaded.settings, loaded.guide = settings, None
    more = {"speaker_information": source.get("speaker_information") or {}, "scores": numbers}
    save_folder(
        out,
        {
            "config.json": model_config(loaded, **more),
            "model.safetensors": _rounded(loaded.state_dict(), PRECISIONS[precision]),
            "README.md": _card(loaded, text, numbers, precision),
        },
    )
    return Path(out)


def _rounded(tensors: Mapping[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    result = {}
    for name, value in tensors.items():
        result[name] = value.to(dtype) if value.is_floating_point() else value
        if value.is_floating_point() and not torch.isfinite(result[name]).all():
            raise InputError(f"{name}: too large for this precision; export in float32")
    return result


def _read_text(path: str | os.PathLike) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no UTF-8 text"
        raise InputError(f"{path}: {reason}; give a Markdown file") from error


def _read_scores(path: str | os.PathLike) -> dict[str, dict[str, Any]]:
    try:
        content = json.loads(_read_text(path))
    except ValueError as error:
        raise InputError(f"{path}: no JSON; give a file of 'vqspeech evaluate --json'") from error
    rows = content if isinstance(content, list) else [content]
    if not all(isinstance(row, dict) and isinstance(row.get("data"), str) for row in rows):
        raise InputError(f"{path}: names no data; give a file of 'vqspeech evaluate --json'")
    return {row["data"]: row for row in rows}


def _card(
    model: SpeechVQVAE, about: str, scores: Mapping[str, Mapping[str, Any]], precision: str
) -> str:
    weights = sum(p.numel() for p in model.state_dict().values())
    quantizer = model.settings.quantizer
    lines = [
        about,
        "",
        "## Facts",
        "",
        "| what | value |",
        "|---|---|",
        f"| kind | {model.kind}, `vqspeech.load` reads it |",
        f"| sample rate | {model.sample_rate} Hz |",
        f"| codes | {model.code_rate:g} a second, each one of {quantizer.num_codes} |",
        f"| speakers | {len(model.speakers)} |",
        f"| weights | {weights:,} numbers in {precision} |",
        f"| receptive field of the decoder | {model.decoder.wavenet.receptive_field} samples |",
    ]
    if scores:
        lines += ["", "## Scores", "", "| data | measure | value |", "|---|---|---|"]
        for name, row in scores.items():
            for key, value in row.items():
                if isinstance(value, int | float) and not isinstance(value, bool):
                    number = f"{value:.4f}" if isinstance(value, float) else f"{value}"
                    lines.append(f"| {name} | {key} | {number} |")
    return "\n".join(lines) + "\n"


_DEFAULT_ABOUT = """# A vqspeech model

A VQ-VAE for voice conversion. What it was trained on was not written down when it was exported."""
