"""What a prior over frames comes to, as tables; `facts` is what video.json or clips.json holds."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from recipes.frames.tables import Figures, Number

SYSTEMS = {  # of `recipes.video.frame_bits`; `before` says how many frames are seen
    "with": "{before}, and the action",
    "averaged": "the same, averaged over actions that might have come",
    "without": "{before}, trained without actions",
    "another": "{before}, told another action",
    "alone": "PixelCNN, nothing before",
    "repeat": "the last frame repeated",
}
COMPARISONS = {
    "averaged": "the action saves, against the average over actions",
    "without": "the action saves, against the prior without actions",
    "another": "another action costs",
    "alone": "{told} save, against the PixelCNN",
    "repeat": "better than the last frame repeated",
}
STEPS = (1, 2, 3, 5, 10)  # that are shown, and the last one


def video_tables(facts: Mapping[str, Any]) -> list[Figures]:
    """Bits of frames; actions that are seen in drawn frames; drift and likeness by step."""
    tables = [bits_table(facts), saved_table(facts)]
    if facts["drawn"]["fidelity"]:
        tables.append(fidelity_table(facts))
    return [*tables, drift_table(facts)]


def _systems(facts: Mapping[str, Any]) -> dict[str, str]:
    """What the systems are called, by how many frames they see and whether they hear of actions."""
    context = facts["settings"]["context"]
    before = "1 frame before" if context == 1 else f"{context} frames before"
    names = {key: name.format(before=before) for key, name in SYSTEMS.items()}
    return names if facts["bits"]["action_names"] else names | {"with": before}


def _comparisons(bits: Mapping[str, Any]) -> dict[str, str]:
    told = "frames before and action" if bits["action_names"] else "frames before"
    return {key: name.format(told=told) for key, name in COMPARISONS.items()}


def bits_table(facts: Mapping[str, Any]) -> Figures:
    """What a held-out frame costs under each system."""
    bits = facts["bits"]
    height, width, num_codes = facts["codes"]
    rows = [
        (
            name,
            Number(bits["bits_a_frame"][key], ",.1f"),
            Number(bits["bits_a_code"][key]),
            Number(bits["parameters"].get(key), ",.0f"),
        )
        for key, name in _systems(facts).items()
        if key in bits["bits_a_frame"]
    ]
    uniform = math.log2(num_codes)
    rows.append(
        ("all codes equally likely", Number(uniform * bits["codes"], ",.1f"), Number(uniform), "")
    )
    return Figures(
        f"{facts['data']}, {height} x {width} codes of {num_codes}: {bits['frames']} held-out "
        f"frames of {bits['saved']['repeat']['sources']} episodes",
        ("given", "bits a frame", "bits a code", "weights"),
        tuple(rows),
    )


def saved_table(facts: Mapping[str, Any]) -> Figures:
    """Paired differences, beside what an action can save at most."""
    bits = facts["bits"]
    rows = [
        (name, *_interval(bits["saved"][key], "bits", ",.2f"))
        for key, name in _comparisons(bits).items()
        if key in bits["saved"]
    ]
    if bits["told"]:
        rows.append(("a frame tells of its action", *_interval(bits["told"], "bits", ",.2f")))
    if bits["action_bits"]:
        rows.append(
            ("H(action | past), estimated", *_interval(bits["action_bits"], "bits", ",.2f"))
        )
        most = math.log2(len(bits["action_names"]))
        rows.append(("log2 of the number of actions", Number(most, ".2f"), "", ""))
    return Figures(
        "Paired differences, bits a frame; intervals over "
        f"{bits['saved']['repeat']['sources']} episodes",
        ("comparison", "bits a frame", "95 % from", "to"),
        tuple(rows),
        tuple(judge_savings(bits)),
    )


def judge_savings(bits: Mapping[str, Any]) -> list[str]:
    """What the savings mean, in sentences."""
    saved, told = bits["saved"], bits["told"]
    if told is None:
        return []
    lines = []
    if told["low"] is None:
        lines.append("All frames are of one episode, so there is no interval.")
    elif told["low"] > 0:
        lines.append(
            "What a frame tells of its action is a bound from below on what the action saves of "
            "the frame; its interval excludes 0."
        )
    else:
        lines.append("That frames and actions say anything of each other is not shown.")
    lines.append(
        f"The likeliest action is the right one for {100 * told['named']:.1f} % of the frames, the "
        f"evidence of their codes raised to {told['exponent']:.3f}."
    )
    if saved["averaged"]["bits"] < 0:
        lines.append(
            "Averaged over actions the prior does better than told the right one: of a few frames "
            "it is too sure."
        )
    most = math.log2(len(bits["action_names"]))
    if "without" in saved and saved["without"]["bits"] > most:
        lines.append(
            f"Against the prior without actions more is saved than the {most:.2f} bits that an "
            "action can say: that prior has learnt too little."
        )
    return lines


def fidelity_table(facts: Mapping[str, Any]) -> Figures:
    """Whether the action that a judge sees is the one that was told."""
    drawn = facts["drawn"]
    fidelity = drawn["fidelity"]
    shown = _steps(drawn["frames"])
    rows = [
        _fidelity_row("real frames", fidelity["real"], shown),
        _fidelity_row("real frames through the codes", fidelity["reconstructed"], shown),
        _fidelity_row("drawn, by the actions that were done", fidelity["drawn"], shown),
    ]
    rows += [
        _fidelity_row(f"drawn, {name} all the way", entry, shown)
        for name, entry in fidelity["commanded"].items()
    ]
    always = Number(100 * fidelity["chance"], ".1f")
    rows.append(("always the most frequent action", always, "", "", *("" for _ in shown)))
    return Figures(
        f"Action fidelity, %: {drawn['windows']} clips of {drawn['episodes']} held-out episodes, "
        f"{drawn['frames']} frames each",
        (
            *("pairs of frames", "right", "95 % from", "to"),
            *(f"frame {step + 1}" for step in shown),
        ),
        tuple(rows),
    )


def _fidelity_row(
    name: str, entry: Mapping[str, Any], shown: Sequence[int]
) -> tuple[str | Number, ...]:
    return (
        name,
        *_interval(entry["accuracy"], "mean", ".1f", 100),
        *(Number(100 * entry["by_step"][step], ".1f") for step in shown),
    )


def drift_table(facts: Mapping[str, Any]) -> Figures:
    """How frames change from the first that is drawn to the last, beside real ones."""
    drawn = facts["drawn"]
    shown = _steps(drawn["frames"])
    psnr, drift = drawn["psnr"], drawn["drift"]
    rows = [
        ("PSNR, dB: drawn", psnr["drawn"], ".1f"),
        ("PSNR, dB: the last frame repeated", psnr["repeated"], ".1f"),
        ("PSNR, dB: the true frame through its codes", psnr["reconstructed"], ".1f"),
    ]
    for key, name, form in (
        ("nmse", "NMSE when coded once more", ".4f"),
        ("changed", "share of codes that change when coded once more", ".3f"),
        ("kept", "share of codes that stay from the frame before", ".3f"),
        ("entropy", "entropy of the codes, bits", ".2f"),
        ("divergence", "divergence from real codes, bits", ".3f"),
        ("sharpness", "levels between neighbours", ".2f"),
    ):
        for which in ("drawn", "real"):
            rows.append((f"{name}: {which}", drift[which][key], form))
    gains = ", ".join(f"{entry['mean']:+z.1f} dB" + _reach(entry) for entry in psnr["gain"])
    return Figures(
        f"Drawn frames beside what was there, by step; {drawn['windows']} clips of "
        f"{drawn['episodes']} episodes",
        ("measure", *(f"frame {step + 1}" for step in shown)),
        tuple(
            (name, *(Number(values[step], form) for step in shown)) for name, values, form in rows
        ),
        (
            f"PSNR of drawn frames less that of the last one repeated, at the first: {gains}.",
            f"Drawing a clip takes {drawn['seconds_a_clip']:.2f} s of one core.",
        ),
    )


def clip_table(facts: Mapping[str, Any]) -> Figures:
    """Codes with an axis of time, beside codes of each frame by itself."""
    entries = {"clips (3-D)": facts}
    if facts["beside"]:
        entries["frames (2-D)"] = facts["beside"]
    frames, height, width, groups, codes = facts["codes"]
    rows = [
        (
            name,
            Number(entry["bits_a_frame"], ",.1f"),
            Number(entry["compression"], ",.1f"),
            Number(entry["scores"]["psnr"], ".1f"),
            Number(entry["scores"]["nmse"]),
            Number(entry["scores"]["codes_used"], ".0f"),
            Number(entry["scores"]["perplexity"], ".1f"),
            Number(entry["steps"], ",.0f"),
        )
        for name, entry in entries.items()
    ]
    remarks = [
        f"A clip of {facts['frames']} frames has {frames} x {height} x {width} x {groups} codes of "
        f"{codes}."
    ]
    if facts["beside"]:
        gained = facts["beside"]["psnr_gained"]
        remarks.append(
            f"Clips against frames, episode by episode: {gained['decibels']:+z.1f} dB"
            f"{_reach(gained)}."
        )
    return Figures(
        f"{facts['data']}, {facts['size']} x {facts['size']}: {facts['test_clips']} held-out clips "
        f"of {facts['test_episodes']} episodes",
        (
            *("first stage", "bits a frame", "times smaller", "PSNR, dB", "NMSE"),
            *("codes used", "perplexity", "steps"),
        ),
        tuple(rows),
        tuple(remarks),
    )


def _interval(
    entry: Mapping[str, Any], key: str, form: str, scale: float = 1
) -> tuple[Number, Number, Number]:
    """A mean and its bounds; no bounds of a single episode."""
    values = (entry[key], entry["low"], entry["high"])
    return tuple(Number(None if v is None else scale * v, f"z{form}") for v in values)


def _reach(entry: Mapping[str, Any]) -> str:
    if entry["low"] is None:
        return ""
    return f" [{entry['low']:z.1f}, {entry['high']:z.1f}]"


def _steps(frames: int) -> list[int]:
    """The steps that are shown, from 0."""
    return sorted({step - 1 for step in (*STEPS, frames) if step <= frames})
