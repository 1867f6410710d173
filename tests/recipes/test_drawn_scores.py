"""Drawn frames are scored by arithmetic that is known: worlds in which every frame can be foretold.

A world is a torus of grey tiles of 4 x 4 pixels, and a frame 6 x 6 of them. The first stage of
these tests has a code for each of 16 greys; the judge looks which way the tiles went.
"""

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from recipes.frames.code_map import CodeMap
from recipes.frames.frames_file import FramesFile
from recipes.frames.settings import PixelCNNSettings
from recipes.video import drawn_scores
from recipes.video.code_frames import encode_frames
from recipes.video.drawn_measures import (
    describe_codes,
    entropy,
    jensen_shannon,
    nmse,
    over_episodes,
    psnr,
    score_actions,
    sharpness,
)
from recipes.video.drawn_scores import score_drawn
from recipes.video.settings import ContextSettings, VideoPriorSettings
from recipes.video.video_prior import VideoPrior
from recipes.video.window_scores import measure_drift, score_windows
from recipes.video.windows import choose_windows, cut_windows
from vqspeech.errors import InputError

NAMES = ("forward", "right", "left")
MOVES = np.array([[1, 0], [0, 1], [0, -1]])  # tiles down and across
GREYS, VIEW, TORUS, LENGTH = 16, 6, 12, 18
CONTEXT, FRAMES = 3, 5


class GreyStage(nn.Module):
    """A first stage that loses nothing but what lies between its greys."""

    def __init__(self):
        super().__init__()
        self.nothing = nn.Parameter(torch.zeros(1))
        self.quantizer = SimpleNamespace(groups=1, num_codes=GREYS)

    def codes_of(self, levels):
        return (nn.functional.avg_pool2d(levels.float().mean(1), 4) / 16).long()

    def pictures(self, codes):
        tiles = codes.repeat_interleave(4, 1).repeat_interleave(4, 2)
        return (tiles * 16 + 8).to(torch.uint8)[:, None].repeat(1, 3, 1, 1)


class TileJudge(nn.Module):
    """Names the move after which the tiles that stay in view agree best."""

    action_names = NAMES

    def __init__(self):
        super().__init__()
        self.nothing = nn.Parameter(torch.zeros(1))

    def forward(self, pairs):
        before, after = pairs[:, :3].float(), pairs[:, 3:].float()
        moved = (
            (before[:, :, 4:], after[:, :, :-4]),
            (before[..., 4:], after[..., :-4]),
            (before[..., :-4], after[..., 4:]),
        )
        return torch.stack([-(a - b).square().flatten(1).mean(1) for a, b in moved], 1)


def coded(file):
    return encode_frames(GreyStage(), file, np.arange(len(file)))


class Worlds:
    """A torus for each episode, and a file of walks over them, a little noisy.

    Whatever its `prior` is told, the frames that it draws are those that one would see.
    """

    def __init__(self, episodes=8, seed=0):
        rng = np.random.default_rng(seed)
        tori = rng.integers(GREYS, size=(episodes, TORUS, TORUS))
        wide = np.tile(tori, (1, 2, 2))[:, : TORUS + VIEW - 1, : TORUS + VIEW - 1]
        self.views = np.lib.stride_tricks.sliding_window_view(wide, (VIEW, VIEW), axis=(1, 2))
        actions = rng.integers(3, size=(episodes, LENGTH))
        codes = np.stack(
            [
                [self.view(e, place) for place in np.cumsum(MOVES[[0, *told[:-1]]], 0)]
                for e, told in enumerate(actions)
            ]
        ).reshape(-1, VIEW, VIEW)
        levels = codes.repeat(4, 1).repeat(4, 2)[..., None] * 16 + 8
        levels = levels + rng.integers(-3, 4, size=(*levels.shape[:3], 3))
        self.file = FramesFile(
            frames=levels.astype(np.uint8),
            episode=np.arange(episodes, dtype=np.int32).repeat(LENGTH),
            map=np.zeros(episodes * LENGTH, np.int16),
            map_names=("torus",),
            actions=actions.ravel().astype(np.uint8),
            action_names=NAMES,
        )

    def view(self, episode, place):
        return self.views[(episode, *np.mod(place, TORUS))]

    def find(self, frame):
        """(episode, place) of the only view that looks like this."""
        [(episode, *place)] = np.argwhere((self.views == np.asarray(frame)).all(axis=(-2, -1)))
        return episode, np.array(place)

    def draw(self, before, actions):
        drawn = []
        for context, told in zip(before.numpy(), actions.numpy(), strict=True):
            episode, start = self.find(context[-1])
            after = np.cumsum(MOVES[told], 0) + start
            drawn.append([self.view(episode, place) for place in after])
        return torch.from_numpy(np.array(drawn))

    def windows(self, count=8):
        part = coded(self.file)
        sizes = {"count": count, "context": CONTEXT, "frames": FRAMES}
        return cut_windows(part, self.file.frames, GREYS, **sizes)


@pytest.fixture(scope="module")
def worlds():
    return Worlds()


def test_who_draws_what_will_be_seen_scores_as_the_true_frames_do(worlds):
    facts = score_windows(GreyStage(), TileJudge(), worlds.windows(), worlds.draw)
    fidelity, drift, found = facts["fidelity"], facts["drift"], facts["psnr"]
    for name in ("real", "reconstructed", "drawn"):
        assert fidelity[name]["accuracy"]["mean"] == 1
        assert fidelity[name]["by_step"] == [1] * FRAMES
    assert fidelity["drawn"] == fidelity["reconstructed"]
    for name in NAMES:  # whoever is told so turns round and round
        told = fidelity["commanded"][name]
        assert told["accuracy"] == {"mean": 1, "low": 1, "high": 1, "episodes": 8}
        assert told["by_action"] == dict.fromkeys(NAMES, None) | {name: 1}
    assert drift["drawn"] == drift["real"]
    assert drift["drawn"]["nmse"] == drift["drawn"]["changed"] == [0] * FRAMES
    assert found["drawn"] == found["reconstructed"]
    # Noise from -3 to 3, each as likely: a mean square of 4.
    assert found["drawn"] == pytest.approx([10 * math.log10(255**2 / 4)] * FRAMES, abs=0.1)
    for gain in found["gain"]:
        assert gain["low"] > 0
    json.dumps(facts, allow_nan=False)


def test_who_repeats_the_last_frame_gains_nothing_over_repeating_it(worlds):
    windows = worlds.windows()
    frozen = lambda before, actions: before[:, -1:].repeat(1, FRAMES, 1, 1)  # noqa: E731
    facts = score_windows(GreyStage(), None, windows, frozen)
    assert facts["fidelity"] is None
    assert facts["psnr"]["drawn"] == facts["psnr"]["repeated"]
    assert [gain["mean"] for gain in facts["psnr"]["gain"]] == [0, 0, 0]
    assert facts["drift"]["drawn"]["kept"] == [1] * FRAMES
    after, before = windows.codes[:, 1:].numpy(), windows.codes[:, :-1].numpy()
    same = (after == before).mean(axis=(0, 2, 3))
    assert facts["drift"]["real"]["kept"] == pytest.approx(same)
    assert max(same) < 0.2


def test_who_follows_the_actions_of_other_windows_is_right_as_often_as_those_agree(worlds):
    windows = worlds.windows()
    others = windows.actions.roll(1, 0)
    swapped = lambda before, actions: worlds.draw(before, others)  # noqa: E731
    drawn = score_windows(GreyStage(), TileJudge(), windows, swapped)["fidelity"]["drawn"]
    agree = (others == windows.actions).numpy()
    assert drawn["accuracy"]["mean"] == pytest.approx(agree.mean())
    assert drawn["by_step"] == pytest.approx(agree.mean(0))
    confusion = np.zeros((3, 3), int)
    for told, done in zip(windows.actions.ravel(), others.ravel(), strict=True):
        confusion[told, done] += 1
    assert drawn["confusion"] == confusion.tolist()
    assert 0.1 < agree.mean() < 0.6


def test_drift_is_what_the_first_stage_changes_when_it_sees_its_own_pictures(worlds):
    class Darker(GreyStage):
        def codes_of(self, levels):
            return (super().codes_of(levels) - 1).clamp(min=0)

    windows = worlds.windows()
    true = SimpleNamespace(
        codes=windows.codes.numpy(), pictures=windows.levels // 16 * 16 + 8
    )  # by hand, what GreyStage makes of the codes
    found = measure_drift(Darker(), true, windows.code_counts, windows.episode)
    for step in range(FRAMES):
        codes = windows.codes[:, 1 + step].numpy()
        assert found["changed"][step] == pytest.approx((codes > 0).mean())
        # A level of grey is 16: only black stays as it is.
        error = 16**2 * (codes > 0).mean()
        assert found["nmse"][step] == pytest.approx(error / (16**2 * codes.var()))


def test_windows_are_spread_over_episodes_and_draw_no_frame_twice():
    episode = np.repeat([0, 1, 2, 3], [30, 7, 9, 65])  # the second is one frame short
    for count, wanted in ((1, [0]), (2, [0, 3]), (3, [0, 2, 3]), (99, [0, 0, 0, 0, 2, 3, 3, 3, 3])):
        start = choose_windows(episode, count, context=3, frames=5)
        assert episode[start].tolist() == wanted
        drawn = start[:, None] + np.arange(5)
        assert len(np.unique(drawn)) == drawn.size
        assert np.array_equal(episode[start - 3], episode[start + 4])
    with pytest.raises(InputError, match="no held-out episode of 70 frames, 3 of context and 67"):
        choose_windows(episode, 1, context=3, frames=67)


def test_a_window_has_the_actions_that_lead_to_its_frames(worlds):
    windows = worlds.windows()
    episode, place = worlds.find(windows.codes[2, 0].numpy())
    for action, frame in zip(windows.actions[2].tolist(), windows.codes[2, 1:], strict=True):
        place = place + MOVES[action]
        assert np.array_equal(worlds.view(episode, place), frame)
    assert torch.equal(windows.before[:, -1], windows.codes[:, 0])
    # All codes are counted but those of the frames that are drawn.
    drawn = np.bincount(windows.codes[:, 1:].flatten(), minlength=GREYS)
    part = encode_frames(GreyStage(), worlds.file, np.arange(len(worlds.file)))
    everything = np.bincount(part.codes.flatten(), minlength=GREYS)
    assert np.array_equal(windows.code_counts, everything - drawn)


def test_divergence_and_entropy_are_those_worked_by_hand():
    assert entropy(np.array([2, 2, 0, 4])) == pytest.approx(1.5)
    assert jensen_shannon(np.array([3, 0]), np.array([0, 5])) == pytest.approx(1)
    assert jensen_shannon(np.array([3, 6]), np.array([1, 2])) == 0
    # Half the mass in common: H(1/4, 1/2, 1/4) less 1 bit of either.
    assert jensen_shannon(np.array([1, 1, 0]), np.array([0, 2, 2])) == pytest.approx(0.5)
    told = describe_codes(np.array([[0, 0], [1, 1]]), np.array([0, 1, 1]))
    assert told == pytest.approx({"entropy": 1, "perplexity": 2, "used": 2, "divergence": 0.5})


def test_measures_of_pictures_are_those_worked_by_hand():
    black, grey = np.zeros((1, 2, 2, 3), np.uint8), np.full((1, 2, 2, 3), 51, np.uint8)
    assert psnr(black, grey) == pytest.approx(20 * math.log10(5))  # 51 is a fifth of 255
    assert psnr(grey, grey) == pytest.approx(10 * math.log10(12 * 255**2))
    edge = black.copy()
    edge[:, :, 1] = 10  # 10 across, 0 down
    assert sharpness(edge) == pytest.approx(5)
    # Levels 0 and 10 have a variance of 25; all of them are off by 2.
    assert nmse(edge, edge + 2) == pytest.approx(4 / 25)


def test_an_episode_with_more_windows_counts_once():
    values, episode = np.array([[1, 1], [1, 0], [0, 0]]), np.array([4, 4, 7])
    found = over_episodes(values, episode)
    assert (found["mean"], found["episodes"]) == (pytest.approx(3 / 8), 2)
    # Two means, 3/4 and 0: the error is 3/8, and t of one degree of freedom 12.706.
    assert found["high"] == pytest.approx(3 / 8 + 12.7062 * 3 / 8, rel=1e-4)
    right = score_actions(np.array([[0], [1]]), np.array([[0], [0]]), np.array([0, 1]), NAMES)
    assert right["by_action"] == {"forward": 0.5, "right": None, "left": None}
    assert right["accuracy"] == {"mean": 0.5, "low": 0, "high": 1, "episodes": 2}


class Prior(nn.Module):
    """What `score_drawn` asks a prior."""

    context = CONTEXT

    def __init__(self, names=NAMES):
        super().__init__()
        self.action_names = names


@pytest.fixture
def asked(worlds, monkeypatch):
    """What a roll-out was asked for, by a prior that follows its actions or else stands still."""
    calls = []

    def roll_out(prior, before, actions, frames, **options):
        calls.append((len(before), frames, options, torch.get_num_threads()))
        if actions is None:
            return before[:, -1:].repeat(1, frames, 1, 1)
        return worlds.draw(before, actions)

    monkeypatch.setattr(drawn_scores, "roll_out", roll_out)
    monkeypatch.setattr(drawn_scores, "AT_ONCE", 5)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    yield calls
    torch.set_num_threads(threads)


def score(worlds, names=NAMES, **changes):
    options = {"clips": 8, "frames": FRAMES, "seed": 3, "temperature": 0.5, "device": "cpu"}
    file = changes.pop("file", worlds.file)
    arguments = GreyStage(), Prior(names), TileJudge(), coded(file), file.frames
    return score_drawn(*arguments, **options | changes)


def test_a_prior_draws_windows_in_batches_each_by_random_numbers_of_its_own(worlds, asked):
    facts = score(worlds)
    drawn = [(5, FRAMES, {"seed": 3, "temperature": 0.5}), (3, FRAMES, {"seed": 8})]
    drawn[1][2]["temperature"] = 0.5
    assert [call[:3] for call in asked[:8]] == drawn * 4  # as they were told, and thrice commanded
    # A clip is timed on one thread, after what is made but once.
    assert [(*call[:2], call[3]) for call in asked[8:]] == [(1, 1, 1), (1, FRAMES, 1)]
    assert torch.get_num_threads() == 2
    assert facts["fidelity"]["drawn"]["accuracy"]["mean"] == 1
    assert 0 < facts["seconds_a_clip"] < 60
    assert (facts["windows"], facts["episodes"], facts["context"]) == (8, 8, CONTEXT)
    json.dumps(facts, allow_nan=False)


def test_a_prior_that_is_told_no_actions_is_not_judged(worlds, asked):
    facts = score(worlds, names=())
    assert facts["fidelity"] is None
    assert facts["drift"]["drawn"]["kept"] == [1] * FRAMES
    assert len(asked) == 4


def test_a_seed_draws_the_same_frames_again_and_an_untrained_prior_follows_nothing(worlds):
    torch.manual_seed(0)
    settings = VideoPriorSettings(
        context=CONTEXT,
        network=ContextSettings(channels=4, blocks=1, embedding_channels=2, map_channels=4),
        pixelcnn=PixelCNNSettings(
            channels=4, layers=2, kernel_size=3, first_kernel_size=3, head_channels=4
        ),
    )
    code_map = CodeMap(GREYS, 1, VIEW, VIEW, "made-up")
    prior = VideoPrior(settings, code_map, NAMES, torch.randn(GREYS, 2)).eval()

    def score(seed):
        options = {"clips": 16, "frames": 2, "seed": seed, "device": "cpu"}
        part, pixels = coded(worlds.file), worlds.file.frames
        facts = score_drawn(GreyStage(), prior, TileJudge(), part, pixels, **options)
        del facts["seconds_a_clip"], facts["seed"]
        return facts

    facts = score(0)
    assert score(0) == facts != score(1)
    assert facts["fidelity"]["real"]["accuracy"]["mean"] == 1
    assert facts["fidelity"]["drawn"]["accuracy"]["mean"] < 0.6
    assert max(facts["drift"]["drawn"]["kept"]) < 0.15
    assert max(facts["psnr"]["drawn"]) < min(facts["psnr"]["reconstructed"]) - 20


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("right", "left", "forward"), "the prior knows the actions right left forward, those of"),
        ((), "the judge knows the actions forward right left, those of the frames are none; give"),
    ],
)
def test_actions_of_other_names_are_refused_in_one_line(worlds, asked, names, message):
    file = worlds.file
    if not names:
        file = FramesFile(file.frames, file.episode, file.map, file.map_names)
    with pytest.raises(InputError, match=message) as refused:
        score(worlds, names, file=file)
    assert "\n" not in str(refused.value)
    assert asked == []
