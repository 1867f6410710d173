"""Train a model of pictures: settings and a data set in, a run out.

python -m recipes.images.train recipes/images/conf/photos32.yaml --data photos --out exp/vqvae
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
    """Train a VQ-VAE, a VAE or the model that VIMCO trains, on pictures."""
    from recipes.images.datasets import load_for_command
    from recipes.images.train_model import train_picture_model

    pictures = load_for_command(data, size, cache, limit)
    options = RunOptions(set_ or (), resume, device, quiet)
    print(train_picture_model(config, pictures, out, options))


if __name__ == "__main__":
    run(app)
