"""Train the judge of actions on real frames.

    python -m recipes.video.train_judge recipes/video/conf/default/judge.yaml \
        --data frames.npz --out exp/judge
"""

from pathlib import Path
from typing import Annotated

import typer

from recipes.frames.command import (
    DeviceOption,
    QuietOption,
    ResumeOption,
    RunOptions,
    SetOption,
    make_app,
    run,
)

app = make_app()


@app.command()
def main(
    config: Annotated[Path, typer.Argument(help="settings, a YAML file")],
    data: Annotated[Path, typer.Option(help="a frames file with actions")],
    out: Annotated[Path, typer.Option(help="the run")],
    resume: ResumeOption = "auto",
    set_: SetOption = None,
    device: DeviceOption = "auto",
    quiet: QuietOption = False,
) -> None:
    """Train a network that names the action between two consecutive frames."""
    from recipes.video.train_on_pairs import train_action_judge

    options = RunOptions(set_ or (), resume, device, quiet)
    print(train_action_judge(config, data, out, options))


if __name__ == "__main__":
    run(app)
