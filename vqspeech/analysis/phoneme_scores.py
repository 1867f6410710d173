"""Everything that is measured of codes against phones, for one system and for its controls.

The map from codes to phones is fitted on one corpus and scored on another: fitted and scored on the
same minute, random codes are right in a fifth to a third of the frames. Every figure that adds up
over utterances has an interval. U utterances, R resamples, K codes, P phones, N frames.
"""

from collections.abc import Callable

import numpy as np

from vqspeech.analysis.aligned_codes import LEFT_OUT, AlignedCodes
from vqspeech.analysis.bootstrap import Measure, Resamples, centered, ratio
from vqspeech.analysis.boundaries import (
    BoundaryScores,
    boundary_scores,
    code_boundaries,
    every_frame_boundaries,
    match_boundaries,
    phone_boundaries,
)
from vqspeech.analysis.clustering import (
    cluster_purity,
    count_pairs,
    nmi,
    phone_purity,
    pnmi,
    v_measure,
)
from vqspeech.analysis.codebook_usage import measure_usage
from vqspeech.analysis.phoneme_mapping import fit_mapping, majority_phone, shuffle_codes
from vqspeech.analysis.sequences import one_to_one_mapping, phone_errors

# Of a table of counts (..., K, P).
CLUSTERING: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "phone_purity": phone_purity,
    "cluster_purity": cluster_purity,
    "pnmi": pnmi,
    "nmi": nmi,
    "v_measure": v_measure,
}


def score_codes(
    fit: AlignedCodes,
    score: AlignedCodes,
    resamples: Resamples,
    *,
    silence: str,
    context: int = 1,
    seed: int = 0,
) -> dict[str, Measure]:
    """All measures of one system.

    Args:
        fit: what the map is fitted on.
        score: other utterances under codes of the same model, which everything is scored on.
        resamples: of the utterances of `score`.
        silence: the phone without which accuracy, controls, errors and clusters are measured once
            more, map and frames both; passed over where the phone set has none or nothing else
            is scored.
        context: codes that are read at once, 1 to 3.
        seed: of the shuffled control.

    Raises:
        ValueError: the two have other codes or phones, or nothing is scored.
    """
    if (fit.num_codes, fit.phone_names) != (score.num_codes, score.phone_names):
        raise ValueError("codes or phones of the fit are not those that are scored")
    measures = _score_map(fit, score, resamples, context, seed)
    measures |= _score_clusters(score, resamples)
    if silence in score.phone_names and not _lacks(score, silence):
        spoken = score.without(silence)
        without = _score_map(fit.without(silence), spoken, resamples, context, seed)
        without |= _score_clusters(spoken, resamples)
        measures |= {f"{name}_without_silence": measure for name, measure in without.items()}
    found = code_boundaries(score.codes, score.frame_starts, score.rate, score.labels)
    hits = match_boundaries(found, phone_boundaries(score))
    measures |= _boundary_measures(hits, resamples)
    return measures | _usage_measures(score)


def score_every_frame(score: AlignedCodes, resamples: Resamples) -> dict[str, Measure]:
    """What a boundary between any two frames scores, which no code has to know anything for."""
    found = every_frame_boundaries(score.frame_starts, score.rate, score.labels)
    return _boundary_measures(match_boundaries(found, phone_boundaries(score)), resamples)


def _score_map(
    fit: AlignedCodes, score: AlignedCodes, resamples: Resamples, context: int, seed: int
) -> dict[str, Measure]:
    """Accuracy with its controls, and error rates of the merged phones."""
    mapping = fit_mapping(fit, context=context)
    predicted = mapping.apply(score.codes, score.frame_starts)
    shuffled = shuffle_codes(score, np.random.default_rng(seed))
    majority, _ = majority_phone(score.labels, len(score.phone_names))
    scored = _per_utterance(score, score.labels != LEFT_OUT)

    def share(hits: np.ndarray) -> Measure:
        right = _per_utterance(score, hits & (score.labels != LEFT_OUT))
        return ratio(right, scored, resamples)

    def error_rate(phones: np.ndarray) -> Measure:
        return ratio(*phone_errors(phones, score), resamples)

    alone = one_to_one_mapping(_counts(fit))[score.codes]
    return {
        "accuracy": share(predicted == score.labels),
        "majority": share(score.labels == majority),
        "shuffled": share(mapping.apply(shuffled.codes, score.frame_starts) == score.labels),
        "per_many_to_one": error_rate(predicted),
        "per_one_to_one": error_rate(alone),
    }


def _score_clusters(score: AlignedCodes, resamples: Resamples) -> dict[str, Measure]:
    shape = (score.num_codes, len(score.phone_names))
    is_scored = score.labels != LEFT_OUT
    cells = score.codes[is_scored].astype(np.int64) * shape[1] + score.labels[is_scored]
    owners = score.frame_owners()[is_scored]
    drawn: dict[str, list[np.ndarray]] = {name: [] for name in CLUSTERING}
    for block in resamples.resampled_counts(owners, cells, shape[0] * shape[1]):
        for name, measure in CLUSTERING.items():
            drawn[name].append(measure(block.reshape(-1, *shape)))
    counts = _counts(score)
    return {
        name: centered(measure(counts), np.concatenate(drawn[name]))
        for name, measure in CLUSTERING.items()
    }


def _boundary_measures(
    counts: tuple[np.ndarray, np.ndarray, np.ndarray], resamples: Resamples
) -> dict[str, Measure]:
    scores = boundary_scores(*(part.sum() for part in counts))
    drawn = boundary_scores(*(resamples.resampled(part) for part in counts))
    return {
        f"boundary_{name}": centered(getattr(scores, name), getattr(drawn, name))
        for name in BoundaryScores._fields
    }


def _usage_measures(score: AlignedCodes) -> dict[str, Measure]:
    usage = measure_usage(score.codes, score.frame_starts, score.num_codes, score.rate)
    return {
        "bitrate_nominal": Measure(usage.nominal_bit_rate),
        "bitrate": Measure(usage.empirical_bit_rate),
        "bitrate_merged": Measure(usage.merged_bit_rate),
        "codes_used": Measure(usage.codes_used),
        "perplexity": Measure(usage.perplexity),
        "run_length": Measure(usage.mean_run_frames),
    }


def _lacks(score: AlignedCodes, phone: str) -> bool:
    """Whether no frame is of that phone, or no frame of another."""
    scored = score.labels[score.labels != LEFT_OUT]
    return len(np.unique(scored == score.phone_names.index(phone))) < 2


def _counts(aligned: AlignedCodes) -> np.ndarray:
    """(K, P)."""
    return count_pairs(aligned.codes, aligned.labels, aligned.num_codes, len(aligned.phone_names))


def _per_utterance(aligned: AlignedCodes, flags: np.ndarray) -> np.ndarray:
    """(U,) how many frames of each utterance are flagged."""
    before = np.concatenate(([0], np.cumsum(flags)))
    return np.diff(before[aligned.frame_starts])
