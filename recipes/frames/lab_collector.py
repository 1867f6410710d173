"""First-person frames from DeepMind Lab, the world of the paper's sections 4.2 and 4.4.

Its Python package is built from source and is on no registry, so this collector serves where it
imports. Interface: docs/users/python_api.md and docs/users/actions.md of that project.
"""

import contextlib
from collections.abc import Iterator

import numpy as np

from recipes.frames.walk import FORWARD, View
from vqspeech.errors import InputError, MissingError

LEVELS = ("seekavoid_arena_01", "nav_maze_static_01", "stairway_to_melon")

_OBSERVATION = "RGB_INTERLEAVED"  # (H, W, 3) uint8
_FRAME_STEPS = 4  # of 60 a second, in each of which the action is done
_LOOK = 20  # pixels a step to the right; 57 would be a full turn in a second, this is 8 degrees
# look right, look up, step right, step forward, fire, jump, crouch
_PRESSES = tuple(
    np.array(press, dtype=np.intc)
    for press in ([0, 0, 0, 1, 0, 0, 0], [_LOOK, 0, 0, 0, 0, 0, 0], [-_LOOK, 0, 0, 0, 0, 0, 0])
)
_MOST_TURNS = 42  # of 8 degrees, before an episode: any heading
_STILL = 1.0  # mean difference of levels between two frames: the step led nowhere


class LabWorld:
    """One level of a running Lab.

    Args:
        lab: a `deepmind_lab.Lab` that gives `RGB_INTERLEAVED`.
        size: side of a frame in pixels.
    """

    def __init__(self, lab, level: str, size: int):
        self._lab, self._level, self._size = lab, level, size
        self._before: np.ndarray | None = None  # the last frame, if a step forward was made since
        self._frame: np.ndarray | None = None

    def start(self, rng: np.random.Generator) -> None:
        """Reset the level, which draws a place, and turn some way round."""
        self._lab.reset(seed=int(rng.integers(2**31)))
        self._before = None
        for _ in range(int(rng.integers(1, _MOST_TURNS + 1))):
            self.act(1)

    def look(self) -> View | None:
        """What is seen now; None once the level has ended."""
        if not self._lab.is_running():
            return None
        frame = np.array(self._lab.observations()[_OBSERVATION])
        if frame.shape != (self._size, self._size, 3) or frame.dtype != np.uint8:
            raise InputError(
                f"{self._level}: gives {frame.dtype} frames of shape {frame.shape}, uint8 "
                f"({self._size}, {self._size}, 3) was asked for; choose another level"
            )
        is_blocked = self._before is not None and (
            np.abs(frame.astype(np.int16) - self._before).mean() < _STILL
        )
        self._frame = frame
        return View(frame, bool(is_blocked))

    def act(self, action: int) -> None:
        """Do an action for the length of one frame."""
        self._before = self._frame if action == FORWARD else None
        if self._lab.is_running():
            self._lab.step(_PRESSES[action], num_steps=_FRAME_STEPS)


def is_installed() -> bool:
    """Whether `deepmind_lab` imports."""
    with contextlib.suppress(ImportError):
        import deepmind_lab  # noqa: F401

        return True
    return False


@contextlib.contextmanager
def open_world(name: str, seed: int, size: int = 84) -> Iterator[LabWorld]:
    """Start one level; it ends with the block.

    Args:
        name: a level of Lab, such as those of `LEVELS`.
        seed: not used: each start is seeded by its own generator.

    Raises:
        MissingError: DeepMind Lab is not installed.
        InputError: it has no such level.
    """
    try:
        import deepmind_lab
    except ImportError as error:
        raise MissingError(
            "the collector lab needs deepmind_lab, which is built from source; build it, or use "
            "--collector vizdoom"
        ) from error
    config = {"width": str(size), "height": str(size), "fps": "60"}
    try:
        lab = deepmind_lab.Lab(name, [_OBSERVATION], config=config)
    except (RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{name}: DeepMind Lab does not load it ({reason}); see LEVELS") from error
    try:
        yield LabWorld(lab, name, size)
    finally:
        lab.close()
