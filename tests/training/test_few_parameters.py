"""Fitting a few parameters: a parabola whose minimum is known, and what is kept of the way."""

import math
import time

import pytest
import torch
from torch import nn

from vqspeech.errors import DivergedError
from vqspeech.training.few_parameters import fit_few


@pytest.fixture
def parabola():
    """A parameter, and the squared distance to (1, -2): its loss and its validation."""
    parameter = nn.Parameter(torch.zeros(2))
    wanted = torch.tensor([1.0, -2.0])
    return parameter, lambda step=0: (parameter - wanted).square().sum()


def fit(parameter, loss, validate=None, **changes):
    options = {"steps": 200, "learning_rate": 0.1, "validate_every": 10} | changes
    validate = validate or (lambda: float(loss(0).detach()))
    return fit_few([parameter], loss, validate, **options)


def test_it_finds_the_minimum(parabola):
    told = []
    fitted = fit(*parabola, progress=told.append)
    torch.testing.assert_close(parabola[0].detach(), torch.tensor([1.0, -2.0]), atol=0.02, rtol=0)
    assert (fitted.first, fitted.taken) == (5.0, 200)
    assert fitted.best < 1e-3
    assert told == list(range(1, 201))


def test_the_values_of_the_best_validation_are_kept(parabola):
    parameter, loss = parabola
    seen = []

    def validate():  # is best at the third of its visits
        seen.append(parameter.detach().clone())
        return abs(len(seen) - 3)

    fitted = fit(parameter, loss, validate, steps=50)
    assert (fitted.best_step, fitted.best) == (20, 0)
    assert torch.equal(parameter.detach(), seen[2])
    assert not torch.equal(seen[2], seen[-1])


def test_what_gets_no_better_stays_as_it_was(parabola):
    parameter, loss = parabola
    fitted = fit(parameter, lambda step: -loss(), lambda: float(loss().detach()))
    assert fitted.best_step == 0
    assert parameter.tolist() == [0.0, 0.0]


def test_it_stops_at_the_deadline_and_keeps_what_it_has(parabola):
    parameter, loss = parabola

    def slow(step):
        time.sleep(0.02)
        return loss()

    deadline = time.monotonic() + 0.1
    fitted = fit(parameter, slow, lambda: float(loss().detach()), deadline=deadline)
    assert 1 <= fitted.taken <= 6
    assert fitted.best < 5  # though no validation was due
    assert fit(parameter, slow, deadline=0.0).taken == 0


def test_no_steps_change_nothing(parabola):
    assert fit(*parabola, steps=0) == (0, 0, 5.0, 5.0)
    assert parabola[0].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_numbers_that_are_not_finite_end_it(parabola, bad):
    parameter, loss = parabola
    with pytest.raises(DivergedError, match="step 3"):
        fit(parameter, lambda step: loss() * (bad if step == 3 else 1))
    with pytest.raises(DivergedError, match="step 0"):
        fit(parameter, loss, lambda: bad)
