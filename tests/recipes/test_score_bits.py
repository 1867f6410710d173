"""What each system is charged for a held-out picture."""

import math

import numpy as np
import pytest
import torch
from small_pictures import SMALL_NETWORK, build_prior, build_vqvae, noise

from recipes.frames.batches import as_tensor
from recipes.frames.code_map import CodeMap
from recipes.frames.pictures import PictureSet
from recipes.images import score_bits
from recipes.images.models import build_model
from recipes.images.score_bits import histogram_bits, score_systems
from recipes.images.settings import VAESettings, VIMCOSettings

MODELS = {
    "VAE": VAESettings(network=SMALL_NETWORK, latent_channels=2),
    "VIMCO": VIMCOSettings(network=SMALL_NETWORK, num_codes=4, dim=4, groups=2),
    "VIMCO, Gaussian latents": VIMCOSettings(network=SMALL_NETWORK, latents="gaussian", dim=2),
}


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(score_bits, "BATCH", 4)


def test_codes_of_a_vqvae_cost_log_k_each_or_what_the_prior_says():
    vqvae, pictures = build_vqvae(groups=2), noise(6, 8)
    prior = build_prior(CodeMap(8, 2, 2, 2, "hash"))
    found = score_systems(vqvae, pictures, prior=prior)
    uniform, learnt = found["VQ-VAE, uniform prior"], found["VQ-VAE, learnt prior"]
    pixels = as_tensor(pictures.pixels)
    with torch.no_grad():
        distortion = vqvae.score(pixels).likelihood.nats.double().numpy()
        rate = -prior.log_prior(vqvae.codes_of(pixels)).double().numpy()
    np.testing.assert_allclose(uniform.rate, 2 * 2 * 2 * math.log(8))
    np.testing.assert_allclose(uniform.nats, distortion + uniform.rate, rtol=1e-6)
    np.testing.assert_allclose(learnt.rate, rate, rtol=1e-5)
    np.testing.assert_allclose(learnt.nats, distortion + rate, rtol=1e-6)
    assert list(score_systems(vqvae, pictures)) == ["VQ-VAE, uniform prior"]


@pytest.mark.parametrize("name", MODELS)
def test_with_many_samples_the_bound_is_tighter_than_with_one_and_a_seed_gives_it_again(
    name, monkeypatch
):
    monkeypatch.setattr(score_bits, "REPEATS", 50)  # draws, so that chance decides nothing
    torch.manual_seed(0)
    model, pictures = build_model(MODELS[name]).eval(), noise(6, 8)
    with torch.no_grad():
        model.decoder.upsample[-1].weight.mul_(
            30
        )  # samples of the latents differ in what they explain
    state = torch.get_rng_state()
    found = score_systems(model, pictures, samples=50, seed=1)
    assert torch.equal(torch.get_rng_state(), state)
    one, many = (
        ("VAE", "VAE, importance-weighted, 50 samples")
        if name == "VAE"
        else (f"{name}, 1 sample", f"{name}, 50 samples")
    )
    assert set(found) == {one, many}
    assert found[many].nats.mean() < found[one].nats.mean() - 0.1
    assert found[many].rate is None
    assert (found[one].rate < found[one].nats).all()
    assert 1 <= found[many].facts["effective_samples"] <= 50
    again = score_systems(model, pictures, samples=50, seed=1)
    assert np.array_equal(again[many].nats, found[many].nats)
    assert np.array_equal(again[one].nats, found[one].nats)


def test_the_rate_of_a_vae_is_its_divergence_from_the_prior_in_closed_form():
    torch.manual_seed(0)
    model, pictures = build_model(MODELS["VAE"]).eval(), noise(3, 8)
    with torch.no_grad():
        mean, log_variance = model.posterior(as_tensor(pictures.pixels))
    own = torch.distributions.Normal(mean.double(), (log_variance.double() / 2).exp())
    wanted = torch.distributions.kl_divergence(own, torch.distributions.Normal(0.0, 1.0))
    found = score_systems(model, pictures, samples=2)["VAE"].rate
    np.testing.assert_allclose(found, wanted.flatten(1).sum(1), rtol=1e-4)


def test_levels_as_they_come_cost_the_entropy_of_their_colours():
    pixels = np.zeros((1, 2, 2, 3), np.uint8)
    pixels[..., 1] = [[0, 0], [255, 255]]  # one bit
    pixels[..., 2] = [[1, 2], [3, 4]]  # two
    assert histogram_bits(PictureSet(pixels, np.zeros(1), None, ("a",))) == pytest.approx(1)
