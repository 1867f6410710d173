"""Tables of results as Markdown, as RESULTS.md holds them.

python -m recipes.video.results exp/scores/video.json exp/clip_scores/clips.json
"""

from pathlib import Path
from typing import Annotated

import typer

from recipes.frames.command import make_app, run

app = make_app()


@app.command()
def main(
    files: Annotated[list[Path], typer.Argument(help="video.json, clips.json")],
) -> None:
    """Print the tables of files of results, in the order given, each with what made it."""
    from recipes.video.result_files import FILES

    # All are read before the first is printed, so that a mistake leaves no half of them.
    print("\n".join([FILES.markdown_of(path) for path in files]), end="")


if __name__ == "__main__":
    run(app)
