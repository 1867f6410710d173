"""Frame labels: the centre, the majority, gaps, ties and edges, against a loop over frames."""

import numpy as np
import pytest

from vqspeech.analysis import frame_labels
from vqspeech.analysis.aligned_codes import LEFT_OUT
from vqspeech.analysis.frame_labels import label_corpus_frames, label_frames

SILENCE = 9


def labels_of(segments, frames, rate=25.0, method="centre", gap=SILENCE):
    starts, ends, labels = (np.array(column) for column in zip(*segments, strict=True))
    found = label_frames(starts, ends, labels, frames, rate, method=method, gap=gap)
    assert found.dtype == np.int16
    return found.tolist()


def test_the_phone_at_the_centre_labels_the_frame():
    # Centres at 20, 60, 100 ms.
    assert labels_of([(0, 0.055, 1), (0.055, 0.095, 2), (0.095, 0.12, 3)], 3) == [1, 2, 3]


def test_a_centre_on_a_border_belongs_to_the_later_phone():
    # 0.02 + 0.04 is 0.06 only in decimal numbers, and 0.1 + 0.2 lies behind the centre 0.3.
    assert labels_of([(0, 0.02, 1), (0.02, 0.02 + 0.04, 2), (0.06, 0.12, 3)], 3) == [2, 3, 3]
    assert labels_of([(0.1, 0.1 + 0.2, 1), (0.3, 0.5, 2)], 5, rate=5.0) == [1, 2, 9, 9, 9]
    assert labels_of([(0.1, 0.1 + 0.2, 1)], 2, rate=5.0) == [1, SILENCE]


def test_majority_takes_what_fills_most_of_the_window():
    segments = [(0, 0.012, 1), (0.012, 0.026, 2), (0.026, 0.08, 3)]
    # 12, 14 and 14 ms of the first 40: of the two that are equal, the earlier.
    assert labels_of(segments, 2, method="majority") == [2, 3]
    assert labels_of(segments, 2) == [2, 3]
    assert labels_of([(0, 0.019, 1), (0.019, 0.021, 2), (0.021, 0.04, 3)], 1) == [2]
    assert labels_of([(0, 0.02, 5), (0.02, 0.04, 4)], 1, method="majority") == [5]


def test_parts_of_one_phone_count_together():
    segments = [(0, 0.012, 1), (0.012, 0.027, 2), (0.027, 0.04, 1)]  # 25 ms of 1 in all
    assert labels_of(segments, 1, method="majority") == [1]


@pytest.mark.parametrize("gap", [SILENCE, LEFT_OUT])
def test_where_no_phone_lies_is_the_gap(gap):
    segments = [(0.04, 0.065, 1), (0.12, 0.15, 2)]
    assert labels_of(segments, 5, gap=gap) == [gap, 1, gap, 2, gap]
    # Windows: nothing; 25 ms of phone; nothing; 30 ms of phone; nothing.
    assert labels_of(segments, 5, gap=gap, method="majority") == [gap, 1, gap, 2, gap]
    assert labels_of([(0.015, 0.03, 1)], 1, gap=gap, method="majority") == [gap]  # 15 of 40 ms


def test_a_gap_that_is_silence_adds_to_silence_beside_it():
    # 14 ms of a phone, 13 ms of nothing, 13 ms of silence: 26 ms are silent.
    segments = [(0, 0.014, 1), (0.027, 0.04, SILENCE)]
    assert labels_of(segments, 1, method="majority") == [SILENCE]
    assert labels_of(segments, 1, method="majority", gap=LEFT_OUT) == [1]


def test_a_hole_or_overlap_of_rounding_is_no_gap():
    assert labels_of([(0, 0.0195, 1), (0.0205, 0.04, 2)], 1) == [1]  # they meet at 20.5 ms
    assert labels_of([(0, 0.021, 1), (0.0195, 0.04, 2)], 1) == [2]
    assert labels_of([(0, 0.019, 1), (0.0210, 0.04, 2)], 1) == [SILENCE]  # 2 ms are no rounding


def test_the_last_phone_of_an_utterance_never_meets_the_first_of_the_next():
    # Both have a centre at 20 ms, which lies in the hole between 19.5 and 20.5 ms.
    seconds = np.array([[0, 0.0195], [0.0205, 0.04]])
    ends = np.array([0, 1, 2])
    found = label_corpus_frames(np.array([1, 2]), seconds, ends, ends, 25.0, gap=SILENCE)
    assert found.tolist() == [SILENCE, SILENCE]


def test_phones_beyond_the_frames_are_cut_off():
    segments = [(-0.01, 0.03, 1), (0.03, 0.09, 2), (0.09, 0.2, 3)]
    for method in ("centre", "majority"):
        assert labels_of(segments, 2, method=method) == [1, 2]


def simulated(seed, utterances=60):
    """Segments on a grid of 5 ms with gaps, some utterances empty of phones or of frames."""
    rng = np.random.default_rng(seed)
    phones, seconds, sizes, frames = [], [], [], []
    for _ in range(utterances):
        count = int(rng.integers(0, 12))
        edges = np.sort(rng.choice(200, size=2 * count, replace=False)) * 0.005
        edges[2::2] = np.where(rng.random(max(count - 1, 0)) < 0.5, edges[1:-1:2], edges[2::2])
        seconds.append(edges.reshape(-1, 2))
        phones.append(rng.integers(0, 4, size=count))
        sizes.append(count)
        frames.append(int(rng.integers(0, 28)))
    return phones, seconds, sizes, frames


def by_loop(phones, seconds, frames, method, milliseconds=40):
    """What the definition says, a millisecond at a time."""
    span = np.full(frames * milliseconds, SILENCE)
    for phone, (start, end) in zip(phones, np.rint(seconds * 1000).astype(int), strict=True):
        span[start:end] = phone
    found = []
    for window in span.reshape(frames, milliseconds).tolist():
        if method == "centre":
            found.append(window[milliseconds // 2])
        else:
            found.append(max(dict.fromkeys(window), key=window.count))  # the first of the longest
    return found


@pytest.mark.parametrize("method", ["centre", "majority"])
def test_a_corpus_is_labelled_as_each_utterance_alone(method):
    phones, seconds, sizes, frames = simulated(seed=1)
    found = label_corpus_frames(
        np.concatenate(phones),
        np.concatenate(seconds),
        np.cumsum([0, *sizes]),
        np.cumsum([0, *frames]),
        25.0,
        method=method,
        gap=SILENCE,
    )
    assert found.dtype == np.int16
    parts = np.split(found, np.cumsum(frames)[:-1])
    for part, labels, times, count in zip(parts, phones, seconds, frames, strict=True):
        starts, ends = times[:, 0], times[:, 1]
        alone = label_frames(starts, ends, labels, count, 25.0, method=method, gap=SILENCE)
        assert part.tolist() == alone.tolist() == by_loop(labels, times, count, method)
    assert len({label for part in parts for label in part.tolist()}) == 5


def test_how_many_frames_are_held_at_once_changes_nothing(monkeypatch):
    phones, seconds, sizes, frames = simulated(seed=2)
    tables = np.concatenate(phones), np.concatenate(seconds)
    starts = np.cumsum([0, *sizes]), np.cumsum([0, *frames])

    def labels():
        return label_corpus_frames(*tables, *starts, 25.0, method="majority", gap=0).tolist()

    at_once = labels()
    monkeypatch.setattr(frame_labels, "_BLOCK", 7)
    assert labels() == at_once


def test_rates_that_divide_no_millisecond_label_to_the_end():
    rate, frames = 22050 / 640, 1000
    centres = (np.arange(frames) + 0.5) / rate
    starts = np.arange(0, 29.0, 0.1)
    labels = np.arange(len(starts)) % 7
    found = label_frames(starts, starts + 0.1, labels, frames, rate, gap=0)
    inside = centres < 29.0
    segment = np.floor(centres[inside] / 0.1 + 1e-9).astype(int)  # 661.5 / rate is 19.2
    assert found[inside].tolist() == labels[segment].tolist()


@pytest.mark.parametrize(
    ("segments", "reason"),
    [
        ([(0, 0.5, 1), (0.498, 0.6, 2)], "overlap"),
        ([(0.5, 0.6, 1), (0.1, 0.2, 2)], "not sorted"),
        ([(0.5, 0.4, 1)], "ends before it starts"),
        ([(0.5, np.nan, 1)], "not finite"),
    ],
)
def test_segments_that_cannot_be_are_refused(segments, reason):
    with pytest.raises(ValueError, match=reason):
        labels_of(segments, 3)


def test_tables_that_do_not_fit_are_refused():
    one, times = np.array([1]), np.array([[0.0, 0.1]])
    ends = np.array([0, 1])
    with pytest.raises(ValueError, match="1 utterances of phones and 2 of frames"):
        label_corpus_frames(one, times, ends, np.array([0, 1, 2]), 25.0, gap=0)
    with pytest.raises(ValueError, match="1 phones with 2 times"):
        label_corpus_frames(one, np.zeros((2, 2)), ends, ends, 25.0, gap=0)
    with pytest.raises(ValueError, match="'middle'; there are centre and majority"):
        label_corpus_frames(one, times, ends, ends, 25.0, method="middle", gap=0)
    with pytest.raises(ValueError, match="0 frames a second"):
        label_corpus_frames(one, times, ends, ends, 0, gap=0)
