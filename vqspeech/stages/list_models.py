"""Which models are at hand, and who they can speak as; read from settings, without weights."""

import os
from pathlib import Path
from typing import Any

from vqspeech.checkpoint import find_model, load_json, packaged_models
from vqspeech.config.loader import parse_config
from vqspeech.config.schema import LogMelEncoderSettings, SpeechModelSettings
from vqspeech.errors import InputError, MissingError

KIND = "speech-vqvae"
# Where recipes leave their runs, seen from a checkout or from a recipe's own folder.
PATTERNS = ("exp/*/best", "egs/*/exp/*/best", "*/exp/*/best")


def list_models(folder: str | os.PathLike) -> list[dict[str, Any]]:
    """Packaged models, then the best checkpoints of runs below `folder`.

    Returns:
        A row a model: model (what --model takes), sample_rate, code_rate, num_codes, num_speakers,
        megabytes, scores (numbers by the data they were measured on, as far as the model has them).
    """
    found = dict(packaged_models())
    for pattern in PATTERNS:
        for path in sorted(Path(folder).glob(pattern)):
            found.setdefault(str(path), path)
    rows = []
    for name, path in found.items():
        try:
            rows.append(_describe(name, path))
        except InputError:
            continue  # a run of another kind, or one that is being written
    return rows


def list_speakers(model: str | os.PathLike | None) -> list[dict[str, str | None]]:
    """The voices of a model: speaker, gender (m or f) and accent where known.

    Raises:
        MissingError: no model given and none packaged.
        InputError: there is no speech model at `model`.
    """
    packaged = packaged_models()
    if model is None and not packaged:
        raise MissingError(
            "--model: no model comes with this version; give a run, such as egs/mini/exp/vqvae/best"
        )
    name = str(model) if model is not None else next(iter(packaged))
    config = _speech_config(find_model(packaged.get(name, Path(name))))
    known = config.get("speaker_information")
    known = known if isinstance(known, dict) else {}
    rows = []
    for speaker in config["speakers"]:
        facts = known.get(speaker) if isinstance(known.get(speaker), dict) else {}
        rows.append({"speaker": speaker, **{k: facts.get(k) for k in ("gender", "accent")}})
    return rows


def _describe(name: str, path: Path) -> dict[str, Any]:
    config = _speech_config(path)
    settings = parse_config(config.get("model"), SpeechModelSettings, str(path))
    hop = settings.encoder.mel_hop if isinstance(settings.encoder, LogMelEncoderSettings) else 1
    for stride in settings.encoder.strides:
        hop *= stride
    weights = path / "model.safetensors"
    if not weights.is_file():
        raise InputError(f"{weights}: missing; copy the folder again")
    return {
        "model": name,
        "sample_rate": settings.sample_rate,
        "code_rate": settings.sample_rate / hop,
        "num_codes": settings.quantizer.num_codes,
        "num_speakers": len(config["speakers"]),
        "megabytes": weights.stat().st_size / 1e6,
        "scores": _scores(config),
    }


def _scores(config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Scores by data; a hand-edited file may hold anything."""
    scores = config.get("scores")
    scores = scores if isinstance(scores, dict) else {}
    return {name: row for name, row in scores.items() if isinstance(row, dict)}


def _speech_config(path: Path) -> dict[str, Any]:
    config = load_json(path / "config.json")
    if config.get("kind") != KIND or not isinstance(config.get("speakers"), list):
        raise InputError(f"{path}: holds a {config.get('kind')}, a {KIND} was wanted")
    return config
