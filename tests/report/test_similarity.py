"""The similarity matrix: each number in its cell, the targets' own cells framed, equal bytes."""

import csv
import io
import re

import matplotlib
import numpy as np
import pytest

from vqspeech.report.similarity import Similarities, draw_similarity, write_similarity

# Rows m1, f1; of two women and a man, of whom f2 is nobody's target.
FOUND = Similarities(
    ("m1", "f1"),
    ("f2", "m1", "f1"),
    np.array([[0.5, 0.9, 0.6], [0.72, 0.4, 0.7]]),
    {"m1": "m", "f1": "f", "f2": "f"},
)


def draw(found=FOUND):
    return draw_similarity("similarity-1", "whose voice", found)


def texts(picture):
    return re.findall(r"<text[^>]*>([^<]+)</text>", picture.svg)


def test_women_come_first_targets_before_others_and_numbers_go_with_them():
    rows = list(csv.reader(io.StringIO(draw().csv)))
    assert rows == [
        ["target", "f1", "f2", "m1"],
        ["f1", "0.7", "0.72", "0.4"],
        ["m1", "0.6", "0.5", "0.9"],
    ]
    shown = texts(draw())
    assert {"f1 f", "f2 f", "m1 m", "converted to", "voice of"} <= set(shown)
    cells = [text for text in shown if re.fullmatch(r"\.\d\d", text)]
    assert [text for text in cells if text in (".70", ".72", ".40")][:3] == [".70", ".72", ".40"]


def test_the_nearest_voice_is_counted():
    # m1's own is the nearest, f1's is not: .72 is above .70. Own (.9 + .7) / 2, others 2.22 / 4.
    assert draw().alt.endswith(
        "With the target's own voice 0.80 on average, with others 0.56; the own voice is the "
        "nearest in 1 of 2 rows."
    )


def test_own_cells_are_framed_in_ink_and_highest_is_brightest():
    picture = draw()
    frames = re.findall(r"stroke: var\(--ink\)[^\"]*stroke-width: 2.2", picture.svg)
    assert len(frames) == 2
    bold = re.findall(r"<text style=\"font-weight: 700[^>]*>([^<]+)</text>", picture.svg)
    assert bold == [".70", ".90"]
    fills = re.findall(r'style="fill: (#[0-9a-f]{6})"', picture.svg)
    scale = matplotlib.colors.Normalize(0.4, 0.9)
    wanted = [
        matplotlib.colors.to_hex(matplotlib.colormaps["viridis"](scale(value)))
        for value in (0.7, 0.72, 0.4, 0.6, 0.5, 0.9)
    ]
    assert fills[:6] == wanted


def test_large_matrices_have_no_numbers():
    names = tuple(f"s{i:02d}" for i in range(13))
    picture = draw(Similarities(names, names, np.eye(13) * 0.4 + 0.5, {}))
    assert texts(picture).count(".90") == 1  # of the scale
    assert "s12" in texts(picture)


def test_one_target_without_a_voice_of_its_own_can_be_drawn():
    picture = draw(Similarities(("x",), ("y",), np.array([[0.5]]), {}))
    assert "with the voices of 1 speakers" in picture.alt


def test_the_png_is_the_same_each_time_and_is_one(tmp_path):
    for name in ("a.png", "b.png"):
        write_similarity(tmp_path / name, FOUND)
    first, second = ((tmp_path / name).read_bytes() for name in ("a.png", "b.png"))
    assert first == second
    assert first.startswith(b"\x89PNG")


def test_a_matrix_of_another_shape_is_a_mistake():
    with pytest.raises((ValueError, IndexError)):
        draw(FOUND._replace(values=np.ones((2, 2))))
