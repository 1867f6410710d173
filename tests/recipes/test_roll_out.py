"""Frames drawn in latent space: as the slow way draws them, and seeds, streams and refusals."""

import pytest
import torch
from small_video import build_prior

from recipes.video.roll_out import roll_out
from vqspeech.generation.pixelcnn_sampling import map_uniforms

ACTIONS = torch.tensor([[0, 1, 2, 1], [2, 2, 0, 0]])


def some_frames(prior, clips=2, frames=3):
    torch.manual_seed(2)
    _, height, width = prior.frame_shape
    return torch.randint(prior.code_map.num_codes, (clips, frames, height, width))


def naive(prior, before, actions, uniforms):
    """The whole model once for every code, each clip by itself."""
    codes = [list(clip) for clip in before]
    for clip, seen in enumerate(codes):
        for number, action in enumerate(actions[clip]):
            frame = torch.zeros_like(seen[0])
            last = torch.stack(seen[-prior.context :])[None]
            for row in range(frame.shape[0]):
                for column in range(frame.shape[1]):
                    spatial = prior.condition(last, action[None])
                    logits = prior.pixelcnn(frame[None], action[None], spatial)[0, :, row, column]
                    chances = logits.double().softmax(0).cumsum(0)
                    drawn = int((chances <= uniforms[clip, number, row, column]).sum())
                    frame[row, column] = drawn
            seen.append(frame)
    return torch.stack([torch.stack(seen[before.shape[1] :]) for seen in codes])


@torch.no_grad()
def test_frames_are_those_of_running_the_whole_model_for_every_code():
    prior = build_prior()
    before = some_frames(prior)
    drawn = roll_out(prior, before, ACTIONS, 4, seed=3)
    uniforms = map_uniforms(3, range(2), 4 * 4, 4).view(2, 4, 4, 4)
    assert torch.equal(drawn, naive(prior, before, ACTIONS, uniforms))


def test_a_clip_is_the_same_alone_and_its_first_frames_however_many_follow():
    prior = build_prior()
    before = some_frames(prior)
    drawn = roll_out(prior, before, ACTIONS, 4, seed=1)
    assert torch.equal(roll_out(prior, before[:1], ACTIONS[:1], 4, seed=1), drawn[:1])
    assert torch.equal(roll_out(prior, before, ACTIONS[:, :2], 2, seed=1), drawn[:, :2])
    assert not torch.equal(roll_out(prior, before, ACTIONS, 4, seed=2), drawn)


def test_only_the_last_frames_before_are_seen_and_all_of_them_are():
    prior = build_prior()
    before = some_frames(prior)
    drawn = roll_out(prior, before, ACTIONS[:, :1], 1, temperature=0)
    assert torch.equal(roll_out(prior, before[:, 1:], ACTIONS[:, :1], 1, temperature=0), drawn)
    other = (before + 1) % 8
    assert not torch.equal(roll_out(prior, other, ACTIONS[:, :1], 1, temperature=0), drawn)


def test_the_action_moves_what_is_drawn_from_its_frame_on():
    prior = build_prior()
    before = some_frames(prior, 1)
    first, other = torch.tensor([[0, 0, 0]]), torch.tensor([[0, 1, 0]])
    drawn, changed = (roll_out(prior, before, actions, 3) for actions in (first, other))
    assert torch.equal(drawn[:, 0], changed[:, 0])
    assert not torch.equal(drawn[:, 1], changed[:, 1])


def test_a_prior_of_no_actions_draws_as_many_frames_as_are_wanted():
    prior = build_prior(actions=())
    drawn = roll_out(prior, some_frames(prior), None, 3)
    assert drawn.shape == (2, 3, 4, 4)
    assert 0 <= drawn.min() <= drawn.max() < 8


def test_progress_is_told_frame_by_frame():
    told = []
    prior = build_prior()
    roll_out(prior, some_frames(prior), ACTIONS, 4, progress=told.append)
    assert told == [1, 2, 3, 4]


def test_frames_and_actions_that_do_not_fit_are_refused():
    prior = build_prior()
    before = some_frames(prior)
    for given, told in (
        ((before[:, :1], ACTIONS, 4), "1 frames before; the prior sees 2"),
        ((before, None, 4), "actions None"),
        ((before, ACTIONS, 3), "actions of shape"),
    ):
        with pytest.raises(ValueError, match=told):
            roll_out(prior, *given)
