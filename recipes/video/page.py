"""One page of the recipe: frames that were imagined, what was measured, and how all was trained.

A folder of experiments holds the runs `vqvae`, `clips`, `prior`, `without`, `alone` and `judge`,
and what was made of them: `figure/drawn.*`, `scores/video.json` and `clip_scores/`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from recipes.frames.npz_arrays import open_arrays
from recipes.frames.page_blocks import (
    examined,
    found_facts,
    picture,
    quoted,
    read_if_there,
    tables_and_source,
)
from recipes.frames.result_files import Results
from recipes.frames.run_curves import first_stage_curves
from recipes.video.action_list import format_actions
from recipes.video.result_files import CLIPS, FILES, VIDEO
from recipes.video.training_curves import judge_curves, prior_curves
from vqspeech.errors import InputError
from vqspeech.report.page import Block, Header, Heading, Missing, Raster, Section, render_page

PROGRAM = "python -m recipes.video.report"
DATA = "--data FRAMES.npz"
PRIORS = {  # the settings that set each apart from the first
    "prior": "",
    "without": " --set model.actions=false",
    "alone": " --set model.actions=false --set model.context=0",
}
MOST_ROWS = 8  # of a figure, whose actions are all told


def video_page(exp: Path) -> str:
    """The HTML of the page; the same files make the same page.

    What is missing is named with the command that makes it.

    Args:
        exp: a folder of experiments.

    Raises:
        InputError: no such folder, or a file in it that is not as it should be.
    """
    if not exp.is_dir():
        raise InputError(f"{exp}: no folder of experiments; make one with recipes/video/run.sh")
    video = read_if_there(FILES, exp / "scores" / "video.json", VIDEO)
    clips = read_if_there(FILES, exp / "clip_scores" / "clips.json", CLIPS)
    sections = [
        figure_section(exp),
        measures_section(exp, video),
        training_section(exp),
        clips_section(exp, clips),
    ]
    return render_page(make_header(exp, video, clips), sections, PROGRAM)


def make_header(exp: Path, video: Results | None, clips: Results | None) -> Header:
    """Data, hardware and commit of what there is, and its chief figures."""
    found = [results for results in (video, clips) if results is not None]
    scores = () if video is None else chief_figures(video.facts)
    return Header(f"Video: {exp.resolve().name}", found_facts(found), scores)


def chief_figures(facts: Mapping[str, Any]) -> tuple[tuple[str, str, str], ...]:
    """What the action saves, whether it is seen, what a clip takes, and how true it begins."""
    bits, drawn = facts["bits"], facts["drawn"]
    scores = []
    if bits["told"]:
        saved = bits["told"]
        note = f"of {bits['action_bits']['bits']:.2f} that it has"
        if saved["low"] is not None:
            note += f"; 95 %: {saved['low']:z.2f} to {saved['high']:z.2f}"
        scores.append(("bits a frame and its action share", f"{saved['bits']:z.2f}", note))
    if drawn["fidelity"]:
        seen, real = (100 * drawn["fidelity"][of]["accuracy"]["mean"] for of in ("drawn", "real"))
        scores.append(("action fidelity", f"{seen:.1f} %", f"of real frames {real:.1f} %"))
    first, repeated = (drawn["psnr"][of][0] for of in ("drawn", "repeated"))
    note = f"the last one seen, repeated: {repeated:.1f} dB"
    scores.append(("PSNR of the first drawn frame", f"{first:.1f} dB", note))
    seconds = f"{drawn['seconds_a_clip']:.1f} s"
    scores.append((f"for a clip of {drawn['frames']} frames", seconds, "on one core"))
    return tuple(scores)


def figure_section(exp: Path) -> Section:
    """Frames that go on from one context under several actions, moving and as a strip."""
    clip, drawn = exp / "figure" / "clip.npz", exp / "figure" / "drawn"
    pictures = _drawn_pictures(drawn)
    blocks: list[Block] = [each for each in pictures if isinstance(each, Raster)]
    lacking = [each.name for each in pictures if isinstance(each, Path)]
    if lacking:
        if not clip.is_file():
            cut = f"cut {DATA} --part test --frames 16 --out {quoted(clip)}"
            blocks.append(_missing("No frames to go on from yet. They are cut by", cut))
        sample = (
            f"sample --context {quoted(clip)} --model {quoted(exp / 'vqvae')} "
            f"--prior {quoted(exp / 'prior')} --actions 'forward*10' --actions 'right*10' "
            f"--out {quoted(drawn)} --overwrite"
        )
        what = f"Not there yet: {', '.join(lacking)}. It is made by"
        blocks.append(_missing(what, sample))
    lead = (
        "Section 4.4: from a few frames and a list of actions the codes of the next frames are "
        "drawn, one frame after the other, and decoded once the last is there."
    )
    return Section("figure", "Frames that were imagined", lead, tuple(blocks))


def _drawn_pictures(drawn: Path) -> list[Raster | Path]:
    """What `recipes.video.sample` wrote by this name: an animation and a strip."""
    moving = [drawn.with_suffix(suffix) for suffix in (".webp", ".gif")]  # the first is exact
    shown = next((path for path in moving if path.is_file()), moving[0])
    told, maker = _told(drawn.with_suffix(".npz")), "recipes.video.sample"
    return [
        picture(
            *(shown, "drawn-moving", "Moving"),
            "While the ground is white, the frames are ones that were seen.",
            maker,
            shows="clips side by side, again and again",
            is_moving=True,
        ),
        picture(
            *(drawn.with_suffix(".png"), "drawn-strip", "Frame by frame"),
            # On the page it is too small for what is written above its rows.
            f"Before the line stand frames that were seen, behind it drawn ones.{told}",
            maker,
            shows="a row of frames for each clip",
            is_smooth=True,
        ),
    ]


def _told(path: Path) -> str:
    """A sentence on the actions that clips were drawn under, by the arrays beside them."""
    if not path.is_file():
        return ""
    with open_arrays(path) as arrays:
        if "actions" not in arrays:
            return " The prior is told no actions."
        actions = arrays.read("actions", np.uint8, (None, None))
        names = arrays.read("action_names", str, (None,)).tolist()
    if actions.max(initial=0) >= len(names):
        raise InputError(f"{path}: actions without names; make it again with recipes.video.sample")
    rows = [format_actions(row, names) for row in actions.tolist()]
    more = f"; and {len(rows) - MOST_ROWS} more" if len(rows) > MOST_ROWS else ""
    return f" Told, clip by clip: {'; '.join(rows[:MOST_ROWS])}{more}."


def measures_section(exp: Path, results: Results | None) -> Section:
    """Bits, action fidelity and drift on held-out episodes."""
    blocks: list[Block] = []
    if results is None:
        priors = " ".join(f"--{name} {quoted(exp / name)}" for name in PRIORS)
        examine = (
            f"examine --model {quoted(exp / 'vqvae')} {priors} --judge {quoted(exp / 'judge')} "
            f"{DATA} --out {quoted(exp / 'scores')}"
        )
        blocks.append(_missing("No measures yet. They are made by", examine))
    else:
        blocks += tables_and_source("video-table", results)
    lead = (
        "What held-out frames cost and what the action saves of it, whether a judge sees the action"
        " in drawn frames, and whether they stay what the first stage makes of real ones."
    )
    return Section("measures", "Measures", lead, tuple(blocks))


def training_section(exp: Path) -> Section:
    """Curves of the first stage, of the three priors and of the judge."""
    vqvae, judge = exp / "vqvae", exp / "judge"
    priors = {name: exp / name for name in PRIORS}
    blocks: list[Block] = [*first_stage_curves("vqvae", vqvae)]
    if not blocks:
        train = f"train CONFIG {DATA} --out {quoted(vqvae)}"
        blocks.append(_missing("No first stage is trained yet:", train))
    blocks += [*prior_curves(priors), *judge_curves(judge)]
    for name, run in priors.items():
        if not (run / "log.jsonl").is_file():
            train = f"train_prior CONFIG --model {quoted(vqvae)} {DATA} --out {quoted(run)}"
            blocks.append(_missing(f"Not trained yet: {name}.", train + PRIORS[name]))
    if not (judge / "log.jsonl").is_file():
        train = f"train_judge CONFIG {DATA} --out {quoted(judge)}"
        blocks.append(_missing("No judge of actions is trained yet:", train))
    lead = (
        "The first stage gives each frame its codes; three priors of one size learn them, told "
        "more or less; a judge learns from real frames which action lies between two."
    )
    return Section("training", "Training", lead, tuple(blocks))


def clips_section(exp: Path, results: Results | None) -> Section:
    """Codes with an axis of time: what they look like, what they cost, how they were learnt."""
    folder, run = exp / "clip_scores", exp / "clips"
    caption = "Held-out clips from first frame to last; below each what its codes decode to"
    if results is not None and results.facts["beside"]:
        caption += ", and below that what codes of each frame by itself do"
    sheet = picture(
        *(folder / "clips.png", "clips-sheet", "Clips", f"{caption}."),
        "recipes.video.examine_clips",
    )
    examine = (
        f"examine_clips --model {quoted(run)} --beside {quoted(exp / 'vqvae')} {DATA} "
        f"--out {quoted(folder)}"
    )
    blocks = examined([sheet], "clips-table", results, _command(examine))
    blocks.append(Heading("Training"))
    blocks += first_stage_curves("clips", run, "Clips") or [
        _missing("Not trained yet:", f"train CONFIG {DATA} --out {quoted(run)}")
    ]
    lead = "Codes on three axes: strides in time as well, through the same quantiser."
    return Section("clips", "Clips as codes", lead, tuple(blocks))


def _missing(what: str, command: str) -> Missing:
    return Missing(what, _command(command))


def _command(text: str) -> str:
    return f"python -m recipes.video.{text}"
