"""Latents that are drawn: with their probabilities, their gradients, and however many at once."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch.distributions import Categorical, Normal

from recipes.images.models import build_model
from recipes.images.settings import TrainPictureModel, VIMCOSettings
from recipes.images.vimco import importance_bound, vimco
from vqspeech.config.loader import parse_config
from vqspeech.errors import InputError


def model_of(latents="categorical", **changes):
    """With a posterior that is not uniform."""
    torch.manual_seed(0)
    network = {"channels": 8, "residual_blocks": 1, "scales": "channel"}
    settings = {"latents": latents, "num_codes": 5, "groups": 2, "dim": 4, "samples": 6, "chunk": 2}
    model = build_model(VIMCOSettings.model_validate({"network": network} | settings | changes))
    with torch.no_grad():
        model.encoder.output.weight.mul_(20)
    return model


def pixels(count=3, side=8):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (count, 3, side, side), generator=generator).to(torch.uint8)


def posterior_of_codes(model, levels):
    """(B, h, w, G, K) logits, group by group along the encoder's channels."""
    out = model.encoder(levels.float() / 127.5 - 1)
    parts = out.chunk(model.settings.groups, dim=1)
    return torch.stack([part.movedim(1, -1) for part in parts], dim=3)


def codes_of(model, latents):
    """(S, B, h, w, G) the codes whose embeddings latents (S, B, D, h, w) are."""
    groups = latents.movedim(2, -1).unflatten(-1, (model.settings.groups, -1))
    is_code = (groups[..., None, :] == model.codebook).all(-1)  # (S, B, h, w, G, K)
    assert (is_code.sum(-1) == 1).all()
    return is_code.int().argmax(-1)


@torch.no_grad()
def test_codes_are_drawn_with_their_probabilities_each_by_itself():
    model, levels = model_of(), pixels(count=2)
    samples = 4000
    torch.manual_seed(1)
    draws = model.draw_posterior(levels, samples)
    assert draws.latents.shape == (samples, 2, 4, 2, 2)
    codes = codes_of(model, draws.latents).flatten(1).numpy()  # (S, 16)
    probabilities = posterior_of_codes(model, levels).softmax(-1).double().flatten(0, -2).numpy()
    assert np.abs(probabilities - 0.2).max() > 0.1
    p_values = [
        stats.chisquare(np.bincount(column, minlength=5), samples * row / row.sum()).pvalue
        for column, row in zip(codes.T, probabilities, strict=True)
    ]
    assert min(p_values) > 1e-4
    together = np.zeros((5, 5))
    np.add.at(together, (codes[:, 0], codes[:, 1]), 1)
    assert stats.chi2_contingency(together[together.sum(1) > 0]).pvalue > 1e-4


@torch.no_grad()
@pytest.mark.parametrize("latents", ["categorical", "gaussian"])
def test_log_probabilities_of_draws_are_those_of_torch(latents):
    model, levels = model_of(latents), pixels()
    torch.manual_seed(1)
    draws = model.draw_posterior(levels, 7)
    if latents == "categorical":
        q = Categorical(logits=posterior_of_codes(model, levels))
        log_q = q.log_prob(codes_of(model, draws.latents)).flatten(2).sum(2)
        log_p = torch.full((7, 3), -2 * 2 * 2 * math.log(5))  # h w G log K
    else:
        mean, log_variance = model.encoder(levels.float() / 127.5 - 1).chunk(2, dim=1)
        q = Normal(mean, (log_variance / 2).exp())
        log_q = q.log_prob(draws.latents).flatten(2).sum(2)
        log_p = Normal(0.0, 1.0).log_prob(draws.latents).flatten(2).sum(2)
        z = (draws.latents - mean) / (log_variance / 2).exp()
        assert stats.kstest(z.flatten().numpy(), "norm").pvalue > 1e-4
    torch.testing.assert_close(draws.log_q, log_q, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(draws.log_p, log_p, rtol=1e-4, atol=1e-4)


def test_the_gradient_of_log_q_is_one_hot_less_the_probabilities():
    model, levels = model_of(), pixels(count=1)
    bias = model.encoder.output.bias
    draws = model.draw_posterior(levels, 1)
    (found,) = torch.autograd.grad(draws.log_q.sum(), bias)
    codes = codes_of(model, draws.latents.detach())[0]  # (1, h, w, G)
    one_hot = torch.nn.functional.one_hot(codes, 5).float()
    probabilities = posterior_of_codes(model, levels).softmax(-1)
    wanted = (one_hot - probabilities).sum((0, 1, 2)).flatten()
    torch.testing.assert_close(found, wanted.detach())


@pytest.mark.parametrize("latents", ["categorical", "gaussian"])
def test_samples_have_no_gradient_through_the_encoder_and_codebooks_have_theirs(latents):
    model = model_of(latents)
    draws = model.draw_posterior(pixels(), 3)
    if latents == "gaussian":
        assert not draws.latents.requires_grad
        return
    weights = [model.codebook, *model.encoder.parameters()]
    gradients = torch.autograd.grad(draws.latents.sum(), weights, allow_unused=True)
    assert gradients[0] is not None
    assert all(gradient is None for gradient in gradients[1:])


@pytest.mark.parametrize("latents", ["categorical", "gaussian"])
def test_chunks_of_samples_change_neither_losses_nor_gradients(latents):
    levels, found = pixels(), []
    for chunk in (1, 4, 6, 100):
        model = model_of(latents, chunk=chunk)
        torch.manual_seed(3)
        losses = model.losses(levels)
        losses["loss"].backward()
        found.append([losses["nll"], *(p.grad for p in model.parameters())])
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("latents", ["categorical", "gaussian"])
def test_the_loss_is_vimco_s_and_the_bound_that_of_its_samples(latents):
    model, levels = model_of(latents), pixels()
    torch.manual_seed(3)
    losses = model.losses(levels)
    torch.manual_seed(3)
    draws = model.draw_posterior(levels, 6)
    nats = torch.stack([model.decoder.nll(levels, z).nats for z in draws.latents])
    log_w = draws.log_p - nats - draws.log_q
    surrogate, bound = vimco(log_w, draws.log_q)
    assert losses["loss"].item() == pytest.approx(-surrogate.mean().item() / 192, rel=1e-4)
    assert losses["nll"].item() == pytest.approx(-bound.mean().item() / 192, rel=1e-4)
    torch.manual_seed(3)
    torch.testing.assert_close(model.log_weights(levels, 6), log_w, rtol=1e-4, atol=1e-3)
    losses["loss"].backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad.abs().max() > 0, name


@torch.no_grad()
def test_many_samples_lie_between_the_bound_of_one_and_the_sum_over_all_codes():
    """One place of two groups of 5: 25 pictures of latents in all."""
    model, levels = model_of(chunk=1000), pixels(count=1, side=4)
    with torch.no_grad():
        model.encoder.output.weight.div_(20)  # a posterior that reaches all of them
    first, second = torch.cartesian_prod(torch.arange(5), torch.arange(5)).t()
    latents = torch.cat([model.codebook[0][first], model.codebook[1][second]], 1)[..., None, None]
    nats = model.decoder.nll(levels.expand(25, -1, -1, -1), latents).nats.double()
    log_q = posterior_of_codes(model, levels).double().log_softmax(-1)[0, 0, 0]
    log_q = log_q[0][first] + log_q[1][second]
    log_joint = -nats - math.log(25)
    log_p = log_joint.logsumexp(0).item()
    elbo = (log_q.exp() * (log_joint - log_q)).sum().item()
    torch.manual_seed(0)
    log_w = model.log_weights(levels, 3000)[:, 0].double()
    error = log_w.std().item() / math.sqrt(3000)
    assert log_w.mean().item() == pytest.approx(elbo, abs=4 * error)
    fifty = torch.stack([importance_bound(part) for part in log_w.split(50)]).mean().item()
    assert elbo + 4 * error < fifty < log_p + 4 * error
    bounds = model.bound(levels.expand(3000, -1, -1, -1))
    assert -bounds.nats.mean().item() == pytest.approx(elbo, abs=6 * error)


def test_an_encoder_that_gives_nan_is_told_by_the_loss():
    """What the loop passes over; a draw that failed would end the run."""
    model = model_of()
    with torch.no_grad():
        model.encoder.output.bias[0] = math.nan
    assert model.losses(pixels())["loss"].isnan()


def test_groups_that_do_not_divide_the_latents_are_refused_before_anything_is_built():
    settings = {"model": {"kind": "vimco", "dim": 7, "groups": 2}}
    with pytest.raises(InputError, match=r"a\.yaml: .*dim 7 is no multiple of groups 2"):
        parse_config(settings, TrainPictureModel, "a.yaml")
    settings["model"]["latents"] = "gaussian"  # which has no groups
    assert parse_config(settings, TrainPictureModel, "a.yaml").model.dim == 7
