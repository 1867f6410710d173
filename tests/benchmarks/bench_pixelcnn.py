"""CPU time of drawing a map of codes from a PixelCNN, against running all of it at every position.

    python tests/benchmarks/bench_pixelcnn.py [rounds]

15 layers of 64 channels, 3-wide, K = 512, a head of 512 channels, one thread. The naive sampler is
one forward pass of the whole map for each position, so a round times one pass and multiplies it by
the positions; the cached samplers are timed as they are called, the packing of weights included.
The forms take turns in one process; the first round is thrown away; medians and quartiles of thread
CPU time. The ratio is taken within a round. The last column counts the codes that equal those of
the whole model: it is run once over the codes drawn, and every code is drawn again by its logits.
"""

import sys
import time
from statistics import median, quantiles

import torch

from vqspeech.generation.pixelcnn_cpu import sample_pixelcnn_cpu
from vqspeech.generation.pixelcnn_sampling import map_uniforms
from vqspeech.generation.pixelcnn_torch import Drawing, sample_pixelcnn_torch
from vqspeech.nn.pixelcnn import GatedPixelCNN
from vqspeech.nn.sampling import draw

SIZES = ((21, 1), (21, 8), (32, 1))  # side of the map, batch


def make_model():
    torch.manual_seed(0)
    model = GatedPixelCNN(512, 64, 15, kernel_size=3, first_kernel_size=3, head_channels=512).eval()
    with torch.no_grad():  # far from flat logits: every draw depends on those before it
        model.embedding.weight.mul_(3)
        for layer in (model.head[1], model.head[3]):
            layer.weight.mul_(4)
    return model


def seconds(function):
    began = time.thread_time()
    function()
    return time.thread_time() - began


@torch.inference_mode()
def compare(model, side, batch, rounds):
    uniforms = map_uniforms(0, range(batch), side, side)
    drawing = Drawing(uniforms, torch.full(uniforms.shape, -1))
    samplers = {"torch, cached": sample_pixelcnn_torch, "numba": sample_pixelcnn_cpu}
    drawn = {name: sample(model, drawing) for name, sample in samplers.items()}
    times = {"naive": [], **{name: [] for name in samplers}}
    for turn in range(rounds + 1):
        forward = seconds(lambda: model(drawn["numba"]))
        taken = [forward * side * side]
        taken += [seconds(lambda s=s: s(model, drawing)) for s in samplers.values()]
        if turn:
            for each, value in zip(times.values(), taken, strict=True):
                each.append(value)
    print(f"{side} x {side}, batch {batch}:")
    for name, each in times.items():
        low, middle, high = quantiles(each, n=4)
        line = f"  {name:14}{middle:9.3f} s ({low:.3f} to {high:.3f})"
        if name in drawn:
            ratios = [a / b for a, b in zip(times["naive"], each, strict=True)]
            low, _, high = quantiles(ratios, n=4)
            line += f"{median(ratios):7.0f}x naive ({low:.0f} to {high:.0f})"
            logits = model(drawn[name]).permute(0, 2, 3, 1)
            equal = (draw(logits, uniforms) == drawn[name]).sum().item()
            line += f"  {equal} of {uniforms.numel()} codes equal"
        print(line, flush=True)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    torch.set_num_threads(1)
    model = make_model()
    for side, batch in SIZES:
        compare(model, side, batch, rounds)


if __name__ == "__main__":
    main()
