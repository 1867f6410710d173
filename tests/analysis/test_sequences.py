"""Phone errors: against distances by the textbook, and cases counted by hand."""

import itertools

import numpy as np
import pytest

from vqspeech.analysis.aligned_codes import LEFT_OUT, AlignedCodes
from vqspeech.analysis.sequences import edit_distances, one_to_one_mapping, phone_errors


def flat(sequences):
    starts = np.cumsum([0, *map(len, sequences)])
    return np.array(list(itertools.chain(*sequences)), np.int64), starts


def distance(a, b):
    """Levenshtein's distance by the recurrence."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        above, row = row, [i]
        for j, y in enumerate(b, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (x != y)))
    return row[-1]


def aligned(labels, phones):
    """Utterances of frame labels and reference phones; what else there is does not count here."""
    frames, frame_starts = flat(labels)
    segments, phone_starts = flat(phones)
    names = tuple(map(str, range(len(labels))))
    return AlignedCodes(
        utterances=names,
        speakers=("s",),
        speaker=np.zeros(len(labels), np.int32),
        codes=np.zeros(len(frames), np.int32),
        labels=frames.astype(np.int16),
        frame_starts=frame_starts,
        phones=segments.astype(np.int16),
        phone_seconds=np.zeros((len(segments), 2)),
        phone_starts=phone_starts,
        num_codes=1,
        phone_names=("a", "b", "c"),
        rate=25.0,
    )


def test_distances_are_those_of_the_recurrence():
    rng = np.random.default_rng(0)
    # Beyond 64 symbols and values the library works in blocks.
    pairs = [
        (rng.integers(0, k, n).tolist(), rng.integers(0, k, m).tolist())
        for k, n, m in [(3, 5, 9), (3, 0, 4), (3, 6, 0), (2, 0, 0), (41, 70, 150), (900, 80, 75)]
    ]
    hypotheses, references = zip(*pairs, strict=True)
    found = edit_distances(*flat(hypotheses), *flat(references))
    assert found.dtype == np.int64
    assert found.tolist() == [distance(a, b) for a, b in pairs]


def test_as_many_hypotheses_as_references_are_wanted():
    with pytest.raises(ValueError, match="2 hypotheses, 1 references"):
        edit_distances(*flat([[1], [2]]), *flat([[1]]))


def test_runs_are_merged_before_they_are_compared():
    corpus = aligned([[0, 0, 1, 1, 1], [2, 2]], [[0, 1], [2]])
    # First: a a b b c reads a b c, one insertion. Second: b c for c, one insertion as well.
    errors, lengths = phone_errors(np.array([0, 0, 1, 1, 2, 1, 2]), corpus)
    assert errors.tolist() == [1, 1]
    assert lengths.tolist() == [2, 1]


def test_a_run_ends_with_its_utterance():
    corpus = aligned([[0, 0], [0, 0]], [[0], [0]])
    errors, _ = phone_errors(np.array([0, 0, 0, 0]), corpus)
    assert errors.tolist() == [0, 0]


def test_frames_left_out_are_in_no_sequence_and_break_a_run():
    corpus = aligned([[0, LEFT_OUT, LEFT_OUT, 0]], [[0, LEFT_OUT, 0]])
    # What is predicted for silence does not count, and a stays two: a . . a for a (silence) a.
    for silence in (0, 2):
        errors, lengths = phone_errors(np.array([0, silence, silence, 0]), corpus)
        assert (errors.tolist(), lengths.tolist()) == ([0], [2])


def test_a_code_without_a_phone_is_deleted_and_breaks_no_run():
    corpus = aligned([[0, 0, 0]], [[0]])
    errors, _ = phone_errors(np.array([0, LEFT_OUT, 0]), corpus)
    assert errors.tolist() == [0]
    errors, _ = phone_errors(np.array([LEFT_OUT] * 3), corpus)
    assert errors.tolist() == [1]  # nothing is left: one deletion


def test_errors_may_exceed_the_reference():
    corpus = aligned([[0] * 6], [[0]])
    errors, lengths = phone_errors(np.array([1, 2, 1, 2, 1, 2]), corpus)
    assert (errors.tolist(), lengths.tolist()) == ([6], [1])


def test_other_frames_than_those_of_the_reference_are_a_mistake():
    with pytest.raises(ValueError, match="predicted phones"):
        phone_errors(np.zeros(2, int), aligned([[0]], [[0]]))


def test_the_one_to_one_map_agrees_with_the_best_of_all_permutations():
    counts = np.random.default_rng(3).integers(1, 50, (5, 3))
    mapping = one_to_one_mapping(counts)
    assert mapping.dtype == np.int16
    has_phone = mapping != LEFT_OUT
    assert sorted(mapping[has_phone].tolist()) == [0, 1, 2]
    best = max(
        sum(counts[code, phone] for phone, code in enumerate(codes))
        for codes in itertools.permutations(range(5), 3)
    )
    assert counts[np.flatnonzero(has_phone), mapping[has_phone]].sum() == best


def test_the_best_code_of_a_phone_may_have_to_give_way():
    # Both codes are mostly phone 0; 8 + 5 beats 9 + 1.
    assert one_to_one_mapping(np.array([[9, 5], [8, 1]])).tolist() == [1, 0]


def test_codes_that_never_meet_a_phone_have_none():
    assert one_to_one_mapping(np.array([[4, 0], [0, 0]])).tolist() == [0, LEFT_OUT]
    assert one_to_one_mapping(np.zeros((3, 2), int)).tolist() == [LEFT_OUT] * 3
