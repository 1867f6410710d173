"""Train the prior over the codes of a VQ-VAE of pictures.

    python -m recipes.images.train_prior recipes/images/conf/frames84/prior.yaml --model exp/vqvae \
        --data frames:frames.npz --size 84 --out exp/prior
"""

from pathlib import Path
from typing import Annotated

import typer

from recipes.frames.command import (
    CacheOption,
    DataOption,
    DeviceOption,
    LimitOption,
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
    model: Annotated[Path, typer.Option(help="the VQ-VAE whose codes are learnt")],
    out: Annotated[Path, typer.Option(help="the run")],
    data: DataOption = "photos",
    size: SizeOption = 32,
    cache: CacheOption = Path("cache"),
    limit: LimitOption = None,
    resume: ResumeOption = "auto",
    set_: SetOption = None,
    device: DeviceOption = "auto",
    quiet: QuietOption = False,
) -> None:
    """Fit a class-conditional PixelCNN to the codes of a VQ-VAE of pictures."""
    from recipes.images.datasets import load_for_command
    from recipes.images.train_on_codes import train_picture_prior

    pictures = load_for_command(data, size, cache, limit)
    options = RunOptions(set_ or (), resume, device, quiet)
    print(train_picture_prior(config, model, pictures, out, options))


if __name__ == "__main__":
    run(app)
