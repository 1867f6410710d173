"""Scores of conversions on the page: the tables say what the file does, what is wrong is told."""

import pytest
from made_up_scores import conversion_scores as made_up

from vqspeech.errors import InputError
from vqspeech.report.conversion import (
    conversion_scores,
    directions_table,
    systems_scores_table,
    value_of,
)


def cells(table):
    return [[(cell.text, cell.note) for cell in row] for row in table.rows]


def test_systems_stand_side_by_side_with_intervals_and_trials_below():
    table = systems_scores_table("t", "T", conversion_scores(made_up(), "a.json"))
    assert table.columns == ("", "conversion", "copy-synthesis", "recording")
    assert cells(table) == [
        [
            *(("word error rate, % ↓", ""), ("25.0", "20.0 to 31.2")),
            *(("0.0", "0.0 to 0.0"), ("0.0", "0.0 to 0.0")),
        ],
        [("similarity to the target ↑", ""), ("0.750", "0.700 to 0.800"), ("–", ""), ("–", "")],
        [
            ("nearer to the target than to the source, % ↑", ""),
            *(("87.5", "75.0 to 100.0"), ("–", ""), ("–", "")),
        ],
        [
            ("equal error rate of 12 own and 36 other voices, % ↓", ""),
            *(("5.0", "2.0 to 8.0"), ("–", ""), ("–", "")),
        ],
    ]
    assert table.csv.splitlines()[1] == "wer,converted,0.25,0.2,0.3125"
    assert table.csv.splitlines()[-1] == "eer,converted,0.05,0.02,0.08"
    assert "against the text" in table.caption
    assert "faster-whisper tiny.en 1.2.1, Resemblyzer 0.1.4, librosa.pyin 0.11.0." in table.caption


def test_directions_are_named_by_genders():
    table = directions_table("t", "T", conversion_scores(made_up(), "a.json"))
    assert table.columns[1:] == (*("woman to woman", "woman to man", "man to woman", "man to man"),)
    assert cells(table)[0][1:] == [("25.0", "20.0 to 31.2")] * 4


def test_genders_of_the_matrix_are_those_of_the_pairs():
    found = conversion_scores(made_up(), "a.json").similarities
    assert found.genders == {"p901": "f", "p902": "f", "p907": "m", "p908": "m"}
    assert found.values.shape == (4, 4)


def test_what_was_not_measured_is_left_out():
    summary = {"converted": {"wer": {"value": None, "low": None, "high": None, "count": 0}}}
    summary["copy_synthesis"] = {}
    scores = made_up(summary=summary, similarity_matrix=None, trials=None, directions={})
    scores["evaluators"] = {"recogniser": None}
    found = conversion_scores(scores, "a.json")
    assert value_of(found, "converted", "wer") is None
    assert (found.similarities, found.trials, found.evaluators) == (None, None, ())
    table = systems_scores_table("t", "T", found)
    assert (table.rows, table.columns) == ((), ("", "conversion"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": 2}, "format 2, 1 was wanted"),
        ({"summary": 3}, "not as it should be"),
        ({"summary": {"converted": {"wer": {"value": "x"}}}}, "'x' is no number"),
        ({"summary": {"converted": {"wer": {"low": 1}}}}, "lacks 'value'"),
        ({"similarity_matrix": {"targets": ["a"], "speakers": ["b"]}}, "lacks 'values'"),
        (
            {"similarity_matrix": {"targets": ["a"], "speakers": ["b"], "values": [[1, 2]]}},
            "1 targets and 1 speakers has values of 1 x 2",
        ),
        ({"trials": {"eer": {"value": 0.1}}}, "lacks 'genuine'"),
        ({"pairs": [{"id": 1}]}, "lacks 'source_speaker'"),
    ],
)
def test_a_part_of_another_form_is_refused_in_one_line(change, told):
    with pytest.raises(InputError, match=told) as caught:
        conversion_scores(made_up() | change, "a.json")
    assert str(caught.value).startswith("a.json: ")
    assert str(caught.value).endswith("; make it again with 'vqspeech evaluate'")
