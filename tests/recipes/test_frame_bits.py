"""What an action saves: chances counted by hand, averages between their bounds, and intervals."""

import math

import numpy as np
import pytest
import torch
from small_video import ACTIONS, build_prior, code_frames

from recipes.video.code_frames import CodeFrames
from recipes.video.frame_bits import (
    action_chances,
    another_bits,
    averaged_bits,
    per_action_bits,
    repeat_bits,
    score_bits,
)
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
    index = frames.targets(2)
    by_action = per_action_bits(prior, frames, index)
    chances = action_chances(frames, frames, index, 2)
    found = averaged_bits(by_action, chances)
    summed = (chances.T * 2.0**-by_action).sum(0)
    assert found == pytest.approx(-np.log2(summed))
    # Knowing the action saves no more than the action's own bits, whatever the prior is.
    leading = frames.leading(index).numpy()
    place = np.arange(len(index))
    saved = found - by_action[leading, place]
    assert (saved <= -np.log2(chances[place, leading]) + 1e-9).all()


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
    by_action = np.array([[1.0, 4.0], [2.0, 5.0], [6.0, 9.0]])
    assert another_bits(by_action, np.array([0, 2])).tolist() == [4.0, 4.5]


def test_all_comparisons_have_intervals_over_episodes():
    train, test = code_frames((9, 9)), code_frames((6, 6, 6), seed=1)
    prior, without = build_prior(), build_prior(actions=())
    facts = score_bits(prior, without, build_prior(context=0, actions=()), train, test)
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


def test_a_prior_that_is_told_no_actions_is_scored_without_them():
    facts = score_bits(build_prior(actions=()), None, None, code_frames(), code_frames(seed=1))
    assert facts["saved"].keys() == {"repeat"}
    assert facts["action_bits"] is None
