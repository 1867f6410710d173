"""One page of the recipe: the comparison, both first stages, and 27 bits for a frame.

A folder of experiments holds `bits/` (bits.json and its runs), and for each first stage a folder
with the runs `vqvae`, `prior` and `second`, and what was made of them in `pictures/`.
"""

from pathlib import Path
from typing import NamedTuple

from recipes.frames.page_blocks import (
    examined,
    found_facts,
    picture,
    quoted,
    read_if_there,
    tables_and_source,
)
from recipes.frames.result_files import Results
from recipes.frames.run_curves import code_curves, first_stage_curves
from recipes.images.bits_picture import draw_bits
from recipes.images.bits_table import ordered_systems, paper_figure
from recipes.images.result_files import BITS, FILES, FIRST, SECOND
from recipes.images.training_curves import comparison_curves
from vqspeech.errors import InputError
from vqspeech.report.page import Block, Header, Heading, Missing, Section, render_page

PROGRAM = "python -m recipes.images.report"
MOST_NAMES = 16  # classes that are named below samples; of more only some are drawn


class Place(NamedTuple):
    """A first stage of section 4.2: its folder, and what the page calls it."""

    folder: str
    title: str
    lead: str
    data: str  # of its commands


PHOTOS = Place(
    "photos128",
    "128 × 128 pixels as 32 × 32 codes",
    "A picture becomes a map of codes, and a prior draws such maps, class by class.",
    "--data photos:scales --size 128",
)
FRAMES = Place(
    "frames84",
    "84 × 84 pixels as 21 × 21 codes",
    "Frames in the first person, of episodes that were held out.",
    "--data frames:FRAMES.npz --size 84",
)


def images_page(exp: Path) -> str:
    """The HTML of the page; the same files make the same page.

    What is missing is named with the command that makes it.

    Args:
        exp: a folder of experiments.

    Raises:
        InputError: no such folder, or a file in it that is not as it should be.
    """
    if not exp.is_dir():
        raise InputError(f"{exp}: no folder of experiments; make one with recipes/images/run.sh")
    bits = read_if_there(FILES, exp / "bits" / "bits.json", BITS)
    photos, frames = (
        read_if_there(FILES, _pictures(exp, place) / "scores.json", FIRST)
        for place in (PHOTOS, FRAMES)
    )
    second = read_if_there(FILES, _pictures(exp, FRAMES) / "second.json", SECOND)
    sections = [
        comparison_section(exp / "bits", bits),
        first_stage_section(exp, PHOTOS, photos),
        first_stage_section(exp, FRAMES, frames),
        second_stage_section(exp, second),
    ]
    return render_page(make_header(exp, bits, photos, frames, second), sections, PROGRAM)


def _pictures(exp: Path, place: Place) -> Path:
    return exp / place.folder / "pictures"


def make_header(
    exp: Path,
    bits: Results | None,
    photos: Results | None,
    frames: Results | None,
    second: Results | None,
) -> Header:
    """Data, hardware and commit of what there is, and its chief figures."""
    scores = []
    if bits is not None:
        systems = bits.facts["systems"]
        for name in ordered_systems(bits.facts):
            if paper_figure(name) is not None:
                value = f"{systems[name]['bits_per_dim']:.2f}"
                scores.append((name, value, f"bits/dim on {bits.facts['data']}"))
    for first in filter(None, (photos, frames)):
        value = f"{first.facts['compression']:.2f}"
        note = f"{first.facts['data']}, PSNR {first.facts['scores']['psnr']:.1f} dB"
        scores.append(("times smaller", value, note))
    if second is not None:
        saved = f"with them codes cost {second.facts['saved']['bits']:.1f} bits less"
        scores.append(("bits a frame", f"{second.facts['bits']:.0f}", saved))
    found = [results for results in (bits, photos, frames, second) if results is not None]
    return Header(f"Images: {exp.resolve().name}", found_facts(found), tuple(scores))


def comparison_section(folder: Path, bits: Results | None) -> Section:
    """VAE, VQ-VAE and VIMCO in bits per dimension, and how they were trained."""
    blocks: list[Block] = []
    if bits is None:
        command = f"--out {quoted(folder)} --json {quoted(folder / 'bits.json')}"
        blocks.append(
            _missing("No comparison yet. It is made by", "bits_per_dim --data photos " + command)
        )
    else:
        blocks += [draw_bits(bits.facts), *tables_and_source("bits-table", bits)]
    curves = comparison_curves(folder, bits and bits.facts)
    if curves:
        blocks += [Heading("Training", "Models of the first seed."), *curves]
    lead = (
        "Section 4.1: three models over one encoder and decoder, and what they need for a picture "
        "that they never saw."
    )
    return Section("comparison", "VAE, VQ-VAE and VIMCO", lead, tuple(blocks))


def first_stage_section(exp: Path, place: Place, results: Results | None) -> Section:
    """Reconstructions, samples of the prior, what both come to, and how they were trained."""
    pictures, model, prior = (exp / place.folder / name for name in ("pictures", "vqvae", "prior"))
    on_model = f"{place.data} --model {quoted(model)}"
    examine = f"examine {on_model} --prior {quoted(prior)} --out {quoted(pictures)}"
    name, maker = place.folder, "recipes.images.examine"
    sheets = [
        picture(pictures / f"{title.lower()}.png", f"{name}-{title.lower()}", title, caption, maker)
        for title, caption in (
            ("Reconstructions", "Held-out pictures, and below them what their codes decode to."),
            ("Samples", _samples_caption(results)),
        )
    ]
    blocks = examined(sheets, f"{name}-table", results, _command(examine))
    train = f"train CONFIG {place.data} --out {quoted(model)}"
    blocks.append(Heading("Training"))
    blocks += first_stage_curves(name, model) or [_missing("No first stage is trained yet:", train)]
    blocks += code_curves(f"{name}-prior", "Prior", prior) or [
        _missing("No prior is trained yet:", f"train_prior CONFIG {on_model} --out {quoted(prior)}")
    ]
    return Section(name, place.title, f"Section 4.2. {place.lead}", tuple(blocks))


def _samples_caption(results: Results | None) -> str:
    classes = ((results and results.facts["prior"]) or {}).get("classes") or []
    if len(classes) > MOST_NAMES:
        return f"Drawn by the prior: some of its {len(classes)} classes, first to last, a row each."
    if classes:
        return f"Drawn by the prior, a row for each class: {', '.join(classes)}."
    return "Drawn by the prior, which knows no classes."


def second_stage_section(exp: Path, results: Results | None) -> Section:
    """27 bits for a frame: what they look like, what they save, and how they were learnt."""
    pictures, model, prior, second = (
        exp / FRAMES.folder / name for name in ("pictures", "vqvae", "prior", "second")
    )
    on_model = f"{FRAMES.data} --model {quoted(model)}"
    examine = (
        f"examine_second {on_model} --prior {quoted(prior)} --second {quoted(second)} "
        f"--out {quoted(pictures)}"
    )
    caption = (
        "From the top: held-out frames, the first stage's reconstructions, and three frames that "
        "were drawn from the same few bits. What differs among the three is what the bits leave "
        "open."
    )
    sheet = picture(
        *(pictures / "second.png", "second-frames", "Frames of few bits", caption),
        "recipes.images.examine_second",
    )
    blocks = examined([sheet], "second-table", results, _command(examine))
    train = f"train_second CONFIG {on_model} --out {quoted(second)}"
    curves = code_curves("second-training", "Second stage, given its latents", second)
    blocks.append(Heading("Training"))
    blocks += curves or [_missing("No second stage is trained yet:", train)]
    bits = "A few" if results is None else f"{results.facts['bits']:.0f}"
    lead = (
        "Section 4.2: a second VQ-VAE over the codes of the first, whose decoder is a PixelCNN. "
        "Whether its latents say anything is asked of held-out codes: with them, without them, and "
        "with those of another frame."
    )
    return Section("second-stage", f"{bits} bits for a frame", lead, tuple(blocks))


def _missing(what: str, command: str) -> Missing:
    return Missing(what, _command(command))


def _command(text: str) -> str:
    return f"python -m recipes.images.{text}"
