"""The random walk: actions are held, walls are turned from, and episodes are whole."""

import numpy as np
import pytest

from recipes.frames.walk import CHANCES, LONGEST_HOLD, SHORTEST_HOLD, View, walk
from vqspeech.errors import InputError


class Corridor:
    """A stand-in that shows how often it was asked, and ends after so many steps."""

    def __init__(self, steps=10**9, blocked=lambda heading: False):
        self.steps, self.blocked = steps, blocked
        self.starts, self.acts, self.heading = 0, [], 0

    def start(self, rng):
        self.starts += 1
        self.left, self.heading = self.steps, 0

    def look(self):
        if self.left == 0:
            return None
        frame = np.full((2, 2, 3), len(self.acts) % 256, np.uint8)
        return View(frame, self.blocked(self.heading))

    def act(self, action):
        self.acts.append(action)
        self.heading += (0, 1, -1)[action]
        self.left -= 1


def runs(actions):
    """(action, length) of each run."""
    edges = np.flatnonzero(np.diff(actions)) + 1
    return [(int(run[0]), len(run)) for run in np.split(actions, edges)]


def test_each_frame_is_recorded_with_the_action_that_follows_it():
    world = Corridor()
    seen = walk(world, 100, np.random.default_rng(0))
    assert seen.frames[:, 0, 0, 0].tolist() == list(range(100))
    assert seen.actions.tolist() == world.acts


def test_actions_are_held_and_occur_as_often_as_they_should():
    actions = walk(Corridor(), 20_000, np.random.default_rng(0), episode_frames=20_000).actions
    lengths = [length for _, length in runs(actions)[:-1]]
    assert min(lengths) == SHORTEST_HOLD
    assert np.mean(np.array(lengths) > LONGEST_HOLD) < 0.5  # the same may be drawn again
    np.testing.assert_allclose(np.bincount(actions) / len(actions), CHANCES, atol=0.03)


def test_a_walker_before_a_wall_turns_one_way_until_it_is_past():
    # Blocked from heading 0 on, for 10 turns to either side.
    world = Corridor(blocked=lambda heading: abs(heading) < 10)
    actions = walk(world, 40, np.random.default_rng(0)).actions
    assert 0 not in actions[:10]
    assert len(set(actions[:10].tolist())) == 1
    assert 0 in actions


def test_episodes_are_of_about_one_length_without_a_stump():
    for count, lengths in ((200, [67, 67, 66]), (75, [75]), (1, [1])):
        episode = walk(Corridor(), count, np.random.default_rng(0)).episode
        assert np.bincount(episode).tolist() == lengths


def test_a_game_that_ends_begins_another_episode():
    world = Corridor(steps=7)
    episode = walk(world, 20, np.random.default_rng(0)).episode
    assert np.bincount(episode).tolist() == [7, 7, 6]
    assert world.starts == 3


def test_starts_that_end_at_once_leave_no_empty_episode():
    class Unsteady(Corridor):
        def start(self, rng):
            super().start(rng)
            self.left = 4 if self.starts % 3 == 0 else 0

    world = Unsteady()
    episode = walk(world, 12, np.random.default_rng(0)).episode
    assert np.bincount(episode).tolist() == [4, 4, 4]
    assert world.starts == 9


def test_a_game_that_always_ends_at_once_is_given_up():
    with pytest.raises(InputError, match="ended at once after each of 50 starts"):
        walk(Corridor(steps=0), 20, np.random.default_rng(0))
