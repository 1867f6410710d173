"""Draw frames that go on from a few that were seen, under given actions.

    python -m recipes.video.sample --context clip.npz --actions forward*10 --actions right*10 \
        --model exp/vqvae --prior exp/prior --out drawn

Writes a strip `drawn.png` with a row for each list of actions, the animations `drawn.gif` and
`drawn.webp`, and the codes, `drawn.npz`. The same seed draws the same frames.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recipes.frames.command import DeviceOption, TemperatureOption, make_app, run
from recipes.video.action_list import MOST_FRAMES, format_actions, parse_actions, split_actions
from vqspeech.errors import InputError, UsageError

if TYPE_CHECKING:
    from recipes.video.draw_clips import DrawnClips
    from recipes.video.video_prior import VideoPrior

FRAMES = 10  # without actions
MOST_CLIPS = 64  # in one strip

app = make_app()


@app.command()
def main(
    context: Annotated[
        list[Path],
        typer.Option(help="a frames file, a folder of pictures, or pictures one after the other"),
    ],
    model: Annotated[Path, typer.Option(help="a VQ-VAE of pictures")],
    prior: Annotated[Path, typer.Option(help="over frames of its codes")],
    out: Annotated[Path, typer.Option(help="name of what is written, without an ending")],
    actions: Annotated[
        list[str] | None,
        typer.Option(help="as forward*10 or forward*3,left*2,right; given again, one more clip"),
    ] = None,
    frames: Annotated[
        int | None,
        typer.Option(
            min=1, max=MOST_FRAMES, help=f"that are drawn, without actions [default: {FRAMES}]"
        ),
    ] = None,
    episode: Annotated[
        int | None, typer.Option(min=0, help="of the frames file [default: the first]")
    ] = None,
    first: Annotated[
        int | None, typer.Option(min=0, help="where the context begins [default: so that it ends]")
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="clips for each list of actions")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="the same draws the same")] = 0,
    temperature: TemperatureOption = 1.0,
    top_k: Annotated[
        int, typer.Option(min=0, help="draw from the likeliest codes alone, as many; 0 is all")
    ] = 0,
    scale: Annotated[int, typer.Option(min=1, max=16, help="a pixel becomes a square of it")] = 2,
    milliseconds: Annotated[
        int, typer.Option(min=20, max=10_000, help="that a frame is shown")
    ] = 120,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace what is there")] = False,
    device: DeviceOption = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="say it as JSON")] = False,
) -> None:
    """Draw clips that go on from the same frames, decode them, and write pictures and codes."""
    texts = actions or []
    _check_lists(texts, frames, count)

    from recipes.frames.convolutions import STRIDE
    from recipes.frames.first_stage import load_picture_vqvae
    from recipes.video.context_clip import read_context
    from recipes.video.draw_clips import draw_clips
    from recipes.video.drawn_files import Drawing, drawn_files, write_drawn
    from recipes.video.video_prior import load_video_prior
    from vqspeech.checkpoint import find_model, hash_folder
    from vqspeech.devices import choose_device

    files = drawn_files(out, overwrite)
    where = choose_device(device)
    model, prior = find_model(model), find_model(prior)
    vqvae, _ = load_picture_vqvae(model)
    known = load_video_prior(prior, hash_folder(model)).to(where)
    lists = _lists(known, texts, frames, prior)
    sides = (known.code_map.height * STRIDE, known.code_map.width * STRIDE)
    seen = read_context(context, known.context, sides, episode=episode, first=first)
    drawn = draw_clips(
        vqvae.to(where),
        known,
        seen.frames,
        lists,
        frames=(frames or FRAMES) if lists is None else None,
        count=count,
        seed=seed,
        temperature=temperature,
        top_k=top_k,
    )
    how = Drawing(
        hash_folder(model), hash_folder(prior), known.action_names, seed, temperature, top_k
    )
    labels = _labels(drawn, known.action_names, count)
    write_drawn(files, drawn, how, labels=labels, scale=scale, milliseconds=milliseconds)
    facts = {
        "files": [str(path) for path in files],
        "context": seen.origin,
        "context_frames": len(seen.frames),
        "clips": len(drawn.codes),
        "frames": drawn.codes.shape[1],
        "seconds_a_clip": drawn.seconds,
        "device": str(where),
        "labels": labels,
    }
    print(json.dumps(facts | how._asdict()) if as_json else _format(facts))


def _check_lists(texts: list[str], frames: int | None, count: int) -> None:
    """Refuse what no model could follow, before one is loaded."""
    if texts and frames is not None:
        raise UsageError(f"--frames {frames}: a list of actions says how many; leave it out")
    lengths = [sum(entry.times for entry in split_actions(text)) for text in texts]
    for text, length in zip(texts, lengths, strict=True):
        if length != lengths[0]:
            raise UsageError(
                f"--actions {text}: {length} actions, {texts[0]} has {lengths[0]}; give lists of "
                "one length"
            )
    if (clips := count * max(len(texts), 1)) > MOST_CLIPS:
        raise UsageError(f"{clips} clips, at most {MOST_CLIPS} are drawn at once; give fewer")


def _lists(
    prior: "VideoPrior", texts: list[str], frames: int | None, place: Path
) -> list[tuple[int, ...]] | None:
    """The actions as the prior knows them; None for one that is told none."""
    if not prior.context:
        raise InputError(
            f"{place}: sees no frames before the one it draws; give a prior with model.context "
            "above 0"
        )
    if not prior.action_names:
        if texts:
            raise InputError(
                f"{place}: is told no actions, --actions {texts[0]} were given; give --frames"
            )
        return None
    if not texts:
        raise UsageError(
            f"{place}: is told an action for each frame; give --actions "
            f"{prior.action_names[0]}*{frames or FRAMES}"
        )
    return [parse_actions(text, prior.action_names) for text in texts]


def _labels(drawn: "DrawnClips", names: tuple[str, ...], count: int) -> list[str]:
    """What is written above each clip: its actions."""
    if drawn.actions is None:
        return []
    labels = [format_actions(row, names) for row in drawn.actions.tolist()]
    if count == 1:
        return labels
    return [f"{label} ({i % count + 1})" for i, label in enumerate(labels)]


def _format(facts: dict[str, Any]) -> str:
    clips = "1 clip" if facts["clips"] == 1 else f"{facts['clips']} clips"
    return (
        f"after {facts['context_frames']} frames: {facts['context']}\n"
        f"wrote {', '.join(facts['files'])}  {clips} of {facts['frames']} frames"
        f"  {facts['seconds_a_clip']:.2f} s a clip ({facts['device']})"
    )


if __name__ == "__main__":
    run(app)
