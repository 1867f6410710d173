"""Drawing codes: cached steps against re-running the receptive field for each code, one thread.

    python tests/benchmarks/bench_prior.py [rounds] [prior]

A prior of the size of the packaged one with fresh weights, or the one at the path given. The forms
take turns in one process; the first round is thrown away; medians of thread CPU time. They draw the
same codes for the same numbers, which is asserted; the slow one draws fewer of them. Then
the peak memory, beside the codes, of a minute and of half an hour of codes, each in a new process.
"""

import resource
import subprocess
import sys
import time
from statistics import median

import numpy as np
import torch

from vqspeech.config.schema import SpeechPriorSettings
from vqspeech.generation.code_sampling import STREAM, sample_codes
from vqspeech.generation.uniforms import uniforms
from vqspeech.generation.wavenet_torch import sample_wavenet
from vqspeech.models.build import load_speech_prior
from vqspeech.models.prior import CodeFormat, SpeechPrior
from vqspeech.nn.sampling import draw

CODES, FEW, SLOW = 2048, 512, 48  # drawn by the compiled steps, by steps of torch, by re-running
RATE = 50  # codes a second


def make_prior(path):
    if path:
        return load_speech_prior(path)
    torch.manual_seed(0)
    settings = SpeechPriorSettings(
        layers=16,
        dilation_cycle=8,
        residual_channels=128,
        gate_channels=256,
        skip_channels=256,
        head_channels=256,
    )
    prior = SpeechPrior(settings, CodeFormat(256, 1, 160, 8000, "0" * 16), ("p1",)).eval()
    with torch.no_grad():  # far from flat logits: every draw depends on those before it
        for layer in (prior.wavenet.skip, prior.wavenet.head, prior.wavenet.logits):
            layer.weight.mul_(3)
    return prior


@torch.inference_mode()
def rerun(prior, known, count):
    """The codes after `known` (B, P), each from a pass over the last receptive field."""
    codes, wavenet = known, prior.wavenet
    field = wavenet.receptive_field
    _, global_ = prior.conditions(torch.zeros(len(known), dtype=torch.int64), 1)
    u = numbers(len(known), known.shape[1] + count)
    for t in range(known.shape[1], known.shape[1] + count):
        # One more, whose value does not matter: its logits are what is wanted.
        heard = torch.cat([codes[:, -field:], codes[:, :1]], dim=1)
        logits = wavenet(heard, None, global_)[:, :, -1]
        codes = torch.cat([codes, draw(logits, u[:, t])[:, None]], dim=1)
    return codes[:, known.shape[1] :]


@torch.inference_mode()
def step(prior, batch, count):
    _, global_ = prior.conditions(torch.zeros(batch, dtype=torch.int64), 1)
    return sample_wavenet(prior.wavenet, numbers(batch, count), None, global_)


def numbers(batch, count):
    return torch.from_numpy(np.stack([uniforms(0, STREAM + i, 0, count) for i in range(batch)]))


def compare(prior, batch, rounds):
    drawn = torch.from_numpy(sample_codes(prior, CODES, [0] * batch))
    begin = prior.wavenet.receptive_field  # from here on a pass sees a whole field
    forms = {
        "compiled steps": (lambda: torch.from_numpy(sample_codes(prior, CODES, [0] * batch)), 0),
        "torch steps": (lambda: step(prior, batch, FEW), 0),
        "receptive field": (lambda: rerun(prior, drawn[:, :begin], SLOW), begin),
    }
    spent = {name: [] for name in forms}  # seconds a code of each sequence
    for turn in range(rounds + 1):
        for name, (form, start) in forms.items():
            began = time.thread_time()
            codes = form()
            seconds = (time.thread_time() - began) / codes.shape[1]
            assert torch.equal(codes, drawn[:, start : start + codes.shape[1]]), name
            if turn:
                spent[name].append(seconds)
    slowest = median(spent["receptive field"])
    for name, each in spent.items():
        middle = median(each)
        print(
            f"| {batch} | {name} | {1e6 * middle:.0f} | {batch / middle / RATE:.1f} | "
            f"{slowest / middle:.1f} |",
            flush=True,
        )


def tell_memory(seconds, path):
    """Peak memory of this process in bytes beyond what it was once everything was loaded."""
    prior = make_prior(path)
    sample_codes(prior, 2048, [0])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    codes = sample_codes(prior, seconds * RATE, [0])
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"| {seconds / 60:g} | {codes.nbytes / 1e6:.2f} | {(after - before) / 1e3:.2f} |")


def main():
    torch.set_num_threads(1)
    if sys.argv[1:2] == ["memory"]:
        tell_memory(int(sys.argv[2]), "".join(sys.argv[3:]))
        return
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    prior = make_prior("".join(sys.argv[2:3]))
    field = prior.wavenet.receptive_field
    print(f"receptive field {field} codes, {RATE} codes a second\n")
    print("| sequences | form | us a step | times real time | times the slowest |")
    print("|---|---|---|---|---|")
    for batch in (1, 8):
        compare(prior, batch, rounds)
    print("\n| minutes of codes | codes, MB | peak memory rose by, MB |")
    print("|---|---|---|", flush=True)
    for seconds in (60, 1800):
        subprocess.run(
            [sys.executable, __file__, "memory", str(seconds), *sys.argv[2:3]], check=True
        )


if __name__ == "__main__":
    main()
