"""Pictures of phones: shares worked by hand, and the order of rows and columns."""

import csv
import io

import numpy as np

from vqspeech.report.phone_classes import CLASSES, class_of, class_order
from vqspeech.report.phones import draw_code_phones, draw_confusion, draw_phone_accuracy

PHONES = ("AA", "S", "SIL", "IY")
COUNTS = np.array([[0, 4, 0, 0], [1, 0, 3, 0], [0, 0, 0, 0], [6, 0, 0, 2]], float)  # (K, P)


def rows(picture):
    return list(csv.reader(io.StringIO(picture.csv)))


def test_the_matrix_is_the_share_of_phones_of_a_code():
    read_as = ["S", "SIL", "AA", "AA"]
    found = rows(draw_code_phones("matrix", "title", COUNTS, PHONES, read_as))
    assert found == [
        ["code", "read as", "frames", "IY", "AA", "S", "SIL"],
        ["3", "AA", "8", "0.25", "0.75", "0", "0"],
        ["0", "S", "4", "0", "0", "1", "0"],
        ["1", "SIL", "4", "0", "0.25", "0", "0.75"],
    ]


def test_a_row_of_the_confusion_adds_up_to_one():
    confusion = np.array([[3, 1, 0, 0], [0, 2, 0, 0], [0, 0, 0, 0], [4, 0, 0, 4]], float)
    picture = draw_confusion("confusion", confusion, PHONES)
    assert rows(picture) == [
        ["spoken", "frames", "IY", "AA", "S"],
        ["IY", "8", "0.5", "0.5", "0"],
        ["AA", "4", "0", "0.75", "0.25"],
        ["S", "2", "0", "0", "1"],
    ]
    assert "IY as AA 50 %" in picture.alt


def test_phones_without_frames_have_no_bar():
    picture = draw_phone_accuracy("bars", PHONES, [0.5, 0.25, 0.0, 1.0], [4, 4, 0, 2])
    assert [row[0] for row in rows(picture)] == ["phone", "IY", "AA", "S"]


def test_phones_stand_by_class_and_unknown_ones_last():
    names = ["SIL", "zz", "T", "AA", "M", "IY"]
    assert [names[i] for i in class_order(names)] == ["IY", "AA", "M", "T", "SIL", "zz"]
    assert class_of("zz") == "other"


def test_each_phone_of_the_set_has_one_class():
    from vqspeech.data.phone_set import PHONES as ALL

    assert sorted(p for phones in CLASSES.values() for p in phones) == sorted(ALL)


def test_a_code_whose_phone_is_no_phone_of_the_set_stands_last():
    found = rows(draw_code_phones("m", "t", COUNTS, PHONES, ["S", "??", "AA", "AA"]))
    assert [row[1] for row in found[1:]] == ["AA", "S", "??"]
