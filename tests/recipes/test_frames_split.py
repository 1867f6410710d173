"""The parts of a frames file share no episode, and the test has maps of its own."""

import numpy as np
import pytest

from recipes.frames.frames_file import FramesFile, split_frames


def walked(maps, episodes, frames=3):
    """So many episodes on each map."""
    episode = np.arange(maps * episodes * frames, dtype=np.int32) // frames
    place = (episode // episodes).astype(np.int16)
    pictures = np.zeros((len(episode), 2, 2, 3), np.uint8)
    return FramesFile(pictures, episode, place, tuple(f"map{i}" for i in range(maps)))


def parts_of(file, array, **options):
    return {name: set(array[index]) for name, index in split_frames(file, **options).items()}


@pytest.mark.parametrize(("maps", "episodes"), [(1, 3), (1, 40), (2, 5), (3, 2), (8, 10)])
def test_every_frame_is_in_one_part_and_no_episode_in_two(maps, episodes):
    file = walked(maps, episodes)
    parts = split_frames(file)
    together = np.concatenate(list(parts.values()))
    assert sorted(together) == list(range(len(file)))
    sets = list(parts_of(file, file.episode).values())
    assert sum(map(len, sets)) == file.num_episodes
    assert all(sets)


def test_with_three_maps_or_more_the_test_has_one_that_is_seen_nowhere_else():
    for maps, held in ((2, 0), (3, 1), (8, 1), (16, 2)):
        file = walked(maps, 20)
        parts = parts_of(file, file.map)
        assert len(parts["test"] - parts["train"] - parts["valid"]) == held


def test_a_tenth_of_the_episodes_on_other_maps_is_for_validation_and_for_the_test():
    file = walked(8, 10)
    parts = parts_of(file, file.episode)
    assert [len(parts[name]) for name in ("train", "valid", "test")] == [56, 7, 10 + 7]


def test_the_seed_decides():
    file = walked(8, 10)
    assert parts_of(file, file.episode, seed=1) == parts_of(file, file.episode, seed=1)
    assert parts_of(file, file.episode, seed=1) != parts_of(file, file.episode, seed=2)


def test_what_is_too_little_for_three_parts_is_learnt_from():
    assert [len(index) for index in split_frames(walked(1, 1)).values()] == [3, 0, 0]
    assert [len(index) for index in split_frames(walked(1, 2)).values()] == [3, 3, 0]
