"""The prior that a report is on: found beside its run, and what its training wrote down."""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vqspeech.checkpoint import find_model, load_json
from vqspeech.errors import InputError, VQSpeechError
from vqspeech.report.log import read_log, resumed_steps
from vqspeech.report.prior import NGRAMS
from vqspeech.stages.find_prior import codes_hash


@dataclass(frozen=True, eq=False)
class PriorRun:
    """A prior over the codes of the run that the page is on, and what its training wrote down."""

    path: Path  # as it is given to --prior
    folder: Path  # config.json and weights
    model_hash: str  # of the checkpoint whose codes it is fitted to
    log: tuple[dict[str, Any], ...]
    resumed: tuple[int, ...]
    ngrams: Mapping[str, float]  # bits a code of its validation

    @property
    def best_bits(self) -> float | None:
        """The lowest validation, in bits a code."""
        found = [e["valid"]["bits"] for e in self.log if "bits" in e.get("valid", {})]
        return min(found, default=None)


def find_prior_run(
    run: Path,
    given: str | os.PathLike | None,
    hashes: frozenset[str],
    note: Callable[[str], None],
) -> PriorRun | None:
    """The prior that was given, or of those in `prior*` beside the run that fit it the best.

    Raises:
        InputError: what was given is no prior, or one over codes of another model.
    """
    if given is not None:
        return _read_prior(Path(given), run, hashes, note)
    fitting, others = [], 0
    for path in sorted(run.resolve().parent.glob("prior*")):
        if not path.is_dir():
            continue
        try:
            if codes_hash(find_model(path)) in hashes:
                fitting.append(_read_prior(path, run, hashes, note))
            else:
                others += 1
        except VQSpeechError as error:
            note(f"left out: {error}")
    if others:
        note(f"left out priors over codes of other models beside {run}: {others}")
    best = min(fitting, key=lambda one: (one.best_bits or math.inf, one.path), default=None)
    if len(fitting) > 1:
        note(f"{len(fitting)} priors fit {run}; the page shows {best.path}, --prior another")
    return best


def prior_scores(found: PriorRun | None) -> tuple[tuple[str, str, str], ...]:
    """The bits a code of the prior for the top of the page, beside those of the trigram."""
    if found is None or found.best_bits is None:
        return ()
    compared = "validation"
    if "trigram" in found.ngrams:
        compared += f"; trigram: {found.ngrams['trigram']:.2f}"
    return (("bits a code, prior", f"{found.best_bits:.2f}", compared),)


def _read_prior(
    path: Path, run: Path, hashes: frozenset[str], note: Callable[[str], None]
) -> PriorRun:
    folder = find_model(path)
    model_hash = codes_hash(folder)
    if model_hash not in hashes:
        raise InputError(
            f"{path}: a prior over codes of another model ({model_hash}) than {run}; give the one "
            f"that was trained on codes of {run}"
        )
    home = folder.parent if (folder.parent / "log.jsonl").is_file() else folder
    log: tuple[dict[str, Any], ...] = ()
    resumed: tuple[int, ...] = ()
    ngrams: dict[str, float] = {}
    try:
        log, resumed = tuple(read_log(home)), resumed_steps(home)
    except InputError as error:
        note(f"{error}; the page has no curves of the prior")
    try:
        nats = load_json(home / "ngrams.json").get("nats")
        for name in NGRAMS:
            ngrams[name] = float(nats[name]) / math.log(2)
    except InputError as error:
        note(f"{error}; the curves of the prior have no n-grams beside them")
    except (AttributeError, KeyError, TypeError, ValueError):
        note(f"{home / 'ngrams.json'}: lacks some n-grams; train the prior again to have them")
    ngrams = {name: bits for name, bits in ngrams.items() if math.isfinite(bits)}
    return PriorRun(path, folder, model_hash, log, resumed, ngrams)
