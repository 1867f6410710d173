"""The VAE's bound: its two parts by hand, and by importance sampling."""

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from recipes.images.models import build_model
from recipes.images.settings import VAESettings
from recipes.images.vimco import importance_bound


def vae(latent_channels=3, spread=1.0):
    """With a posterior away from the prior, as training leaves it."""
    torch.manual_seed(0)
    network = {"channels": 8, "residual_blocks": 1, "scales": "channel"}
    settings = {"network": network, "latent_channels": latent_channels}
    model = build_model(VAESettings.model_validate(settings))
    with torch.no_grad():
        model.encoder.output.weight.mul_(20 * spread)
    return model


def pixels(count=3, side=8):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (count, 3, side, side), generator=generator).to(torch.uint8)


@torch.no_grad()
def test_the_rate_is_the_divergence_of_the_posterior_from_the_prior():
    model, levels = vae(), pixels()
    mean, log_variance = model.posterior(levels)
    assert mean.shape == log_variance.shape == (3, 3, 2, 2)
    wanted = kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(model.bound(levels).rate, wanted.sum((1, 2, 3)))
    assert wanted.sum() > 1


@torch.no_grad()
def test_the_distortion_is_the_decoder_s_likelihood_of_a_sample():
    model, levels = vae(), pixels()
    mean, log_variance = model.posterior(levels)
    torch.manual_seed(5)
    z = Normal(mean, (log_variance / 2).exp()).rsample()
    torch.manual_seed(5)
    bound = model.bound(levels)
    torch.testing.assert_close(bound.distortion, model.decoder.nll(levels, z).nats)
    torch.testing.assert_close(bound.nats, bound.rate + bound.distortion)


def test_the_loss_is_the_bound_in_nats_a_dimension_and_moves_every_weight():
    model, levels = vae(), pixels()
    torch.manual_seed(1)
    losses = model.losses(levels)
    torch.manual_seed(1)
    bound = model.bound(levels)
    size = 3 * 8 * 8
    assert losses["loss"].item() == pytest.approx(bound.nats.mean().item() / size, rel=1e-6)
    assert losses["rate"].item() == pytest.approx(bound.rate.mean().item() / size, rel=1e-6)
    losses["loss"].backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad.abs().max() > 0, name


@torch.no_grad()
def test_samples_reproduce_the_bound_and_many_of_them_tighten_it():
    """E[log w] is the bound itself, and log E[w] is log p(x), here by a grid over one number."""
    model, levels = vae(latent_channels=1, spread=0.2), pixels(count=1, side=4)
    assert model.posterior(levels)[0].numel() == 1
    grid = torch.linspace(-8, 8, 4001)
    nats = model.decoder.nll(levels.expand(len(grid), -1, -1, -1), grid[:, None, None, None]).nats
    log_joint = Normal(0.0, 1.0).log_prob(grid).double() - nats.double()
    log_p = (log_joint.logsumexp(0) + math.log(16 / 4000)).item()
    mean, log_variance = (part.item() for part in model.posterior(levels))
    q = Normal(mean, math.exp(log_variance / 2)).log_prob(grid).double()
    elbo = (q.exp() * (log_joint - q)).sum().item() * 16 / 4000
    torch.manual_seed(0)
    log_w = model.log_weights(levels.expand(2000, -1, -1, -1), 1)[0].double()
    error = log_w.std().item() / math.sqrt(2000)
    assert log_w.mean().item() == pytest.approx(elbo, abs=4 * error)
    many = torch.stack([importance_bound(part) for part in log_w.split(50)]).mean().item()
    assert elbo + 4 * error < many < log_p + 0.01
    assert importance_bound(log_w).item() == pytest.approx(log_p, abs=0.1)


@torch.no_grad()
def test_posteriors_are_never_so_narrow_or_wide_that_numbers_overflow():
    model = vae(spread=1e6)
    bound, log_w = model.bound(pixels()), model.log_weights(pixels(), 2)
    assert bound.nats.isfinite().all()
    assert log_w.isfinite().all()


@torch.no_grad()
def test_rates_are_summed_in_float32_under_autocast():
    model, levels = vae(), pixels()
    exact = model.bound(levels).rate
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rate = model.bound(levels).rate
    assert rate.dtype == torch.float32
    torch.testing.assert_close(rate, exact, rtol=0.02, atol=0)
    # Not one of bfloat16's numbers, of which there are 128 between powers of two.
    assert (rate != rate.bfloat16().float()).any()
