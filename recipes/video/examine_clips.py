"""Look at a first stage over clips: reconstructions, and what they cost beside frame by frame.

    python -m recipes.video.examine_clips --model exp/clips --beside exp/vqvae \
        --data frames.npz --out exp/clip_scores
"""

from pathlib import Path
from typing import Annotated

import typer

from recipes.frames.command import DeviceOption, SizeOption, make_app, run

app = make_app()


@app.command()
def main(
    model: Annotated[Path, typer.Option(help="a VQ-VAE over clips")],
    data: Annotated[Path, typer.Option(help="a frames file, .npz")],
    out: Annotated[Path, typer.Option(help="clips.png and clips.json go here")],
    beside: Annotated[Path | None, typer.Option(help="a VQ-VAE over frames")] = None,
    size: SizeOption = 84,
    count: Annotated[int, typer.Option(min=1, help="clips that are shown")] = 3,
    device: DeviceOption = "auto",
) -> None:
    """Write clips above their reconstructions, and clips.json."""
    from recipes.frames.frames_file import frames_pictures
    from recipes.frames.tables import as_text
    from recipes.video.clip_scores import examine_clips
    from recipes.video.video_tables import clip_table

    frames = frames_pictures(data, size)
    print(
        as_text(clip_table(examine_clips(model, beside, frames, out, count=count, device=device)))
    )


if __name__ == "__main__":
    run(app)
