"""CPU time and memory of the quantiser, forward and backward, against the forms commonly used.

    python tests/benchmarks/bench_quantizer.py [--rounds 9] [--vectors 65536]

The variants take turns within a round, so that a busy machine slows all of them alike; the table
shows medians over the rounds. The peak is the resident memory of one pass at its highest, over what
the process held before it; each variant is measured in a process of its own, since memory that was
freed once is had for nothing. Ratios are to the first line. `vector-quantize-pytorch` joins in when
it is installed.
"""

import argparse
import importlib.util
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from vqspeech.nn.quantizer import VectorQuantizer

DIM, NUM_CODES, BETA = 64, 512, 0.25
Variant = Callable[[Tensor], tuple[Tensor, Tensor]]  # (N, D) to latents and loss


class LargestTensor(TorchDispatchMode):
    """Records the elements of the largest tensor that an operation returns."""

    numel = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self.numel = max(self.numel, leaf.numel())
        return result


def ours(**settings) -> Variant:
    quantizer = VectorQuantizer(NUM_CODES, DIM, initial_scale=1.0, reduction="mean", **settings)
    is_moved = quantizer.codebook_update == "ema"

    def run(vectors: Tensor) -> tuple[Tensor, Tensor]:
        result = quantizer(vectors)
        if is_moved:
            quantizer.update(vectors, result.codes)
        return result.latents, result.loss

    return run


def losses(vectors: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
    loss = F.mse_loss(chosen, vectors.detach()) + BETA * F.mse_loss(vectors, chosen.detach())
    return vectors + (chosen - vectors).detach(), loss


def one_hot_form() -> Variant:
    """All distances in the graph, a one-hot matrix, a product: the first public implementations."""
    codebook = torch.nn.Parameter(torch.randn(NUM_CODES, DIM))

    def run(vectors: Tensor) -> tuple[Tensor, Tensor]:
        squares = vectors.square().sum(1, keepdim=True) + codebook.square().sum(1)
        distances = squares - 2 * vectors @ codebook.t()  # (N, K)
        codes = distances.argmin(1, keepdim=True)
        hot = torch.zeros_like(distances).scatter_(1, codes, 1)
        return losses(vectors, hot @ codebook)

    return run


def cdist_form() -> Variant:
    codebook = torch.nn.Parameter(torch.randn(NUM_CODES, DIM))

    def run(vectors: Tensor) -> tuple[Tensor, Tensor]:
        codes = torch.cdist(vectors.detach(), codebook.detach()).argmin(1)
        return losses(vectors, F.embedding(codes, codebook))

    return run


def library_form() -> Variant:
    from vector_quantize_pytorch import VectorQuantize

    module = VectorQuantize(
        dim=DIM, codebook_size=NUM_CODES, commitment_weight=BETA, rotation_trick=False
    )

    def run(vectors: Tensor) -> tuple[Tensor, Tensor]:
        latents, _, loss = module(vectors[None])
        return latents[0], loss.sum()

    return run


def measure(run: Variant, vectors: Tensor, weights: Tensor) -> float:
    """Process CPU seconds of one forward and backward pass."""
    vectors.grad = None
    begin = time.process_time()
    latents, loss = run(vectors)
    ((latents * weights).sum() + loss).backward()
    return time.process_time() - begin


VARIANTS = {
    "vqspeech, gradient": ours,
    "vqspeech, ema with update": lambda: ours(codebook_update="ema"),
    "cdist and argmin": cdist_form,
    "one-hot": one_hot_form,
    "vector-quantize-pytorch (ema)": library_form,
}


def inputs(count: int) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    return torch.randn(count, DIM, requires_grad=True), torch.randn(count, DIM)


def resident(field: str) -> float:
    """MiB of this process, from Linux: "VmRSS" that it holds now, "VmHWM" at most so far.

    (`getrusage` knows a maximum too, but a new process begins with that of the one it came from.)
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split(f"{field}:")[1].split()[0]) / 1024


def print_peak(name: str, count: int) -> None:
    """Print the MiB that a pass of one variant takes, in a process that did nothing else."""
    run = VARIANTS[name]()
    measure(run, *inputs(64))  # libraries load what they need at their first use
    tensors = inputs(count)
    before = resident("VmRSS")
    measure(run, *tensors)
    print(resident("VmHWM") - before)


def peak(name: str, count: int) -> float:
    command = [sys.executable, __file__, "--vectors", str(count), "--peak-of", name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--vectors", type=int, default=65536)
    parser.add_argument("--peak-of", help="print the peak of one variant alone, in MiB")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.peak_of:
        print_peak(arguments.peak_of, arguments.vectors)
        return
    names = list(VARIANTS)
    if importlib.util.find_spec("vector_quantize_pytorch") is None:
        print("vector-quantize-pytorch is not installed; it is left out")
        names.pop()
    vectors, weights = inputs(arguments.vectors)
    variants = {name: VARIANTS[name]() for name in names}
    largest = {}
    for name, run in variants.items():  # a first pass warms up and is not timed
        with LargestTensor() as mode:
            measure(run, vectors, weights)
        largest[name] = mode.numel
    seconds = {name: [] for name in variants}
    for _ in range(arguments.rounds):
        for name, run in variants.items():
            seconds[name].append(measure(run, vectors, weights))
    times = {name: statistics.median(each) for name, each in seconds.items()}
    peaks = {name: peak(name, arguments.vectors) for name in names}
    print(f"N {arguments.vectors}, D {DIM}, K {NUM_CODES}, float32, one thread")
    print(f"{'':32}{'CPU ms':>8}{'ratio':>8}{'peak MiB':>10}{'ratio':>8}{'largest tensor':>18}")
    for name in names:
        line = f"{name:32}{1e3 * times[name]:8.0f}{times[name] / times[names[0]]:8.1f}"
        line += f"{peaks[name]:10.0f}{peaks[name] / peaks[names[0]]:8.1f}{largest[name]:18,}"
        print(line)


if __name__ == "__main__":
    main()
