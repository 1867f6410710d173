"""DeepMind Lab as its documents describe it, by a stand-in: how it is asked and what is kept."""

import sys
from types import ModuleType

import numpy as np
import pytest

from recipes.frames.collect import collect_frames
from recipes.frames.lab_collector import LEVELS, is_installed, open_world
from vqspeech.errors import InputError, MissingError


class Lab:
    """`deepmind_lab.Lab`: a room in which only the heading shows, and the place along it."""

    made: tuple["Lab", ...] = ()
    seeds: tuple[int, ...] = ()  # of its resets
    steps = 10**6  # an episode

    def __init__(self, level, observations, config=None, renderer="software"):
        assert observations == ["RGB_INTERLEAVED"]
        assert all(isinstance(value, str) for value in config.values())
        if level == "nowhere":
            raise RuntimeError("Invalid flag: level")
        self.size = (int(config["height"]), int(config["width"]))
        self.level, self.left, self.is_open, self.calls = level, 0, True, []
        Lab.made += (self,)

    def reset(self, episode=-1, seed=None):
        self.left, self.heading, self.place = Lab.steps, seed % 360, 0
        self.calls.append("reset")
        self.seeds += (seed,)

    def is_running(self):
        return self.left > 0

    def observations(self):
        frame = np.zeros((*self.size, 3), np.uint8)
        frame[..., 0], frame[..., 1] = self.heading % 256, self.place % 256
        return {"RGB_INTERLEAVED": frame}

    def step(self, action, num_steps=1):
        assert action.dtype == np.intc
        assert action.shape == (7,)
        assert self.is_running()
        self.heading += num_steps * int(action[0])
        self.place = min(self.place + num_steps * int(action[3]), 40)  # then a wall
        self.left -= num_steps
        self.calls.append(action.tolist())

    def close(self):
        self.is_open = False


@pytest.fixture
def lab(monkeypatch):
    """The package, as if it were installed."""
    module = ModuleType("deepmind_lab")
    module.Lab = Lab
    monkeypatch.setitem(sys.modules, "deepmind_lab", module)
    monkeypatch.setattr(Lab, "made", ())


def test_actions_are_what_lab_was_told(lab):
    file = collect_frames(60, seed=0, collector="auto", maps=("seekavoid_arena_01",))
    assert file.collector == "lab"
    assert file.action_names == ("forward", "right", "left")
    (world,) = Lab.made
    presses = [[0, 0, 0, 1, 0, 0, 0], [20, 0, 0, 0, 0, 0, 0], [-20, 0, 0, 0, 0, 0, 0]]
    assert world.calls[-60:] == [presses[action] for action in file.actions]
    assert not world.is_open


def test_frames_follow_from_the_actions(lab):
    file = collect_frames(60, seed=0, collector="lab", maps=("seekavoid_arena_01",))
    heading = file.frames[:, 0, 0, 0].astype(int)
    turned = np.array([0, 80, -80])[file.actions[:-1]]  # 4 steps of 20
    np.testing.assert_array_equal(np.diff(heading) % 256, turned % 256)


def test_who_walks_on_the_spot_turns(lab):
    file = collect_frames(200, seed=0, collector="lab", maps=("seekavoid_arena_01",))
    forward, place = file.actions == 0, file.frames[:, 0, 0, 1]
    before_wall = forward & (place == 40)
    # A step that leads nowhere is seen only afterwards: no two of them in a row.
    assert before_wall.sum() >= 3
    assert not np.any(before_wall[1:] & before_wall[:-1])


def test_only_a_step_forward_can_lead_nowhere(lab, monkeypatch):
    monkeypatch.setattr(Lab, "step", lambda self, action, num_steps: None)
    with open_world("seekavoid_arena_01", seed=0) as world:
        world.start(np.random.default_rng(0))
        assert not world.look().is_blocked
        world.act(1)
        assert not world.look().is_blocked
        world.act(0)
        assert world.look().is_blocked


def test_every_level_is_walked_and_another_seed_is_another_walk(lab):
    file = collect_frames(30, seed=0, collector="lab")
    assert file.map_names == LEVELS
    assert [world.level for world in Lab.made] == list(LEVELS)
    np.testing.assert_array_equal(file.frames, collect_frames(30, collector="lab").frames)
    assert np.any(file.frames != collect_frames(30, seed=1, collector="lab").frames)


def test_a_level_that_ends_begins_anew(lab, monkeypatch):
    monkeypatch.setattr(Lab, "steps", 240)  # of which up to 168 turn round at the start
    file = collect_frames(90, collector="lab", maps=("seekavoid_arena_01",))
    assert file.num_episodes >= 2
    seeds = Lab.made[0].seeds
    assert len(set(seeds)) == len(seeds) >= file.num_episodes


def test_frames_of_another_size_than_asked_are_refused(lab, monkeypatch):
    def observations(self):
        return {"RGB_INTERLEAVED": np.zeros((60, 80, 3), np.uint8)}

    monkeypatch.setattr(Lab, "observations", observations)
    with pytest.raises(InputError, match=r"shape \(60, 80, 3\), uint8 \(84, 84, 3\) was asked"):
        collect_frames(10, collector="lab", maps=("seekavoid_arena_01",))
    assert not Lab.made[0].is_open


def test_a_level_that_lab_does_not_know_is_named(lab):
    with pytest.raises(InputError, match=r"^nowhere: DeepMind Lab does not load it \(Invalid"):
        collect_frames(10, collector="lab", maps=("nowhere",))


def test_without_lab_it_is_told_and_vizdoom_is_taken_by_itself(monkeypatch):
    monkeypatch.setitem(sys.modules, "deepmind_lab", None)
    assert not is_installed()
    with pytest.raises(MissingError, match="deepmind_lab"):
        collect_frames(10, collector="lab")
    monkeypatch.setitem(sys.modules, "vizdoom", None)
    with pytest.raises(MissingError, match="vizdoom"):
        collect_frames(10, collector="auto")
