"""How phone-like codes are: the paper's accuracy with its controls, baselines and intervals."""

import math
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from vqspeech.analysis.aligned_codes import LEFT_OUT, AlignedCodes
from vqspeech.analysis.bootstrap import Measure, draw_resamples
from vqspeech.analysis.clustering import confusion, count_pairs, per_phone_accuracy
from vqspeech.analysis.phoneme_mapping import fit_mapping, majority_phone, random_codes
from vqspeech.analysis.phoneme_scores import score_codes, score_every_frame
from vqspeech.data.codes import CodeDir
from vqspeech.data.phone_set import SILENCE
from vqspeech.errors import InputError, UsageError, WriteError, name_some
from vqspeech.files import check_writable
from vqspeech.stages.aligned_codes import read_aligned_codes
from vqspeech.stages.mapping_file import save_mapping

FEWEST_FRAMES = 100  # a code; with fewer in the fit the map is guesswork
LEVEL = 0.95  # of the intervals: that of `bootstrap.interval`


def analyze_phonemes(
    codes: str | os.PathLike,
    fit_on: str | os.PathLike,
    *,
    baseline: str | os.PathLike | None = None,
    baseline_fit_on: str | os.PathLike | None = None,
    phone_set: int = 41,
    drop_silence: bool = False,
    frame: str = "centre",
    context: int = 1,
    resamples: int = 1000,
    seed: int = 0,
    save_map: str | os.PathLike | None = None,
    by_utterance: bool = False,
    note: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Fit a map from codes to phones on one code directory and score it on another.

    Args:
        codes: the code directory that is scored, with phones.ctm.
        fit_on: another of the same model, which the map is fitted on.
        baseline: codes of the same utterances by something simpler, of `vqspeech cluster`.
        baseline_fit_on: those of the utterances of `fit_on`.
        phone_set: 41, 40 (SPN is silence) or 39 (neither is scored).
        drop_silence: leave silence out of all that is measured against phones, not only of what
            says so. Bits, codes used, perplexity and runs are of all frames in any case.
        frame: "centre" or "majority": which phone a frame has.
        context: codes that are read at once: 1, the paper's, 2 or 3.
        resamples: of the bootstrap.
        seed: of resamples, random codes and the shuffled control.
        save_map: where the map goes, as `vqspeech transcribe` reads it.
        by_utterance: whether the result has what `vqspeech compare` takes: scored and right frames
            of each utterance.
        note: told what the user should know, such as too few frames a code.

    Returns:
        What `--json` writes: settings, counts, and `systems`, each with its `measures`.

    Raises:
        InputError: directories that do not fit together; see `read_aligned_codes`.
        WriteError: the map cannot be written; most reasons are found before the work.
    """
    if (baseline is None) != (baseline_fit_on is None):
        raise UsageError("--baseline and --baseline-fit-on go together: give both or neither")
    if save_map is not None:
        if os.path.isdir(save_map):
            raise WriteError(f"{save_map}: is a folder; give --save-map the name of a file in it")
        check_writable(save_map)
    began = time.monotonic()

    def read(path: str | os.PathLike) -> tuple[AlignedCodes, CodeDir]:
        aligned, code_dir = read_aligned_codes(path, phone_set=phone_set, frame=frame, note=note)
        aligned = aligned.without(SILENCE) if drop_silence else aligned
        if (aligned.labels == LEFT_OUT).all():
            raise InputError(f"{path}: all of it is silence; nothing is left to score")
        return aligned, code_dir

    fit, fit_dir = read(fit_on)
    score, score_dir = read(codes)
    _check_pair(fit, fit_dir, score, score_dir)
    drawn = draw_resamples(score.speaker, count=resamples, seed=seed)
    if (drawn.weights == drawn.weights[:1]).all():
        note(
            f"{codes}: {len(score.speakers)} speakers of one utterance each: nothing can be drawn "
            "again, the intervals have no width and tell nothing"
        )
    settings = {"silence": SILENCE, "context": context, "seed": seed}
    mapping = fit_mapping(fit, context=context, model_hash=fit_dir.model_hash)
    if mapping.frames_per_code < FEWEST_FRAMES:
        note(
            f"{fit_on}: {mapping.frames_per_code:.0f} scored frames a code to fit the map on, "
            f"{FEWEST_FRAMES} are wanted; the scores will be too low, or chance"
        )
    systems = [("codes", score_codes(fit, score, drawn, **settings))]
    if baseline is not None:
        other_fit, other_fit_dir = read(baseline_fit_on)
        other, other_dir = read(baseline)
        _check_pair(other_fit, other_fit_dir, other, other_dir)
        for ours, theirs, place in ((score, other, baseline), (fit, other_fit, baseline_fit_on)):
            _check_same_frames(ours, theirs, place)
        systems.append(
            (_baseline_name(other_dir), score_codes(other_fit, other, drawn, **settings))
        )
    rng = np.random.default_rng(seed)
    random = [
        part.with_codes(random_codes(len(part.codes), part.num_codes, rng), part.num_codes)
        for part in (fit, score)
    ]
    systems.append(("random codes", score_codes(*random, drawn, **settings)))
    systems.append(("boundary at every frame", score_every_frame(score, drawn)))
    if save_map is not None:
        save_mapping(save_map, mapping)
    predicted = mapping.apply(score.codes, score.frame_starts)
    return {
        "kind": "phonemes",
        "codes": str(codes),
        "fit_on": str(fit_on),
        "model_hash": score_dir.model_hash,
        "rate": score.rate,
        "num_codes": score.num_codes,
        "phone_set": phone_set,
        "drop_silence": drop_silence,
        "frame": frame,
        "context": context,
        "seed": seed,
        "frames": int((score.labels != LEFT_OUT).sum()),
        "fit_frames": int((fit.labels != LEFT_OUT).sum()),
        "frames_per_code": mapping.frames_per_code,
        "utterances": len(score.utterances),
        "speakers": len(score.speakers),
        "fit_speakers": len(fit.speakers),
        "shared_speakers": len(set(fit.speakers) & set(score.speakers)),
        "interval": {"level": LEVEL, "resampled": drawn.what, "count": resamples},
        **_tables(score, predicted),
        "code_phones": [score.phone_names[phone] for phone in mapping.code_phones],
        "systems": [{"name": name, "measures": _jsonable(found)} for name, found in systems],
        **({"by_utterance": _by_utterance(score, predicted)} if by_utterance else {}),
        "analysis_seconds": round(time.monotonic() - began, 2),
    }


def _by_utterance(score: AlignedCodes, predicted: np.ndarray) -> list[dict[str, Any]]:
    """Frames that are scored, and those that are read right, of each utterance that has any."""
    owners, number = score.frame_owners(), len(score.utterances)
    is_scored = score.labels != LEFT_OUT
    frames = np.bincount(owners[is_scored], minlength=number)
    right = np.bincount(owners[is_scored & (predicted == score.labels)], minlength=number)
    return [
        {
            "utterance": score.utterances[u],
            "speaker": score.speakers[score.speaker[u]],
            "frames": int(frames[u]),
            "right": int(right[u]),
        }
        for u in np.flatnonzero(frames)
    ]


def _tables(score: AlignedCodes, predicted: np.ndarray) -> dict[str, Any]:
    """What pictures are made of."""
    num_phones = len(score.phone_names)
    index, share = majority_phone(score.labels, num_phones)
    wrong = confusion(predicted, score.labels, num_phones)
    accuracy = per_phone_accuracy(predicted, score.labels, num_phones)
    return {
        "phones": list(score.phone_names),
        "majority": {"phone": score.phone_names[index], "accuracy": share},
        "counts": count_pairs(score.codes, score.labels, score.num_codes, num_phones).tolist(),
        "confusion": wrong.tolist(),
        "per_phone": [
            {"phone": phone, "frames": int(row.sum()), "accuracy": _finite(right)}
            for phone, row, right in zip(score.phone_names, wrong, accuracy, strict=True)
            if row.sum()
        ],
    }


def _check_pair(
    fit: AlignedCodes, fit_dir: CodeDir, score: AlignedCodes, score_dir: CodeDir
) -> None:
    """Refuse to score a map on codes of another model, or on the utterances it was fitted on."""
    if fit_dir.model_hash != score_dir.model_hash or (fit.num_codes, fit.rate) != (
        score.num_codes,
        score.rate,
    ):
        raise InputError(
            f"{fit_dir.path}: {fit.num_codes} codes at {fit.rate:g} Hz of model "
            f"{fit_dir.model_hash}, {score_dir.path} has {score.num_codes} at {score.rate:g} Hz of "
            f"{score_dir.model_hash}; encode both with one model"
        )
    shared = sorted(set(fit.utterances) & set(score.utterances))
    if shared:
        raise InputError(
            f"{score_dir.path}: {len(shared)} of its {len(score.utterances)} utterances are in "
            f"{fit_dir.path} too ({name_some(shared, 2)}); fit on others: a map scored on what it "
            "was fitted on flatters even random codes"
        )


def _baseline_name(code_dir: CodeDir) -> str:
    """What the column is called; codes that `vqspeech cluster` did not make are not its."""
    is_clustered = code_dir.model_hash.startswith("mfcc")
    return "k-means of MFCC" if is_clustered else f"baseline {code_dir.model_hash}"


def _check_same_frames(ours: AlignedCodes, theirs: AlignedCodes, place: str | os.PathLike) -> None:
    """Refuse a baseline over other frames, with more or fewer codes, or under other phones."""
    if ours.utterances != theirs.utterances or not np.array_equal(
        ours.frame_starts, theirs.frame_starts
    ):
        raise InputError(
            f"{place}: {len(theirs.utterances)} utterances of {len(theirs.codes)} frames, the codes"
            f" that it stands beside have {len(ours.utterances)} of {len(ours.codes)}; run "
            "'vqspeech cluster' with --like CODES on the same data"
        )
    if ours.num_codes != theirs.num_codes:
        raise InputError(
            f"{place}: {theirs.num_codes} codes, those that it stands beside are {ours.num_codes}, "
            "and more codes score higher; run 'vqspeech cluster' with --like CODES"
        )
    if not np.array_equal(ours.labels, theirs.labels):
        raise InputError(
            f"{place}: phones.ctm has other phones than the codes that it stands beside; run "
            "'vqspeech cluster' and 'vqspeech encode' on the same data"
        )


def _jsonable(measures: dict[str, Measure]) -> dict[str, dict[str, float | None]]:
    """Numbers that are not finite become null; a figure without interval has its value alone."""
    return {
        name: {
            key: _finite(number)
            for key, number in measure._asdict().items()
            if key == "value" or number is not None
        }
        for name, measure in measures.items()
    }


def _finite(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None
