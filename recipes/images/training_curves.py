"""How the models that are compared were trained, from their log.jsonl: curves for the page."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recipes.frames.run_curves import Panel, draw_panels, logged, series, validations
from vqspeech.report.curves import Marks
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
        nll = series(label, log, "nll", 1 / math.log(2), offset)
        bits = "pixel_bits" if _is_vqvae(log) else "bits_per_dim"
        training.append(nll)
        valid.append(series(label, validations(log), bits, offset=offset))
    caption = "Of a VQ-VAE with what its codes cost if all are equally likely."
    return draw_panels(
        [
            Panel("bits-training", "Training batches, bits/dim", training, caption),
            Panel("bits-validation", "Validation, averaged weights, bits/dim", valid, caption),
        ],
        Marks(),
    )


def _is_vqvae(log: Sequence[Mapping[str, Any]]) -> bool:
    return any("pixel_bits" in entry for entry in validations(log))


def _bits_of_codes(
    run: str, log: Sequence[Mapping[str, Any]], facts: Mapping[str, Any] | None
) -> float | None:
    """What codes cost that the log does not count, bits/dim: 0 of models without; None unknown."""
    if not _is_vqvae(log):
        return 0.0
    usage = facts["usage"].get(run) if facts is not None else None
    return usage["latent_bits"] / (3 * facts["size"] ** 2) if usage else None
