"""The log of a run as it may be found: whole, cut off, done twice, or not there."""

import pytest

from vqspeech.errors import InputError
from vqspeech.report.log import read_log, resumed_steps


def write(folder, text, name="log.jsonl"):
    (folder / name).write_text(text)
    return folder


def test_a_line_that_was_cut_off_at_the_end_is_left_out(tmp_path):
    run = write(tmp_path, '{"step": 1, "loss": 2.5}\n{"step": 2, "lo')
    assert read_log(run) == [{"step": 1, "loss": 2.5}]


def test_a_broken_line_in_the_middle_is_named(tmp_path):
    run = write(tmp_path, '{"step": 1}\n{"loss": 2}\n{"step": 3}\n')
    with pytest.raises(InputError, match=r"log\.jsonl:2: "):
        read_log(run)


def test_a_folder_without_a_log_is_no_run(tmp_path):
    with pytest.raises(InputError, match="vqspeech train"):
        read_log(tmp_path)


def test_steps_done_twice_count_once_and_mark_where_the_run_went_on(tmp_path):
    lines = '{"step": 1, "a": 1}\n{"step": 2, "a": 2}\n{"step": 3, "a": 3}\n{"step": 2, "a": 4}\n'
    run = write(tmp_path, lines)
    assert [(entry["step"], entry["a"]) for entry in read_log(run)] == [(1, 1), (2, 4), (3, 3)]
    assert resumed_steps(run) == (2,)


def test_a_run_that_keeps_its_resumptions_is_believed(tmp_path):
    write(tmp_path, '{"step": 1}\n{"step": 2}\n')
    assert resumed_steps(tmp_path) == ()
    write(tmp_path, '{"step": 2}\n{"step": 1}\n', "resumed.jsonl")
    assert resumed_steps(tmp_path) == (1, 2)


def test_a_resumption_that_a_crash_cut_off_costs_its_own_mark_only(tmp_path):
    write(tmp_path, '{"step": 1}\n')
    write(tmp_path, '{"step": 5}\n{"ste{"step": 7}\n{"step": 9}\n', "resumed.jsonl")
    assert resumed_steps(tmp_path) == (5, 9)


def test_numbers_that_are_not_finite_are_left_out(tmp_path):
    run = write(tmp_path, '{"step": 1, "a": NaN, "b": 1, "c": "x"}\n{"step": 2, "a": 0}\n')
    assert read_log(run)[0] == {"step": 1, "b": 1}
