"""The heads over 256 levels, against SciPy, arbitrary precision, and finite differences."""

import math

import mpmath
import numpy as np
import pytest
import torch
from scipy import stats

from recipes.frames.level_bins import gaussian_log_probability, logistic_log_probability
from recipes.frames.likelihoods import bits_per_dimension, build_likelihood

ALL = [("softmax", "pixel")] + [
    (kind, scales) for kind in ("logistic", "gaussian") for scales in ("pixel", "channel")
]
BINNED = {"logistic": logistic_log_probability, "gaussian": gaussian_log_probability}
# Parameters of a mean and of a log scale, as no sane decoder would give them.
MEANS = (0.0, 0.37, -0.99, 1.0, -1.3, 5.0, -300.0, 1e4)
RAW_SCALES = (-1e4, -9.0, -6.2, -5.0, -3.5, -2.0, 0.0, 3.0, 1e4)


def extreme_parameters(likelihood, dtype):
    """(1, channels, N, 1): all pairs of the means and scales above, or logits of all sizes."""
    generator = torch.Generator().manual_seed(0)
    if likelihood.channels == 768:
        logits = torch.randn(1, 768, 40, 1, generator=generator, dtype=dtype)
        return logits * torch.logspace(-3, 4, 40, dtype=dtype).view(1, 1, -1, 1)
    pairs = torch.cartesian_prod(
        torch.tensor(MEANS, dtype=dtype), torch.tensor(RAW_SCALES, dtype=dtype)
    )
    means, scales = pairs.t()[..., None]  # (N, 1)
    if likelihood.channels == 3:
        return means.expand(1, 3, -1, 1)
    return torch.cat([means.expand(1, 3, -1, 1), scales.expand(1, 3, -1, 1)], 1)


def set_shared_scales(likelihood, values):
    if likelihood.channels == 3:
        with torch.no_grad():
            likelihood.shared_scales.copy_(torch.tensor(values))


@pytest.mark.parametrize(("kind", "scales"), ALL)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-9)])
def test_the_probabilities_of_256_levels_sum_to_one(kind, scales, dtype, tolerance):
    likelihood = build_likelihood(kind, scales)
    set_shared_scales(likelihood, [-1e4, 0.0, 1e4])
    table = likelihood.log_probabilities(extreme_parameters(likelihood, dtype))
    assert table.dtype == dtype
    assert (table.double().exp().sum(2) - 1).abs().max() < tolerance


@pytest.mark.parametrize("kind", ["logistic", "gaussian"])
def test_the_sharpest_distributions_sum_to_one_wherever_their_mean_lies(kind):
    means = torch.linspace(-1.05, 1.05, 3 * 1001).view(1, 3, -1, 1)
    table = build_likelihood(kind).log_probabilities(torch.cat([means, 0 * means - 20], 1))
    assert (table.double().exp().sum(2) - 1).abs().max() < 1e-6


@pytest.mark.parametrize("kind", ["logistic", "gaussian"])
def test_a_bin_has_what_scipys_distribution_has_between_its_edges(kind):
    generator = torch.Generator().manual_seed(0)
    parameters = torch.randn(1, 6, 5, 4, generator=generator, dtype=torch.float64)
    likelihood = build_likelihood(kind)
    scale = (parameters[0, 3:] + likelihood.start).numpy()
    scale = 3 - np.logaddexp(0, 3 - scale)
    scale = np.exp(-7 + np.logaddexp(0, scale + 7))
    edges = np.concatenate([[-np.inf], (np.arange(255) * 2 + 1) / 255 - 1, [np.inf]])
    reference = {"logistic": stats.logistic, "gaussian": stats.norm}[kind]
    cumulative = reference.cdf(
        edges[:, None, None], loc=parameters[0, :3, None].numpy(), scale=scale[:, None]
    )
    probabilities = likelihood.log_probabilities(parameters)[0].exp().numpy()
    np.testing.assert_allclose(probabilities, np.diff(cumulative, axis=1), atol=1e-13, rtol=1e-10)


@pytest.mark.parametrize("kind", ["logistic", "gaussian"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-11)])
def test_log_probabilities_are_exact_where_distribution_functions_round_to_one(
    kind, dtype, tolerance
):
    levels, location = [0, 1, 100, 128, 254, 255], [-1e4, -3.0, 1.75, 100.5, 300.0, 1e5]
    width = [0.0005, 0.01, 0.3, 0.49, 0.51, 1.0, 8.5]
    grid = torch.cartesian_prod(*(torch.tensor(v, dtype=dtype) for v in (levels, location, width)))
    found = BINNED[kind](*grid.t()).double()
    with mpmath.workdps(60):
        rows = [exact_log_probability(kind, *row) for row in grid.tolist()]
    wanted = torch.tensor(rows, dtype=torch.float64)
    error = (found - wanted).abs() / (1 + wanted.abs())
    assert error.max() < tolerance


def exact_log_probability(kind, level, location, width):
    def log_above(edge):
        """log of the mass above an edge."""
        if kind == "logistic":
            return -mpmath.log1p(mpmath.exp(edge))
        return mpmath.log(mpmath.erfc(edge / mpmath.sqrt(2)) / 2)

    width, location = mpmath.mpf(width), mpmath.mpf(location)
    lower = (level - mpmath.mpf(0.5) - location) * width
    upper = lower + width
    if level == 0:
        return float(log_above(-upper))
    if level == 255:
        return float(log_above(lower))
    if lower + upper < 0:
        lower, upper = -upper, -lower
    gap = log_above(lower) - log_above(upper)
    return float(log_above(lower) + mpmath.log(-mpmath.expm1(-gap)))


@pytest.mark.parametrize(("kind", "scales"), ALL)
def test_nats_are_the_table_at_the_pixels(kind, scales):
    likelihood = build_likelihood(kind, scales)
    set_shared_scales(likelihood, [-3.0, 0.0, 1.0])
    generator = torch.Generator().manual_seed(1)
    parameters = torch.randn(2, likelihood.channels, 8, 8, generator=generator)
    pixels = torch.randint(256, (2, 3, 8, 8), generator=generator)
    pixels[:, :, 0], pixels[:, :, 1] = 0, 255
    nats = likelihood.nats(parameters, pixels)
    table = likelihood.log_probabilities(parameters)
    assert table.shape == (2, 3, 256, 8, 8)
    torch.testing.assert_close(nats, -table.gather(2, pixels[:, :, None])[:, :, 0])
    assert torch.equal(nats, likelihood.nats(parameters, pixels.to(torch.uint8)))


@pytest.mark.parametrize(("kind", "scales"), ALL)
def test_gradients_are_finite_for_all_levels_and_any_parameters(kind, scales):
    likelihood = build_likelihood(kind, scales)
    set_shared_scales(likelihood, [-1e4, -5.0, 1e4])
    parameters = extreme_parameters(likelihood, torch.float32).clone().requires_grad_()
    table = likelihood.log_probabilities(parameters)
    assert table.isfinite().all()
    table.sum().backward()
    assert parameters.grad.isfinite().all()
    assert all(p.grad.isfinite().all() for p in likelihood.parameters())


@pytest.mark.parametrize(("kind", "scales"), ALL)
def test_gradients_are_those_of_finite_differences(kind, scales):
    likelihood = build_likelihood(kind, scales).double()
    generator = torch.Generator().manual_seed(2)
    pixels = torch.randint(256, (1, 3, 3, 2), generator=generator)
    pixels[0, :, 0, 0], pixels[0, :, 0, 1] = 0, 255
    shape = (1, likelihood.channels, 3, 2)
    parameters = torch.randn(shape, generator=generator, dtype=torch.float64) * 2 - 1
    inputs = [parameters.requires_grad_(), *likelihood.parameters()]
    assert torch.autograd.gradcheck(
        lambda given, *_: likelihood.nats(given, pixels), inputs, fast_mode=kind == "softmax"
    )


def test_a_far_outlier_pulls_a_gaussian_mean_by_its_distance_in_float32():
    for level, distance in ((0, -1e6), (100, 1e6), (255, 1e6)):
        location = torch.tensor(level - distance, requires_grad=True)
        log_p = gaussian_log_probability(torch.tensor(level), location, torch.tensor(0.5))
        (pull,) = torch.autograd.grad(log_p, location)
        assert pull.item() == pytest.approx(distance * 0.5**2, rel=1e-5)


@pytest.mark.parametrize("kind", ["logistic", "gaussian"])
def test_a_log_scale_is_bounded_by_minus_7_and_can_still_grow_there(kind):
    likelihood = build_likelihood(kind, "channel")
    set_shared_scales(likelihood, [-100.0, -9.0, 100.0])
    _, width = likelihood.location_and_width(torch.zeros(1, 3, 1, 1))
    log_scale = -torch.log(width * 127.5)
    assert log_scale.min() >= -7 - 1e-5
    assert log_scale.max() <= 3 + 1e-3
    set_shared_scales(likelihood, [-9.0, -9.0, -9.0])
    likelihood.nats(torch.zeros(1, 3, 2, 2), torch.full((1, 3, 2, 2), 200)).sum().backward()
    assert (likelihood.shared_scales.grad < -1).all()


@pytest.mark.parametrize(("kind", "scales"), ALL)
def test_evenly_spaced_uniforms_draw_each_level_as_often_as_it_is_likely(kind, scales):
    likelihood = build_likelihood(kind, scales)
    set_shared_scales(likelihood, [-4.0, -1.0, 1.0])
    one = torch.randn(1, likelihood.channels, 1, 1, generator=torch.Generator().manual_seed(3))
    if likelihood.channels == 6:
        one[:, 3:] -= 3
    count = 10_000
    uniforms = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    drawn = likelihood.sample(one.expand(1, -1, 1, count), uniforms.expand(1, 3, 1, count))
    assert drawn.dtype == torch.uint8
    for colour in range(3):
        share = torch.bincount(drawn[0, colour, 0].long(), minlength=256) / count
        wanted = likelihood.log_probabilities(one)[0, colour, :, 0, 0].exp()
        torch.testing.assert_close(share, wanted, atol=1.1 / count, rtol=0)


@pytest.mark.parametrize(("kind", "scales"), ALL)
def test_a_boundary_of_the_cumulative_probabilities_belongs_to_the_level_above_it(kind, scales):
    likelihood = build_likelihood(kind, scales)
    one = torch.zeros(1, likelihood.channels, 1, 1, dtype=torch.float64)
    cumulative = likelihood.log_probabilities(one)[0, 0, :, 0, 0].exp().cumsum(0)[:-1]  # (255,)
    for shift, lowest in ((-1e-7, 0), (1e-7, 1)):
        uniforms = (cumulative + shift).expand(1, 3, 1, 255)
        drawn = likelihood.sample(one.expand(1, -1, 1, 255), uniforms)
        assert torch.equal(drawn[0, 1, 0].long(), torch.arange(255) + lowest)
    ends = torch.tensor([0.0, 1 - 2**-53], dtype=torch.float64).expand(1, 3, 1, 2)
    drawn = likelihood.sample(one.expand(1, -1, 1, 2), ends)
    assert drawn[0].tolist() == [[[0, 255]]] * 3


@pytest.mark.parametrize("kind", ["logistic", "gaussian"])
def test_samples_are_where_scipys_quantile_function_says(kind):
    likelihood = build_likelihood(kind)
    generator = torch.Generator().manual_seed(4)
    parameters = torch.randn(3, 6, 8, 8, generator=generator, dtype=torch.float64)
    uniforms = torch.rand(3, 3, 8, 8, generator=generator, dtype=torch.float64)
    drawn = likelihood.sample(parameters, uniforms)
    location, width = likelihood.location_and_width(parameters)
    reference = {"logistic": stats.logistic, "gaussian": stats.norm}[kind]
    quantile = reference.ppf(uniforms.numpy(), location.numpy(), 1 / width.numpy())
    wanted = np.clip(np.floor(quantile + 0.5), 0, 255)
    assert np.array_equal(drawn.numpy(), wanted)


@pytest.mark.parametrize(("kind", "scales"), ALL)
def test_the_mean_is_the_average_of_samples(kind, scales):
    likelihood = build_likelihood(kind, scales)
    generator = torch.Generator().manual_seed(5)
    one = torch.randn(2, likelihood.channels, 1, 1, generator=generator)
    count = 2000
    uniforms = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    drawn = likelihood.sample(one.expand(2, -1, 1, count), uniforms.expand(2, 3, 1, count))
    average = drawn.double().mean(3, keepdim=True)
    torch.testing.assert_close(likelihood.mean(one).double(), average, atol=0.05, rtol=0)


@pytest.mark.parametrize("kind", ["logistic", "gaussian"])
def test_the_mean_of_a_cut_distribution_is_the_expected_level_but_for_rounding(kind):
    likelihood = build_likelihood(kind)
    parameters = extreme_parameters(likelihood, torch.float32)
    table = likelihood.log_probabilities(parameters.double()).exp()
    exact = (table * torch.arange(256)[:, None, None]).sum(2)
    mean = likelihood.mean(parameters)
    assert mean.min() >= 0
    assert mean.max() <= 255
    error = (mean - exact).abs()
    assert error.max() <= 0.5 + 1e-3
    is_broad = parameters[:, 3:] > -4  # a scale of two levels or more
    assert error[is_broad].max() < 0.02


@pytest.mark.parametrize("kind", ["logistic", "gaussian"])
def test_parameters_of_zero_are_a_broad_grey(kind):
    likelihood = build_likelihood(kind)
    zero = torch.zeros(1, 6, 1, 1)
    assert likelihood.mean(zero).flatten().tolist() == pytest.approx([127.5] * 3, abs=1e-3)
    table = likelihood.log_probabilities(zero)[0, 0, :, 0, 0].exp()
    assert -torch.log2(table[64:192]).mean() < 8  # the half of all levels around the middle


def test_a_softmax_of_zeros_costs_eight_bits():
    likelihood = build_likelihood("softmax")
    pixels = torch.randint(256, (4, 3, 8, 8))
    nats = likelihood.nats(torch.zeros(4, 768, 8, 8), pixels).sum((1, 2, 3))
    assert bits_per_dimension(nats, 192).tolist() == pytest.approx([8.0] * 4)


def test_640_latents_of_512_codes_are_1_875_bits_a_dimension_of_a_32_x_32_picture():
    nats = torch.tensor(8 * 8 * 10 * math.log(512), dtype=torch.float64)
    assert bits_per_dimension(nats, 3 * 32 * 32).item() == pytest.approx(1.875, abs=1e-12)


@pytest.mark.parametrize(("kind", "scales"), ALL)
def test_half_precision_parameters_are_scored_in_float32_under_autocast(kind, scales):
    likelihood = build_likelihood(kind, scales)
    parameters = torch.randn(2, likelihood.channels, 4, 4).bfloat16()
    pixels = torch.randint(256, (2, 3, 4, 4))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        nats = likelihood.nats(parameters, pixels)
        table = likelihood.log_probabilities(parameters)
    assert nats.dtype == table.dtype == torch.float32
    assert torch.equal(nats, likelihood.nats(parameters.float(), pixels))
    assert torch.equal(table, likelihood.log_probabilities(parameters.float()))


def test_scales_of_a_channel_are_the_only_weights_of_a_head():
    shapes = {choice: [tuple(p.shape) for p in build_likelihood(*choice).parameters()]
              for choice in ALL}  # fmt: skip
    assert all(found == ([(3,)] if scales == "channel" else [])
               for (_, scales), found in shapes.items())  # fmt: skip
    channels = [build_likelihood(*choice).channels for choice in ALL]
    assert channels == [768, 6, 3, 6, 3]


def test_unknown_kinds_and_scales_are_refused():
    with pytest.raises(ValueError, match="unknown likelihood poisson; choose softmax"):
        build_likelihood("poisson")
    with pytest.raises(ValueError, match="unknown scales picture; choose pixel or channel"):
        build_likelihood("logistic", "picture")
