"""Pictures and tables of a prior: bits by hand, names that can be read, odd files."""

import csv
import io
import math
import re

import numpy as np
import pytest

from vqspeech.report.curves import Marks
from vqspeech.report.expectations import draw_expectations
from vqspeech.report.prior import draw_positions, draw_prior_training
from vqspeech.report.prior_tables import likelihood_tables, samples_tables
from vqspeech.report.utterances import Utterance

LOG = [
    {"step": 10, "learning_rate": 1e-3, "loss": 9.0, "nll": 5 * math.log(2)},
    {"step": 20, "learning_rate": 1e-3, "loss": 9.0, "nll": 4 * math.log(2)},
    {"step": 20, "valid": {"nll": 2.8, "bits": 4.05, "bits_per_second": 202.5}},
]
NGRAMS = {"uniform": 8.0, "unigram": 7.5, "bigram": 4.1, "trigram": 4.0}
LIKELIHOOD = {
    "kind": "likelihood",
    "resampled": "speakers",
    "rows": {
        "prior": {"bits": 4.0, "low": 3.9, "high": 4.1, "bits_per_second": 200.0},
        "uniform": {"bits": 8.0, "low": 8.0, "high": 8.0, "bits_per_second": 400.0},
        "trigram": {"bits": 4.25, "low": 4.2, "high": 4.3, "bits_per_second": 212.5},
    },
    "gain": {"bits": 0.25, "low": 0.2, "high": 0.31},
    "waveform": {
        "seconds": 60.0,
        "decoder": {"value": 3.5, "low": 3.4, "high": 3.6},
        "total": {"value": 3.525, "low": 3.42, "high": 3.63},
    },
}


def rows(item):
    return list(csv.reader(io.StringIO(item.csv)))


def texts(table):
    return [[cell.text for cell in row] for row in table.rows]


def heights(picture, names):
    """y of each text that begins with one of the names."""
    found = re.findall(r'<text [^>]*?y="([-\d.]+)"[^>]*>([^<]*)</text>', picture.svg)
    return {text.split()[0]: float(y) for y, text in found if text.split()[0] in names}


def test_the_curves_are_in_bits_and_every_row_has_the_n_grams():
    assert rows(draw_prior_training(LOG, NGRAMS, Marks())) == [
        ["step", "training", "validation", *NGRAMS],
        ["10", "5", "", "8", "7.5", "4.1", "4"],
        ["20", "4", "4.05", "8", "7.5", "4.1", "4"],
    ]


def test_names_of_lines_that_lie_close_are_apart_and_in_the_order_of_the_lines():
    found = heights(
        draw_prior_training(LOG, NGRAMS, Marks()), {"training", "validation", "bigram", "trigram"}
    )
    # y grows downwards: the highest line has the least.
    assert found["bigram"] < found["validation"] < min(found["trigram"], found["training"])
    assert np.diff(sorted(found.values())).min() >= 12


def test_a_run_without_n_grams_has_its_curves_alone():
    picture = draw_prior_training(LOG, {}, Marks((15,)))
    assert rows(picture)[0] == ["step", "training", "validation"]
    assert "n-grams" not in picture.caption
    assert "resumed" in picture.caption


def test_a_log_without_steps_has_no_curve():
    assert draw_prior_training([], NGRAMS, Marks()) is None


def test_expectations_name_the_greatest_surprise_and_the_phone_it_came_in():
    utterance = Utterance(
        *("p1-a", "p1", np.zeros(4), 25.0, np.zeros(2560), 16000),
        phones=((0.0, 0.08, "AA"), (0.08, 0.16, "T")),
        text="a word",
    )
    picture = draw_expectations(
        "e", utterance, np.array([3.0, 2.0, 2.0, 1.0]), np.array([1.0, 2.0, 7.5, 1.5]), 4.0
    )
    assert picture.title == "p1-a, p1: 3.00 bits a frame, 2.00 expected"
    assert "most surprised at 0.08 s, 7.5 bits" in picture.alt
    assert rows(picture)[3] == ["0.08", "2", "7.5", "T"]
    assert picture.caption == "a word"


def test_expectations_without_a_waveform_or_phones_are_cut_where_the_page_ends():
    utterance = Utterance("a", "b", np.zeros(100), 25.0)
    bits = np.ones(100)
    picture = draw_expectations("e", utterance, bits, bits, 4.0, most_seconds=2.0)
    assert len(rows(picture)) == 1 + 50
    assert ">spoken<" not in picture.svg


def test_positions_are_averaged_over_half_octaves_by_utterances():
    entropy = np.array([8.0, 6, 5, 4, 2, 3, 3, 1])
    counts = np.array([4, 4, 4, 3, 1, 1, 1, 1])
    found = rows(draw_positions(entropy, entropy + 1, counts, 50.0, "test"))
    # Frames 1, 2, 3, 4 to 5, 6 to 7 and 8; (3 * 4 + 1 * 2) / 4 = 3.5.
    assert [(row[0], row[1], row[2], row[3]) for row in found[1:]] == [
        ("1", "4", "8", "9"),
        ("2", "4", "6", "7"),
        ("3", "4", "5", "6"),
        ("4", "4", "3.5", "4.5"),
        ("6", "2", "3", "4"),
        ("8", "1", "1", "2"),
    ]


@pytest.mark.parametrize("frames", [1, 2, 7, 640])
def test_utterances_of_any_length_can_be_drawn(frames):
    bits = np.ones(frames)
    found = rows(draw_positions(bits, bits, np.full(frames, 2), 50.0, "test"))
    assert sum(int(row[1]) for row in found[1:]) == 2 * frames


def test_models_of_the_codes_stand_in_order_with_their_intervals_in_both_units():
    codes, waveform = likelihood_tables("l", LIKELIHOOD)
    assert texts(codes) == [
        ["uniform", "8.000", "400.0"],
        ["trigram, interpolated Kneser-Ney", "4.250", "212.5"],
        ["prior", "4.000", "200.0"],
    ]
    notes = [[cell.note for cell in row] for row in codes.rows]
    assert notes[0] == ["", "", ""]  # an interval without width tells nothing
    assert notes[2] == ["", "3.900 to 4.100", "195.0 to 205.0"]
    assert "0.250 bits a code less than the trigram (0.200 to 0.310)" in codes.caption
    assert texts(waveform) == [["decoder, given the codes", "3.5000"], ["both", "3.5250"]]
    assert rows(waveform)[2] == ["both", "3.525", "3.42", "3.63"]


def test_a_prior_that_is_worse_needs_more():
    gain = {"bits": -0.25, "low": -0.31, "high": -0.2}
    codes, _ = likelihood_tables("l", LIKELIHOOD | {"gain": gain})
    assert "0.250 bits a code more than the trigram (0.200 to 0.310)" in codes.caption


def test_codes_alone_have_no_table_of_the_waveform():
    assert len(likelihood_tables("l", LIKELIHOOD | {"waveform": None})) == 1


def test_samples_have_a_column_for_whatever_number_is_there():
    systems = [
        {"name": "samples", "phones_jsd": 0.01234, "silence_share": 0.25, "brand_new": 3.14159},
        {"name": "random", "phones_jsd": {"value": 0.5}},
    ]
    (table,) = samples_tables("s", {"kind": "samples", "systems": systems, "spoken": []})
    assert table.columns == ("codes", "JSD of phones, bits", "silence", "brand_new")
    assert texts(table) == [
        ["samples", "0.0123", "25.0 %", "3.142"],
        ["random", "0.5000", "–", "–"],
    ]


@pytest.mark.parametrize(
    "scores",
    [
        {"rows": [1], "gain": 3, "waveform": "none", "systems": {"a": 1}, "spoken": 4},
        {"rows": {"prior": 4.0, "x": {"bits": None}}, "systems": [1, {"phones_jsd": 2.0}]},
        {"rows": {"prior": {"bits": float("nan")}}, "systems": [{"name": "a", "b": True}]},
    ],
)
def test_of_what_is_no_number_there_is_no_table(scores):
    assert likelihood_tables("l", scores) == []
    assert samples_tables("s", scores) == []
