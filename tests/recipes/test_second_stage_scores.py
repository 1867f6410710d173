"""Whether 27 bits say anything: other pictures' latents, intervals by hand, and batches."""

import math

import numpy as np
import pytest
import torch
from small_pictures import build_prior, small_second_stage

from recipes.frames.code_map import CodeMap
from recipes.frames.intervals import interval
from recipes.images import second_stage_scores
from recipes.images.encoded import EncodedSet
from recipes.images.second_stage import SecondStage
from recipes.images.second_stage_scores import (
    derange,
    format_second_stage,
    score_codes,
    summarise_codes,
)


def test_shuffled_latents_are_those_of_another_source():
    sources = np.array([0] * 9 + [1] * 2 + [2])
    for seed in range(5):
        others = derange(sources, seed)
        assert (sources[others] != sources).all()
        assert np.array_equal(derange(sources, seed), others)
    assert not np.array_equal(derange(sources, 0), derange(sources, 1))


def test_within_a_single_source_they_are_those_of_another_picture():
    others = derange(np.zeros(7), 0)
    assert (others != np.arange(7)).all()
    assert sorted(others) == list(range(7))
    assert derange(np.zeros(1), 0).tolist() == [0]  # there is no other


def encoded_noise(sources):
    codes = torch.randint(8, (len(sources), 3, 4), generator=torch.Generator().manual_seed(0))
    names = tuple(f"walk{i}" for i in range(max(sources) + 1))
    return EncodedSet(codes, None, np.array(sources), names)


def test_means_are_over_sources_and_so_are_intervals():
    nats = {
        "with": np.array([10.0, 20.0, 30.0]),
        "without": np.array([11.0, 23.0, 36.0]),
        "shuffled": np.array([14.0, 20.0, 32.0]),
    }
    found = summarise_codes(
        {key: value * math.log(2) for key, value in nats.items()}, encoded_noise([0, 0, 1])
    )
    assert found["bits_a_picture"] == pytest.approx(
        {"with": 22.5, "without": 26.5, "shuffled": 24.5}
    )
    assert found["bits_a_code"]["with"] == pytest.approx(22.5 / 12)
    # Walk 0 saves (1 + 3) / 2 bits, walk 1 saves 6: 4, give or take 2 times Student's t of one
    # degree of freedom, 12.706 in the tables.
    saved = found["saved"]
    assert saved["bits"] == pytest.approx(4)
    assert (saved["low"], saved["high"]) == pytest.approx((4 - 25.412, 4 + 25.412), abs=1e-3)
    assert saved["sources"] == 2
    assert found["lost_by_shuffling"]["bits"] == pytest.approx(2)


def test_an_interval_of_many_sources_is_near_that_of_a_normal_and_one_source_has_none():
    means = np.random.default_rng(0).normal(size=1000)
    found = interval(means)
    assert found["high"] - found["bits"] == pytest.approx(1.96 / math.sqrt(1000), rel=0.05)
    assert interval(np.array([3.0])) == {"bits": 3.0, "low": None, "high": None, "sources": 1}


def test_scores_do_not_depend_on_batches(monkeypatch):
    torch.manual_seed(0)
    code_map = CodeMap(8, 1, 3, 4, "hash")
    stage = SecondStage(small_second_stage(), code_map, torch.randn(8, 4)).eval()
    stage.quantizer.codebook.data.mul_(20)
    alone, encoded = build_prior(code_map), encoded_noise([0, 1, 0, 1, 2])
    whole = score_codes(stage, alone, encoded, 0)
    monkeypatch.setattr(second_stage_scores, "BATCH", 2)
    parts = score_codes(stage, alone, encoded, 0)
    for key, values in whole.items():
        np.testing.assert_allclose(parts[key], values, rtol=1e-5)
    with torch.no_grad():
        latents = stage.latents(stage.codes(stage.embed(encoded.codes)))
        other = latents[derange(encoded.sources, 0)]
        wanted = {
            "with": stage.decoder.nll(encoded.codes, latents).nats,
            "shuffled": stage.decoder.nll(encoded.codes, other).nats,
            "without": -alone.log_prior(encoded.codes),
        }
    for key, values in wanted.items():
        np.testing.assert_allclose(whole[key], values, rtol=1e-5)
    assert not np.allclose(whole["with"], whole["shuffled"])


@pytest.mark.parametrize(("saved", "is_flagged"), [(26.9, False), (27.1, True)])
def test_saving_more_than_the_latents_can_say_is_said_to_be_another_s_weakness(saved, is_flagged):
    facts = {
        **{"data": "walks", "test_pictures": 9, "bits": 27.0, "raw_bits": 169344},
        **{"compression": 6272.0, "first_stage_bits": 3969.0, "perplexity": [3, 4, 5]},
        "bits_a_picture": {"with": 1000.0, "without": 1000 + saved},
        "saved": {"bits": saved, "low": 1.0, "high": 50.0, "sources": 3},
        "lost_by_shuffling": {"bits": 5.0, "low": None, "high": None, "sources": 1},
    }
    text = format_second_stage(facts)
    assert ("the PixelCNN without them learnt too little" in text) == is_flagged
    assert f"saved {saved} bits [1.0, 50.0]; lost by another frame's latents 5.0 bits;" in text
    assert "27 bits for 169344 (6272 times smaller)" in text
