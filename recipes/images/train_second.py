"""Train the second stage: a VQ-VAE over the codes of another.

    python -m recipes.images.train_second recipes/images/conf/frames84/second.yaml \
        --model exp/vqvae --data frames:frames.npz --size 84 --out exp/second
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
    """Train a VQ-VAE over the codes of another, 27 bits a picture."""
    from recipes.images.datasets import load_for_command
    from recipes.images.train_on_codes import train_second_stage

    pictures = load_for_command(data, size, cache, limit)
    options = RunOptions(set_ or (), resume, device, quiet)
    print(train_second_stage(config, model, pictures, out, options))


if __name__ == "__main__":
    run(app)
