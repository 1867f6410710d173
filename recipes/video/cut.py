"""Cut a short clip out of a frames file, to draw from or to look at.

    python -m recipes.video.cut --data frames.npz --part test --frames 6 --out clip.npz

The last line says which actions lead from frame to frame, as `--actions` of
`recipes.video.sample` takes them.
"""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer

from recipes.frames.command import make_app, run
from recipes.frames.frames_file import FramesFile, read_frames, split_frames, write_frames
from recipes.video.action_list import format_actions
from recipes.video.context_clip import frames_of_episode, window
from vqspeech.errors import InputError, WriteError
from vqspeech.files import check_writable

Part = Literal["train", "valid", "test", "all"]

app = make_app()


def cut_clip(file: FramesFile, index: slice) -> FramesFile:
    """Frames of one episode as a file of their own.

    Args:
        index: of the frames; they follow each other on one map.
    """
    name = file.map_names[file.map[index.start]]
    frames = file.frames[index]
    return replace(
        file,
        frames=frames,
        episode=np.zeros(len(frames), np.int32),
        map=np.zeros(len(frames), np.int16),
        map_names=(name,),
        actions=None if file.actions is None else file.actions[index],
    )


def episodes_of_part(file: FramesFile, part: Part) -> list[int]:
    """The episodes of a part of `split_frames`, in order; `all` is every one."""
    if part == "all":
        return list(range(file.num_episodes))
    return np.unique(file.episode[split_frames(file)[part]]).tolist()


@app.command()
def main(
    data: Annotated[Path, typer.Option(help="a frames file")],
    out: Annotated[Path, typer.Option(help="the .npz file to write")],
    part: Annotated[Part, typer.Option(help="which episodes count")] = "test",
    episode: Annotated[
        int | None,
        typer.Option(min=0, help="of the part, from 0 [default: the first that is long enough]"),
    ] = None,
    first: Annotated[int, typer.Option(min=0, help="frame of the episode to begin at")] = 0,
    frames: Annotated[int, typer.Option(min=1, help="how many")] = 16,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace OUT")] = False,
) -> None:
    """Write some frames of one episode as a frames file, and say what they are."""
    if out.exists() and not overwrite:
        raise WriteError(f"{out}: exists already; give --overwrite to replace it")
    check_writable(out)
    file = read_frames(data)
    episodes = episodes_of_part(file, part)
    if not episodes:
        raise InputError(f"{data}: no episode in the part {part}; give --part all")
    number = _choose(file, episodes, episode, first + frames, f"{data}: part {part}")
    own = frames_of_episode(file, number, str(data))
    chosen = window(len(own), frames, first, f"{data}: episode {number}")
    clip = cut_clip(file, slice(own.start + chosen.start, own.start + chosen.stop))
    write_frames(out, clip)
    print(
        f"wrote {out}  {len(clip)} frames  {chosen.start} to {chosen.stop - 1} of episode {number}"
        f"  map {clip.map_names[0]}"
    )
    if clip.actions is not None and len(clip) > 1:
        between = format_actions(clip.actions[:-1].tolist(), clip.action_names)
        print(f"actions between them: {between}")


def _choose(
    file: FramesFile, episodes: list[int], episode: int | None, wanted: int, place: str
) -> int:
    """The file's number of an episode of the part, one of `wanted` frames if none is named."""
    if episode is None:
        lengths = np.bincount(file.episode)
        if enough := [number for number in episodes if lengths[number] >= wanted]:
            return enough[0]
        longest = lengths[episodes].max()
        raise InputError(
            f"{place}: no episode of {wanted} frames, the longest has {longest}; give fewer"
        )
    if episode >= len(episodes):
        raise InputError(f"{place}: no episode {episode}; give --episode 0 to {len(episodes) - 1}")
    return episodes[episode]


if __name__ == "__main__":
    run(app)
