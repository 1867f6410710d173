"""Files of scores: what is wrong in them is said in a line, what is in them is shown."""

import json

import pytest

from vqspeech.errors import InputError
from vqspeech.report.scores import (
    facts_table,
    flat,
    measure_of,
    phoneme_scores,
    read_scores,
    systems_table,
)

SCORES = {
    "kind": "phonemes",
    "phones": ["AA", "SIL"],
    "code_phones": ["AA", "SIL", "AA"],
    "counts": [[3, 1], [0, 4], [1, 0]],
    "confusion": [[4, 0], [1, 4]],
    "per_phone": [{"phone": "AA", "frames": 4, "accuracy": 1.0}],
    "majority": {"phone": "SIL", "accuracy": 0.55},
    "systems": [
        {
            "name": "codes",
            "measures": {
                "brand_new": {"value": 2.5},
                "accuracy": {"value": 0.493, "low": 0.481, "high": 0.505},
                "boundary_r_value": {"value": -0.9},
            },
        },
        {"name": "other", "measures": {"accuracy": 0.25, "pnmi": {"value": None}}},
    ],
}


@pytest.mark.parametrize(
    "change",
    [
        {"counts": [[1, 2], [3]]},
        {"counts": [[1, 2, 3]] * 3},
        {"counts": [[1, "x"]] * 3},
        {"counts": [[1, -2]] * 3},
        {"counts": [[1, float("nan")]] * 3},
        {"counts": [[1, 2]] * 2},
        {"confusion": [[1, 2]]},
        {"phones": "AA"},
        {"code_phones": [1, 2, 3]},
        {"per_phone": [{"phone": "AA"}]},
        {"systems": [{"name": "codes"}]},
        {"systems": 3},
        {"majority": "SIL"},
    ],
)
def test_a_part_of_another_form_is_refused_in_one_line(change):
    with pytest.raises(InputError) as caught:
        phoneme_scores(SCORES | change, "test.json")
    assert str(caught.value).startswith("test.json: ")
    assert "vqspeech analyze" in str(caught.value)


def test_missing_parts_are_empty():
    parts = phoneme_scores({"kind": "phonemes"}, "test.json")
    assert parts.counts is None
    assert parts.systems == ()


@pytest.mark.parametrize("text", ["", "[1]", "{}", '{"kind": 3}', "[" * 100_000])
def test_what_is_no_file_of_scores_is_refused(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"a\.json"):
        read_scores(path)


def test_the_table_has_known_labels_units_and_the_names_of_unknown_measures():
    table = systems_table("t", "T", phoneme_scores(SCORES, "x"), "")
    shown = [row if isinstance(row, str) else [cell.text for cell in row] for row in table.rows]
    assert shown == [
        *("Frames read right", ["accuracy", "49.3 %", "25.0 %"]),
        *("Codes as clusters of frames", ["PNMI, I / H(phone)", "–", "–"]),
        *("Boundaries within 20 ms", ["R-value", "\N{MINUS SIGN}90.0 %", "–"]),
        *("Other", ["brand_new", "2.5", "–"]),
    ]
    assert table.rows[1][1].note == "48.1 % to 50.5 %"
    assert table.csv.splitlines()[1] == "accuracy,codes,0.493,0.481,0.505"


def test_a_measure_is_found_by_system_and_name():
    parts = phoneme_scores(SCORES, "x")
    assert measure_of(parts, "codes", "accuracy") == 0.493
    assert measure_of(parts, "other", "accuracy") == 0.25
    assert measure_of(parts, "other", "pnmi") is None
    assert measure_of(parts, "nobody", "accuracy") is None


def test_nested_values_are_named_by_their_path():
    value = {"a": {"b": 1}, "c": [1, {"name": "n", "d": 2}], "long": list(range(20))}
    assert list(flat("x", value)) == [
        *(("x.a.b", 1), ("x.c.0", 1), ("x.c.n.name", "n"), ("x.c.n.d", 2)),
        ("x.long", "20 values, in the JSON file"),
    ]


def test_a_short_list_within_a_list_is_one_value():
    value = {"pairs": [["S", "N", 0.25], ["B", "D", 0.125]]}
    assert list(flat("x", value)) == [("x.pairs.0", "S, N, 0.25"), ("x.pairs.1", "B, D, 0.125")]


def test_a_file_of_several_scores_is_named_as_such(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('[{"kind": "codes"}, {"kind": "codes"}]')
    with pytest.raises(InputError, match="each by itself"):
        read_scores(path)


def test_scores_of_any_kind_are_listed():
    scores = json.loads('{"kind": "abx", "within": {"error": 0.12345}, "done": true, "x": null}')
    table = facts_table("t", "T", scores, ("kind",))
    assert [(a.text, b.text) for a, b in table.rows] == [
        *(("within.error", "0.1235"), ("done", "yes"), ("x", "–")),
    ]
