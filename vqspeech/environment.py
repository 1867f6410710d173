"""What a result was made with: versions, hardware, commit, command."""

import os
import platform
import shlex
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

import vqspeech

PACKAGES = (
    "torch",
    "numpy",
    "scipy",
    "scikit-learn",
    "rapidfuzz",
    "librosa",
    "numba",
    "soundfile",
    "soxr",
    "praatio",
    "safetensors",
    "pydantic",
)


def describe_environment(program: str = "vqspeech") -> dict[str, Any]:
    """JSON-ready facts to stand beside a number.

    Args:
        program: what was started, before its arguments.
    """
    return {
        "vqspeech": vqspeech.__version__,
        "commit": _commit(),
        "command": " ".join([program, shlex.join(sys.argv[1:])])
        .strip()
        .encode(errors="replace")
        .decode(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
        "packages": {name: package_version(name) for name in PACKAGES},
    }


def package_version(name: str) -> str | None:
    """The installed version of a distribution, None where there is none."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def describe_processor(device: torch.device) -> str:
    """What computes on a device, by the name that its maker gave it."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()


def _commit() -> str | None:
    """The commit of a checkout, with `+` where tracked files differ from it."""
    root = Path(vqspeech.__file__).resolve().parents[1]
    if not (root / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--dirty=+", "--abbrev=10"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
