"""First-person frames from ViZDoom: headless, without monsters, from many places of many maps.

ViZDoom (Kempka et al. 2016) stands in for the DeepMind Lab of the paper's sections 4.2 and 4.4. Its
package brings the Freedoom maps and scenarios of its own. The game draws 160 x 120 pixels; the
square in the middle becomes a frame.
"""

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from recipes.frames.walk import FORWARD, View
from vqspeech.errors import InputError, MissingError

# Bright, varied and large, of 25 that were looked at; in the order in which they are walked.
MAPS = ("my_way_home", "health_gathering_supreme", "E1M1", "E1M5", "E1M6", "E2M3", "MAP01", "MAP05")
SCENARIOS = ("my_way_home", "health_gathering_supreme")

TICS = 4  # a frame; the game has 35 a second
# At a new place: who slid has stopped, who fell has landed; a new game takes no turns till then.
SETTLING_TICS = 24
TURN = 3.0  # degrees a tic: 12 a frame
# The depth buffer is 8 bits, about 7 map units a step; walls are about 128 units high.
NEAR = 12  # of the depth in the middle of the view: a wall
OPEN = 24  # the same, for a view worth starting with
LEAST_STEP = 4.0  # map units a frame, of 7 to 33: less is a walker who is stuck
HEADINGS, PLACES = 6, 12  # tried before a view is taken that is not open
FEW_THINGS = 8  # on a map: fewer are no spread; such a scenario has starts of its own

_PRESSES = ([1, 0], [0, TURN], [0, -TURN])  # forward, right, left
_NOTHING = [0, 0]
_HIDDEN = (
    *("hud", "crosshair", "weapon", "messages", "decals", "particles"),
    *("effects_sprites", "screen_flashes"),
)
# No monsters, no swaying view, no lines of text across it.
_ARGUMENTS = (
    "-nomonsters +sv_cheats 1 +movebob 0 +cl_showsecretmessage 0 +con_midtime 0 +con_notifytime 0"
)
_PACKAGE_MAP = re.compile(r"E[1-4]M[1-9]|MAP(0[1-9]|[12]\d|3[0-2])")


def check_maps(maps: tuple[str, ...]) -> None:
    """Refuse names that the package has no map of.

    Raises:
        InputError: the first of them, with what there is.
    """
    for name in maps:
        if name not in SCENARIOS and not _PACKAGE_MAP.fullmatch(name):
            raise InputError(
                f"{name}: no map of the collector vizdoom; choose of {', '.join(SCENARIOS)}, "
                "E1M1 to E4M9 and MAP01 to MAP32"
            )


class VizdoomWorld:
    """One map of a running game.

    Args:
        game: a `vizdoom.DoomGame` that `open_world` has set up.
        size: side of a frame in pixels.
    """

    def __init__(self, game, size: int):
        self._game, self._size = game, size
        self._places: list[tuple[float, float]] = []
        self._before = None  # the state at the last look, if a step forward was made since

    def start(self, rng: np.random.Generator) -> None:
        """Stand where some thing lies and look along an open way, if one is found soon."""
        self._before = None
        if self._game.is_episode_finished() or len(self._places) < FEW_THINGS:
            self._begin(int(rng.integers(2**31)))
        for _ in range(PLACES):
            if len(self._places) >= FEW_THINGS:
                x, y = self._places[int(rng.integers(len(self._places)))]
                self._game.send_game_command(f"warp {x:.0f} {y:.0f}")
            self._advance(_NOTHING, SETTLING_TICS)
            if self._faces_open_way(rng):
                return

    def _faces_open_way(self, rng: np.random.Generator) -> bool:
        """Look round for one and make a step along it; also True once the game has ended."""
        for _ in range(HEADINGS):
            self._advance([0, float(rng.integers(30, 330))], 1)
            state = self._game.get_state()
            if state is None:
                return True
            if _depth_ahead(state.depth_buffer) > OPEN:
                self._advance(_PRESSES[FORWARD], TICS)
                after = self._game.get_state()  # who stands within a tree or a fence stays there
                return after is None or _distance(state, after) >= LEAST_STEP
        return False

    def _begin(self, seed: int) -> None:
        # The first one began with the game. (`is_new_episode` is true of a finished one as well.)
        if self._game.is_episode_finished() or self._places:
            self._game.set_seed(seed)
            self._game.new_episode()
        self._game.send_game_command("god")  # acid hurts, and the dead see little
        # Where a thing lies one can stand, and a map has things in all its corners.
        things = self._game.get_state().objects
        self._places = [(thing.position_x, thing.position_y) for thing in things]

    def look(self) -> View | None:
        """What is seen now; None once the game has ended."""
        from PIL import Image

        state = None if self._game.is_episode_finished() else self._game.get_state()
        if state is None:
            return None
        screen = state.screen_buffer  # (120, 160, 3) uint8
        height, width = screen.shape[:2]
        edge = (width - height) // 2
        square = Image.fromarray(screen).resize(
            (self._size, self._size), Image.Resampling.BILINEAR, (edge, 0, edge + height, height)
        )
        is_stuck = self._before is not None and _distance(self._before, state) < LEAST_STEP
        self._before = state
        return View(np.asarray(square), is_stuck or _depth_ahead(state.depth_buffer) < NEAR)

    def act(self, action: int) -> None:
        """Press the button of an action for the length of one frame."""
        if action != FORWARD:
            self._before = None  # who turns is not stuck
        self._advance(_PRESSES[action], TICS)

    def _advance(self, press: list[float], tics: int) -> None:
        if not self._game.is_episode_finished():
            self._game.make_action(press, tics)


def _distance(before, after) -> float:
    """Map units between the places of two states."""
    return float(np.hypot(*(after.game_variables[:2] - before.game_variables[:2])))


def _depth_ahead(depth: np.ndarray) -> float:
    """Mean of the middle of a depth buffer."""
    height, width = depth.shape
    return float(depth[height * 5 // 12 : height * 7 // 12, width * 3 // 8 : width * 5 // 8].mean())


@contextlib.contextmanager
def open_world(name: str, seed: int, size: int = 84) -> Iterator[VizdoomWorld]:
    """Start the game on one map; it ends with the block and leaves no file.

    For the moment of the start the working directory is another, so start it in the main thread.

    Args:
        name: one of `MAPS`, or any other map that `check_maps` lets through.

    Raises:
        MissingError: ViZDoom is not installed, or its game does not start or crashes.
        InputError: no such map.
    """
    check_maps((name,))
    vizdoom = _vizdoom()
    with tempfile.TemporaryDirectory(
        prefix="vqspeech-vizdoom-", ignore_cleanup_errors=True
    ) as folder:
        game = vizdoom.DoomGame()
        _choose_map(game, name, vizdoom)
        game.set_window_visible(False)
        game.set_sound_enabled(False)
        game.set_mode(vizdoom.Mode.PLAYER)
        game.set_screen_format(vizdoom.ScreenFormat.RGB24)
        game.set_screen_resolution(vizdoom.ScreenResolution.RES_160X120)
        for part in _HIDDEN:
            getattr(game, f"set_render_{part}")(False)
        buttons, variables = vizdoom.Button, vizdoom.GameVariable
        game.set_available_buttons([buttons.MOVE_FORWARD, buttons.TURN_LEFT_RIGHT_DELTA])
        game.set_available_game_variables([variables.POSITION_X, variables.POSITION_Y])
        game.set_depth_buffer_enabled(True)
        game.set_objects_info_enabled(True)
        game.set_doom_skill(3)
        game.set_episode_timeout(0)  # the walk counts frames
        game.add_game_args(_ARGUMENTS)
        game.set_seed(seed)
        try:
            with contextlib.chdir(folder):  # the game writes its settings where it is started
                game.init()
        except Exception as error:  # of a dozen kinds, all of them the engine's
            raise MissingError(
                f"the game of vizdoom does not start ({_reason(error)}); check that it runs here"
            ) from error
        crashes = (vizdoom.ViZDoomErrorException, vizdoom.ViZDoomUnexpectedExitException)
        try:
            yield VizdoomWorld(game, size)
        except crashes as error:
            raise MissingError(
                f"the game of vizdoom stopped on {name} ({_reason(error)}); collect again"
            ) from error
        finally:
            game.close()


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _vizdoom():
    try:
        import vizdoom
    except ImportError as error:
        raise MissingError(
            "the collector vizdoom needs the library vizdoom; pip install -e '.[video]'"
        ) from error
    return vizdoom


def _choose_map(game, name: str, vizdoom) -> None:
    package = Path(vizdoom.__file__).parent
    if name in SCENARIOS:
        game.set_doom_scenario_path(os.path.join(vizdoom.scenarios_path, f"{name}.wad"))
        return
    game.set_doom_game_path(str(package / f"freedoom{1 if name.startswith('E') else 2}.wad"))
    game.set_doom_map(name)
