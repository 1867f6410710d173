"""A random walk through a world seen in the first person: frames, actions and episodes.

The shared half of the collectors. A world is a game behind three verbs; the walk decides what to
press. Two rules keep the frames from being thousands of pictures of one wall: an action is held for
2 to 6 frames, so that the walk gets somewhere, and a walker who faces a wall turns.
"""

from typing import NamedTuple, Protocol

import numpy as np

from vqspeech.errors import InputError

ACTIONS = ("forward", "right", "left")  # right and left turn where one stands
FORWARD = 0
CHANCES = (0.7, 0.15, 0.15)  # of each, where nothing is in the way
SHORTEST_HOLD, LONGEST_HOLD = 2, 6  # frames that an action is kept for
EPISODE_FRAMES = 64
MOST_STARTS = 50  # in a row that end at once


class View(NamedTuple):
    """What is seen from one place."""

    frame: np.ndarray  # (H, W, 3) uint8
    is_blocked: bool  # a step forward would lead nowhere


class World(Protocol):
    """A game to walk in; made by a collector."""

    def start(self, rng: np.random.Generator) -> None:
        """Stand at a place drawn from `rng`, with a view worth recording."""

    def look(self) -> View | None:
        """What is seen now; None once the game has ended."""

    def act(self, action: int) -> None:
        """Do one of `ACTIONS` for the length of one frame."""


class Walk(NamedTuple):
    """What was seen and done.

    `frames` (N, H, W, 3) uint8; `actions` (N,) uint8, done at each frame and leading to the next;
    `episode` (N,) int32 from 0, without gaps.
    """

    frames: np.ndarray
    actions: np.ndarray
    episode: np.ndarray


class _Feet:
    """Which action comes next."""

    def __init__(self, rng: np.random.Generator):
        self._rng = rng
        self._action, self._left = FORWARD, 0

    def next(self, is_blocked: bool) -> int:
        before = self._action
        if self._left == 0:
            self._action = int(self._rng.choice(len(ACTIONS), p=CHANCES))
            self._left = int(self._rng.integers(SHORTEST_HOLD, LONGEST_HOLD + 1))
        if is_blocked and before != FORWARD:
            self._action = before  # on the way past a wall; to turn back would take as long again
        elif is_blocked and self._action == FORWARD:
            self._action = int(self._rng.integers(1, len(ACTIONS)))
            self._left = LONGEST_HOLD
        self._left -= 1
        return self._action


def walk(
    world: World,
    count: int,
    rng: np.random.Generator,
    episode_frames: int = EPISODE_FRAMES,
) -> Walk:
    """Walk until `count` frames are seen.

    Args:
        count: of frames, at least 1.
        episode_frames: about how long an episode is; `count` is divided evenly, so that no stump
            is left at the end. An episode is shorter where the game ends.

    Raises:
        InputError: the game ends each time before anything is seen.
    """
    episodes = max(1, round(count / episode_frames))
    longest = -(-count // episodes)
    frames = None
    actions, episode = np.empty(count, np.uint8), np.empty(count, np.int32)
    seen = number = idle = 0
    while seen < count:
        world.start(rng)
        feet, first = _Feet(rng), seen
        while seen < min(count, first + longest) and (view := world.look()) is not None:
            if frames is None:
                frames = np.empty((count, *view.frame.shape), np.uint8)
            frames[seen], episode[seen] = view.frame, number
            actions[seen] = feet.next(view.is_blocked)
            world.act(int(actions[seen]))
            seen += 1
        idle = 0 if seen > first else idle + 1
        number += seen > first  # an episode without frames is none
        if idle == MOST_STARTS:
            raise InputError(
                f"the game ended at once after each of {idle} starts; choose other maps"
            )
    return Walk(frames, actions, episode)
