"""Which models are at hand, and who they can speak as; none is built for it."""

import os
from pathlib import Path
from typing import Any

from vqspeech.checkpoint import Kind, find_named, load_json, named_models, packaged_models
from vqspeech.config.loader import parse_config
from vqspeech.config.schema import LogMelEncoderSettings, SpeechModelSettings
from vqspeech.errors import InputError, MissingError
from vqspeech.models.code_hash import hash_codes, speech_config

PRIOR_KIND = "speech-prior"
# Where recipes leave their runs, seen from a checkout or from a recipe's own folder.
PATTERNS = ("exp/*/best", "egs/*/exp/*/best", "*/exp/*/best")
PACKAGED, CHECKOUT, RUN = "packaged", "checkout", "run"  # where a model is


def list_models(folder: str | os.PathLike) -> list[dict[str, Any]]:
    """Packaged models, those of this checkout, then the best checkpoints of runs below `folder`.

    Returns:
        A row a model: model (what --model takes), place (packaged, checkout or run), model_hash (of
        what makes its codes), sample_rate, code_rate, num_codes, groups, num_speakers, megabytes,
        speed (as `measure_speed` found it when the model was exported, or None), scores (numbers by
        the data they were measured on, as far as the model has them).
    """
    rows = []
    for name, place, path in _at_hand("models", folder):
        try:
            rows.append(_describe(name, place, path))
        except InputError:
            continue  # a run of another kind, or one that is being written
    return rows


def list_priors(folder: str | os.PathLike) -> list[dict[str, Any]]:
    """Packaged priors, those of this checkout, then the best checkpoints of runs below `folder`.

    Returns:
        A row a prior: prior (what --prior takes), model (what --model takes for the model whose
        codes it is fitted to; None where that is not at hand), model_hash, code_rate, num_codes,
        num_speakers (0 where it is told of none), megabytes, scores.
    """
    models: dict[str, str] = {}
    for name, _, path in _at_hand("models", folder):
        try:
            models.setdefault(hash_codes(path), name)
        except InputError:
            continue  # no model, or one that is being written
    rows = []
    for name, _, path in _at_hand("priors", folder):
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
    if model is None and not packaged_models():
        raise MissingError(
            "--model: no model comes with this version; give a run, such as egs/mini/exp/vqvae/best"
        )
    config = speech_config(find_named(next(iter(packaged_models())) if model is None else model))
    known = config.get("speaker_information")
    known = known if isinstance(known, dict) else {}
    rows = []
    for speaker in config["speakers"]:
        facts = known.get(speaker) if isinstance(known.get(speaker), dict) else {}
        rows.append({"speaker": speaker, **{k: facts.get(k) for k in ("gender", "accent")}})
    return rows


def _at_hand(kind: Kind, folder: str | os.PathLike) -> list[tuple[str, str, Path]]:
    """Name, place and folder of what has a name, then of the runs below `folder`, of any kind."""
    packaged = packaged_models(kind)
    found = [
        (name, PACKAGED if packaged.get(name) == path else CHECKOUT, path)
        for name, path in named_models(kind).items()
    ]
    runs = [path for pattern in PATTERNS for path in sorted(Path(folder).glob(pattern))]
    return found + [(str(path), RUN, path) for path in dict.fromkeys(runs)]


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


def _describe(name: str, place: str, path: Path) -> dict[str, Any]:
    config = speech_config(path)
    settings = parse_config(config.get("model"), SpeechModelSettings, str(path))
    hop = settings.encoder.mel_hop if isinstance(settings.encoder, LogMelEncoderSettings) else 1
    for stride in settings.encoder.strides:
        hop *= stride
    return {
        "model": name,
        "place": place,
        "model_hash": hash_codes(path),
        "sample_rate": settings.sample_rate,
        "code_rate": settings.sample_rate / hop,
        "num_codes": settings.quantizer.num_codes,
        "groups": settings.quantizer.groups,
        "num_speakers": len(config["speakers"]),
        "megabytes": _megabytes(path),
        "speed": _speed(config),
        "scores": _scores(config),
    }


def _megabytes(path: Path) -> float:
    weights = path / "model.safetensors"
    if not weights.is_file():
        raise InputError(f"{weights}: missing; copy the folder again")
    return weights.stat().st_size / 1e6


def _speed(config: dict[str, Any]) -> dict[str, Any] | None:
    speed = config.get("speed")
    found = speed.get("times_real_time") if isinstance(speed, dict) else None
    return speed if isinstance(found, int | float) else None


def _scores(config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Scores by data; a hand-edited file may hold anything."""
    scores = config.get("scores")
    scores = scores if isinstance(scores, dict) else {}
    return {name: row for name, row in scores.items() if isinstance(row, dict)}
