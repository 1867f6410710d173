"""The prior over frames: what it may see and what it must, its likelihood, and its folders."""

import itertools
import math

import numpy as np
import pytest
import torch
from small_video import build_prior, code_frames, save_prior

from recipes.video.video_prior import load_video_prior
from vqspeech.errors import InputError


def a_batch(prior, count=2):
    torch.manual_seed(1)
    _, height, width = prior.frame_shape
    codes = torch.randint(prior.code_map.num_codes, (count, height, width))
    before = torch.randint(prior.code_map.num_codes, (count, *prior.frame_shape))
    return codes, before, torch.arange(count) % 3


def test_the_likelihood_of_all_frames_sums_to_one():
    prior = build_prior(num_codes=2, side=2)
    codes = torch.tensor(list(itertools.product((0, 1), repeat=4))).view(-1, 2, 2)
    before = torch.randint(2, (1, 2, 2, 2)).expand(len(codes), -1, -1, -1)
    nats = prior.nats(codes, before, torch.ones(len(codes), dtype=torch.int64))
    assert torch.logsumexp(-nats.flatten(1).sum(1), 0).item() == pytest.approx(0, abs=1e-5)


def test_a_code_is_not_told_of_itself_or_later_ones_but_of_all_frames_before():
    prior = build_prior(side=5)
    codes, before, actions = a_batch(prior)
    at = (2, 2)
    nats = prior.nats(codes, before, actions)[:, at[0], at[1]]
    later = codes.clone()
    later[:, 2, 3:] += 1
    later[:, 3:] += 1
    later %= 8
    assert torch.equal(prior.nats(later, before, actions)[:, at[0], at[1]], nats)
    for frame in range(prior.context):
        changed = before.clone()
        changed[:, frame, 3, 3] = (changed[:, frame, 3, 3] + 1) % 8  # below and to the right
        other = prior.nats(codes, changed, actions)[:, at[0], at[1]]
        assert (other != nats).all()


def test_every_layer_is_told_the_action():
    prior = build_prior()
    codes, before, actions = a_batch(prior)
    prior.nats(codes, before, actions).sum().backward()
    tables = [layer.class_condition.weight for layer in prior.pixelcnn.layers]
    tables += [block.action.weight for block in prior.network.blocks]
    for table in tables:
        assert table.grad[:2].abs().sum() > 0  # those of the batch
        assert not table.grad[2].any()


def test_gradients_reach_every_parameter_and_not_the_first_stages_codes():
    prior = build_prior()
    codes, before, actions = a_batch(prior, 3)
    spatial = prior.condition(before, actions)
    loss = prior.nats_given(codes, spatial, actions).sum() + prior.guide_nats(codes, spatial).sum()
    loss.backward()
    without = [name for name, p in prior.named_parameters() if p.grad is None or not p.grad.any()]
    # The vertical stack of the last layer goes on to nothing but the horizontal one.
    assert without == []
    assert "network.embedding" not in dict(prior.named_parameters())


@pytest.mark.parametrize(
    ("sizes", "given"),
    [
        ({"actions": ()}, ("codes", "before", None)),
        ({"context": 0}, ("codes", None, "actions")),
        ({"context": 0, "actions": ()}, ("codes", None, None)),
    ],
)
def test_a_prior_does_without_actions_and_without_frames_before(sizes, given):
    prior = build_prior(**sizes)
    named = dict(zip(("codes", "before", "actions"), a_batch(build_prior()), strict=True))
    nats = prior.nats(*(named.get(name) for name in given))
    assert nats.shape == (2, 4, 4)
    assert torch.isfinite(nats).all()


def test_conditions_that_do_not_fit_are_refused():
    prior = build_prior()
    codes, before, actions = a_batch(prior)
    for given, told in (
        ((codes, before, None), "actions are wanted"),
        ((codes, before[:, :1], actions), "frames before of shape"),
        ((codes, None, actions), "frames before of shape None"),
    ):
        with pytest.raises(ValueError, match=told):
            prior.nats(*given)
    with pytest.raises(ValueError, match="none of its business"):
        build_prior(actions=()).nats(codes, before, actions)


def test_a_saved_prior_is_the_same_and_knows_whose_codes_it_learnt(tmp_path):
    prior = save_prior(tmp_path / "prior", model_hash="first")
    read = load_video_prior(tmp_path / "prior", "first")
    assert read.action_names == prior.action_names
    assert read.code_map == prior.code_map
    batch = a_batch(prior)
    assert torch.equal(read.nats(*batch), prior.nats(*batch))
    with pytest.raises(InputError, match="over the codes of model first, not of second"):
        load_video_prior(tmp_path / "prior", "second")


def test_frames_are_those_of_one_episode_and_actions_lead_to_them():
    frames = code_frames((5, 2, 4))
    index = frames.targets(3)
    assert index.tolist() == [3, 4, 10]
    before = frames.before(index, 3)
    assert torch.equal(before[2], frames.codes[7:10])
    assert torch.equal(frames.leading(index), frames.actions[[2, 3, 9]])
    assert frames.targets(0).tolist() == list(range(11))
    assert code_frames(actions=False).leading(np.array([1])) is None


def test_a_digest_is_of_codes_actions_and_episodes():
    digests = {
        code_frames().digest(),
        code_frames(seed=1).digest(),
        code_frames((4, 5)).digest(),
        code_frames(actions=False).digest(),
    }
    assert len(digests) == 4
    assert code_frames().digest() == code_frames().digest()


def test_an_untrained_prior_of_no_weights_gives_every_code_the_same_chance():
    prior = build_prior()
    torch.nn.init.zeros_(prior.pixelcnn.head[-1].weight)
    torch.nn.init.zeros_(prior.pixelcnn.head[-1].bias)
    assert prior.nats(*a_batch(prior)).mean().item() == pytest.approx(math.log(8))
