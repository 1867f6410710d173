"""Pictures of the codebook: counts by hand, principal components against scikit-learn."""

import csv
import io

import numpy as np
import pytest
from sklearn.decomposition import PCA

from vqspeech.report.codebook import draw_codebook, draw_durations, draw_usage, principal_axes


def rows(picture):
    return list(csv.reader(io.StringIO(picture.csv)))


def test_usage_is_sorted_and_adds_up():
    found = rows(draw_usage({"test": np.array([1, 0, 6, 3])}))
    assert found == [["rank", "test"], ["1", "0.6"], ["2", "0.3"], ["3", "0.1"], ["4", "0"]]


def test_long_runs_are_counted_in_the_last_bar():
    found = rows(draw_durations({"test": np.array([1, 1, 2, 50])}, rate=25.0))
    assert found[1] == ["1", "0.04", "0.5"]
    assert found[2] == ["2", "0.08", "0.25"]
    assert found[-1][0] == "12+"
    assert float(found[-1][2]) == 0.25


def test_principal_axes_are_those_of_scikit_learn_over_all_frames():
    rng = np.random.default_rng(0)
    codebook = rng.normal(size=(6, 4)) * [5, 3, 1, 0.1]
    counts = np.array([1, 5, 2, 0, 3, 4])
    frames = np.repeat(codebook, counts, axis=0)  # a code as often as it is used
    oracle = PCA(2).fit(frames)
    places, shares = principal_axes(codebook, counts)
    np.testing.assert_allclose(shares, oracle.explained_variance_ratio_)
    np.testing.assert_allclose(np.abs(places), np.abs(oracle.transform(codebook)), atol=1e-9)


def test_codes_of_one_dimension_lie_on_a_line():
    places, shares = principal_axes(np.array([[0.0], [1.0], [3.0]]), np.array([1, 1, 1]))
    assert places[:, 1].tolist() == [0, 0, 0]
    assert shares.tolist() == [1, 0]


def test_the_plane_names_the_class_of_each_code_and_leaves_out_what_is_not_used():
    picture = draw_codebook(np.eye(4), np.array([3, 2, 0, 1]), ["AA", "S", "IY", "?"])
    assert [row[4:] for row in rows(picture)[1:]] == [
        *(["AA", "vowel"], ["S", "fricative"], ["IY", "vowel"], ["?", "other"]),
    ]
    assert "3 codes in use" in picture.alt
    assert "vowel (1)" in picture.svg


@pytest.mark.parametrize("counts", [[0, 0], [1, 0]])
def test_hardly_used_codebooks_can_be_drawn(counts):
    counts = np.array(counts)
    used = int((counts > 0).sum())
    assert "</svg>" in draw_usage({"a": counts}).svg
    assert f"{used} codes in use" in draw_codebook(np.eye(2), counts, None).alt
