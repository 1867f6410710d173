"""The frames that a drawn clip begins with: some of a frames file, or loose pictures in order.

T frames of H x W pixels.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from recipes.frames.frames_file import FramesFile, read_frames
from recipes.video.loose_pictures import (
    check_frame_size,
    is_picture,
    list_pictures,
    read_pictures,
)
from vqspeech.errors import InputError, UsageError


class ContextClip(NamedTuple):
    """What was seen before the first frame that is drawn."""

    frames: np.ndarray  # (T, H, W, 3) uint8
    origin: str  # such as `clip.npz, frames 10 to 15 of episode 0`


def read_context(
    paths: Sequence[str | os.PathLike],
    count: int,
    size: tuple[int, int],
    *,
    episode: int | None = None,
    first: int | None = None,
) -> ContextClip:
    """Frames that follow each other.

    Args:
        paths: one frames file, one folder of pictures, or pictures in their order.
        count: T, of frames that are wanted.
        size: H and W that they must have.
        episode: of a frames file; None for its first one.
        first: where they begin among the frames of the episode, or among the pictures; None for
            the last that there are.

    Raises:
        UsageError: an episode of pictures.
        InputError: no such file or episode, something broken, too few frames, or frames of another
            size.
    """
    paths = [Path(path) for path in paths]
    if len(paths) == 1 and not (paths[0].is_dir() or is_picture(paths[0])):
        return _from_file(paths[0], count, size, episode or 0, first)
    if episode is not None:
        raise UsageError(f"--episode {episode}: pictures are of no episode; leave it out")
    place = "--context"
    if len(paths) == 1 and paths[0].is_dir():
        place, paths = str(paths[0]), list_pictures(paths[0])
    if unfit := [path for path in paths if not is_picture(path)]:
        raise InputError(
            f"{unfit[0]}: no picture; give one frames file, one folder, or pictures alone"
        )
    chosen = window(len(paths), count, first, place)
    frames = read_pictures(paths[chosen], size)
    return ContextClip(frames, f"{paths[chosen.start]} to {paths[chosen.stop - 1]}")


def _from_file(
    path: Path, count: int, size: tuple[int, int], episode: int, first: int | None
) -> ContextClip:
    file = read_frames(path)
    check_frame_size(file.frames.shape[1:3], size, path)
    own = frames_of_episode(file, episode, str(path))
    chosen = window(len(own), count, first, f"{path}: episode {episode}")
    return ContextClip(
        file.frames[own.start : own.stop][chosen],
        f"{path}, frames {chosen.start} to {chosen.stop - 1} of episode {episode}",
    )


def frames_of_episode(file: FramesFile, episode: int, place: str) -> range:
    """Where the frames of an episode stand in a file.

    Raises:
        InputError: there is no such episode.
    """
    if not 0 <= episode < file.num_episodes:
        raise InputError(
            f"{place}: no episode {episode}; give --episode 0 to {file.num_episodes - 1}"
        )
    start, stop = np.searchsorted(file.episode, [episode, episode + 1]).tolist()
    return range(start, stop)


def window(length: int, count: int, first: int | None, place: str) -> slice:
    """`count` of `length` frames: from `first` on, or the last ones if it is None.

    Raises:
        InputError: there are not as many.
    """
    if length < count:
        frames = "1 frame" if length == 1 else f"{length} frames"
        raise InputError(f"{place}: {frames}, {count} are wanted; give a longer clip")
    start = length - count if first is None else first
    if start + count > length:
        raise InputError(
            f"{place}: {length} frames, {count} from frame {start} on are wanted; give --first 0 "
            f"to {length - count}"
        )
    return slice(start, start + count)
