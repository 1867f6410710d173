import math

import pytest
import torch

from vqspeech.nn.sampling import draw


def test_frequencies_follow_the_softmax():
    logits = torch.tensor([0.3, -1.0, 2.0, 0.0])
    # Evenly spaced uniforms leave no chance: each share is met to one part in their number.
    uniforms = (torch.arange(10_000) + 0.5) / 10_000
    for temperature in (0.5, 1.0, 3.0):
        levels = draw(logits.expand(10_000, 4), uniforms, temperature)
        share = torch.bincount(levels, minlength=4) / 10_000
        wanted = (logits / temperature).softmax(0)
        torch.testing.assert_close(share, wanted, atol=1.5e-4, rtol=0)


def test_the_level_is_the_one_that_a_binary_search_finds():
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(500, 256, generator=generator)
    uniforms = torch.rand(500, generator=generator)
    cumulative = logits.softmax(1).double().cumsum(1)
    found = torch.searchsorted(
        cumulative, (uniforms.double() * cumulative[:, -1])[:, None], right=True
    )
    assert torch.equal(draw(logits, uniforms), found[:, 0])


@pytest.mark.parametrize("uniform", [0.0, 1 - 2**-24, 1.0])
def test_a_level_of_probability_zero_is_never_drawn(uniform):
    logits = torch.full((4, 6), -math.inf)
    for row, levels in enumerate(([2], [1, 4], [0, 5], [3, 4])):
        logits[row, levels] = 0.0
    uniforms = torch.full((4,), uniform)
    wanted = [2, 1, 0, 3] if uniform == 0 else [2, 4, 5, 4]
    assert draw(logits, uniforms).tolist() == wanted


def test_the_last_level_is_reached_although_rounded_probabilities_miss_one():
    logits = torch.zeros(3, 8191)  # 1 / 8191 in float32, 8191 times, is not 1
    uniforms = torch.tensor([0.0, 1 - 2**-24, 1.0])
    assert draw(logits, uniforms).tolist() == [0, 8190, 8190]


def test_levels_rarer_than_float32_can_tell_from_one_are_reached():
    logits = torch.tensor([0.0] + 10 * [-20.0])
    rare = math.exp(-20)  # 2e-9; the largest float32 below 1 is 6e-8 away
    levels = torch.arange(1, 11)
    uniforms = (1 + (levels.double() - 0.5) * rare) / (1 + 10 * rare)
    assert torch.equal(draw(logits.expand(10, 11), uniforms), levels)


def test_a_boundary_belongs_to_the_level_above_it():
    uniforms = torch.tensor([0.25, 0.5, 0.75])
    assert draw(torch.zeros(3, 4), uniforms).tolist() == [1, 2, 3]


def test_temperature_zero_takes_the_likeliest_and_the_lowest_of_equals():
    logits = torch.tensor([[0.0, 3.0, 1.0], [2.0, -1.0, 2.0]])
    assert draw(logits, torch.tensor([0.99, 0.99]), temperature=0).tolist() == [1, 0]


def test_a_tiny_temperature_does_not_overflow():
    logits = torch.tensor([[1e30, 3e30, 2e30]])
    assert draw(logits, torch.tensor([0.999]), temperature=1e-20).tolist() == [1]


def test_leading_shapes_are_kept():
    levels = draw(torch.zeros(2, 3, 5), torch.full((2, 3), 0.5))
    assert levels.dtype == torch.int64
    assert levels.tolist() == [[2, 2, 2], [2, 2, 2]]


def test_half_precision_logits_are_scored_in_float32():
    logits = torch.randn(500, 256, generator=torch.Generator().manual_seed(0)).bfloat16()
    uniforms = torch.rand(500, generator=torch.Generator().manual_seed(1))
    assert torch.equal(draw(logits, uniforms), draw(logits.float(), uniforms))


@pytest.mark.parametrize("temperature", [-1.0, math.nan])
def test_a_temperature_below_zero_is_refused(temperature):
    with pytest.raises(ValueError, match="temperature"):
        draw(torch.zeros(2, 3), torch.zeros(2), temperature)


def test_one_uniform_a_row_is_wanted():
    with pytest.raises(ValueError, match=r"\(3,\) do not fit logits \(2, 3\)"):
        draw(torch.zeros(2, 3), torch.zeros(3))


def test_a_temperature_too_small_to_divide_by_is_the_likeliest_level():
    logits = torch.tensor([[0.0, 5.0, 1.0]])
    for temperature in (1e-5, 1e-7, 1e-50):
        assert draw(logits, torch.tensor([0.5]), temperature).tolist() == [1]


def test_top_k_leaves_the_shares_of_the_likeliest_and_nothing_else():
    logits = torch.tensor([0.3, -1.0, 2.0, 0.0])
    uniforms = (torch.arange(10_000) + 0.5) / 10_000
    levels = draw(logits.expand(10_000, 4), uniforms, 2.0, top_k=2)
    share = torch.bincount(levels, minlength=4) / 10_000
    rest = math.exp(0.15) + math.exp(1.0)
    wanted = torch.tensor([math.exp(0.15) / rest, 0, math.exp(1.0) / rest, 0])
    torch.testing.assert_close(share, wanted, atol=1.5e-4, rtol=0)


def test_equals_of_the_last_of_the_top_stay():
    logits = torch.tensor([0.0, 1.0, 0.0, -1.0, 1.0]).expand(100, 5)
    uniforms = torch.arange(100) / 100
    for top_k, kept in ((1, {1, 4}), (2, {1, 4}), (3, {0, 1, 2, 4}), (5, {0, 1, 2, 3, 4})):
        assert set(draw(logits, uniforms, top_k=top_k).tolist()) == kept


def test_a_top_of_all_levels_or_more_is_no_choice():
    logits = torch.randn(500, 16, generator=torch.Generator().manual_seed(0))
    uniforms = torch.rand(500, generator=torch.Generator().manual_seed(1))
    for top_k in (16, 17, 1000):
        assert torch.equal(draw(logits, uniforms, top_k=top_k), draw(logits, uniforms))
    assert torch.equal(draw(logits, uniforms, top_k=1), logits.argmax(1))
    with pytest.raises(ValueError, match="top_k -1"):
        draw(logits, uniforms, top_k=-1)
