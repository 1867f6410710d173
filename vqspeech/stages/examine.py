"""What this installation and this machine can do."""

import functools
import importlib
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import torch

from vqspeech.checkpoint import packaged_models
from vqspeech.environment import describe_environment, package_version
from vqspeech.errors import UsageError

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
# For tests; for 'vqspeech align make'; for 'vqspeech encode --compress'; for 'vqspeech evaluate'.
OPTIONAL = (
    *("torchaudio", "pocketsphinx", "constriction"),
    *("faster-whisper", "resemblyzer", "speechmos"),
)


@dataclass(frozen=True)
class Check:
    """One line of the examination."""

    name: str
    finding: str
    is_fine: bool
    is_needed: bool = True


def examine(names: Sequence[str] = ()) -> list[Check]:
    """The checks called `names`, or all; what is not asked for is not loaded.

    Each imports what it speaks of, since a package may be there and not load.

    Raises:
        UsageError: a name that no check has.
    """
    checks = _checks()
    for name in names:
        if name not in checks:
            raise UsageError(f"{name}: nothing that is checked; one of {', '.join(checks)}")
    return [checks[name]() for name in names or checks]


def _checks() -> dict[str, Callable[[], Check]]:
    facts = functools.cache(describe_environment)
    checks = {
        "vqspeech": lambda: Check(
            "vqspeech", f"{facts()['vqspeech']}  {Path(__file__).parents[1]}", True
        ),
        "python": lambda: Check("python", facts()["python"], sys.version_info >= (3, 11)),
        "processor": lambda: Check(
            "processor", f"{facts()['processor']}, {facts()['cores']} cores", True
        ),
        "torch": lambda: Check("torch", _torch(), True),
        "gpu": _gpu,
    }
    for module, package in NEEDED.items():
        checks[package] = functools.partial(_import, module, package)
    for package in OPTIONAL:
        checks[package] = functools.partial(
            _import, package.replace("-", "_"), package, is_needed=False
        )
    return checks | {"mini corpus": _corpus, "models": _models, "folder": _folder}


def _torch() -> str:
    features = torch.backends.cpu.get_cpu_capability()
    return f"{torch.__version__}, {torch.get_num_threads()} threads, CPU kernels for {features}"


def _gpu() -> Check:
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    finding = ", ".join(gpus) or "none; everything runs on the CPU, training slowly"
    return Check("gpu", finding, bool(gpus), is_needed=False)


def _import(module: str, package: str, *, is_needed: bool = True) -> Check:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what a package says of its own imports
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


def _models() -> Check:
    models = ", ".join(packaged_models()) or "none packaged; egs/mini/run.sh trains one"
    return Check("models", models, bool(packaged_models()), is_needed=False)


def _folder() -> Check:
    writable = os.access(Path.cwd(), os.W_OK)
    here = f"{Path.cwd()} is {'' if writable else 'not '}writable"
    return Check("folder", here, writable, is_needed=False)
