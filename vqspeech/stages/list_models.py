"""Which models are at hand, and who they can speak as; read from settings, without weights."""

import os
from pathlib import Path
from typing import Any

from vqspeech.checkpoint import find_model, load_json, packaged_models
from vqspeech.config.loader import parse_config
from vqspeech.config.schema import LogMelEncoderSettings, SpeechModelSettings
from vqspeech.errors import InputError, MissingError
from vqspeech.models.code_hash import hash_codes, speech_config

PRIOR_KIND = "speech-prior"
# Where recipes leave their runs, seen from a checkout or from a recipe's own folder.
PATTERNS = ("exp/*/best", "egs/*/exp/*/best", "*/exp/*/best")


def list_models(folder: str | os.PathLike) -> list[dict[str, Any]]:
    """Packaged models, then the best checkpoints of runs below `folder`.

    Returns:
        A row a model: model (what --model takes), sample_rate, code_rate, num_codes, num_speakers,
        megabytes, scores (numbers by the data they were measured on, as far as the model has them).
    """
    rows = []
    for name, path in _at_hand(packaged_models(), folder):
        try:
            rows.append(_describe(name, path))
        except InputError:
            continue  # a run of another kind, or one that is being written
    return rows


def list_priors(folder: str | os.PathLike) -> list[dict[str, Any]]:
    """Packaged priors, then the best checkpoints of prior runs below `folder`.

    Returns:
        A row a prior: prior (what --prior takes), model (what --model takes for the model whose
        codes it is fitted to; None where that is not at hand), model_hash, code_rate, num_codes,
        num_speakers (0 where it is told of none), megabytes, scores.
    """
    models: dict[str, str] = {}
    for name, path in _at_hand(packaged_models(), folder):
        try:
            models.setdefault(hash_codes(path), name)
        except InputError:
            continue  # no model, or one that is being written
    rows = []
    for name, path in _at_hand(packaged_models("priors"), folder):
        try:
            rows.append(_describe_prior(name, path, models))
        except InputError:
            continue  # as above
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
    config = speech_config(find_model(packaged.get(name, Path(name))))
    known = config.get("speaker_information")
    known = known if isinstance(known, dict) else {}
    rows = []
    for speaker in config["speakers"]:
        facts = known.get(speaker) if isinstance(known.get(speaker), dict) else {}
        rows.append({"speaker": speaker, **{k: facts.get(k) for k in ("gender", "accent")}})
    return rows


def _at_hand(packaged: dict[str, Path], folder: str | os.PathLike) -> list[tuple[str, Path]]:
    """Names and folders of what is packaged, then of the runs below `folder`, of any kind."""
    found = dict(packaged)
    for pattern in PATTERNS:
        for path in sorted(Path(folder).glob(pattern)):
            found.setdefault(str(path), path)
    return list(found.items())


def _describe_prior(name: str, path: Path, models: dict[str, str]) -> dict[str, Any]:
    config = load_json(path / "config.json")
    if config.get("kind") != PRIOR_KIND:
        raise InputError(f"{path}: holds a {config.get('kind')}, a {PRIOR_KIND} was wanted")
    try:
        codes, num_speakers = config["codes"], len(config["speakers"])
        return {
            "prior": name,
            "model": models.get(codes["model_hash"]),
            "model_hash": codes["model_hash"],
            "code_rate": codes["sample_rate"] / codes["hop"],
            "num_codes": codes["num_codes"],
            "num_speakers": num_speakers,
            "megabytes": _megabytes(path),
            "scores": _scores(config),
        }
    except (KeyError, TypeError, ZeroDivisionError) as error:
        raise InputError(f"{path}: does not say whose codes; copy the folder again") from error


def _describe(name: str, path: Path) -> dict[str, Any]:
    config = speech_config(path)
    settings = parse_config(config.get("model"), SpeechModelSettings, str(path))
    hop = settings.encoder.mel_hop if isinstance(settings.encoder, LogMelEncoderSettings) else 1
    for stride in settings.encoder.strides:
        hop *= stride
    return {
        "model": name,
        "sample_rate": settings.sample_rate,
        "code_rate": settings.sample_rate / hop,
        "num_codes": settings.quantizer.num_codes,
        "num_speakers": len(config["speakers"]),
        "megabytes": _megabytes(path),
        "scores": _scores(config),
    }


def _megabytes(path: Path) -> float:
    weights = path / "model.safetensors"
    if not weights.is_file():
        raise InputError(f"{weights}: missing; copy the folder again")
    return weights.stat().st_size / 1e6


def _scores(config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Scores by data; a hand-edited file may hold anything."""
    scores = config.get("scores")
    scores = scores if isinstance(scores, dict) else {}
    return {name: row for name, row in scores.items() if isinstance(row, dict)}
