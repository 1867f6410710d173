"""Train a first stage of video, over frames or over clips: settings and frames in, a run out.

    python -m recipes.video.train recipes/video/conf/default/clips.yaml --data frames.npz \
        --out exp/clips
"""

from pathlib import Path
from typing import Annotated

import typer

from recipes.frames.command import (
    DeviceOption,
    QuietOption,
    ResumeOption,
    RunOptions,
    SetOption,
    SizeOption,
    make_app,
    run,
)

app = make_app()


@app.command()
def main(
    config: Annotated[Path, typer.Argument(help="settings, a YAML file")],
    data: Annotated[Path, typer.Option(help="a frames file, .npz")],
    out: Annotated[Path, typer.Option(help="the run")],
    size: SizeOption = 84,
    resume: ResumeOption = "auto",
    set_: SetOption = None,
    device: DeviceOption = "auto",
    quiet: QuietOption = False,
) -> None:
    """Train a VQ-VAE over frames, or over clips of them with strides in time as well."""
    from recipes.video.train_model import train_first_stage

    options = RunOptions(set_ or (), resume, device, quiet)
    print(train_first_stage(config, data, out, options, size))


if __name__ == "__main__":
    run(app)
