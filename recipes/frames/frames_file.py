"""Frames in the first person with the actions between them: a `.npz` that any game can write.

frames        (N, H, W, 3) uint8, RGB
episode       (N,) int32 from 0: runs of frames that follow each other; none is empty
actions       (N,) uint8, taken at each frame and leading to the next; the last of an episode leads
              out of it
action_names  (A,) text; "right" of one game may turn and of another step
map           (N,) int16: where it was seen; an episode lies on one map
map_names     (M,) text
collector     () text: what collected them, such as vizdoom

`frames` and `episode` alone are pictures; `actions` and `map` may be left out, with their names.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recipes.frames.npz_arrays import ArrayReader, open_arrays, write_arrays
from recipes.frames.pictures import PARTS, PictureData, PictureSet
from vqspeech.errors import InputError

HELD_OUT = 8  # one map of so many, where there are 3 or more, is for the test alone
TENTH = 10  # of the other episodes: as many for validation, and as many for the test


@dataclass(frozen=True)
class FramesFile:
    """The content of a frames file, as this module's head tells it.

    Attributes:
        actions: None where only pictures are known.
        collector: empty where the file does not say.
    """

    frames: np.ndarray
    episode: np.ndarray
    map: np.ndarray
    map_names: tuple[str, ...]
    actions: np.ndarray | None = None
    action_names: tuple[str, ...] = ()
    collector: str = ""

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def num_episodes(self) -> int:
        """How many runs of frames there are."""
        return int(self.episode[-1]) + 1

    def maps_of_episodes(self) -> np.ndarray:
        """The map of each episode, (episodes,) int16."""
        return self.map[np.searchsorted(self.episode, np.arange(self.num_episodes))]


def write_frames(path: str | os.PathLike, frames: FramesFile) -> None:
    """Write a frames file atomically.

    Raises:
        ValueError: the frames are not what `read_frames` would take.
        WriteError: the file cannot be written.
    """
    if breach := _breach(frames):
        raise ValueError(breach)
    arrays = {"frames": frames.frames, "episode": frames.episode}
    if frames.actions is not None:
        arrays["actions"] = frames.actions
        arrays["action_names"] = np.array(frames.action_names, dtype=str)
    arrays["map"] = frames.map
    arrays["map_names"] = np.array(frames.map_names, dtype=str)
    arrays["collector"] = np.array(frames.collector)
    write_arrays(path, arrays)


def read_frames(path: str | os.PathLike, size: int | None = None) -> FramesFile:
    """Read a frames file.

    Args:
        size: side of the frames in pixels that is wanted; any will do if it is None.

    Raises:
        InputError: no such file, no `.npz`, damaged, an array of another type or shape than
            this module's head says, or frames of another size.
    """
    path = Path(path)
    with open_arrays(path) as arrays:
        # The frames are read last: they take the memory, and all else is known by then.
        count, height, width, _ = arrays.check("frames", np.uint8, (None, None, None, 3))
        if not count:
            raise InputError(f"{path}: no frames; collect some")
        if size is not None and (height, width) != (size, size):
            raise InputError(
                f"{path}: frames of {width}x{height} pixels, {size}x{size} were wanted; "
                "give others, or set the size of the model"
            )
        actions, action_names = None, ()
        if "actions" in arrays or "action_names" in arrays:
            actions = arrays.read("actions", np.uint8, (count,))
            action_names = _names(arrays, "action_names")
        if "map" in arrays or "map_names" in arrays:
            places, map_names = arrays.read("map", np.int16, (count,)), _names(arrays, "map_names")
        else:
            places, map_names = np.zeros(count, np.int16), (path.stem,)
        collector = str(arrays.read("collector", str, ())) if "collector" in arrays else ""
        episode = arrays.read("episode", np.int32, (count,))
        frames = FramesFile(
            frames=arrays.read("frames", np.uint8, (count, height, width, 3)),
            episode=episode,
            map=places,
            map_names=map_names,
            actions=actions,
            action_names=action_names,
            collector=collector,
        )
    if breach := _breach(frames):
        raise InputError(f"{path}: {breach}")
    return frames


def _names(arrays: ArrayReader, name: str) -> tuple[str, ...]:
    return tuple(str(text) for text in arrays.read(name, str, (None,)))


def _breach(file: FramesFile) -> str:
    """What is wrong with the frames, and the next step; empty if nothing is."""
    count = len(file.frames)
    arrays = [("frames", file.frames, np.uint8, 4), ("episode", file.episode, np.int32, 1)]
    arrays.append(("map", file.map, np.int16, 1))
    if file.actions is not None:
        arrays.append(("actions", file.actions, np.uint8, 1))
    for name, array, dtype, axes in arrays:
        if array.dtype != dtype or array.ndim != axes or len(array) != count:
            return f"{name} is {array.dtype} {array.shape}, beside {count} frames; see the format"
    if not file.frames.size or file.frames.shape[-1] != 3:
        return f"frames of shape {file.frames.shape}; (N, H, W, 3) of RGB was wanted"
    steps = np.diff(file.episode)
    if wrong := np.flatnonzero((steps < 0) | (steps > 1)).tolist():
        before, after = file.episode[wrong[0] : wrong[0] + 2].tolist()
        if after < before:
            return (
                f"episode {after} follows {before} at frame {wrong[0] + 1}; keep the frames of an "
                "episode together"
            )
        return f"episode {before + 1} is empty; number them 0, 1, 2, ... without gaps"
    if file.episode[0] != 0:
        return f"the first episode is {file.episode[0]}; number them from 0"
    for name, array, names in (
        ("action", file.actions, file.action_names),
        ("map", file.map, file.map_names),
    ):
        if array is None:
            continue
        if len(set(names)) < len(names) or not all(names):
            return f"{name}_names has an empty name, or one twice; name each {name} once"
        unknown = np.flatnonzero((array < 0) | (array >= len(names)))
        if unknown.size:
            return (
                f"{name} {array[unknown[0]]} at frame {unknown[0]}, {len(names)} have names; "
                f"add to {name}_names"
            )
    if np.any(file.map != file.maps_of_episodes()[file.episode]):
        return "an episode lies on two maps; number its parts as two episodes"
    return ""


def split_frames(file: FramesFile, seed: int = 0) -> dict[str, np.ndarray]:
    """Which frames are learnt from, chosen by, and scored on; no episode is in two parts.

    Two episodes on one map may see the same wall. So with 3 maps or more one in `HELD_OUT` of
    them, at least one, goes to the test as a whole, and the test has unseen places; a tenth of
    the other episodes joins it from seen ones, and a tenth is for validation. Of fewer than 3
    episodes the later parts are empty.

    Returns:
        By `PARTS`: (n,) int64 indices of frames, in order.
    """
    rng = np.random.default_rng(seed)
    maps = file.maps_of_episodes()
    used = rng.permutation(np.unique(maps))
    held = used[: max(1, len(used) // HELD_OUT)] if len(used) >= 3 else used[:0]
    is_held = np.isin(maps, held)
    others = rng.permutation(np.flatnonzero(~is_held))
    few = max(1, len(others) // TENTH)
    valid = others[:few] if len(others) >= 2 else others[:0]
    test = others[few : 2 * few] if len(others) >= 3 else others[:0]
    part = np.zeros(file.num_episodes, np.int64)  # train
    part[valid] = PARTS.index("valid")
    part[test] = part[is_held] = PARTS.index("test")
    return {name: np.flatnonzero(part[file.episode] == i) for i, name in enumerate(PARTS)}


def frames_pictures(path: str | os.PathLike, size: int | None = None, seed: int = 0) -> PictureData:
    """The frames of a file as pictures; the source of each is its episode, called `map/episode`.

    Args:
        size: see `read_frames`.
        seed: of `split_frames`.

    Raises:
        InputError: see `read_frames`.
    """
    file = read_frames(path, size)
    names = tuple(
        f"{file.map_names[place]}/{number}" for number, place in enumerate(file.maps_of_episodes())
    )
    parts = {
        name: PictureSet(file.frames[index], file.episode[index].astype(np.int64), None, names)
        for name, index in split_frames(file, seed).items()
    }
    return PictureData(file.collector or "frames", parts)
