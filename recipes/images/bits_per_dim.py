"""The comparison of section 4.1: VAE, VQ-VAE and VIMCO in bits per dimension, in one code base.

    python -m recipes.images.bits_per_dim --data photos --out exp/bits --json exp/bits/bits.json
    python -m recipes.images.bits_per_dim --data cifar10:DIR --models recipes/images/conf/cifar10 \
        --out exp/cifar10 --json exp/cifar10/bits.json

Every settings file of a folder is a model, `prior.yaml` those of the priors over codes. Each is
trained with every seed, unless that was done before, and scored on what it never saw.
"""

from pathlib import Path
from typing import Annotated

import typer

from recipes.frames.command import (
    CacheOption,
    DataOption,
    DeviceOption,
    JsonOption,
    LimitOption,
    QuietOption,
    RunOptions,
    SetOption,
    SizeOption,
    make_app,
    run,
)

CONF = Path(__file__).parent / "conf"
app = make_app()


@app.command()
def main(
    out: Annotated[Path, typer.Option(help="the runs")],
    json: JsonOption,
    data: DataOption = "photos",
    models: Annotated[Path, typer.Option(help="folder of settings")] = CONF / "photos32",
    seeds: Annotated[int, typer.Option(min=1, help="how many; photos rotate with them")] = 3,
    grid: Annotated[str, typer.Option(help="GxK,...: VQ-VAEs of G groups of K codes")] = "",
    betas: Annotated[str, typer.Option(help="commitment costs of further VQ-VAEs")] = "",
    samples: Annotated[int, typer.Option(min=2, help="of bounds that take many")] = 50,
    neighbours: Annotated[
        int, typer.Option(min=0, help="pictures whose bound the next-nearest codes enlarge")
    ] = 8,
    size: SizeOption = 32,
    cache: CacheOption = Path("cache"),
    limit: LimitOption = None,
    set_: SetOption = None,
    device: DeviceOption = "auto",
    quiet: QuietOption = False,
) -> None:
    """Train and score all models, and print the table."""
    from recipes.images.bits_runs import Comparison, Source
    from recipes.images.bits_table import format_bits
    from vqspeech.files import write_json

    comparison = Comparison(
        Source(data, size, cache, limit),
        models,
        out,
        RunOptions(set_ or (), device=device, quiet=quiet),
        samples=samples,
        neighbours=neighbours,
    )
    facts = comparison.run(seeds, grid, betas)
    write_json(json, facts)
    print(format_bits(facts))


if __name__ == "__main__":
    run(app)
