"""Muon: torch's own as referee where it can do it, Adam's for the rest, stacks one by one."""

import pytest
import torch
from torch import nn

from vqspeech.nn.quantizer import VectorQuantizer
from vqspeech.nn.wavenet import WaveNet
from vqspeech.training import muon
from vqspeech.training.muon import Muon, orthogonalize, split_parameters


def gradients(parameters, seed):
    generator = torch.Generator().manual_seed(seed)
    for p in parameters:
        p.grad = torch.randn(p.shape, generator=generator)


@pytest.mark.parametrize("shape", [(6, 6), (4, 9), (12, 5)])
def test_singular_values_come_near_one_and_the_vectors_stay(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    found = u.mT @ orthogonalize(matrix) @ v.mT  # diagonal, if the vectors are the same
    assert ((found.diagonal() > 0.6) & (found.diagonal() < 1.3)).all()
    torch.testing.assert_close(found, torch.diag(found.diagonal()), atol=1e-4, rtol=0)


def test_a_stack_is_its_matrices_one_by_one_and_zeros_stay():
    stack = torch.randn(3, 4, 7, generator=torch.Generator().manual_seed(0))
    stack[1] = 0
    together = orthogonalize(stack)
    for matrix, one in zip(stack, together, strict=True):
        torch.testing.assert_close(orthogonalize(matrix), one)
    assert not together[1].any()


def test_single_matrices_move_as_under_torchs_muon(monkeypatch):
    monkeypatch.setattr(muon, "STEP", 0.2)  # that of Liu et al., as torch has it
    start = torch.randn(5, 8, generator=torch.Generator().manual_seed(0))
    ours, theirs = (nn.Parameter(start.clone()) for _ in range(2))
    a = Muon([ours], [], [], lr=0.01)
    b = torch.optim.Muon([theirs], lr=0.01, weight_decay=0, adjust_lr_fn="match_rms_adamw")
    for seed in range(5):
        for p, optimizer in ((ours, a), (theirs, b)):
            gradients([p], seed)
            optimizer.step()
    # torch iterates in bfloat16.
    torch.testing.assert_close(ours - start, theirs - start, atol=2e-3, rtol=0.1)


def test_others_move_as_under_torchs_adam():
    start = torch.randn(7, generator=torch.Generator().manual_seed(0))
    ours, theirs = (nn.Parameter(start.clone()) for _ in range(2))
    a = Muon([], [], [ours], lr=0.01)
    b = torch.optim.Adam([theirs], lr=0.01, betas=muon.BETAS)
    for seed in range(5):
        for p, optimizer in ((ours, a), (theirs, b)):
            gradients([p], seed)
            optimizer.step()
    torch.testing.assert_close(ours, theirs)


def test_layers_are_matrices_tables_and_biases_are_not():
    net = nn.ModuleDict(
        {
            "wavenet": WaveNet(11, layers=3, local_channels=4, hop=2),
            "conv": nn.Conv1d(2, 3, 5),
            "table": nn.Embedding(4, 5),
            "codes": VectorQuantizer(4, 6, codebook_update="gradient"),
        }
    )
    names = {id(p): name for name, p in net.named_parameters()}
    matrices, stacks, others = ([names[id(p)] for p in ps] for ps in split_parameters(net))
    assert sorted(stacks) == ["wavenet.residual", "wavenet.taps"]
    assert {"conv.weight", "wavenet.skip.weight", "wavenet.local_condition.weight"} <= set(matrices)
    assert {"table.weight", "wavenet.embedding.weight", "codes.codebook"} <= set(others)
    assert {"wavenet.gate_bias", "conv.bias", "wavenet.logits.weight"} <= set(others)
    assert len(matrices) + len(stacks) + len(others) == len(names)


def test_a_least_squares_problem_is_solved():
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    layer = nn.Linear(6, 4)
    wanted = torch.randn(4, 6, generator=generator)
    optimizer = Muon([layer.weight], [], [layer.bias], lr=0.02)
    for step in range(300):
        for group in optimizer.param_groups:
            group["lr"] = 0.02 * (1 - step / 300)
        x = torch.randn(32, 6, generator=generator)
        optimizer.zero_grad()
        (layer(x) - x @ wanted.T).square().mean().backward()
        optimizer.step()
    torch.testing.assert_close(layer.weight, wanted, atol=0.05, rtol=0)
