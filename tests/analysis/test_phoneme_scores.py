"""All measures of one system: numbers by hand, controls that hold, intervals."""

import numpy as np
import pytest
from sklearn.metrics import normalized_mutual_info_score

from vqspeech.analysis.aligned_codes import AlignedCodes
from vqspeech.analysis.bootstrap import draw_resamples
from vqspeech.analysis.phoneme_mapping import random_codes
from vqspeech.analysis.phoneme_scores import score_codes, score_every_frame

PHONES = ("AA", "B", "SIL")
RATE = 25.0


def corpus(codes, labels, num_codes=4, speakers=None):
    """Utterances of codes and labels; the segments are the runs of labels."""
    lengths = [len(row) for row in labels]
    segments = []  # (utterance, phone, first frame, end)
    for number, row in enumerate(labels):
        for frame, label in enumerate(row):
            if frame and row[frame - 1] == label:
                segments[-1][3] = frame + 1
            else:
                segments.append([number, label, frame, frame + 1])
    owners = np.array([segment[0] for segment in segments])
    speakers = [0] * len(labels) if speakers is None else speakers
    return AlignedCodes(
        utterances=tuple(f"u{number:03d}" for number in range(len(labels))),
        speakers=tuple(f"s{number:03d}" for number in range(max(speakers) + 1)),
        speaker=np.array(speakers, np.int32),
        codes=np.concatenate(codes).astype(np.int32),
        labels=np.concatenate(labels).astype(np.int16),
        frame_starts=np.cumsum([0, *lengths]),
        phones=np.array([segment[1] for segment in segments], np.int16),
        phone_seconds=np.array([segment[2:] for segment in segments]) / RATE,
        phone_starts=np.searchsorted(owners, np.arange(len(labels) + 1)),
        num_codes=num_codes,
        phone_names=PHONES,
        rate=RATE,
    )


def scores(fit, score, **more):
    return score_codes(fit, score, draw_resamples(score.speaker, count=50), silence="SIL", **more)


def test_measures_are_those_worked_by_hand():
    # Code 0 is read as SIL, 1 as AA, 2 as B; 3 was never seen and takes the majority, SIL.
    fit = corpus([[0, 0, 0, 1, 2, 2]], [[2, 2, 2, 0, 1, 1]])
    score = corpus([[0, 1, 1, 3, 2, 2, 0, 0]], [[2, 0, 0, 0, 1, 1, 1, 2]])
    found = scores(fit, score)
    assert found["accuracy"].value == pytest.approx(6 / 8)  # wrong: 3 read as SIL, 0 in B
    assert found["majority"].value == pytest.approx(3 / 8)
    # Read: SIL AA SIL B SIL. Reference: SIL AA B SIL. One insertion.
    assert found["per_many_to_one"].value == pytest.approx(1 / 4)
    # One to one: 3 has no phone and is deleted, so that nothing is inserted.
    assert found["per_one_to_one"].value == 0
    # Without silence the map of the fit has the majority B, which 3 is read as, and 0 as well.
    assert found["accuracy_without_silence"].value == pytest.approx((2 + 2 + 1) / 6)
    assert found["majority_without_silence"].value == pytest.approx(3 / 6)
    # Boundaries after frames 1, 3, 4, 6 of codes; 1, 4, 7 of phones.
    assert found["boundary_precision"].value == pytest.approx(2 / 4)
    assert found["boundary_recall"].value == pytest.approx(2 / 3)
    # Purity: code 0 has 2 SIL of 3, 1 has 2 AA, 2 has 2 B, 3 has 1 AA.
    assert found["phone_purity"].value == pytest.approx(7 / 8)
    assert found["nmi"].value == pytest.approx(
        normalized_mutual_info_score(score.labels, score.codes)
    )
    assert found["bitrate_nominal"].value == pytest.approx(50)
    assert found["codes_used"].value == 4
    every = score_every_frame(score, draw_resamples(score.speaker, count=50))
    assert every["boundary_recall"].value == 1
    assert every["boundary_precision"].value == pytest.approx(3 / 7)


def test_silence_is_measured_apart_only_where_there_is_some_and_something_else():
    speech = corpus([[0, 1, 1]], [[0, 1, 1]])
    assert "accuracy_without_silence" not in scores(speech, speech)
    silence = corpus([[0, 1, 1]], [[2, 2, 2]])
    assert "accuracy_without_silence" not in scores(silence, silence)
    both = corpus([[0, 1, 1]], [[0, 1, 2]])
    assert "accuracy_without_silence" in scores(both, both)


def test_codes_or_phones_of_another_kind_are_refused():
    fit = corpus([[0, 1]], [[0, 1]], num_codes=4)
    with pytest.raises(ValueError, match="not those that are scored"):
        scores(fit, corpus([[0, 1]], [[0, 1]], num_codes=5))


def noisy(rng, utterances, share, speakers=None):
    """Codes that tell the phone in a share of the frames, 40 frames an utterance."""
    labels = [np.repeat(rng.integers(0, 3, 20), 2) for _ in range(utterances)]
    codes = [np.where(rng.random(40) < share, row, rng.integers(0, 4, 40)) for row in labels]
    return corpus(codes, labels, speakers=speakers)


def test_shuffled_and_random_codes_score_like_the_majority():
    rng = np.random.default_rng(0)
    fit, score = noisy(rng, 300, 0.8), noisy(rng, 300, 0.8)
    found = scores(fit, score)
    assert found["accuracy"].value == pytest.approx(0.8 + 0.2 * (3 / 12 + 1 / 12), abs=0.02)
    assert found["shuffled"].value == pytest.approx(1 / 3, abs=0.02)
    parts = [part.with_codes(random_codes(len(part.codes), 4, rng), 4) for part in (fit, score)]
    chance = scores(*parts)
    assert abs(chance["accuracy"].value - chance["majority"].value) < 0.02
    assert chance["pnmi"].value < 0.002


def test_an_interval_holds_its_value_and_is_wider_over_few_speakers():
    rng = np.random.default_rng(1)
    fit = noisy(rng, 60, 0.7)
    many = noisy(rng, 240, 0.7, speakers=sorted(number % 60 for number in range(240)))
    few = noisy(rng, 48, 0.7, speakers=sorted(number % 12 for number in range(48)))
    widths = []
    for score in (many, few):
        found = scores(fit, score)
        for name, measure in found.items():
            if measure.low is not None:
                assert measure.low <= measure.value <= measure.high, name
        widths.append(found["accuracy"].high - found["accuracy"].low)
    assert 0 < widths[0] < widths[1] < 0.2


def test_neighbours_tell_what_a_code_alone_does_not():
    rng = np.random.default_rng(2)
    labels = [rng.integers(0, 2, 60) for _ in range(40)]
    # A code says the phone of the frame before it, so alone it knows nothing.
    codes = [np.roll(row, 1) for row in labels]
    fit, score = corpus(codes[:30], labels[:30]), corpus(codes[30:], labels[30:])
    assert scores(fit, score)["accuracy"].value < 0.6
    assert scores(fit, score, context=3)["accuracy"].value > 0.95
