"""Bits of many runs brought together, against arithmetic by hand."""

import math

import numpy as np
import pytest

from recipes.frames.intervals import standard_error
from recipes.frames.pictures import PictureSet
from recipes.images.compare_bits import by_source, paired_differences, summarise
from recipes.images.score_bits import SystemScore


def entry(system, seed, **sources):
    """Of each source its total, or its total and what of it the latents cost."""
    told = {
        name: {"total": value[0], "latents": value[1]}
        if isinstance(value, tuple)
        else {"total": value}
        for name, value in sources.items()
    }
    return {"system": system, "seed": seed, "sources": told}


RUNS = [
    entry("VAE", 0, china=(4.0, 1.0), coffee=(6.0, 2.0)),
    entry("VAE", 1, coffee=(8.0, 2.0), rocket=(3.0, 0.0)),
    entry("VIMCO", 0, china=5.0, coffee=6.0),
    entry("VIMCO", 1, rocket=5.0, moon=1.0),
]


def test_nats_of_pictures_become_bits_per_dimension_of_sources():
    pixels = np.zeros((3, 2, 2, 3), np.uint8)  # 12 dimensions
    pictures = PictureSet(pixels, np.array([2, 0, 2]), None, ("a", "b", "c"))
    nats = np.array([12.0, 24.0, 36.0]) * math.log(2)
    found = by_source(SystemScore(nats, nats / 4, {}), pictures)
    assert found == {
        "a": {"total": pytest.approx(2), "latents": pytest.approx(0.5)},
        "c": {"total": pytest.approx(2), "latents": pytest.approx(0.5)},
    }
    assert by_source(SystemScore(nats, None, {}), pictures)["a"] == {"total": pytest.approx(2)}


def test_a_source_counts_once_however_often_it_was_tested():
    found = summarise(RUNS)
    # china 4, coffee (6 + 8) / 2 = 7, rocket 3
    assert found["VAE"] == {
        "bits_per_dim": pytest.approx(14 / 3),
        "standard_error": pytest.approx(math.sqrt((4 / 9 + 49 / 9 + 25 / 9) / 2 / 3)),
        "latent_bits": pytest.approx(1.0),
        "pixel_bits": pytest.approx(11 / 3),
        "runs": 2,
        "sources": 3,
    }
    assert found["VIMCO"]["latent_bits"] is found["VIMCO"]["pixel_bits"] is None


def test_differences_are_taken_within_the_sources_that_both_were_tested_on():
    (found,) = paired_differences(RUNS, ["VAE", "VIMCO", "unknown"])
    # china 5 - 4, coffee 6 - 7, rocket 5 - 3; moon was scored by one alone
    assert found == {
        "first": "VAE",
        "second": "VIMCO",
        "difference": pytest.approx(2 / 3),
        "standard_error": pytest.approx(math.sqrt((1 / 9 + 25 / 9 + 16 / 9) / 2 / 3)),
        "sources": 3,
        "larger_in": 2,
    }


def test_systems_without_a_common_source_have_no_difference():
    runs = [entry("VAE", 0, china=1.0), entry("VIMCO", 0, moon=1.0)]
    assert paired_differences(runs, ["VAE", "VIMCO"]) == []


def test_of_one_source_nothing_is_known_of_the_error():
    assert standard_error(np.array([3.0])) is None
    assert standard_error(np.array([1.0, 3.0])) == pytest.approx(1.0)
    assert summarise([entry("VAE", 0, china=1.0)])["VAE"]["standard_error"] is None
