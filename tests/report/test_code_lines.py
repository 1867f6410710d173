"""The codes of a whole recording: nothing is left out, and every bar has its place in time."""

import re

import numpy as np
import pytest

from vqspeech.report.code_lines import LINE_SECONDS, draw_code_lines


def labels(svg):
    return re.findall(r">([^<>]+)</text>", svg)


def test_every_frame_is_in_the_table_and_long_runs_carry_their_number():
    codes = np.repeat([7, 300, 12], [40, 1, 84])  # 125 frames at 50 a second
    picture = draw_code_lines("codes", codes, 50.0, np.full(20000, 0.1, np.float32), 8000)
    assert picture.alt == "2.50 s of speech as 125 codes in 3 runs."
    rows = picture.csv.strip().splitlines()
    assert rows[0] == "start_seconds,codes"
    assert [int(row.split(",")[1]) for row in rows[1:]] == codes.tolist()
    shown = labels(picture.svg)
    assert shown.count("7") == shown.count("12") == 1
    assert "300" not in shown  # one frame has no room for it


def test_a_run_over_the_end_of_a_line_goes_on_in_the_next_and_time_does_too():
    codes = np.full(300, 5)
    picture = draw_code_lines("codes", codes, 50.0, np.zeros(48000, np.float32), 8000)
    shown = labels(picture.svg)
    assert shown.count("5") == -(-300 // round(LINE_SECONDS * 50)) == 3
    assert "in 1 runs" in picture.alt
    seconds = [float(text) for text in shown if re.fullmatch(r"\d\.\d", text)]
    assert seconds == sorted(seconds)
    assert seconds[-1] > 6


def test_each_group_has_a_lane():
    codes = np.stack([np.full(50, 3), np.repeat([1, 2], 25)], axis=1)
    picture = draw_code_lines("codes", codes, 50.0, np.zeros(8000, np.float32), 8000)
    assert "in 2 runs" in picture.alt
    shown = labels(picture.svg)
    for text in ("codes 1", "codes 2", "1", "2", "3"):
        assert text in shown
    assert picture.csv.splitlines()[0] == "start_seconds,codes 1,codes 2"


def test_no_codes_make_no_picture():
    with pytest.raises(ValueError, match="at least one"):
        draw_code_lines("codes", np.zeros(0, int), 50.0, np.zeros(0), 8000)
