"""Train a prior over the codes of frames, given the frames before and the actions.

    python -m recipes.video.train_prior recipes/video/conf/default/prior.yaml \
        --model exp/vqvae --data frames.npz --out exp/prior
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
    make_app,
    run,
)

app = make_app()


@app.command()
def main(
    config: Annotated[Path, typer.Argument(help="settings, a YAML file")],
    model: Annotated[Path, typer.Option(help="the VQ-VAE whose codes are learnt")],
    data: Annotated[Path, typer.Option(help="a frames file")],
    out: Annotated[Path, typer.Option(help="the run")],
    resume: ResumeOption = "auto",
    set_: SetOption = None,
    device: DeviceOption = "auto",
    quiet: QuietOption = False,
) -> None:
    """Train a PixelCNN over the codes of a frame, given frames before it and the action."""
    from recipes.video.train_on_frames import train_video_prior

    options = RunOptions(set_ or (), resume, device, quiet)
    print(train_video_prior(config, model, data, out, options))


if __name__ == "__main__":
    run(app)
