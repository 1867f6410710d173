"""Samples a second of the compiled WaveNet sampler against the torch sampler, one thread.

    python tests/benchmarks/bench_sampler.py [rounds] [batch ...]

Three decoders with a local condition of hop 64. The forms take turns in one process; the first
round is thrown away; medians and quartiles of thread CPU time. The torch sampler (ring buffers, one
step at a time) draws a sixteenth of the samples, so that rounds are short. `xRT` is real time of
one stream at 16 kHz; parity is over 1,024 samples: equal ones, and the largest difference of the
logits from those of the whole network given the same samples. A stream parts from the reference
where a number falls within a rounding error (1e-7) of the border between two levels.
"""

import sys
import time
from statistics import median, quantiles

import numpy as np
import torch

from vqspeech.generation.wavenet_cpu import CpuStreams, sample_wavenet_cpu
from vqspeech.generation.wavenet_torch import sample_wavenet
from vqspeech.nn.wavenet import WaveNet

# layers, dilation cycle, residual, gate, skip, head
DECODERS = ((20, 10, 64, 128, 256, 256), (10, 10, 64, 128, 128, 128), (14, 7, 32, 64, 128, 128))
LOCAL, HOP, RATE = 64, 64, 16000
ELEMENTS, FRACTION = 2048, 16


def make_wavenet(layers, cycle, residual, gate, skip, head):
    torch.manual_seed(0)
    net = WaveNet(
        256,
        layers=layers,
        dilation_cycle=cycle,
        residual_channels=residual,
        gate_channels=gate,
        skip_channels=skip,
        head_channels=head,
        local_channels=LOCAL,
        hop=HOP,
    ).eval()
    with torch.no_grad():  # far from flat logits: every draw depends on those before it
        for layer in (net.skip, net.head, net.logits):
            layer.weight.mul_(3)
    return net


def parity(net, batch):
    uniforms, local = torch.rand(batch, 1024), torch.randn(batch, LOCAL, 1024 // HOP)
    logits = np.empty((batch, 1024, net.num_classes), np.float32)
    tokens = CpuStreams(net, batch).advance(uniforms, local, logits=logits)
    equal = (tokens == sample_wavenet(net, uniforms, local)).sum().item()
    with torch.inference_mode():
        difference = (
            (torch.from_numpy(logits) - net(tokens, local).transpose(1, 2)).abs().max().item()
        )
    return f"{equal} of {tokens.numel()} equal, logits within {difference:.1e}"


def compare(sizes, batch, rounds):
    net = make_wavenet(*sizes)
    uniforms, local = torch.rand(batch, ELEMENTS), torch.randn(batch, LOCAL, ELEMENTS // HOP)
    forms = {
        "torch": lambda: sample_wavenet(net, uniforms[:, : ELEMENTS // FRACTION], local),
        "numba": lambda: sample_wavenet_cpu(net, uniforms, local),
    }
    speeds = {name: [] for name in forms}  # steps a second
    for turn in range(rounds + 1):
        for name, form in forms.items():
            began = time.thread_time()
            steps = form().shape[1]
            if turn:
                speeds[name].append(steps / (time.thread_time() - began))
    ratios = [b / a for a, b in zip(speeds["torch"], speeds["numba"], strict=True)]
    print(f"layers {sizes[0]}, {'/'.join(map(str, sizes[2:]))}, batch {batch}:", parity(net, batch))
    for name, each in speeds.items():
        low, middle, high = quantiles(each, n=4)
        line = f"  {name:6}{middle:8.0f} steps/s ({low:.0f} to {high:.0f})"
        line += f"{middle * batch:9.0f} samples/s {middle / RATE:6.2f} xRT"
        if name == "numba":
            low, _, high = quantiles(ratios, n=4)
            line += f"  {median(ratios):5.1f}x torch ({low:.1f} to {high:.1f})"
        print(line, flush=True)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    batches = [int(batch) for batch in sys.argv[2:]] or [1, 4, 16]
    torch.set_num_threads(1)
    for sizes in DECODERS:
        for batch in batches:
            compare(sizes, batch, rounds)


if __name__ == "__main__":
    main()
