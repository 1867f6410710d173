"""Training curves: what the log says, in the units that the page names."""

import csv
import functools
import io
import math
import re

import pytest

from vqspeech.report.curves import Marks, draw_training

LOG = [
    {"step": 10, "learning_rate": 1e-3, "loss": 2.0, "codebook": 0.0, "guide": 0.5, "skipped": 0},
    {"step": 10, "valid": {"nll": 5.545, "bits": 8.0, "swap_gap": 0.0, "perplexity": 3.0}},
    {"step": 20, "learning_rate": 5e-4, "loss": 1.0, "nll": math.log(2) * 3, "gradient_norm": 0.7},
    {"step": 20, "valid": {"nll": 2.1, "bits": 3.03, "swap_gap": 0.2, "perplexity": 7.5}},
]


def rows(picture):
    return list(csv.reader(io.StringIO(picture.csv)))


@functools.cache
def drawn(marks=Marks()):  # noqa: B008 - a tuple
    return {picture.name: picture for picture in draw_training(LOG, marks)}


def test_the_likelihood_is_in_bits():
    assert rows(drawn()["likelihood"]) == [
        ["step", "training", "validation"],
        ["10", "", "8"],
        ["20", "3", "3.03"],
    ]


def test_a_validation_before_the_likelihood_is_learnt_is_left_out():
    assert rows(drawn(Marks((15,), 10))["likelihood"])[1:] == [["20", "3", "3.03"]]


def test_loss_terms_that_are_always_zero_are_left_out():
    assert rows(drawn()["losses"])[0] == ["step", "total", "spectrum guide"]


def test_every_logged_quantity_has_its_picture():
    assert sorted(drawn()) == [
        *("gradient", "likelihood", "losses", "perplexity", "rate", "swap-gap"),
    ]


def test_a_resumed_run_is_marked_and_told():
    marked, bare = drawn(Marks((15,), 10)), drawn()
    assert "resumed at step 15" in marked["rate"].alt
    assert ">resumed<" in marked["rate"].svg
    assert ">resumed<" not in bare["rate"].svg


def test_the_guide_phase_is_marked():
    assert ">guide phase<" in drawn(Marks((15,), 10))["rate"].svg


def test_an_empty_log_has_no_pictures():
    assert draw_training([], Marks()) == []


def test_rates_on_the_axis_are_told_apart():
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", drawn()["rate"].svg)
    ticks = [text for text in texts if text.startswith("0.")]
    assert len(ticks) >= 3
    assert len(set(ticks)) == len(ticks)


@pytest.mark.parametrize("value", [1e-300, 1e300])
def test_extreme_losses_can_be_drawn(value):
    log = [{"step": 1, "loss": value}, {"step": 2, "loss": value}]
    assert draw_training(log, Marks())
