"""Counts of phones by hand, and the divergence of two tables beside SciPy's."""

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from vqspeech.analysis.divergence import count_phones, jensen_shannon, new_share


def test_merged_runs_count_once_and_no_pair_reaches_across_utterances():
    # 0 0 1 1 1 0 | 0 2 | nothing | 2
    phones, starts = [0, 0, 1, 1, 1, 0, 0, 2, 2], [0, 6, 8, 8, 9]
    counts = count_phones(np.array(phones), np.array(starts), 3)
    assert counts.phones.tolist() == [3, 1, 2]
    assert counts.bigrams.tolist() == [[0, 1, 1], [1, 0, 0], [0, 0, 0]]
    assert counts.frames.tolist() == [4, 3, 2]


def test_the_divergence_is_that_of_scipy():
    rng = np.random.default_rng(0)
    for size in (2, 7, 400):
        p, q = rng.poisson(3, size) + [1, *[0] * (size - 1)], rng.poisson(1, size) + 1
        wanted = jensenshannon(p, q, base=2) ** 2
        assert jensen_shannon(p, q) == pytest.approx(wanted, abs=1e-12)
        assert jensen_shannon(p, q) == pytest.approx(jensen_shannon(q, p), abs=1e-12)


def test_the_divergence_is_what_is_worked_by_hand():
    # Shares 1/2 1/2 0 and 0 1/2 1/2: the middle is 1/4 1/2 1/4, of 1.5 bits; each has 1 bit.
    assert jensen_shannon([1, 1, 0], [0, 5, 5]) == pytest.approx(0.5)
    assert jensen_shannon([[3, 1], [0, 0]], [[6, 2], [0, 0]]) == 0
    assert jensen_shannon([4, 0], [0, 9]) == 1


def test_chance_alone_gives_what_the_module_says():
    rng = np.random.default_rng(1)
    shares, size = rng.dirichlet(np.full(40, 5.0)), 5000
    found = [
        jensen_shannon(rng.multinomial(size, shares), rng.multinomial(size, shares))
        for _ in range(200)
    ]
    assert np.mean(found) == pytest.approx(39 / (8 * size * np.log(2)) * 2, rel=0.05)


def test_new_things_are_counted_once_however_often_they_occur():
    known = np.array([[9, 0], [1, 0]])
    assert new_share(np.array([[1, 1], [5, 70]]), known) == 0.5
    assert new_share(known, known) == 0
    assert np.isnan(new_share(np.zeros((2, 2), int), known))


def test_tables_that_have_no_divergence_are_refused():
    with pytest.raises(ValueError, match=r"\(2,\) and \(3,\)"):
        jensen_shannon([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="nothing was counted"):
        jensen_shannon([1, 2], [0, 0])
    with pytest.raises(ValueError, match="a count of -1"):
        jensen_shannon([1, -1, 4], [1, 2, 3])
    with pytest.raises(ValueError, match="phones from 0 to 3, of 3"):
        count_phones(np.array([0, 3]), np.array([0, 2]), 3)
