"""What run.sh takes from `--config`: a YAML file in, assignments for its shell out.

eval "$(python -m recipes.video.options conf/tiny.yaml)"
"""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import Field

from recipes.frames.command import make_app, run
from recipes.frames.shell_options import print_options
from recipes.video.action_list import MOST_FRAMES
from vqspeech.config.schema import Positive, Settings

app = make_app()


class RecipeOptions(Settings):
    """A file of `recipes/video/run.sh --config`."""

    frames: Positive = 16000  # that are collected
    clips: Positive = 64  # held-out clips that are drawn anew and measured
    drawn: Annotated[int, Field(gt=0, le=MOST_FRAMES)] = 10  # frames of each
    # A folder of settings, relative to the recipe unless absolute.
    models: Path = Path("conf/default")


@app.command()
def main(config: Annotated[Path, typer.Argument(help="a YAML file")]) -> None:
    """Print its values as assignments that a shell can evaluate."""
    print_options(config, RecipeOptions, Path(__file__).parent)


if __name__ == "__main__":
    run(app)
