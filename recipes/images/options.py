"""What a recipe's run takes from `--config`: a YAML file in, assignments for its shell out.

eval "$(python -m recipes.images.options conf/tiny.yaml)"
"""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import Field

from recipes.frames.command import make_app, run
from recipes.frames.shell_options import print_options
from vqspeech.config.schema import Positive, Settings

app = make_app()


class RecipeOptions(Settings):
    """A file of `recipes/images/run.sh --config`."""

    frames: Positive = 16000  # that are collected
    limit: Positive | None = None  # pictures of a class in each part; all without it
    seeds: Positive = 3
    grid: str = ""  # GxK,...
    betas: str = ""
    samples: Annotated[int, Field(ge=2)] = 50
    neighbours: Annotated[int, Field(ge=0)] = 8
    # Folders of settings, relative to the recipe unless absolute.
    comparison: Path = Path("conf/photos32")
    pictures: Path = Path("conf/photos128")
    views_conf: Path = Path("conf/frames84")


@app.command()
def main(config: Annotated[Path, typer.Argument(help="a YAML file")]) -> None:
    """Print its values as assignments that a shell can evaluate."""
    print_options(config, RecipeOptions, Path(__file__).parent)


if __name__ == "__main__":
    run(app)
