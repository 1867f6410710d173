"""What the first and the second stage of section 4.2 come to, as tables.

`facts` is what scores.json or second.json holds.
"""

from collections.abc import Mapping
from typing import Any

from recipes.frames.tables import Figures, Number, markdown_with_source


def markdown_first_stage(facts: Mapping[str, Any]) -> str:
    """The table of a first stage and its prior as Markdown, and what made it."""
    return markdown_with_source([first_stage_table(facts)], facts)


def markdown_second_stage(facts: Mapping[str, Any]) -> str:
    """The table of a second stage as Markdown, and what made it."""
    return markdown_with_source([second_stage_table(facts)], facts)


def first_stage_table(facts: Mapping[str, Any]) -> Figures:
    """How small the codes are, how well they keep the pictures, and what a prior says of them."""
    height, width, groups, codes = facts["codes"]
    scores = facts["scores"]
    rows: list[tuple[str, str | Number]] = [
        ("codes of a picture", f"{height} x {width} x {groups} of {codes}"),
        ("bits of the codes", Number(facts["code_bits"], ",.0f")),
        ("times smaller than the pixels", Number(facts["compression"], ",.2f")),
        ("PSNR, dB", Number(scores["psnr"], ".1f")),
        ("mean squared error over variance", Number(scores["nmse"])),
        ("bits/dim of the pixels, given the codes", Number(scores["pixel_bits"])),
        ("codes used", Number(scores["codes_used"], ".0f")),
        ("perplexity of the codes", Number(scores["perplexity"], ".1f")),
    ]
    if prior := facts["prior"]:
        rows += [
            ("bits a code by the prior", Number(prior["bits_a_code"])),
            ("bits a code, all equally likely", Number(prior["uniform_bits_a_code"])),
            ("bits a code, told another class", Number(prior.get("bits_a_code_other_class"))),
            ("seconds to sample a picture", Number(prior["seconds_a_sample"], ".2g")),
        ]
    steps = "" if facts["steps"] is None else f", after {facts['steps']} steps"
    return Figures(
        f"{facts['data']}, {facts['size']} x {facts['size']}: {facts['test_pictures']} held-out "
        f"pictures{steps}",
        ("name", "value"),
        tuple(row for row in rows if str(row[1])),
    )


def second_stage_table(facts: Mapping[str, Any]) -> Figures:
    """The sizes of a frame, what its codes cost with and without the latents, and what is saved."""
    bits, code_bits = facts["bits_a_picture"], facts["bits_a_code"]
    rows = [
        _row("bits of the latents", facts["bits"], ",.0f"),
        _row("bits of the first stage's codes", facts["first_stage_bits"], ",.0f"),
        _row("bits of the pixels", facts["raw_bits"], ",.0f"),
        _row("times smaller than the pixels", facts["compression"], ",.5g"),
    ]
    for key, what in (
        ("with", "codes with the latents"),
        ("without", "codes without latents"),
        ("shuffled", "codes with another frame's latents"),
    ):
        rows.append(_row(f"{what}, bits a frame", bits[key], ",.1f"))
        rows.append(_row(f"{what}, bits a code", code_bits[key], ".3f"))
    for key, what in (
        ("saved", "bits a frame that the latents save"),
        ("lost_by_shuffling", "bits a frame lost by another's latents"),
    ):
        entry = facts[key]
        ends = (Number(entry["low"], "z,.1f"), Number(entry["high"], "z,.1f"))
        rows.append((what, Number(entry["bits"], "z,.1f"), *ends))
    rows += [
        _row(f"perplexity of latent {number}", value, ".1f")
        for number, value in enumerate(facts["perplexity"], 1)
    ]
    return Figures(
        f"{facts['data']}, {facts['size']} x {facts['size']}: {facts['test_pictures']} held-out "
        f"frames of {facts['saved']['sources']} sources",
        ("name", "value", "95 % from", "to"),
        tuple(rows),
        tuple(judge_second_stage(facts)),
    )


def _row(name: str, value: float, form: str) -> tuple[str, Number, str, str]:
    return name, Number(value, form), "", ""


def judge_second_stage(facts: Mapping[str, Any]) -> list[str]:
    """What the savings mean, in sentences."""
    saved, lost = facts["saved"], facts["lost_by_shuffling"]
    lines = []
    if saved["low"] is None:
        lines.append("All frames are of one source, so there is no interval.")
    else:
        if saved["low"] <= 0:
            lines.append("The interval of what is saved reaches 0: that anything is, is not shown.")
        if lost["low"] <= 0:
            lines.append(
                "Another frame's latents are not shown to do worse: what is saved may not come "
                "from what they say of the frame."
            )
        if not lines:
            lines.append("Intervals are over sources and exclude 0: the latents say something.")
    if saved["bits"] > facts["bits"]:
        lines.append(
            f"More is saved than {facts['bits']:.0f} bits can say: the PixelCNN without latents "
            "learnt too little."
        )
    return lines
