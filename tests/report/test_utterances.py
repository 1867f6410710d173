"""Utterances: the phone of each frame by hand, and what the picture tells."""

import csv
import io

import numpy as np

from vqspeech.report.utterances import Utterance, draw_utterance, frame_phones

PHONES = ((0.0, 0.05, "SIL"), (0.05, 0.12, "AA"), (0.15, 0.2, "T"))


def test_the_phone_of_a_frame_is_the_one_at_its_centre():
    # Frames of 40 ms: centres at 20, 60, 100, 140 and 180 ms.
    assert frame_phones(PHONES, 5, 25.0) == ["SIL", "AA", "AA", None, "T"]
    assert frame_phones((), 2, 25.0) == [None, None]


def test_frames_read_right_are_counted_where_a_phone_is_known():
    codes = np.array([0, 0, 1, 1, 1])
    utterance = Utterance("p1-a", "p1", codes, 25.0, np.zeros(3200), 16000, PHONES, "a word")
    picture = draw_utterance("u", utterance, ["SIL", "AA"])  # right: SIL, AA of 4 with a phone
    assert picture.title == "p1-a, p1: 50 % of these frames right"
    assert picture.caption == "a word"
    assert "Read: SIL AA." in picture.alt
    found = list(csv.reader(io.StringIO(picture.csv)))
    assert found[:3] == [
        ["start_seconds", "code", "read as", "spoken"],
        *(["0", "0", "SIL", "SIL"], ["0.04", "0", "SIL", "AA"]),
    ]
    assert found[4][3] == ""


def test_codes_alone_can_be_drawn():
    picture = draw_utterance("u", Utterance("a", "b", np.array([5, 5, 2]), 25.0), None)
    assert picture.title == "a, b"
    assert ">read as<" not in picture.svg
    assert ">codes<" in picture.svg


def test_a_long_utterance_is_cut():
    utterance = Utterance("a", "b", np.arange(1000), 25.0)
    picture = draw_utterance("u", utterance, None, most_seconds=2.0)
    assert len(picture.csv.splitlines()) == 1 + 50
