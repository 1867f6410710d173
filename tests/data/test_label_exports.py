"""Tiers of an utterance, opened in Praat itself: names, times and labels are what was written."""

from itertools import pairwise

import numpy as np
import parselmouth
import pytest
from hand_made import write_by_hand

from vqspeech.data.alignment import Phone
from vqspeech.data.code_labels import Interval, format_labels, format_text_grid, label_phones
from vqspeech.data.codes import read_code_dir, write_code_dir
from vqspeech.data.data_dir import DataDir
from vqspeech.data.label_exports import label_tiers, tier_names
from vqspeech.data.text_grid import read_text_grid
from vqspeech.errors import InputError

CODES = {"a-1": np.array([3, 3, 1]), "a-2": np.array([0] * 5), "b-1": np.array([2] * 9 + [1])}


def in_praat(text, path):
    """[(name, [(start, end, label)])] of a TextGrid, as Praat answers."""
    path.write_text(text, encoding="utf-8")
    grid = parselmouth.Data.read(str(path))

    def ask(question, *numbers):
        return parselmouth.praat.call(grid, question, *numbers)

    tiers = []
    for tier in range(1, ask("Get number of tiers") + 1):
        assert ask("Is interval tier", tier)
        rows = [
            (
                ask("Get starting point", tier, number),
                ask("Get end point", tier, number),
                ask("Get label of interval", tier, number),
            )
            for number in range(1, ask("Get number of intervals", tier) + 1)
        ]
        assert rows[0][0] == grid.xmin == 0
        assert rows[-1][1] == grid.xmax
        assert all(before[1] == after[0] for before, after in pairwise(rows))
        tiers.append((ask("Get tier name", tier), rows))
    return tiers


@pytest.fixture
def codes(tmp_path):
    data = write_by_hand(tmp_path / "data")
    (data / "utt2dur").write_text("a-1 0.0625\na-2 0.125\nb-1 0.25\n")
    write_code_dir(
        tmp_path / "codes",
        CODES,
        DataDir.read(data),
        hop=400,
        sample_rate=16000,
        num_codes=4,
        groups=1,
        model_hash="5eed",
    )
    return read_code_dir(tmp_path / "codes")


def test_praat_finds_three_tiers_with_the_times_worked_by_hand(codes, tmp_path):
    tiers = label_tiers(
        codes,
        "a-1",
        mapped=np.array([1, 0, 0], np.int16),
        phone_names=("AH", "SIL"),
        phones=codes.phones()["a-1"],
    )
    assert tuple(tiers) == tier_names(1)
    # A code lasts 0.025 s; the recording ends in the middle of the last one.
    assert in_praat(format_text_grid(tiers), tmp_path / "a.TextGrid") == [
        ("codes", [(0, 0.05, "3"), (0.05, 0.0625, "1")]),
        ("mapped phones", [(0, 0.025, "SIL"), (0.025, 0.0625, "AH")]),
        ("reference phones", [(0, 0.03, "SIL"), (0.03, 0.062, "AH"), (0.062, 0.0625, "")]),
    ]


def test_a_gap_before_and_after_the_phones_has_an_empty_label(codes, tmp_path):
    tiers = label_tiers(codes, "b-1", phones=codes.phones()["b-1"])
    (_, rows), (_, reference) = in_praat(format_text_grid(tiers), tmp_path / "b.TextGrid")
    assert rows == [(0, 0.225, "2"), (0.225, 0.25, "1")]
    assert reference == [(0, 0.01, ""), (0.01, 0.21, "M"), (0.21, 0.25, "")]


def test_phones_that_end_behind_the_recording_are_cut_off(codes, tmp_path):
    phones = [Phone(0.0, 0.06, "AH"), Phone(0.06, 0.01, "M"), Phone(0.07, 0.01, "SIL")]
    tiers = label_tiers(codes, "a-1", phones=phones)
    rows = dict(in_praat(format_text_grid(tiers), tmp_path / "a.TextGrid"))["reference phones"]
    assert rows == [(0, 0.06, "AH"), (0.06, 0.0625, "M")]
    with pytest.raises(InputError, match=r"phones\.ctm: SIL of a-1 ends at 0\.091 s, .* 0\.062 s"):
        label_tiers(codes, "a-1", phones=[*phones[:2], Phone(0.07, 0.021, "SIL")])


def test_rounding_leaves_neither_gap_nor_overlap():
    # 0.1 + 0.2 is more than 0.3; a start may lie a millisecond before the end above.
    phones = [Phone(0.1, 0.2, "A"), Phone(0.3, 0.1, "B"), Phone(0.399, 0.1, "C")]
    rows = label_phones(phones, 0.499)
    assert [row.label for row in rows] == ["", "A", "B", "C"]
    assert all(before.end_seconds == after.start_seconds for before, after in pairwise(rows))
    assert rows[-1].end_seconds == 0.499
    assert label_phones([], 0.5) == [(0, 0.5, "")]


@pytest.mark.parametrize(
    "label",
    ['"', '""', 'say "aa"', "ʃ̩ː", "音素", "", 'intervals [2]:\n xmin = 0 "x', "a\nb", "!", "< 5 >"],
)
def test_praat_reads_any_label_as_it_was(label, tmp_path):
    rows = [Interval(0, 0.25, label), Interval(0.25, 0.5, "x")]
    text = format_text_grid({'tier "1"': rows, "π": rows})
    found = in_praat(text, tmp_path / "a.TextGrid")
    assert found == [
        ('tier "1"', [tuple(row) for row in rows]),
        ("π", [tuple(row) for row in rows]),
    ]
    ours = read_text_grid(tmp_path / "a.TextGrid")
    assert [row.label for row in ours.tiers[0].intervals] == [label, "x"]


def test_short_times_are_written_without_an_exponent(tmp_path):
    text = format_text_grid({"codes": [Interval(0, 2e-05, "1"), Interval(2e-05, 1, "2")]})
    assert "e-" not in text
    assert in_praat(text, tmp_path / "a.TextGrid")[0][1][0] == (0, 2e-05, "1")


def test_tiers_of_other_lengths_are_a_mistake():
    with pytest.raises(ValueError, match="one begin and end was wanted"):
        format_text_grid({"a": [Interval(0, 1, "")], "b": [Interval(0, 2, "")]})


def test_audacity_tracks_leave_out_what_has_no_label():
    rows = [Interval(0, 0.1, ""), Interval(0.1, 0.25, "a\tb\nc")]
    assert format_labels(rows) == "0.100000\t0.250000\ta b c\n"


def test_pooled_codes_end_with_the_recording(codes, tmp_path):
    tiers = label_tiers(codes, "b-1", pool=4)  # 2222 2222 21: the last two by themselves
    assert tiers == {"codes": [(0, 0.25, "2")]}
    tiers = label_tiers(codes, "a-1", pool=2)  # 33 1
    assert tiers == {"codes": [(0, 0.05, "3"), (0.05, 0.0625, "1")]}


def test_without_a_table_of_durations_the_last_frame_is_whole(codes):
    (codes.path / "utt2dur").unlink()
    assert label_tiers(read_code_dir(codes.path), "a-1")["codes"][-1].end_seconds == 0.075


def test_a_table_that_tells_another_length_is_refused(codes):
    (codes.path / "utt2dur").write_text("a-1 0.0625\na-2 0.1251\nb-1 0.25\n")
    with pytest.raises(InputError, match=r"utt2dur: a-2 lasts 0\.1251 s, its 5 codes 0\.125 s"):
        label_tiers(read_code_dir(codes.path), "a-2")


def test_groups_have_a_tier_each():
    assert tier_names(2) == ("codes-1", "codes-2", "mapped phones", "reference phones")
