"""Look at the second stage: 27 bits for a frame, what they save, and what they look like.

    python -m recipes.images.examine_second --model exp/vqvae --prior exp/prior \
        --second exp/second --data frames:frames.npz --size 84 --out exp/pictures
"""

from pathlib import Path
from typing import Annotated

import typer

from recipes.frames.command import (
    CacheOption,
    DataOption,
    DeviceOption,
    LimitOption,
    SizeOption,
    TemperatureOption,
    make_app,
    run,
)

app = make_app()


@app.command()
def main(
    model: Annotated[Path, typer.Option(help="the first stage, a VQ-VAE of pictures")],
    second: Annotated[Path, typer.Option(help="the second stage over its codes")],
    prior: Annotated[Path, typer.Option(help="a PixelCNN of the same size without latents")],
    out: Annotated[Path, typer.Option(help="pictures and second.json go here")],
    data: DataOption = "photos",
    size: SizeOption = 84,
    cache: CacheOption = Path("cache"),
    limit: LimitOption = None,
    count: Annotated[int, typer.Option(min=1, help="frames that are shown")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="of the samples")] = 0,
    temperature: TemperatureOption = 1.0,
    device: DeviceOption = "auto",
) -> None:
    """Score the second stage against the same PixelCNN without latents, and show frames."""
    from recipes.images.datasets import load_for_command
    from recipes.images.second_stage_scores import examine_second_stage, format_second_stage

    pictures = load_for_command(data, size, cache, limit)
    facts = examine_second_stage(
        *(model, prior, second, pictures, out),
        count=count,
        seed=seed,
        temperature=temperature,
        device=device,
    )
    print(format_second_stage(facts))


if __name__ == "__main__":
    run(app)
