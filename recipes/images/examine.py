"""Look at a first stage and its prior: reconstructions, samples by class, and what they cost.

    python -m recipes.images.examine --model exp/vqvae --prior exp/prior --data photos:scales \
        --size 128 --out exp/pictures
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
    model: Annotated[Path, typer.Option(help="a VQ-VAE of pictures")],
    out: Annotated[Path, typer.Option(help="pictures and scores.json go here")],
    prior: Annotated[Path | None, typer.Option(help="over its codes")] = None,
    data: DataOption = "photos",
    size: SizeOption = 32,
    cache: CacheOption = Path("cache"),
    limit: LimitOption = None,
    count: Annotated[int, typer.Option(min=1, help="pictures that are shown")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="of the samples")] = 0,
    temperature: TemperatureOption = 1.0,
    device: DeviceOption = "auto",
) -> None:
    """Write originals beside reconstructions, samples of each class, and scores.json."""
    from recipes.images.datasets import load_for_command
    from recipes.images.first_stage_scores import examine_first_stage, format_first_stage

    pictures = load_for_command(data, size, cache, limit)
    facts = examine_first_stage(
        model, prior, pictures, out, count=count, seed=seed, temperature=temperature, device=device
    )
    print(format_first_stage(facts))


if __name__ == "__main__":
    run(app)
