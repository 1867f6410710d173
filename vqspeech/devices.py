"""Where tensors live and how the CPU's memory is kept."""

import ctypes
import sys

import torch

from vqspeech.errors import MissingError

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # malloc.h of glibc


def choose_device(name: str = "auto") -> torch.device:
    """The device called `name`; "auto" takes a CUDA device where there is one.

    Raises:
        MissingError: it is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        if device.type not in ("cpu", "cuda"):
            raise MissingError(f"--device {name}: cpu, cuda or cuda:N was wanted")
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise MissingError(
            f"--device {name}: not there; 'vqspeech doctor' lists the devices"
        ) from error
    return device


def keep_freed_memory() -> None:
    """Let the allocator keep what a training step frees, for the next step.

    glibc gives every large block back to the system and asks for it again, zeroed, page by page;
    a step that frees gigabytes of activations spends a fifth of its time there. Elsewhere this
    does nothing.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # musl has none
        return
    mallopt(_M_MMAP_MAX, 0)  # the threshold for it cannot be raised above 32 MB
    mallopt(_M_TRIM_THRESHOLD, (1 << 31) - 1)
