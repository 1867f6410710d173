"""How the runs of the recipe were trained, from their log.jsonl: curves for the page."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vqspeech.report.curves import Marks, Series, draw_curves
from vqspeech.report.log import read_log, resumed_steps
from vqspeech.report.page import Picture

FIRST = "-seed0"  # what the name of a run of the first seed ends with
PRIOR = "-prior"  # and that of a prior over its codes


def comparison_curves(folder: Path, facts: Mapping[str, Any] | None) -> list[Picture]:
    """Bits/dim of the models of the first seed, on training batches and on the validation part.

    To a VQ-VAE, whose log has its pixels alone, the bits of its codes are added, all being equally
    likely; where `facts` does not know them, it is left out.

    Args:
        folder: of the comparison's runs.
        facts: of its bits.json.
    """
    training, valid = [], []
    for run in sorted(folder.glob(f"*{FIRST}")):
        log = logged(run)
        if log is None:
            continue
        offset = _bits_of_codes(run.name, log, facts)
        if offset is None:
            continue
        label = run.name.removesuffix(FIRST).replace("_", ", ")
        nll = _series(label, log, "nll", 1 / math.log(2), offset)
        bits = "pixel_bits" if _is_vqvae(log) else "bits_per_dim"
        training.append(nll)
        valid.append(_series(label, _validations(log), bits, offset=offset))
    caption = "Of a VQ-VAE with what its codes cost if all are equally likely."
    return _drawn(
        [
            ("bits-training", "Training batches, bits/dim", training, caption),
            ("bits-validation", "Validation, averaged weights, bits/dim", valid, caption),
        ],
        Marks(),
    )


def first_stage_curves(name: str, run: Path) -> list[Picture]:
    """Likelihood, PSNR and use of codes of a VQ-VAE; none where nothing was logged.

    Args:
        name: begins the names of the pictures.
    """
    log = logged(run)
    if log is None:
        return []
    valid = _validations(log)
    likelihood = [
        _series("training", log, "nll", 1 / math.log(2)),
        _series("validation", valid, "pixel_bits"),
    ]
    codes = [
        _series(label, valid, label.replace(" ", "_")) for label in ("codes used", "perplexity")
    ]
    return _drawn(
        [
            (f"{name}-pixels", "First stage: pixels given the codes, bits/dim", likelihood, ""),
            (f"{name}-psnr", "First stage: PSNR, dB", [_series("validation", valid, "psnr")], ""),
            (f"{name}-codes", "First stage: codes in use", codes, ""),
        ],
        Marks(resumed_steps(run)),
    )


def code_curves(name: str, title: str, run: Path) -> list[Picture]:
    """Bits a code of a model over codes; none where nothing was logged."""
    log = logged(run)
    if log is None:
        return []
    likelihood = [
        _series("training", log, "nll", 1 / math.log(2)),
        _series("validation", _validations(log), "bits"),
    ]
    return _drawn([(name, f"{title}: bits a code", likelihood, "")], Marks(resumed_steps(run)))


def logged(run: Path) -> list[dict[str, Any]] | None:
    """The log of a run; None where there is none yet."""
    return read_log(run) if (run / "log.jsonl").is_file() else None


def _drawn(panels: Sequence[tuple[str, str, list[Series], str]], marks: Marks) -> list[Picture]:
    """Each as a picture, without series that have no values; none where nothing is left."""
    pictures = []
    for name, title, series, caption in panels:
        shown = [line for line in series if line.values]
        if shown:
            pictures.append(draw_curves(name, title, shown, marks, caption=caption))
    return pictures


def _validations(log: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{"step": entry["step"], **entry["valid"]} for entry in log if "valid" in entry]


def _series(
    label: str,
    entries: Sequence[Mapping[str, Any]],
    key: str,
    factor: float = 1,
    offset: float = 0,
) -> Series:
    there = [entry for entry in entries if key in entry]
    return Series(label, [e["step"] for e in there], [e[key] * factor + offset for e in there])


def _is_vqvae(log: Sequence[Mapping[str, Any]]) -> bool:
    return any("pixel_bits" in entry for entry in _validations(log))


def _bits_of_codes(
    run: str, log: Sequence[Mapping[str, Any]], facts: Mapping[str, Any] | None
) -> float | None:
    """What codes cost that the log does not count, bits/dim: 0 of models without; None unknown."""
    if not _is_vqvae(log):
        return 0.0
    usage = facts["usage"].get(run) if facts is not None else None
    return usage["latent_bits"] / (3 * facts["size"] ** 2) if usage else None
