"""How runs were trained, from their log.jsonl: curves for the page of a recipe."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vqspeech.report.curves import Marks, Series, draw_curves
from vqspeech.report.log import read_log, resumed_steps
from vqspeech.report.page import Picture


class Panel(NamedTuple):
    """Lines that stand in one picture."""

    name: str  # of the picture
    title: str
    lines: Sequence[Series]
    caption: str = ""


def first_stage_curves(name: str, run: Path, title: str = "First stage") -> list[Picture]:
    """Likelihood, PSNR and use of codes of a VQ-VAE; none where nothing was logged.

    Args:
        name: begins the names of the pictures.
        title: begins their titles.
    """
    log = logged(run)
    if log is None:
        return []
    valid = validations(log)
    likelihood = [
        series("training", log, "nll", 1 / math.log(2)),
        series("validation", valid, "pixel_bits"),
    ]
    codes = [
        series(label, valid, label.replace(" ", "_")) for label in ("codes used", "perplexity")
    ]
    return draw_panels(
        [
            Panel(f"{name}-pixels", f"{title}: pixels given the codes, bits/dim", likelihood),
            Panel(f"{name}-psnr", f"{title}: PSNR, dB", [series("validation", valid, "psnr")]),
            Panel(f"{name}-codes", f"{title}: codes in use", codes),
        ],
        Marks(resumed_steps(run)),
    )


def code_curves(name: str, title: str, run: Path) -> list[Picture]:
    """Bits a code of a model over codes; none where nothing was logged."""
    log = logged(run)
    if log is None:
        return []
    likelihood = [
        series("training", log, "nll", 1 / math.log(2)),
        series("validation", validations(log), "bits"),
    ]
    return draw_panels(
        [Panel(name, f"{title}: bits a code", likelihood)], Marks(resumed_steps(run))
    )


def logged(run: Path) -> list[dict[str, Any]] | None:
    """The log of a run; None where there is none yet."""
    return read_log(run) if (run / "log.jsonl").is_file() else None


def draw_panels(panels: Sequence[Panel], marks: Marks) -> list[Picture]:
    """Each as a picture, without lines that have no values; none where nothing is left."""
    pictures = []
    for name, title, lines, caption in panels:
        shown = [line for line in lines if line.values]
        if shown:
            pictures.append(draw_curves(name, title, shown, marks, caption=caption))
    return pictures


def validations(log: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The validations of a log, each with its step."""
    return [{"step": entry["step"], **entry["valid"]} for entry in log if "valid" in entry]


def series(
    label: str,
    entries: Sequence[Mapping[str, Any]],
    key: str,
    factor: float = 1,
    offset: float = 0,
) -> Series:
    """A value of those entries of a log that have it, times `factor`, plus `offset`."""
    there = [entry for entry in entries if key in entry]
    return Series(label, [e["step"] for e in there], [e[key] * factor + offset for e in there])
