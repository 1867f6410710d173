"""Checkpoints of a run and models that people share: folders of safetensors and JSON.

    exp/vqvae/                         a run
      step-00005000/                   a checkpoint, complete by itself
        config.json                    kind, settings, speakers: what rebuilds the model
        model.safetensors              the weights that are trained
        average.safetensors            their running average: what is sampled from
        optimizer.safetensors          what the next step needs
        state.json                     step, best value so far, sums of the log, versions
        MANIFEST.json                  size and sha256 of each file
      latest -> step-...  best -> step-...

A model that is shared has config.json, model.safetensors and MANIFEST.json alone. A folder is built
under a hidden name, flushed and renamed, so that a name without a dot is complete; the manifest
finds what a disk or a copy broke later. Nothing here is pickled.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from safetensors import SafetensorError

from vqspeech.errors import InputError, WriteError
from vqspeech.files import atomic_directory, replace_link

if TYPE_CHECKING:  # torch takes a second to import, and listing models needs none of it
    from torch import Tensor

MANIFEST = "MANIFEST.json"
WEIGHTS, AVERAGE = "model.safetensors", "average.safetensors"
Kind: TypeAlias = Literal["models", "priors"]
_STEP = re.compile(r"step-(\d{8,})")


def save_folder(path: str | os.PathLike, files: Mapping[str, Any]) -> None:
    """Write a checkpoint or model folder atomically.

    Args:
        path: the folder to make or replace.
        files: name to content: a dict of tensors for a name ending in `.safetensors`, text for
            `.md`, anything JSON takes for `.json`, text or bytes for any other.
    """
    with atomic_directory(path) as temporary:
        for name, content in files.items():
            target = temporary / name
            if name.endswith(".safetensors"):
                _save_tensors(content, target, Path(path))
            elif name.endswith(".json"):
                target.write_text(_json(content), encoding="utf-8")
            elif isinstance(content, bytes):
                target.write_bytes(content)
            else:
                target.write_text(content, encoding="utf-8")
        entries = {name: _entry(temporary / name) for name in sorted(files)}
        (temporary / MANIFEST).write_text(_json({"files": entries}), encoding="utf-8")


def verify_folder(path: str | os.PathLike) -> None:
    """Compare every file of a checkpoint or model folder with its manifest.

    Raises:
        InputError: the first file that is missing, of another size or of another content.
    """
    path = Path(path)
    entries = _read_json(path / MANIFEST).get("files")
    if not isinstance(entries, dict) or not entries:
        raise InputError(f"{path / MANIFEST}: lists no files; copy the folder again")
    for name, entry in entries.items():
        file = path / name
        if Path(name).name != name or not file.is_file():
            raise InputError(f"{file}: missing; copy the folder again or use another checkpoint")
        if _entry(file) != entry:
            raise InputError(
                f"{file}: differs from what was written (sha256); copy it again or use another "
                "checkpoint"
            )


def load_tensors(path: str | os.PathLike) -> "dict[str, Tensor]":
    """The tensors of one safetensors file, on the CPU."""
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as safetensors; copy it again") from error


def load_json(path: str | os.PathLike) -> dict[str, Any]:
    """One JSON object of a checkpoint."""
    return _read_json(Path(path))


def save_checkpoint(run: str | os.PathLike, step: int, files: Mapping[str, Any]) -> Path:
    """Write `step-...` into a run and point `latest` at it."""
    path = Path(run) / f"step-{step:08d}"
    save_folder(path, files)
    replace_link(Path(run) / "latest", path.name)
    return path


def checkpoints(run: str | os.PathLike) -> list[Path]:
    """The checkpoints of a run, oldest first, whether they verify or not."""
    run = Path(run)
    if not run.is_dir():
        return []
    found = [path for path in run.iterdir() if _STEP.fullmatch(path.name) and path.is_dir()]
    return sorted(found, key=lambda path: int(path.name.removeprefix("step-")))


def newest_checkpoint(run: str | os.PathLike) -> tuple[Path | None, list[str]]:
    """The newest checkpoint that verifies, and a note for each newer one that does not."""
    notes = []
    for path in reversed(checkpoints(run)):
        try:
            verify_folder(path)
        except InputError as error:
            notes.append(f"{error}; going back to an earlier checkpoint")
        else:
            return path, notes
    return None, notes


def packaged_models(kind: Kind = "models") -> dict[str, Path]:
    """Name and folder of each model, or each prior over codes, that comes with the package."""
    folder = Path(str(resources.files("vqspeech"))) / "assets" / kind
    if not folder.is_dir():
        return {}
    return {p.name: p for p in sorted(folder.iterdir()) if (p / "config.json").is_file()}


def named_models(kind: Kind = "models") -> dict[str, Path]:
    """Name and folder of each model, or prior, that goes by a name.

    The packaged ones, then those in `egs/*/models` (or `priors`) of the checkouts that one stands
    in or that the package is run from: what is too large for an installation.
    """
    found = packaged_models(kind)
    for checkout in _checkouts():
        for path in sorted(checkout.glob(f"egs/*/{kind}/*")):
            if (path / "config.json").is_file():
                found.setdefault(path.name, path)
    return found


def find_named(model: str | os.PathLike, kind: Kind = "models") -> Path:
    """The folder that a name or a path means: of a run its best or latest checkpoint.

    Raises:
        InputError: there is nothing there that holds a model.
    """
    return find_model(named_models(kind).get(str(model), Path(model)))


def find_model(path: str | os.PathLike) -> Path:
    """The model folder meant by `path`: itself, or the best or latest checkpoint of a run.

    Raises:
        InputError: there is nothing there that holds a model.
    """
    path = Path(path)
    try:
        for candidate in (path, path / "best", path / "latest"):
            if (candidate / "config.json").is_file():
                return candidate.resolve()  # `best` may move on while its files are being read
        if not path.exists():
            raise InputError(f"{path}: no such folder; 'vqspeech models' lists the models here")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; give a folder that you may read") from error
    raise InputError(f"{path}: holds no model (config.json); give a run or one of its checkpoints")


def hash_folder(folder: str | os.PathLike) -> str:
    """A short hash of all settings and of the weights that are used.

    The same wherever the folder lies, and for a checkpoint and what was exported from it. What a
    speech model's codes are known by is less: `vqspeech.models.code_hash.hash_codes`.

    Raises:
        InputError: the folder is not complete.
    """
    folder = Path(folder)
    exported_from = load_json(folder / "config.json").get("codes_of")
    if isinstance(exported_from, str):
        return exported_from
    files = load_json(folder / MANIFEST).get("files")
    try:
        weights = files.get(AVERAGE) or files[WEIGHTS]
        sums = (files["config.json"]["sha256"], weights["sha256"])
        return hashlib.sha256(" ".join(sums).encode()).hexdigest()[:16]
    except (AttributeError, KeyError, TypeError) as error:
        raise InputError(f"{folder / MANIFEST}: lists no weights; copy the folder again") from error


def weights_file(folder: str | os.PathLike) -> Path:
    """The weights of a folder that are used: the running average where there is one."""
    average = Path(folder) / AVERAGE
    return average if average.is_file() else Path(folder) / WEIGHTS


def _checkouts() -> Iterator[Path]:
    try:
        here = Path.cwd()
    except OSError:  # the folder is gone
        around = []
    else:
        around = [here, *here.parents]
    for folder in dict.fromkeys([*around, Path(str(resources.files("vqspeech"))).parent]):
        if (folder / "egs").is_dir() and (folder / "vqspeech" / "checkpoint.py").is_file():
            yield folder


def _save_tensors(tensors: "Mapping[str, Tensor]", target: Path, folder: Path) -> None:
    from safetensors.torch import save_file

    # Tensors that share memory would be refused; a checkpoint holds values.
    values = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    try:
        save_file(values, target)
        # safetensors makes files that only their owner may read; a shared model is for others.
        mask = os.umask(0)
        os.umask(mask)
        target.chmod(0o666 & ~mask)
    except SafetensorError as error:
        reason = str(error).splitlines()[0]
        raise WriteError(f"{folder}: cannot be written ({reason}); free some space") from error


def _entry(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {"bytes": path.stat().st_size, "sha256": digest}
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; use another checkpoint") from error


def _json(content: Any) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; is the folder complete?") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: no valid JSON; copy it again") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: wanted a JSON object; copy it again")
    return content
