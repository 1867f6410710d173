"""Usage of a codebook: each figure by hand, and the entropy against scipy."""

import numpy as np
import pytest
from scipy.stats import entropy

from vqspeech.analysis.codebook_usage import code_counts, entropy_bits, measure_usage

# Two utterances at 25 Hz; code 3 of 5 is not used. The run of 1 ends with the first utterance.
CODES = np.array([0, 0, 0, 2, 1, 1, 1, 4], dtype=np.int32)
STARTS = np.array([0, 6, 8])


def usage():
    return measure_usage(CODES, STARTS, num_codes=5, rate=25.0)


def test_counts_and_codes_used_by_hand():
    found = usage()
    assert found.counts.tolist() == [3, 3, 1, 0, 1]
    assert (found.frames, found.codes_used, found.num_codes) == (8, 4, 5)
    assert found.seconds == pytest.approx(0.32)


def test_entropy_and_perplexity_by_hand():
    bits = 2 * 3 / 8 * np.log2(8 / 3) + 2 * 1 / 8 * 3  # 3, 3, 1 and 1 frames of 8
    assert usage().entropy_bits == pytest.approx(bits)
    assert usage().perplexity == pytest.approx(np.exp(bits * np.log(2)))


def test_a_uniform_codebook_has_perplexity_k():
    codes = np.repeat(np.arange(16), 3)
    found = measure_usage(codes, np.array([0, 48]), num_codes=16, rate=50.0)
    assert found.perplexity == pytest.approx(16)
    assert found.top_mass == pytest.approx(10 / 16)
    assert found.empirical_bit_rate == pytest.approx(found.nominal_bit_rate) == pytest.approx(200)


def test_a_collapsed_codebook_has_perplexity_one():
    found = measure_usage(np.full(9, 3), np.array([0, 9]), num_codes=8, rate=25.0)
    assert (found.perplexity, found.codes_used, found.top_mass) == (1.0, 1, 1.0)
    assert found.merged_bit_rate == found.empirical_bit_rate == 0


def test_entropy_agrees_with_scipy():
    counts = np.random.default_rng(0).integers(0, 50, size=64)
    assert entropy_bits(counts) == pytest.approx(entropy(counts, base=2))


def test_bit_rates_by_hand():
    found = usage()
    assert found.nominal_bit_rate == pytest.approx(25 * np.log2(5))
    assert found.empirical_bit_rate == pytest.approx(25 * found.entropy_bits)
    # Runs 0 2 1 | 1 4: five in 0.32 s, of symbols with shares 1/5, 2/5, 1/5, 1/5.
    of_runs = -(3 * 0.2 * np.log2(0.2) + 0.4 * np.log2(0.4))
    assert found.runs == 5
    assert found.merged_bit_rate == pytest.approx(5 / 0.32 * of_runs)


def test_lengths_of_runs_by_hand():
    found = usage()
    assert found.run_length_counts.tolist() == [0, 3, 1, 1]  # lengths 3, 1, 2, 1, 1
    assert found.mean_run_frames == pytest.approx(8 / 5)
    assert found.mean_run_seconds == pytest.approx(0.064)


def test_durations_of_codes_by_hand():
    # Code 1 has runs of 2 and 1 frames, 60 ms on average; nothing is known of code 3.
    np.testing.assert_allclose(usage().mean_seconds_by_code, [0.12, 0.06, 0.04, np.nan, 0.04])


def test_top_mass_is_that_of_the_ten_most_frequent():
    counts = np.array([1, 5, 1, 7, 1, 1, 1, 1, 1, 1, 1, 1, 20])
    codes = np.repeat(np.arange(13), counts)
    found = measure_usage(codes, np.array([0, len(codes)]), num_codes=13, rate=25.0)
    assert found.top_mass == pytest.approx((20 + 7 + 5 + 7) / 42)


@pytest.mark.parametrize("codes", [[0, 5], [-1, 0]])
def test_a_code_out_of_range_is_refused(codes):
    with pytest.raises(ValueError, match=r"codes from .* of 5"):
        code_counts(np.array(codes), 5)
    with pytest.raises(ValueError, match=r"codes from .* of 5"):
        measure_usage(np.array(codes), np.array([0, 2]), num_codes=5, rate=25.0)


def test_no_frames_are_refused():
    with pytest.raises(ValueError, match="0 frames"):
        measure_usage(np.array([], dtype=np.int32), np.array([0]), num_codes=5, rate=25.0)
