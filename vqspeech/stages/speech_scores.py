"""The numbers of one recording of a pair: what is heard in it against what should be.

`converted`, `copy_synthesis` (the source through the codes, in its own voice) and `original` have
the same measures, so that a conversion is read between the other two:

    wer cer                  against the reference; of the original only where that is a text
    similarity_target        with the target's voice, and _source with the voice of the source
    nearer_target            1 where the former is larger
    identified               1 where, of all speakers, the wanted one is likest: the target of a
                             conversion, the source's own speaker of the other two
    f0_median_hz             and the share of voiced frames, voiced_share
    f0_correlation           with the source, where both are voiced
    f0_error_semitones       from the usual pitch of the wanted speaker
    energy_correlation       with the source
    mcd_db                   to the target's recording of the same sentence, where there is one
    dnsmos
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from vqspeech.analysis.pitch_agreement import median_hz, pitch_correlation, semitones_between
from vqspeech.analysis.rhythm import energy_correlation
from vqspeech.analysis.word_errors import Errors, count_errors
from vqspeech.stages.evaluators import Heard

METRICS = (
    "wer",
    "cer",
    "similarity_target",
    "similarity_source",
    "nearer_target",
    "identified",
    "f0_median_hz",
    "f0_correlation",
    "f0_error_semitones",
    "voiced_share",
    "energy_correlation",
    "mcd_db",
    "dnsmos",
)
Metrics = dict[str, float | None]


class Scored(NamedTuple):
    """A recording's measures, and what it adds to the sums of errors."""

    metrics: Metrics
    errors: Errors | None = None


class Likeness(NamedTuple):
    """Similarities of a recording with voices; None where there is no embedding."""

    target: float | None = None
    source: float | None = None
    likest: str | None = None  # of all speakers


def score_recording(
    heard: Heard,
    source: Heard,
    reference: Sequence[str] | None,
    likeness: Likeness,
    wanted: str,
    usual_hz: float,
    *,
    is_original: bool,
    sample_rate: int,
    mcd_db: float = math.nan,
) -> Scored:
    """Measures of one recording.

    Args:
        heard: the recording; for the original the source itself.
        source: what was converted.
        reference: the words that should be heard; None where they are not known.
        likeness: whom it sounds like.
        wanted: who should be identified.
        usual_hz: the pitch of that speaker, nan where it is not known.
        is_original: of the source; what compares it with itself is left out.
        sample_rate: Hz.
        mcd_db: the distortion, nan where there is no parallel recording.
    """
    errors = None
    if reference and heard.words is not None:
        errors = count_errors(reference, heard.words)
    target, own = likeness.target, likeness.source
    is_known = target is not None and own is not None
    hz = median_hz(heard.track)
    metrics: dict[str, float | None] = {
        "wer": errors and errors.word_errors / errors.words,
        "cer": errors and errors.character_errors / errors.characters,
        "similarity_target": target,
        "similarity_source": own,
        "nearer_target": int(target > own) if is_known else None,
        "identified": None if likeness.likest is None else int(likeness.likest == wanted),
        "f0_median_hz": hz,
        "f0_correlation": None if is_original else pitch_correlation(heard.track, source.track),
        "f0_error_semitones": semitones_between(hz, usual_hz),
        "voiced_share": float(np.mean(~np.isnan(heard.track))),
        "energy_correlation": None
        if is_original
        else energy_correlation(heard.samples, source.samples, sample_rate),
        "mcd_db": mcd_db,
        "dnsmos": heard.quality,
    }
    return Scored({key: _number(metrics[key]) for key in METRICS}, errors)


def _number(value: float | None) -> float | None:
    """JSON has no nan."""
    return None if value is None or math.isnan(value) else value
