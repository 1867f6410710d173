"""Tables of results as Markdown, as RESULTS.md holds them.

python -m recipes.images.results exp/bits/bits.json exp/photos128/pictures/scores.json
"""

from pathlib import Path
from typing import Annotated

import typer

from recipes.frames.command import make_app, run

app = make_app()


@app.command()
def main(
    files: Annotated[list[Path], typer.Argument(help="bits.json, scores.json, second.json")],
) -> None:
    """Print the tables of files of results, in the order given, each with what made it."""
    from recipes.images.result_files import FILES

    # All are read before the first is printed, so that a mistake leaves no half of them.
    print("\n".join([FILES.markdown_of(path) for path in files]), end="")


if __name__ == "__main__":
    run(app)
