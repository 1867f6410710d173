"""What is kept of drawn clips: a strip, two animations, and the codes as arrays.

drawn.npz holds, of R clips of F frames that go on from T frames,
codes          (R, F, h, w) int32
context_codes  (T, h, w) int32
actions        (R, F) uint8, that lead to each frame, where the prior is told of actions
action_names   (A,) text, with them
model_hash, prior_hash () text
seed () int64, temperature () float64, top_k () int64
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from recipes.frames.npz_arrays import write_arrays
from recipes.video.draw_clips import DrawnClips
from recipes.video.moving_picture import write_moving_picture
from vqspeech.errors import UsageError, WriteError
from vqspeech.files import check_writable

PICTURES = (".png", ".gif", ".webp")
ARRAYS = ".npz"


class Drawing(NamedTuple):
    """How clips were drawn."""

    model_hash: str
    prior_hash: str
    action_names: tuple[str, ...]
    seed: int
    temperature: float
    top_k: int


def drawn_files(out: Path, overwrite: bool) -> list[Path]:
    """The files that `write_drawn` makes of the name `out`, the pictures first.

    Raises:
        UsageError: no name, or one that ends as a file of them does.
        WriteError: one is there already, unless it may be replaced, or cannot be written.
    """
    if not out.name or out.suffix.lower() in (*PICTURES, ARRAYS):
        raise UsageError(
            f"--out {out}: {', '.join((*PICTURES, ARRAYS))} are added to it; give a name without"
        )
    files = [out.with_name(out.name + suffix) for suffix in (*PICTURES, ARRAYS)]
    for path in files:
        if path.exists() and not overwrite:
            raise WriteError(f"{path}: exists already; give --overwrite to replace it")
        check_writable(path)
    return files


def write_drawn(
    files: Sequence[Path],
    drawn: DrawnClips,
    how: Drawing,
    *,
    labels: Sequence[str] = (),
    scale: int = 1,
    milliseconds: int = 120,
) -> None:
    """Write the files of `drawn_files`.

    Args:
        labels, scale, milliseconds: see `write_moving_picture`.

    Raises:
        WriteError: the system refused.
    """
    *pictures, arrays = files
    clips = drawn.whole()
    for path in pictures:
        write_moving_picture(
            path,
            clips,
            context=len(drawn.context),
            labels=labels,
            scale=scale,
            milliseconds=milliseconds,
        )
    content = {"codes": drawn.codes, "context_codes": drawn.context_codes}
    if drawn.actions is not None:
        content["actions"] = drawn.actions.astype(np.uint8)
        content["action_names"] = np.array(how.action_names, dtype=str)
    for name in ("model_hash", "prior_hash", "seed", "temperature", "top_k"):
        content[name] = np.array(getattr(how, name))
    write_arrays(arrays, content)
