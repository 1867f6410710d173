"""How the priors over frames and the judge of actions were trained: curves for the page."""

from collections.abc import Mapping
from pathlib import Path

from recipes.frames.run_curves import Panel, draw_panels, logged, series, validations
from vqspeech.report.curves import Marks
from vqspeech.report.log import resumed_steps
from vqspeech.report.page import Picture

LABELS = {"prior": "with actions", "without": "without", "alone": "nothing before"}


def prior_curves(runs: Mapping[str, Path]) -> list[Picture]:
    """Bits a code of held-out frames under each prior, in one picture; none where none is logged.

    Args:
        runs: by the keys of `LABELS`.
    """
    logs = {LABELS[name]: logged(run) for name, run in runs.items()}
    lines = [series(label, validations(log), "bits") for label, log in logs.items() if log]
    caption = "On the validation part, averaged weights."
    return draw_panels([Panel("priors", "Priors: bits a code", lines, caption)], Marks())


def judge_curves(run: Path) -> list[Picture]:
    """How often the judge names an action right; none where nothing was logged."""
    log = logged(run)
    if log is None:
        return []
    lines = [
        series("training", log, "accuracy", 100),
        series("validation", validations(log), "accuracy", 100),
    ]
    caption = "Of pairs of real frames."
    panel = Panel("judge-accuracy", "Judge: actions named right, %", lines, caption)
    return draw_panels([panel], Marks(resumed_steps(run)))
