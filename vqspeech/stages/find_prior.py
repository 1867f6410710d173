"""A prior and the model whose codes it is fitted to: found by one another, and held together.

Either is a run, a checkpoint, a folder that was exported, or the name of one. They fit
where the hash of what makes the model's codes is the one that the prior keeps; models are loaded
only of a pair that fits.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from vqspeech.checkpoint import (
    Kind,
    find_model,
    hash_folder,
    load_json,
    named_models,
    packaged_models,
)
from vqspeech.data.code_file import RecordedCodes
from vqspeech.data.codes import CodeDir
from vqspeech.errors import InputError, MissingError
from vqspeech.generation.voice import Voice, load_voice
from vqspeech.models.build import load_speech_prior
from vqspeech.models.code_hash import hash_codes
from vqspeech.models.prior import CodeFormat, SpeechPrior
from vqspeech.models.speech import SpeechVQVAE

KINDS = {"priors": SpeechPrior.kind, "models": SpeechVQVAE.kind}
OPTIONS = {"priors": "--prior", "models": "--model"}


def find_prior(
    prior: str | os.PathLike | None,
    model: str | os.PathLike | None,
    note: Callable[[str], None] = lambda text: None,
) -> tuple[Path, Path]:
    """Where a prior and its model lie.

    Without either, they are the first packaged model that has a packaged prior, and that prior.
    With one of them the other is looked for among those that have a name, packaged or in this
    checkout, then among the runs and folders that stand beside its run.

    Args:
        prior: a run, a checkpoint, a folder, or the name of a packaged prior.
        model: the same of a model.
        note: told which run was taken, where it is no packaged one.

    Returns:
        The folder of each: of a packaged one the folder in the package, else the path as given.

    Raises:
        MissingError: nothing was given and no prior is packaged.
        InputError: nothing is there, another kind of model is, the two do not fit, or the other
            one is not found.
    """
    if prior is None and model is None:
        return _packaged_pair()
    prior_path = None if prior is None else _place("priors", prior)
    model_path = None if model is None else _place("models", model)
    if prior_path is None:
        prior_path = _find_or_refuse("priors", model_path, note)
    elif model_path is None:
        model_path = _find_or_refuse("models", prior_path, note)
    wanted, found = codes_hash(find_model(prior_path)), hash_codes(find_model(model_path))
    if wanted != found:
        raise InputError(
            f"{name_of(prior_path, 'priors')}: fitted to codes of another model ({wanted}) than "
            f"{name_of(model_path, 'models')} ({found}); leave out --prior or --model, and the "
            "other one is found"
        )
    return prior_path, model_path


def prior_of(model: str | os.PathLike | None) -> Path | None:
    """The prior that `find_prior` takes for a model, the first packaged one without a name.

    Returns:
        Where it lies; None where there is none.
    """
    models = packaged_models()
    if model is None and not models:
        return None
    return _find_beside(
        "priors", next(iter(models.values())) if model is None else _place("models", model)
    )


def load_matching(
    prior: str | os.PathLike | None,
    model: str | os.PathLike | None,
    device: str = "cpu",
    note: Callable[[str], None] = lambda text: None,
) -> tuple[SpeechPrior, Voice, dict[str, Any]]:
    """A prior and its model, both on the device.

    Args:
        prior: as in `find_prior`, as is `model`.
        device: "auto" takes a CUDA device where there is one.
        note: told which run was taken, where it is no packaged one.

    Returns:
        The prior, the voice, and what names them: `prior` and `model` (as --prior and --model take
        them), `prior_hash` and `model_hash`.

    Raises:
        MissingError, InputError: as `find_prior`; or no such device, or broken files.
    """
    prior_path, model_path = find_prior(prior, model, note)
    facts = {
        "prior": name_of(prior_path, "priors"),
        "model": name_of(model_path, "models"),
        "prior_hash": hash_folder(find_model(prior_path)),
        "model_hash": hash_codes(find_model(model_path)),
    }
    loaded = load_speech_prior(prior_path)
    voice = load_voice(find_model(model_path), device)  # absolute: no packaged name
    voice.name = facts["model"]
    quantizer = voice.model.quantizer
    found = CodeFormat(
        *(quantizer.num_codes, quantizer.groups, voice.hop, voice.sample_rate),
        facts["model_hash"],
    )
    for name, wanted in loaded.code_format._asdict().items():
        if getattr(found, name) != wanted:
            raise InputError(
                f"{facts['prior']}: fitted to codes of {name} {wanted}, {facts['model']} has "
                f"{getattr(found, name)}; copy the folder of the prior again"
            )
    return loaded.to(voice.device), voice, facts


def check_codes(
    prior: SpeechPrior, codes: CodeDir | RecordedCodes, place: str | os.PathLike
) -> None:
    """Refuse codes that the prior knows nothing of.

    Args:
        codes: a code directory, or the codes of a recording; of one whose file is too old to name
            its model, everything else is compared.
        place: where they come from, for the message.

    Raises:
        InputError: they are of another model, number of codes, groups, hop or sample rate.
    """
    wanted = prior.code_format
    found = {name: getattr(codes, name) for name in ("model_hash", "hop", "sample_rate")}
    if isinstance(codes, RecordedCodes):
        found["groups"] = codes.codes.shape[1] if codes.codes.ndim > 1 else 1
        highest = int(codes.codes.max(initial=0))
        found["num_codes"] = wanted.num_codes if highest < wanted.num_codes else highest + 1
        found["model_hash"] = codes.model_hash or wanted.model_hash
    else:
        found |= {"groups": codes.groups, "num_codes": codes.num_codes}
    for name in CodeFormat._fields[::-1]:  # the model first: where it differs, the rest may too
        if found[name] != getattr(wanted, name):
            raise InputError(
                f"{place}: codes of {name} {found[name]}, the prior is fitted to {name} "
                f"{getattr(wanted, name)}; encode with the model of the prior, or give another "
                "--prior"
            )


def codes_hash(folder: str | os.PathLike) -> str:
    """The hash of the model whose codes the prior in `folder` is fitted to.

    Raises:
        InputError: there is no prior.
    """
    config = load_json(Path(folder) / "config.json")
    _check_kind(config, folder, "priors")
    codes = config.get("codes")
    found = codes.get("model_hash") if isinstance(codes, dict) else None
    if not isinstance(found, str):
        raise InputError(
            f"{Path(folder) / 'config.json'}: does not say whose codes; copy the folder again"
        )
    return found


def name_of(path: str | os.PathLike, kind: Kind) -> str:
    """What --prior (`kind` "priors") or --model ("models") takes for `path`: the shortest name."""
    for name, folder in named_models(kind).items():
        if folder == Path(path):
            return name
    return str(path)


def _place(kind: Kind, given: str | os.PathLike) -> Path:
    path = named_models(kind).get(str(given), Path(given))
    folder = find_model(path)
    _check_kind(load_json(folder / "config.json"), path, kind)
    return path


def _check_kind(config: dict[str, Any], place: str | os.PathLike, kind: Kind) -> None:
    if config.get("kind") != KINDS[kind]:
        raise InputError(
            f"{place}: holds a {config.get('kind')}, a {KINDS[kind]} was wanted; give another "
            f"{OPTIONS[kind]}"
        )


def _packaged_pair() -> tuple[Path, Path]:
    for model in packaged_models().values():
        made_by = hash_codes(model)
        for prior in packaged_models("priors").values():
            if codes_hash(prior) == made_by:
                return prior, model
    raise MissingError(
        "--prior: no prior comes with this version; train one with 'vqspeech train prior', then "
        "give its run"
    )


def _find_or_refuse(kind: Kind, other: Path, note: Callable[[str], None]) -> Path:
    path = _find_beside(kind, other)
    if path is None:
        raise InputError(
            f"{other}: no {kind[:-1]} that fits is packaged or stands in {_run_of(other).parent}; "
            f"give {OPTIONS[kind]}"
        )
    if path not in named_models(kind).values():
        note(f"{OPTIONS[kind]} {path}, which fits {other}")
    return path


def _find_beside(kind: Kind, other: Path) -> Path | None:
    """The one with a name that fits, else the first by name that stands beside `other`."""
    wanted = codes_hash(find_model(other)) if kind == "models" else hash_codes(find_model(other))
    for path in (*named_models(kind).values(), *_neighbours(other)):
        try:
            folder = find_model(path)
            _check_kind(load_json(folder / "config.json"), path, kind)
            found = codes_hash(folder) if kind == "priors" else hash_codes(folder)
        except InputError:
            continue  # a run of another kind, or one that is being written
        if found == wanted:
            return path
    return None


def _neighbours(path: Path) -> Iterator[Path]:
    """The runs and folders beside the run that `path` is, or is a checkpoint of."""
    run = _run_of(path)
    try:
        folders = sorted(other for other in run.parent.iterdir() if other.is_dir())
    except OSError:
        return
    for other in folders:
        if other != run:
            yield other if path.is_absolute() else Path(os.path.relpath(other))


def _run_of(path: Path) -> Path:
    absolute = Path(os.path.abspath(path))  # not resolved: a link stands where its owner put it
    is_checkpoint = absolute.name in ("best", "latest") or absolute.name.startswith("step-")
    return absolute.parent if is_checkpoint else absolute
