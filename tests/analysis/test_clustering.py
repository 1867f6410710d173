"""Purities and information: by hand, and against scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics

from vqspeech.analysis import clustering
from vqspeech.analysis.aligned_codes import LEFT_OUT
from vqspeech.analysis.clustering import (
    cluster_purity,
    code_entropy,
    confusion,
    count_pairs,
    mutual_information,
    nmi,
    per_phone_accuracy,
    phone_entropy,
    phone_purity,
    pnmi,
    v_measure,
)

# Three codes (rows) and two phones, 10 frames.
TABLE = np.array([[3, 1], [0, 4], [2, 0]])


def frames_of(table):
    """Codes and labels, each pair as often as the table says."""
    pairs = np.repeat(np.argwhere(np.ones_like(table)), table.ravel(), axis=0)
    return pairs[:, 0], pairs[:, 1]


def random_tables(number=40, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 6, size=(number, 7, 5)) * rng.integers(0, 2, size=(number, 7, 5))


def test_frames_left_out_are_not_counted():
    codes = np.array([0, 0, 2, 1, 2, 2])
    labels = np.array([1, 1, 0, LEFT_OUT, 2, LEFT_OUT], dtype=np.int16)
    found = count_pairs(codes, labels, num_codes=4, num_phones=3)
    assert found.tolist() == [[0, 2, 0], [0, 0, 0], [1, 0, 1], [0, 0, 0]]
    assert found.dtype == np.int64


def test_counting_undoes_repeating():
    for table in random_tables(5):
        assert np.array_equal(count_pairs(*frames_of(table), *table.shape), table)


def test_joint_counts_do_not_overflow_small_integers():
    codes = np.array([300, 300], dtype=np.int16)  # 300 * 200 is above the range of int16
    found = count_pairs(codes, np.array([199, 199], dtype=np.int16), 301, 200)
    assert found[300, 199] == 2


@pytest.mark.parametrize(
    ("codes", "labels", "reason"),
    [
        ([0, 4], [0, 0], "codes from 0 to 4, of 4"),
        ([-1, 0], [0, 0], "codes from -1 to 0, of 4"),
        ([0, 0], [0, 3], "labels from 0 to 3, of 3"),
        ([0, 0], [0, -2], "labels from -2 to 0, of 3"),
        ([0, 0], [0], "labels"),
    ],
)
def test_what_is_out_of_range_is_refused(codes, labels, reason):
    with pytest.raises(ValueError, match=reason):
        count_pairs(np.array(codes), np.array(labels), num_codes=4, num_phones=3)


def test_purities_by_hand():
    assert phone_purity(TABLE) == pytest.approx((3 + 4 + 2) / 10)
    assert cluster_purity(TABLE) == pytest.approx((3 + 4) / 10)


def test_entropies_by_hand():
    assert phone_entropy(TABLE) == pytest.approx(np.log(2))  # 5 and 5 of 10
    assert code_entropy(TABLE) == pytest.approx(-0.8 * np.log(0.4) - 0.2 * np.log(0.2))
    # Given code 0 a phone has 0.81 bits, given the others none: I = 1 - 0.4 * 0.811278 bits.
    assert mutual_information(TABLE) == pytest.approx((1 - 0.4 * 0.811278) * np.log(2), abs=1e-6)
    assert pnmi(TABLE) == pytest.approx(1 - 0.4 * 0.811278, abs=1e-6)


def test_information_agrees_with_scikit_learn():
    tables = random_tables(12)
    for table in tables:
        codes, labels = frames_of(table)
        assert mutual_information(table) == pytest.approx(
            metrics.mutual_info_score(labels, codes), abs=1e-12
        )
        assert pnmi(table) == pytest.approx(metrics.homogeneity_score(labels, codes), abs=1e-12)
        assert nmi(table) == pytest.approx(
            metrics.normalized_mutual_info_score(labels, codes), abs=1e-12
        )
        for beta in (1.0, 0.3, 2.0):
            assert v_measure(table, beta) == pytest.approx(
                metrics.v_measure_score(labels, codes, beta=beta), abs=1e-12
            )


def test_v_measure_is_nmi_with_the_arithmetic_normaliser():
    np.testing.assert_allclose(v_measure(random_tables()), nmi(random_tables()), atol=1e-12)


@pytest.mark.parametrize(
    "table",
    [[[5, 0], [0, 0]], [[3, 0], [4, 0]], [[2, 3], [0, 0]], [[4, 6], [2, 3]], [[0, 3], [2, 0]]],
    ids=["one of each", "one phone", "one code", "independent", "the same"],
)
def test_degenerate_tables_score_as_in_scikit_learn(table):
    table = np.array(table)
    codes, labels = frames_of(table)
    assert pnmi(table) == pytest.approx(metrics.homogeneity_score(labels, codes), abs=1e-12)
    assert nmi(table) == pytest.approx(
        metrics.normalized_mutual_info_score(labels, codes), abs=1e-12
    )
    assert v_measure(table) == pytest.approx(metrics.v_measure_score(labels, codes), abs=1e-12)
    assert mutual_information(table) >= 0


def test_independent_codes_have_no_information_and_never_less():
    rng = np.random.default_rng(0)
    tables = np.einsum("ik,ip->ikp", rng.integers(1, 9, (200, 6)), rng.integers(1, 9, (200, 4)))
    for measure in (mutual_information, pnmi, nmi, v_measure):
        found = measure(tables)
        assert found.min() >= 0
        assert found.max() < 1e-12


MEASURES = ("phone_purity", "cluster_purity", "mutual_information", "pnmi", "nmi", "v_measure")


@pytest.mark.parametrize("name", MEASURES)
def test_resamples_are_measured_at_once_as_one_by_one(name):
    measure = getattr(clustering, name)
    tables = random_tables(12).reshape(3, 4, 7, 5)
    found = measure(tables)
    assert found.shape == (3, 4)
    for index in np.ndindex(3, 4):
        assert found[index] == pytest.approx(measure(tables[index]), abs=1e-12)


@pytest.mark.parametrize("name", MEASURES)
def test_a_table_without_frames_is_refused(name):
    tables = random_tables(3)
    tables[1] = 0
    with pytest.raises(ValueError, match="no scored frames"):
        getattr(clustering, name)(tables)


def test_rows_of_the_confusion_are_the_reference():
    labels = np.array([0, 0, 0, 1, LEFT_OUT])
    predicted = np.array([0, 2, 2, 1, 1])
    found = confusion(predicted, labels, 4)
    assert found.tolist() == [[1, 0, 2, 0], [0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    scored = labels != LEFT_OUT
    assert np.array_equal(
        found, metrics.confusion_matrix(labels[scored], predicted[scored], labels=range(4))
    )


def test_accuracy_of_a_phone_is_its_recall():
    labels = np.array([0, 0, 0, 1, LEFT_OUT])
    found = per_phone_accuracy(np.array([0, 2, 2, 1, 1]), labels, 3)
    np.testing.assert_array_equal(found, [1 / 3, 1.0, np.nan])  # no frame is phone 2
