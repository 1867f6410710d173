"""Measure a prior over frames: what it saves, what it draws, and whether it stays on the way.

    python -m recipes.video.examine --model exp/vqvae --prior exp/prior --without exp/without \
        --alone exp/alone --judge exp/judge --data frames.npz --out exp/scores
"""

from pathlib import Path
from typing import Annotated

import typer

from recipes.frames.command import DeviceOption, TemperatureOption, make_app, run
from recipes.video.action_list import MOST_FRAMES

app = make_app()


@app.command()
def main(
    model: Annotated[Path, typer.Option(help="the first stage, a VQ-VAE of pictures")],
    prior: Annotated[Path, typer.Option(help="over frames of its codes")],
    data: Annotated[Path, typer.Option(help="a frames file")],
    out: Annotated[Path, typer.Option(help="video.json goes here")],
    without: Annotated[Path | None, typer.Option(help="a prior that is told no actions")] = None,
    alone: Annotated[Path | None, typer.Option(help="one that sees no frames before")] = None,
    judge: Annotated[Path | None, typer.Option(help="of the actions between frames")] = None,
    clips: Annotated[int, typer.Option(min=1, help="that are drawn anew, at most")] = 64,
    frames: Annotated[
        int, typer.Option(min=1, max=MOST_FRAMES, help="that are drawn of each")
    ] = 10,
    seed: Annotated[int, typer.Option(min=0, help="of the samples")] = 0,
    temperature: TemperatureOption = 1.0,
    device: DeviceOption = "auto",
) -> None:
    """Score a prior over frames on held-out episodes, and write video.json."""
    from recipes.frames.tables import as_text
    from recipes.video.video_scores import examine_video
    from recipes.video.video_tables import video_tables

    facts = examine_video(
        *(model, prior, data, out),
        without=without,
        alone=alone,
        judge=judge,
        clips=clips,
        frames=frames,
        seed=seed,
        temperature=temperature,
        device=device,
    )
    print("\n\n".join(map(as_text, video_tables(facts))))


if __name__ == "__main__":
    run(app)
