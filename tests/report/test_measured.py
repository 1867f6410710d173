"""Short tables of the other measures: names and units as they are quoted, nothing of odd files."""

import pytest

from vqspeech.report.measured import measured_table


def shown(scores):
    table = measured_table("t", "T", scores)
    return None if table is None else [(a.text, b.text, b.note) for a, b in table.rows]


def test_an_abx_names_its_distance_its_chance_and_its_hardest_pairs():
    across = {"error": 0.0814, "interval": [0.07, 0.095], "triples": 897}
    across["hardest_pairs"] = [["IY", "EY", 0.375]]
    scores = {"kind": "abx", "distance_is": "angle over pi", "across": across, "tokens": 12884}
    assert shown(scores) == [
        ("distance", "angle over pi", ""),
        ("error across speakers", "8.1 %", "7.0 % to 9.5 %; chance is 50 %"),
        ("triples across speakers", "897", ""),
        ("hardest pairs across speakers", "IY–EY 38 %", ""),
        ("triphones compared", "12,884", ""),
    ]


def test_speakers_are_percentages_and_only_the_probe_has_its_interval():
    probe = {"accuracy": 0.5, "low": 0.25, "high": 0.75, "chance": 0.125}
    assert shown({"kind": "speakers", "probe": probe, "information": {"share": 0.11}}) == [
        ("speaker told from codes, linear probe", "50.0 %", "25.0 % to 75.0 %"),
        ("always the commonest speaker", "12.5 %", ""),
        ("speaker's share in codes, I / H(speaker)", "11.0 %", ""),
    ]


def test_codes_have_units():
    scores = {"kind": "codes", "perplexity": 73.13, "mean_run_frames": 1.449, "top_mass": 0.3243}
    assert shown(scores | {"mean_run_seconds": 0.02898, "bit_rate": {"merged": 230.5159}}) == [
        ("perplexity", "73.1", ""),
        ("frames of the 10 most frequent codes", "32.4 %", ""),
        ("bits a second, runs merged", "230.5", ""),
        ("frames a run", "1.45", ""),
        ("a run lasts", "29 ms", ""),
    ]


def test_a_disturbance_is_a_row_and_its_csv_is_unrounded():
    noise = {"name": "noise, SNR 20 dB", "ued": 0.95746, "low": 0.9, "high": 1.0}
    table = measured_table("t", "T", {"kind": "stability", "disturbances": [noise]})
    (row,) = [(a.text, b.text, b.note) for a, b in table.rows]
    assert row == ("unit edit distance after noise, SNR 20 dB", "0.957", "0.900 to 1.000")
    assert table.csv.splitlines()[1] == (
        '"unit edit distance after noise, SNR 20 dB",0.95746,0.9,1'
    )


@pytest.mark.parametrize(
    "scores",
    [
        {"kind": "unheard of", "error": 1},
        {"kind": "abx", "within": [1], "across": {"error": "low", "hardest_pairs": {"a": 1}}},
        {"kind": "abx", "across": {"hardest_pairs": [3, ["A"], ["A", "B", None]]}},
        {"kind": "speakers", "probe": None, "information": {"share": float("nan")}},
        {"kind": "stability", "disturbances": [1, {"ued": True}], "other_utterances": 3},
    ],
)
def test_of_what_is_not_known_there_is_no_table(scores):
    assert measured_table("t", "T", scores) is None
