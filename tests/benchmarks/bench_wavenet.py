"""Training step of the WaveNet stack against plain Conv1d stacks: CPU time at equal loss.

    python tests/benchmarks/bench_wavenet.py [rounds]

20 layers, dilations 1 to 512 twice, residual 64, gate 128, skip 256, head 256-256; 4 x 8192
samples, one thread. The forms take turns in one process; the first round is thrown away; medians of
process CPU time. Two referees: `conv` is as lean as Conv1d allows (residual and skip in one 1x1
convolution, conditioning projected once a frame); `plain` is the textbook form of public
implementations (separate 1x1 convolutions, conditioning projected at the sample rate in every
layer).
"""

import sys
import time
from statistics import median

import torch
import torch.nn.functional as F

from vqspeech.devices import keep_freed_memory
from vqspeech.nn.wavenet import WaveNet

LAYERS, RESIDUAL, GATE, SKIP, HEAD, LOCAL, HOP = 20, 64, 128, 256, 256, 64, 64
BATCH, SAMPLES = 4, 8192
HALF = GATE // 2


def make_wavenet():
    torch.manual_seed(0)
    return WaveNet(
        256,
        layers=LAYERS,
        residual_channels=RESIDUAL,
        gate_channels=GATE,
        skip_channels=SKIP,
        head_channels=HEAD,
        local_channels=LOCAL,
        hop=HOP,
    )


def head(net, skip):
    hidden = net.head(F.relu(skip.transpose(1, 2)))
    return net.logits(F.relu(hidden)).transpose(1, 2)


def pieces(net, i):
    """Kernels of layer i as Conv1d wants them, from the weights of `net`."""
    taps = torch.stack([net.taps[i, :, :RESIDUAL], net.taps[i, :, RESIDUAL:]], dim=2)
    last = i + 1 == LAYERS
    residual = net.residual[i] if not last else net.residual.new_zeros(RESIDUAL, HALF)
    skip = net.skip.weight[:, i * HALF : (i + 1) * HALF]
    return taps, residual, skip


def conv(net, levels, local):
    x = F.pad(net.embedding(levels[:, :-1]), (0, 0, 1, 0)).transpose(1, 2).contiguous()
    condition, total = net.condition(local), 0
    for i, d in enumerate(net.dilations):
        taps, residual, skip = pieces(net, i)
        frames = condition[:, :, i].transpose(1, 2).repeat_interleave(HOP, dim=2)
        gate = F.conv1d(F.pad(x, (d, 0)), taps, dilation=d) + frames
        z = torch.tanh(gate[:, :HALF]) * torch.sigmoid(gate[:, HALF:])
        both = F.conv1d(z, torch.cat([residual, skip])[:, :, None])
        x, total = x + both[:, :RESIDUAL], total + both[:, RESIDUAL:]
    return head(net, total + net.skip.bias[:, None])


def plain(net, levels, local):
    x = F.pad(net.embedding(levels[:, :-1]), (0, 0, 1, 0)).transpose(1, 2).contiguous()
    local, total = local.repeat_interleave(HOP, dim=2), 0
    for i, d in enumerate(net.dilations):
        taps, residual, skip = pieces(net, i)
        project = net.local_condition.weight[i * GATE : (i + 1) * GATE, :, None]
        gate = F.conv1d(F.pad(x, (d, 0)), taps, net.gate_bias[i], dilation=d)
        gate = gate + F.conv1d(local, project)
        z = torch.tanh(gate[:, :HALF]) * torch.sigmoid(gate[:, HALF:])
        total = total + F.conv1d(z, skip[:, :, None])
        x = x + F.conv1d(z, residual[:, :, None])
    return head(net, total + net.skip.bias[:, None])


def ours(net, levels, local):
    return net(levels, local)


def step(form, net, levels, local):
    net.zero_grad(set_to_none=True)
    loss = F.cross_entropy(
        form(net, levels, local).transpose(1, 2).reshape(-1, 256), levels.reshape(-1)
    )
    loss.backward()
    norm = torch.stack([p.grad.norm() for p in net.parameters() if p.grad is not None]).norm()
    return loss.item(), norm.item()


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    torch.set_num_threads(1)
    keep_freed_memory()
    net = make_wavenet()
    levels = torch.randint(0, 256, (BATCH, SAMPLES))
    local = torch.randn(BATCH, LOCAL, SAMPLES // HOP)
    seconds, results = {}, {}
    for turn in range(rounds + 1):
        for form in (ours, conv, plain):
            began = time.process_time()
            results[form.__name__] = step(form, net, levels, local)
            if turn:
                seconds.setdefault(form.__name__, []).append(time.process_time() - began)
    for name, spent in seconds.items():
        loss, norm = results[name]
        ratio = median(spent) / median(seconds["ours"])
        print(
            f"{name:6} {median(spent):6.2f} CPU s a step ({min(spent):.2f} to {max(spent):.2f})  "
            f"{ratio:.2f}x ours  loss {loss:.5f}  gradient norm {norm:.5f}"
        )


if __name__ == "__main__":
    main()
