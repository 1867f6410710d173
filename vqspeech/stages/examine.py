"""What this installation and this machine can do."""

import importlib
import os
import sys
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import torch

from vqspeech.checkpoint import packaged_models
from vqspeech.stages.environment import describe_environment, package_version

# What the toolkit cannot do without, by the name of its import.
NEEDED = {
    "numpy": "numpy",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "librosa": "librosa",
    "numba": "numba",
    "soundfile": "soundfile",
    "soxr": "soxr",
    "praatio": "praatio",
    "safetensors": "safetensors",
    "pydantic": "pydantic",
    "yaml": "PyYAML",
    "rich": "rich",
    "jinja2": "Jinja2",
    "matplotlib": "matplotlib",
}


@dataclass(frozen=True)
class Check:
    """One line of the examination."""

    name: str
    finding: str
    is_fine: bool
    is_needed: bool = True


def examine() -> list[Check]:
    """All checks; each imports what it speaks of, since a package may be there and not load."""
    facts = describe_environment()
    checks = [
        Check("vqspeech", f"{facts['vqspeech']}  {Path(__file__).parents[1]}", True),
        Check("python", facts["python"], sys.version_info >= (3, 11)),
        Check("processor", f"{facts['processor']}, {facts['cores']} cores", True),
        Check("torch", _torch(), True),
    ]
    gpus = ", ".join(facts["gpus"]) or "none; everything runs on the CPU, training slowly"
    checks.append(Check("gpu", gpus, bool(facts["gpus"]), is_needed=False))
    checks += [_import(module, package) for module, package in NEEDED.items()]
    checks.append(_import("torchaudio", "torchaudio", is_needed=False))
    checks.append(_import("pocketsphinx", "pocketsphinx", is_needed=False))  # for align make
    checks.append(_corpus())
    models = ", ".join(packaged_models()) or "none packaged; egs/mini/run.sh trains one"
    checks.append(Check("models", models, bool(packaged_models()), is_needed=False))
    writable = os.access(Path.cwd(), os.W_OK)
    here = f"{Path.cwd()} is {'' if writable else 'not '}writable"
    checks.append(Check("folder", here, writable, is_needed=False))
    return checks


def _torch() -> str:
    features = torch.backends.cpu.get_cpu_capability()
    return f"{torch.__version__}, {torch.get_num_threads()} threads, CPU kernels for {features}"


def _import(module: str, package: str, *, is_needed: bool = True) -> Check:
    try:
        importlib.import_module(module)
    except (ImportError, OSError) as error:  # OSError: a library that the wheel links is missing
        version = package_version(package)
        why = str(error).splitlines()[0][:70]
        found = f"{version} is installed but does not load ({why})" if version else "not installed"
        optional = "" if is_needed else "; optional"
        return Check(package, found + optional, False, is_needed)
    return Check(package, package_version(package) or "?", True, is_needed)


def _corpus() -> Check:
    folder = Path(str(resources.files("vqspeech"))) / "assets" / "mini"
    count = len(list(folder.glob("audio/*/*.opus")))
    return Check("mini corpus", f"{count} utterances", count > 0)
