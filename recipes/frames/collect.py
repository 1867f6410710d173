"""Collect frames in the first person with their actions into one file.

    python -m recipes.frames.collect --out frames.npz --frames 5000

The maps are walked one after the other, an equal share of the frames on each. The same seed gives
the same frames.
"""

import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Annotated, Literal

import numpy as np
import typer

from recipes.frames import lab_collector, vizdoom_collector
from recipes.frames.command import make_app, run
from recipes.frames.frames_file import FramesFile, write_frames
from recipes.frames.npz_arrays import MOST_BYTES
from recipes.frames.walk import ACTIONS, walk
from vqspeech.errors import UsageError, WriteError
from vqspeech.files import check_writable

Collector = Literal["auto", "vizdoom", "lab"]

app = make_app()


def collect_frames(
    count: int,
    *,
    seed: int = 0,
    collector: Collector = "auto",
    maps: tuple[str, ...] | None = None,
    size: int = 84,
    tell: Callable[[str], None] | None = None,
) -> FramesFile:
    """Walk through the maps of a game.

    Args:
        count: of frames, in all.
        collector: `auto` is DeepMind Lab where it is installed, and ViZDoom elsewhere.
        maps: of that game; None for its usual ones.
        size: side of a frame in pixels.
        tell: called with a line after each map.

    Raises:
        UsageError: more frames than a file may hold, none, or a map twice.
        InputError: a map that the game does not have.
        MissingError: the game is not installed.
    """
    if count < 1 or count * size * size * 3 > MOST_BYTES:
        raise UsageError(
            f"{count} frames: a file holds 1 to {MOST_BYTES // (size * size * 3)} of "
            f"{size}x{size}; ask for as many, or write several files"
        )
    if collector == "auto":
        collector = "lab" if lab_collector.is_installed() else "vizdoom"
    if collector == "lab":
        game, names = lab_collector, maps or lab_collector.LEVELS
    else:
        game, names = vizdoom_collector, maps or vizdoom_collector.MAPS
        vizdoom_collector.check_maps(names)
    if len(set(names)) < len(names):
        raise UsageError(f"--maps {','.join(names)}: one stands there twice; name each once")
    frames = np.empty((count, size, size, 3), np.uint8)
    actions, episode = np.empty(count, np.uint8), np.empty(count, np.int32)
    place = np.empty(count, np.int16)
    names = names[:count]
    edges = [count * i // len(names) for i in range(len(names) + 1)]
    for i, name in enumerate(names):
        share = slice(edges[i], edges[i + 1])
        walked = _walk_on(game, name, share.stop - share.start, seed, i, size)
        frames[share], actions[share] = walked.frames, walked.actions
        episode[share] = walked.episode + (episode[share.start - 1] + 1 if i else 0)
        place[share] = i
        if tell is not None:
            tell(f"{name}: {len(walked.frames)} frames, {walked.episode[-1] + 1} episodes")
    return FramesFile(frames, episode, place, names, actions, ACTIONS, collector)


def _walk_on(game: ModuleType, name: str, count: int, seed: int, number: int, size: int):
    rng = np.random.default_rng([seed, number])
    with game.open_world(name, int(rng.integers(2**31)), size) as world:
        return walk(world, count, rng)


@app.command()
def collect(
    out: Annotated[Path, typer.Option(help="The .npz file to write.")],
    frames: Annotated[int, typer.Option(min=1, help="How many, in all.")] = 5000,
    seed: Annotated[int, typer.Option(min=0, help="The same gives the same frames.")] = 0,
    collector: Annotated[
        Collector, typer.Option(help="Auto: DeepMind Lab where installed, else ViZDoom.")
    ] = "auto",
    maps: Annotated[str | None, typer.Option(help="Maps of that game, as a,b,c.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT.")] = False,
) -> None:
    """Collect 84x84 frames with actions from a game, without a screen."""
    if out.exists() and not overwrite:
        raise WriteError(f"{out}: exists already; give --overwrite to replace it")
    check_writable(out)
    names = None if maps is None else tuple(name.strip() for name in maps.split(","))
    began = time.perf_counter()
    file = collect_frames(
        frames,
        seed=seed,
        collector=collector,
        maps=names,
        tell=lambda line: typer.echo(line, err=True),
    )
    write_frames(out, file)
    seconds = time.perf_counter() - began
    distinct = len({frame.tobytes() for frame in file.frames})
    print(
        f"wrote {out}  {len(file)} frames  {file.num_episodes} episodes  {len(file.map_names)} maps"
        f"  {distinct} distinct frames  {len(file) / seconds:.0f} frames/s ({file.collector})"
    )


if __name__ == "__main__":
    run(app)
