"""The page of the recipe: one file that fetches nothing.

python -m recipes.video.report --exp exp --out report.html
"""

from pathlib import Path
from typing import Annotated

import typer

from recipes.frames.command import make_app, run, write_page

app = make_app()


@app.command()
def main(
    exp: Annotated[Path, typer.Option(help="what run.sh made: vqvae, prior, scores, figure")],
    out: Annotated[Path, typer.Option(help="the page, .html")],
) -> None:
    """Write drawn frames, numbers and curves of all that there is; name what is missing."""
    from recipes.video.page import video_page

    write_page(out, lambda: video_page(exp))


if __name__ == "__main__":
    run(app)
