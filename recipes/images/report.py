"""The page of the recipe: one file that fetches nothing.

python -m recipes.images.report --exp exp --out report.html
"""

from pathlib import Path
from typing import Annotated

import typer

from recipes.frames.command import make_app, run, write_page

app = make_app()


@app.command()
def main(
    exp: Annotated[Path, typer.Option(help="what run.sh made: bits, photos128, frames84")],
    out: Annotated[Path, typer.Option(help="the page, .html")],
) -> None:
    """Write numbers, pictures and curves of all that there is; name what is missing."""
    from recipes.images.page import images_page

    write_page(out, lambda: images_page(exp))


if __name__ == "__main__":
    run(app)
