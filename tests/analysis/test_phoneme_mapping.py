"""Mappings: by hand, against a loop that counts in dictionaries, and on codes of no model."""

from collections import Counter

import numpy as np
import pytest

from vqspeech.analysis.aligned_codes import LEFT_OUT, AlignedCodes
from vqspeech.analysis.clustering import count_pairs, phone_purity
from vqspeech.analysis.phoneme_mapping import (
    fit_mapping,
    majority_phone,
    mapping_accuracy,
    random_codes,
    shuffle_codes,
)

NAMES = tuple(f"P{i}" for i in range(40))


def aligned(codes, labels, starts=None, num_codes=8, num_phones=5):
    codes, labels = np.asarray(codes, dtype=np.int32), np.asarray(labels, dtype=np.int16)
    starts = np.array([0, len(codes)]) if starts is None else np.asarray(starts)
    utterances = len(starts) - 1
    return AlignedCodes(
        utterances=tuple(f"a-{u:03}" for u in range(utterances)),
        speakers=("a",),
        speaker=np.zeros(utterances, dtype=np.int32),
        codes=codes,
        labels=labels,
        frame_starts=starts,
        phones=np.empty(0, dtype=np.int16),
        phone_seconds=np.empty((0, 2)),
        phone_starts=np.zeros(utterances + 1, dtype=np.int64),
        num_codes=num_codes,
        phone_names=NAMES[:num_phones],
        rate=25.0,
    )


def test_a_code_is_read_as_the_phone_it_met_most():
    fitted = fit_mapping(aligned([0, 0, 0, 1, 1, 1], [2, 2, 1, 4, 4, 0]))
    assert fitted.code_phones[:2].tolist() == [2, 4]
    assert fitted.apply(np.array([1, 0]), np.array([0, 2])).tolist() == [4, 2]
    assert fitted.code_frames.tolist() == [3, 3, 0, 0, 0, 0, 0, 0]
    assert fitted.frames_per_code == 6 / 8


def test_of_equal_phones_the_first_is_taken():
    assert fit_mapping(aligned([3, 3, 3, 3], [4, 1, 1, 4])).code_phones[3] == 1


def test_codes_that_were_not_seen_take_the_majority_phone():
    fitted = fit_mapping(aligned([0, 1, 1, 2], [1, 3, 3, 1]))
    assert fitted.code_phones.tolist() == [1, 3, 1, 1, 1, 1, 1, 1]  # 1 and 3 have two frames each


def test_frames_left_out_teach_nothing():
    fitted = fit_mapping(aligned([0, 0, 0, 1], [LEFT_OUT, LEFT_OUT, 2, LEFT_OUT]))
    assert fitted.code_phones.tolist() == [2] * 8
    assert fitted.code_frames.tolist() == [1, 0, 0, 0, 0, 0, 0, 0]


def test_a_pair_answers_where_it_was_seen_often_enough():
    # Code 1 is phone 0 by itself, and phone 3 after code 2.
    codes = [1, 1, 1, 1, 1, 1, 1, 2, 1, 2, 1]
    labels = [0, 0, 0, 0, 0, 0, 0, 4, 3, 4, 3]
    fitted = fit_mapping(aligned(codes, labels), context=2, min_count=2)
    assert fitted.pairs.codes.tolist() == [[2, 1]]
    assert fitted.pairs.phones.tolist() == [3]
    assert fitted.apply(np.array([2, 1, 1]), np.array([0, 3])).tolist() == [4, 3, 0]
    rare = fit_mapping(aligned(codes, labels), context=2, min_count=3)
    assert rare.apply(np.array([2, 1, 1]), np.array([0, 3])).tolist() == [4, 0, 0]


def test_edges_are_contexts_of_their_own():
    # Code 1 is phone 3 when it begins an utterance, phone 4 when it is all of it, else phone 0.
    codes = [1, 1, 1, 1, 1, 1, 1]
    labels = [3, 0, 0, 3, 0, 0, 4]
    fitted = fit_mapping(aligned(codes, labels, [0, 3, 6, 7]), context=3, min_count=1)
    assert fitted.pairs.codes.tolist() == [[8, 1]]  # 8 is beyond the 8 codes
    assert fitted.triples.codes.tolist() == [[8, 1, 8]]
    assert fitted.apply(np.full(4, 1), np.array([0, 3, 4])).tolist() == [3, 0, 0, 4]


def by_loop(fit, score, context, min_count):
    """Contexts counted in dictionaries, the longest that was seen often enough answering."""

    def reads(corpus, size):
        for begin, end in zip(corpus.frame_starts[:-1], corpus.frame_starts[1:], strict=True):
            codes = ["edge", *corpus.codes[begin:end].tolist(), "edge"]
            for i in range(1, len(codes) - 1):
                yield {1: (codes[i],), 2: (codes[i - 1], codes[i]), 3: tuple(codes[i - 1 : i + 2])}[
                    size
                ]

    tables = {}
    for size in range(1, context + 1):
        tables[size] = {}
        for key, label in zip(reads(fit, size), fit.labels.tolist(), strict=True):
            if label != LEFT_OUT:
                tables[size].setdefault(key, Counter())[label] += 1
    scored = [label for label in fit.labels.tolist() if label != LEFT_OUT]
    majority = min(set(scored), key=lambda label: (-scored.count(label), label))
    found = []
    for keys in zip(*(reads(score, size) for size in range(1, context + 1)), strict=True):
        for size in range(context, 0, -1):
            counts = tables[size].get(keys[size - 1], Counter())
            if counts.total() >= (min_count if size > 1 else 1):
                found.append(min(counts, key=lambda label: (-counts[label], label)))
                break
        else:
            found.append(majority)
    return found


def simulated(seed, utterances=80):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(0, 12, size=utterances)  # some are empty, some have a single frame
    starts = np.concatenate(([0], np.cumsum(sizes)))
    codes = rng.integers(0, 6, size=starts[-1]) ** 2 % 7
    labels = (codes + np.roll(codes, 1) // 2 + rng.integers(0, 3, size=len(codes))) % 5
    labels[rng.random(len(labels)) < 0.15] = LEFT_OUT
    return aligned(codes, labels, starts)


@pytest.mark.parametrize("context", [1, 2, 3])
@pytest.mark.parametrize("min_count", [1, 2, 4])
def test_contexts_back_off_as_a_loop_over_dictionaries_does(context, min_count):
    fit, score = simulated(1), simulated(2)
    fitted = fit_mapping(fit, context=context, min_count=min_count)
    found = fitted.apply(score.codes, score.frame_starts)
    assert found.dtype == np.int16
    assert found.tolist() == by_loop(fit, score, context, min_count)


def test_longer_contexts_change_what_is_read():
    fit, score = simulated(1), simulated(2)
    read = [
        fit_mapping(fit, context=size, min_count=2).apply(score.codes, score.frame_starts).tolist()
        for size in (1, 2, 3)
    ]
    assert read[0] != read[1] != read[2]


def test_large_codebooks_do_not_overflow_the_numbers_of_contexts():
    most = 2**18
    codes = np.array([most - 1, most - 2, most - 1, 5])
    fitted = fit_mapping(aligned(codes, [1, 2, 3, 0], num_codes=most), context=3, min_count=1)
    assert fitted.apply(codes, np.array([0, 4])).tolist() == [1, 2, 3, 0]
    with pytest.raises(ValueError, match="too many to number"):
        fit_mapping(aligned(codes, [1, 2, 3, 0], num_codes=2**21), context=3)


def test_accuracy_is_the_share_of_scored_frames():
    labels = np.array([0, 1, 2, LEFT_OUT, 2])
    assert mapping_accuracy(np.array([0, 1, 1, 1, 2]), labels) == 3 / 4
    with pytest.raises(ValueError, match="no scored frames"):
        mapping_accuracy(np.array([0]), np.array([LEFT_OUT]))
    with pytest.raises(ValueError, match="predicted phones for"):
        mapping_accuracy(np.array([0]), labels)


def test_fitted_and_scored_on_the_same_frames_it_is_the_phone_purity():
    corpus = simulated(3)
    found = fit_mapping(corpus).apply(corpus.codes, corpus.frame_starts)
    purity = phone_purity(count_pairs(corpus.codes, corpus.labels, 8, 5))
    assert mapping_accuracy(found, corpus.labels) == pytest.approx(purity)


def test_the_majority_phone_is_of_the_scored_frames():
    labels = np.array([3, 1, 1, 3, 0, LEFT_OUT, LEFT_OUT, LEFT_OUT])
    assert majority_phone(labels, 5) == (1, 2 / 5)
    with pytest.raises(ValueError, match="no scored frames"):
        majority_phone(labels[-2:], 5)


@pytest.mark.parametrize(
    ("codes", "starts", "reason"),
    [([0, 8], [0, 2], "codes from 0 to 8, of 8"), ([-1], [0, 1], "-1"), ([0], [0, 2], "starts")],
)
def test_codes_that_are_not_of_this_map_are_refused(codes, starts, reason):
    fitted = fit_mapping(aligned([0, 1], [0, 1]))
    with pytest.raises(ValueError, match=reason):
        fitted.apply(np.array(codes), np.array(starts))


def test_fits_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="no scored frames"):
        fit_mapping(aligned([0, 1], [LEFT_OUT, LEFT_OUT]))
    with pytest.raises(ValueError, match="codes from 0 to 9, of 8"):
        fit_mapping(aligned([0, 9], [0, 0]))
    with pytest.raises(ValueError, match="context of 4 codes"):
        fit_mapping(aligned([0, 1], [0, 0]), context=4)


def test_shuffled_codes_stay_as_frequent_and_leave_other_frames_alone():
    corpus = simulated(4)
    shuffled = shuffle_codes(corpus, np.random.default_rng(0))
    scored = corpus.labels != LEFT_OUT
    assert np.array_equal(np.bincount(shuffled.codes), np.bincount(corpus.codes))
    assert np.array_equal(shuffled.codes[~scored], corpus.codes[~scored])
    assert (shuffled.codes != corpus.codes).sum() > 100
    assert np.array_equal(shuffled.labels, corpus.labels)
    again = shuffle_codes(corpus, np.random.default_rng(0))
    assert np.array_equal(shuffled.codes, again.codes)


# Shares of 39 phones in frames of English, about: the first has a tenth, as AH has.
ENGLISH = np.array(
    [10.5, 7.0, 6.6, 6.2, 6.0, 4.9, 4.3, 4.2, 3.9, 3.8, 3.4, 3.2, 3.1, 2.9, 2.7, 2.5, 2.3, 2.2, 2.0]
    + [1.9, 1.8, 1.7, 1.6, 1.5, 1.4, 1.2, 1.1, 1.0, 0.9, 0.8, 0.7, 0.7, 0.6, 0.6, 0.5, 0.4, 0.3]
    + [0.2, 0.1]
)


def random_accuracy(frames, num_codes, seed, held_out=None):
    """Accuracy of random codes beside the majority phone of the frames that are scored."""
    rng = np.random.default_rng(seed)

    def corpus(size):
        labels = rng.choice(len(ENGLISH), size=size, p=ENGLISH / ENGLISH.sum())
        codes = random_codes(size, num_codes, rng)
        return aligned(codes, labels, num_codes=num_codes, num_phones=len(ENGLISH))

    fit = corpus(frames)
    score = fit if held_out is None else corpus(held_out)
    found = fit_mapping(fit).apply(score.codes, score.frame_starts)
    return mapping_accuracy(found, score.labels), majority_phone(score.labels, len(ENGLISH))[1]


def test_random_codes_score_a_third_where_they_were_fitted():
    for seed in range(5):
        accuracy, majority = random_accuracy(1500, 512, seed)  # a minute at 25 Hz
        assert accuracy > 0.30 > 0.15 > majority


@pytest.mark.parametrize("frames_per_code", [3, 30, 100, 300])
@pytest.mark.parametrize("num_codes", [128, 512])
def test_random_codes_never_beat_the_majority_phone_where_they_were_not(frames_per_code, num_codes):
    for seed in range(3):
        # 200,000 frames: the difference has a standard deviation of a tenth of a point.
        accuracy, majority = random_accuracy(
            frames_per_code * num_codes, num_codes, seed, held_out=200_000
        )
        assert accuracy < majority + 0.01
        if frames_per_code >= 300:
            assert accuracy > majority - 0.01


def test_shuffled_codes_that_were_perfect_know_no_more_than_the_majority():
    rng = np.random.default_rng(0)
    labels = rng.choice(len(ENGLISH), size=60_000, p=ENGLISH / ENGLISH.sum())
    corpus = aligned(labels, labels, num_codes=len(ENGLISH), num_phones=len(ENGLISH))
    perfect = fit_mapping(corpus).apply(corpus.codes, corpus.frame_starts)
    assert mapping_accuracy(perfect, corpus.labels) == 1.0
    fit, score = (shuffle_codes(corpus, rng) for _ in range(2))
    found = fit_mapping(fit).apply(score.codes, score.frame_starts)
    majority = majority_phone(score.labels, len(ENGLISH))[1]
    assert majority - 0.01 < mapping_accuracy(found, score.labels) < majority + 0.01
