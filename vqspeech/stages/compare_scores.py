"""Two systems on the same utterances: by how much they differ, and how sure that is."""

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from vqspeech.analysis.paired import (
    FEWEST_UNITS,
    LEVEL,
    Difference,
    Sums,
    draw_units,
    paired_difference,
)
from vqspeech.errors import InputError, UsageError, name_some
from vqspeech.report.score_measures import in_order, measure
from vqspeech.stages.score_files import ScoreSet, read_score_sets, whole_name

FORMAT = 1
SAME, UNSURE = "no difference shown", "too few to tell"
# What does not compare where the two sides differ in it.
_DEPENDS = {
    "recogniser": ("wer", "cer"),
    "reference": ("wer", "cer"),
    "speaker": ("similarity_target", "similarity_source", "nearer_target", "identified"),
    "pitch": ("f0_median_hz", "f0_error_semitones", "f0_correlation", "voiced_share"),
    "cepstra": ("mcd_db",),
    "quality": ("dnsmos",),
    "codes": ("prior_bits", "trigram_bits"),
    **dict.fromkeys(("phone_set", "drop_silence", "frame"), ("accuracy",)),
}


def compare_scores(
    a: str | os.PathLike,
    b: str | os.PathLike,
    *,
    measures: Sequence[str] = (),
    resamples: int = 2000,
    seed: int = 0,
    note: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Paired differences of two files of scores, with 95 % intervals.

    Utterances (or pairs of source and target) are matched by their ids. Speakers are drawn again
    where there are at least 10, source speakers for conversions; else utterances. Each interval
    stands by itself: of twenty measures of two equal systems, one is shown to differ.

    Args:
        a: a file of `vqspeech evaluate` or `vqspeech analyze`, with values of each utterance.
        b: another of the same kind.
        measures: those that are compared; without them all that both have and that mean the same
            in both.
        resamples: of the bootstrap.
        seed: of the resamples.
        note: told what the two do not have in common.

    Returns:
        What `--json` writes: `sets`, a row for each set of data, with `measures` by name: a, b,
        difference (b - a), low, high, better ("higher", "lower" or None), b_better and a_better
        (utterances; where no way is better those in which b, or a, is higher), alike, count, units,
        resampled, verdict.

    Raises:
        InputError: a file that cannot be read or compared, of another kind, or without an
            utterance in common.
        UsageError: a measure that is in neither file, or in one only.
    """
    left, right = read_score_sets(a), read_score_sets(b)
    if left[0].kind != right[0].kind:
        raise InputError(
            f"{b}: {right[0].kind}, {a} is {left[0].kind}; compare two files of one kind"
        )
    notes: list[str] = []

    def tell(text: str) -> None:
        notes.append(text)
        note(text)

    sets = [
        _compare(one, other, measures, resamples, seed, tell)
        for one, other in _matched(left, right, tell)
    ]
    return {
        "kind": "comparison",
        "format": FORMAT,
        "compared": left[0].kind,
        "a": {"file": str(a), "model": left[0].model},
        "b": {"file": str(b), "model": right[0].model},
        "seed": seed,
        "resamples": resamples,
        "level": LEVEL,
        "sets": sets,
        "notes": notes,
    }


def _matched(
    left: Sequence[ScoreSet], right: Sequence[ScoreSet], note: Callable[[str], None]
) -> Iterator[tuple[ScoreSet, ScoreSet]]:
    """Sets of the same name; two that are alone go together whatever they are called."""
    if len(left) == len(right) == 1:
        yield left[0], right[0]
        return
    others = {one.data: one for one in right}
    names = [one.data for one in left]
    shared = [name for name in names if name in others]
    if not shared:
        raise InputError(
            f"{right[0].path}: scores of {name_some(others)}, {left[0].path} has those of "
            f"{name_some(names)}; score the same data"
        )
    for path, own in ((left[0].path, names), (right[0].path, others)):
        if alone := [name for name in own if name not in shared]:
            note(f"{path}: {name_some(alone)} left out, the other file has no such data")
    for one in left:
        if one.data in others:
            yield one, others[one.data]


def _compare(
    a: ScoreSet,
    b: ScoreSet,
    wanted: Sequence[str],
    resamples: int,
    seed: int,
    note: Callable[[str], None],
) -> dict[str, Any]:
    """The row of one set."""
    keys = [key for key in a.owners if key in b.owners]
    if not keys:
        raise InputError(
            f"{b.path}: none of its {len(b.owners)} {b.things} of {b.data} is in {a.path} (there "
            f"{name_some(a.owners, 2)}, here {name_some(b.owners, 2)}); score the same data"
        )
    alone = []
    for name, own, other in (("A", a, b), ("B", b, a)):
        alone.append([key for key in own.owners if key not in other.owners])
        if alone[-1]:
            note(
                f"{len(alone[-1])} of {len(own.owners)} {own.things} in {name} only, left out: "
                f"{name_some(alone[-1], 3)}"
            )
    if a.data != b.data:
        note(f"data: {a.data} in A, {b.data} in B; the {a.things} of the same id are compared")
    names = _choose(a, b, wanted, note)
    found = {}
    for name in names:
        difference = _difference(a, b, keys, name, resamples, seed, note)
        if difference is not None:
            found[name] = _told(name, difference, _units(a, difference))
    if not found:
        raise InputError(f"{b.path}: no measure has a value of the same {b.things} in {a.path} too")
    return {
        "data": a.data if a.data == b.data else f"{a.data}, {b.data}",
        "things": a.things,
        "matched": len(keys),
        "only_a": len(alone[0]),
        "only_b": len(alone[1]),
        "measures": found,
    }


def _choose(
    a: ScoreSet, b: ScoreSet, wanted: Sequence[str], note: Callable[[str], None]
) -> list[str]:
    """The measures to compare; those that do not mean the same on both sides only if wanted."""
    shared = [name for name in a.values if name in b.values]
    for name in wanted:
        if name not in shared:
            where = "in A only" if name in a.values else "in B only" if name in b.values else ""
            raise UsageError(
                f"--metric {name}: {where or 'in neither file'}; both have "
                f"{', '.join(in_order(shared)) or 'none'}"
            )
    for name, own, other in (("A", a, b), ("B", b, a)):
        if alone := [one for one in own.values if one not in other.values]:
            note(f"in {name} only, not compared: {', '.join(in_order(alone))}")
    apart = set()
    for fact in [name for name in a.facts if name in b.facts]:
        if a.facts[fact] == b.facts[fact]:
            continue
        text = f"{fact}: {a.facts[fact]} in A, {b.facts[fact]} in B"
        if names := [name for name in _DEPENDS.get(fact, ()) if name in (wanted or shared)]:
            apart.update(names)
            do = "do" if len(names) > 1 else "does"
            text += f"; {', '.join(names)} {do} not compare"
            text += ", given as asked" if wanted else ", left out"
        note(text)
    return in_order(wanted) if wanted else [one for one in in_order(shared) if one not in apart]


def _difference(
    a: ScoreSet,
    b: ScoreSet,
    keys: Sequence[str],
    name: str,
    resamples: int,
    seed: int,
    note: Callable[[str], None],
) -> Difference | None:
    """One measure over the utterances of which both have a value; None where there are none."""
    ours, theirs = a.values[name], b.values[name]
    both = [key for key in keys if key in ours and key in theirs]
    for side, own, other in (("A", ours, theirs), ("B", theirs, ours)):
        if alone := [key for key in keys if key in own and key not in other]:
            note(
                f"{name}: {len(alone)} of {len(keys)} {a.things} have a value in {side} only, left "
                f"out: {name_some(alone, 3)}"
            )
    if not both:
        return None
    # A matrix (U, 2) of parts and wholes a side.
    sums = [Sums(*np.array([values[key] for key in both]).T) for values in (ours, theirs)]
    other = int((sums[0].wholes != sums[1].wholes).sum())
    if other:
        note(
            f"{name}: {other} of {len(both)} {a.things} have another number of "
            f"{whole_name(name)} in B; were they made from the same recordings?"
        )
    owners = [a.owners[key] for key in both]
    drawn = draw_units(*zip(*owners, strict=True), count=resamples, seed=seed)
    return paired_difference(*sums, drawn)


def _units(scored: ScoreSet, found: Difference) -> str:
    """What was drawn; a conversion is of the recording that was converted."""
    if scored.things == "utterances":
        return found.resampled
    return {"speakers": "source speakers", "utterances": "sources"}[found.resampled]


def _told(name: str, found: Difference, units: str) -> dict[str, Any]:
    """The row of a measure; `units` is what was drawn."""
    way = measure(name).better
    for_b, for_a = (found.lower, found.higher) if way < 0 else (found.higher, found.lower)
    if found.units < FEWEST_UNITS:
        verdict = UNSURE
    elif not found.sign:
        verdict = SAME
    elif way:
        verdict = "B is better" if found.sign == way else "B is worse"
    else:
        verdict = "B is higher" if found.sign > 0 else "B is lower"
    return {
        "a": found.a,
        "b": found.b,
        "difference": found.difference,
        "low": found.low,
        "high": found.high,
        "better": {1: "higher", -1: "lower", 0: None}[way],
        "b_better": for_b,
        "a_better": for_a,
        "alike": found.count - for_b - for_a,
        "count": found.count,
        "units": found.units,
        "resampled": units,
        "verdict": verdict,
    }
