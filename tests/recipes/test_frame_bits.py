"""What an action saves: chances counted by hand, averages between their bounds, and intervals."""

import math

import numpy as np
import pytest
import torch
from small_video import ACTIONS, build_prior, code_frames

from recipes.video.action_bits import (
    AskedActions,
    action_chances,
    another_bits,
    ask_actions,
    averaged_bits,
    best_exponent,
    likeliest_actions,
    told_bits,
)
from recipes.video.code_frames import CodeFrames
from recipes.video.frame_bits import repeat_bits, score_bits
from recipes.video.train_on_frames import score_frames


def still(codes, actions=None, episode=None):
    """Frames of one code each, 1 x 1."""
    codes = torch.tensor(codes).view(-1, 1, 1)
    return CodeFrames(
        codes,
        None if actions is None else torch.tensor(actions),
        np.zeros(len(codes), np.int64) if episode is None else np.array(episode),
        ACTIONS,
    )


def test_codes_that_stay_cost_what_their_share_in_training_says():
    train = still([1, 1, 1, 2, 2])  # 3 of 4 stay; with one more of each, 4 of 6
    bits = repeat_bits(train, still([0, 0, 3]), np.array([1, 2]), 5)
    assert bits == pytest.approx([-math.log2(4 / 6), -math.log2(2 / 6 / 4)])


def test_chances_of_an_action_depend_on_the_last_one_and_on_how_long_it_was_held():
    held = still([0] * 8, actions=[0, 0, 1, 1, 1, 0, 0, 2])
    # Context 3: the actions -2 and -3 before a frame lie in it, action -1 leads to it.
    index = held.targets(3)  # 3 .. 7, led to by 1 1 1 0 0, after (0,0) (0,1) (1,1) (1,1) (1,0)
    chances = action_chances(held, held, index, 3)
    assert chances.sum(1) == pytest.approx(np.ones(5))
    # After 0 twice: 1 once seen, so 2 of 4 with Laplace's one of each. After one 1: 1 once.
    assert chances[0] == pytest.approx([1 / 4, 2 / 4, 1 / 4])
    assert chances[1] == pytest.approx([1 / 4, 2 / 4, 1 / 4])
    # After 1 twice: 1 and 0, once each.
    assert chances[2] == pytest.approx([2 / 5, 2 / 5, 1 / 5])
    assert np.array_equal(chances[2], chances[3])


@torch.no_grad()
def test_the_average_over_actions_is_the_exact_likelihood_without_them():
    prior, frames = build_prior(num_codes=4, side=2), code_frames((6, 6), num_codes=4, side=2)
    asked = ask_actions(prior, frames, frames)
    found = averaged_bits(asked)
    assert found == pytest.approx(-np.log2((asked.chances * 2.0**-asked.bits).sum(1)))
    # Knowing the action saves no more than the action's own bits, whatever the prior is; and what
    # it saves is what the frame tells of the action.
    saved = found - asked.told_bits
    assert (saved <= asked.surprise + 1e-9).all()
    assert told_bits(asked, 1.0) == pytest.approx(saved)
    assert told_bits(asked, 0.0) == pytest.approx(0, abs=1e-9)


def test_evidence_of_errors_that_come_together_is_tempered():
    """A sign that is counted eight times: an eighth of the evidence is what there is."""
    rng = np.random.default_rng(0)
    leading = rng.integers(2, size=4000)
    chances = np.full((4000, 2), 0.5)
    right = rng.random(4000) < 0.9  # a sign that is wrong one time in ten
    seen = np.where(right, leading, 1 - leading)
    bits = np.where(np.arange(2) == seen[:, None], 0.0, 8 * math.log2(9))
    asked = AskedActions(bits, chances, leading)
    exponent = best_exponent(asked)
    assert exponent == pytest.approx(1 / 8, rel=0.1)
    # 1 bit less the entropy of 9 to 1.
    assert told_bits(asked, exponent).mean() == pytest.approx(0.531, abs=0.03)
    assert told_bits(asked, 1.0).mean() < 0
    assert (likeliest_actions(asked, exponent) == seen).all()


def test_scores_are_of_the_frames_asked_for_in_batches_or_alone():
    prior, frames = build_prior(), code_frames((40, 30))
    index = frames.targets(2)
    own = score_frames(prior, frames, index)
    assert own == pytest.approx(
        np.concatenate([score_frames(prior, frames, index[i : i + 1]) for i in range(len(index))]),
        rel=1e-5,
    )
    told = np.stack([score_frames(prior, frames, index, a) for a in range(3)])
    assert told[frames.leading(index).numpy(), np.arange(len(index))] == pytest.approx(own)
    batch = (
        frames.codes[torch.from_numpy(index[:3])],
        frames.before(index[:3], 2),
        frames.leading(index[:3]),
    )
    assert prior.nats(*batch).detach().flatten(1).sum(1).numpy() == pytest.approx(own[:3], rel=1e-5)


def test_another_action_is_the_mean_of_those_that_were_not_done():
    bits = np.array([[1.0, 2.0, 6.0], [4.0, 5.0, 9.0]])
    asked = AskedActions(bits, np.full((2, 3), 1 / 3), np.array([0, 2]))
    assert another_bits(asked).tolist() == [4.0, 4.5]
    assert asked.told_bits.tolist() == [1.0, 9.0]
    assert asked.surprise == pytest.approx([math.log2(3)] * 2)


def test_all_comparisons_have_intervals_over_episodes():
    train, valid, test = code_frames((9, 9)), code_frames(seed=2), code_frames((6, 6, 6), seed=1)
    prior, without = build_prior(), build_prior(actions=())
    facts = score_bits(prior, without, build_prior(context=0, actions=()), train, valid, test)
    assert facts["frames"] == 12
    assert facts["saved"].keys() == {"without", "averaged", "another", "repeat", "alone"}
    for entry in (*facts["saved"].values(), facts["action_bits"]):
        assert entry["sources"] == 3
        assert entry["low"] < entry["bits"] < entry["high"]
    index = test.targets(2)
    gap = score_frames(without, test, index) - score_frames(prior, test, index)
    assert facts["saved"]["without"]["bits"] == pytest.approx(gap.mean() / math.log(2))
    assert facts["bits_a_code"]["with"] == pytest.approx(facts["bits_a_frame"]["with"] / 16)
    assert facts["saved"]["averaged"]["bits"] <= facts["action_bits"]["bits"]
    exponent = best_exponent(ask_actions(prior, train, valid))
    asked = ask_actions(prior, train, test)
    assert facts["told"]["exponent"] == exponent
    assert facts["told"]["bits"] == pytest.approx(told_bits(asked, exponent).mean())
    named = (likeliest_actions(asked, exponent) == asked.leading).mean()
    assert facts["told"]["named"] == pytest.approx(named)


def test_a_prior_that_is_told_no_actions_is_scored_without_them():
    parts = [code_frames(seed=seed) for seed in range(3)]
    facts = score_bits(build_prior(actions=()), None, None, *parts)
    assert facts["saved"].keys() == {"repeat"}
    assert facts["action_bits"] is facts["told"] is None
