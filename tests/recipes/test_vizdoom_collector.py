"""Frames of the real game: the seed decides them, and actions do what they are called."""

import sys

import numpy as np
import pytest

from recipes.frames import vizdoom_collector
from recipes.frames.collect import collect_frames
from recipes.frames.vizdoom_collector import check_maps, open_world
from vqspeech.errors import InputError, MissingError


def test_a_seed_gives_its_frames_again_and_another_gives_others(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    maps = ("my_way_home", "E1M1")
    first, again = (collect_frames(24, seed=1, collector="vizdoom", maps=maps) for _ in range(2))
    other = collect_frames(12, seed=2, collector="vizdoom", maps=maps[:1])
    np.testing.assert_array_equal(first.frames, again.frames)
    np.testing.assert_array_equal(first.actions, again.actions)
    assert np.mean(first.frames[:12] != other.frames) > 0.5
    assert first.frames.shape == (24, 84, 84, 3)
    assert first.map_names == ("my_way_home", "E1M1")
    assert first.map.tolist() == [0] * 12 + [1] * 12
    assert first.episode.tolist() == [0] * 12 + [1] * 12
    assert first.collector == "vizdoom"
    assert list(tmp_path.iterdir()) == []  # the game writes its settings where it stands


def mismatch(before, after, shift):
    """Between the middle rows of two views, the second moved to the right by so many pixels."""
    before, after = (frame[30:54].astype(float) for frame in (before, after))
    return np.abs(before[:, 16 + shift : 68 + shift] - after[:, 16:68]).mean()


def test_right_turns_right_and_left_undoes_it():
    from vizdoom import GameVariable

    with open_world("E1M1", seed=3) as world:
        rng = np.random.default_rng(0)
        for _ in range(4):
            world.start(rng)
            headings, views = [], []
            for action in (1, 2, 1):
                headings.append(world._game.get_game_variable(GameVariable.ANGLE))
                views.append(world.look().frame)
                world.act(action)
            # The game counts degrees to the left; one frame turns by 12 of the 74 that are seen.
            turned = np.diff(headings) % 360
            np.testing.assert_allclose(turned, [348, 12], atol=0.1)
            assert mismatch(*views[:2], 12) < min(
                mismatch(*views[:2], 0), mismatch(*views[:2], -12)
            )


def test_forward_walks_the_way_one_looks():
    from vizdoom import GameVariable

    with open_world("E1M1", seed=3) as world:
        rng = np.random.default_rng(0)
        for _ in range(3):
            world.start(rng)
            heading = np.deg2rad(world._game.get_game_variable(GameVariable.ANGLE))
            before = world._game.get_state().game_variables[:2]
            world.act(0)
            world.act(0)
            step = world._game.get_state().game_variables[:2] - before
            ahead = step @ [np.cos(heading), np.sin(heading)]
            assert 8 < ahead <= np.hypot(*step) < ahead * 1.02


def test_starts_are_spread_over_the_map_and_nobody_else_is_there():
    with open_world("E1M1", seed=0) as world:
        rng, places = np.random.default_rng(0), set()
        for _ in range(12):
            world.start(rng)
            assert world.look().frame.std() > 5  # no wall, no dark
            state = world._game.get_state()
            places.add(tuple(int(v) // 256 for v in state.game_variables[:2]))
            names = {thing.name for thing in state.objects}
            assert not names & {"ZombieMan", "ShotgunGuy", "DoomImp", "Demon"}
    assert len(places) >= 6


def test_acid_does_not_end_a_walk():
    with open_world("health_gathering_supreme", seed=0) as world:
        world.start(np.random.default_rng(0))
        for _ in range(300):  # 34 seconds; the unprotected die after some 12
            world.act(1)
        assert world.look() is not None


def test_a_goal_that_is_reached_ends_the_episode_and_another_begins():
    with open_world("my_way_home", seed=0) as world:
        rng = np.random.default_rng(0)
        world.start(rng)
        things = {thing.name: thing for thing in world._game.get_state().objects}
        goal = things["GreenArmor"]
        world._game.send_game_command(f"warp {goal.position_x} {goal.position_y}")
        world.act(1)
        world.act(1)
        assert world.look() is None
        world.start(rng)
        assert world.look() is not None


def test_a_walker_with_the_nose_to_a_wall_is_told():
    with open_world("my_way_home", seed=0) as world:
        world.start(np.random.default_rng(0))
        assert not world.look().is_blocked
        for _ in range(60):
            world.act(0)
        assert world.look().is_blocked


def test_who_walks_on_the_spot_is_told_where_the_view_is_open(monkeypatch):
    monkeypatch.setattr(vizdoom_collector, "_depth_ahead", lambda depth: 99.0)
    with open_world("my_way_home", seed=0) as world:
        world.start(np.random.default_rng(0))
        assert not world.look().is_blocked
        for _ in range(60):
            world.act(0)
        world.look()
        world.act(0)
        assert world.look().is_blocked
        world.act(1)
        assert not world.look().is_blocked


def test_a_map_that_is_none_is_refused_with_those_there_are():
    check_maps((*vizdoom_collector.MAPS, "E4M9", "MAP32"))
    for name in ("E5M1", "MAP33", "MAP1", "basic", "../my_way_home", ""):
        with pytest.raises(InputError, match="no map of the collector vizdoom; choose of"):
            check_maps(("E1M1", name))


def test_a_game_that_crashes_is_told():
    with (
        pytest.raises(MissingError, match=r"the game of vizdoom stopped on my_way_home \(.+\);"),
        open_world("my_way_home", seed=0) as world,
    ):
        world._game.send_game_command("quit")
        for _ in range(10):
            world.act(0)


def test_without_the_game_it_is_told_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "vizdoom", None)
    with (
        pytest.raises(MissingError, match=r"pip install -e '\.\[video\]'"),
        open_world("E1M1", 0),
    ):
        pass
