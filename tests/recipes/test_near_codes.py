"""What near codes add to the bound, on VQ-VAEs small enough to sum over all of their codes."""

import itertools
import math

import pytest
import torch
from torch import nn

from recipes.frames.likelihoods import build_likelihood
from recipes.images.near_codes import nearest_others, neighbour_gain, uniform_log_prior
from vqspeech.models.vqvae import VQVAE, Likelihood
from vqspeech.nn.quantizer import VectorQuantizer

K = 4


class ToyDecoder(nn.Module):
    """p(pixels | latents): two pixels a side for each latent, with shared scales."""

    def __init__(self, dim):
        super().__init__()
        self.up = nn.ConvTranspose2d(dim, 3, 2, stride=2)
        self.head = build_likelihood("logistic", "channel")
        self.batches = []

    def nll(self, target, latents, condition=None, lengths=None):
        self.batches.append(len(target))
        nats = self.head.nats(self.up(latents), target).sum((1, 2, 3))
        return Likelihood(nats, target.new_full((len(target),), target[0].numel()))


def toy(groups=1):
    torch.manual_seed(0)
    dim = 2 * groups
    quantizer = VectorQuantizer(K, dim, groups=groups, initial_scale=1.0)
    return VQVAE(nn.Conv2d(3, dim, 2, stride=2), quantizer, ToyDecoder(dim))


def pictures(height, width):
    generator = torch.Generator().manual_seed(1)
    return torch.randint(256, (5, 3, 2 * height, 2 * width), generator=generator).to(torch.uint8)


def uneven_log_prior(codes):
    """Codes are not alike, and neighbours depend on one another: normalised over all maps."""
    log_p = torch.log_softmax(torch.randn(K**2, generator=torch.Generator().manual_seed(2)), 0)
    first, second = codes.flatten(1).t()
    return log_p[first * K + second]


@torch.no_grad()
def exact_log_p(vqvae, pixels, shape, log_prior):
    """log of the sum over all code maps of a shape: (B,)."""
    number = math.prod(shape)
    maps = torch.tensor(list(itertools.product(range(K), repeat=number))).view(-1, *shape)
    latents = vqvae.latents(maps)
    log_joint = [
        log_prior(maps) - vqvae.decoder.nll(one.expand(len(maps), -1, -1, -1), latents).nats
        for one in pixels
    ]
    return torch.stack(log_joint).double().logsumexp(1)


def test_a_single_latent_with_all_codes_as_neighbours_gives_log_p_itself():
    vqvae, pixels, prior = toy(), pictures(1, 1), uniform_log_prior(K)
    gain = neighbour_gain(vqvae, pixels, prior, neighbours=K - 1)
    exact = exact_log_p(vqvae, pixels, (1, 1), prior)
    torch.testing.assert_close(gain.enlarged, exact, atol=1e-5, rtol=0)
    assert (gain.enlarged > gain.base).all()
    assert gain.evaluations == K


@pytest.mark.parametrize(("groups", "height", "shape"), [(1, 2, (2, 1)), (2, 1, (1, 1, 2))])
@pytest.mark.parametrize("log_prior", [uniform_log_prior(K), uneven_log_prior])
def test_more_neighbours_bring_the_bound_closer_and_never_above_log_p(
    groups, height, shape, log_prior
):
    vqvae, pixels = toy(groups), pictures(height, 1)
    exact = exact_log_p(vqvae, pixels, shape, log_prior)
    bounds = [neighbour_gain(vqvae, pixels, log_prior, neighbours=n).enlarged for n in range(1, K)]
    base = neighbour_gain(vqvae, pixels, log_prior).base
    assert (torch.stack([base, *bounds, exact]).diff(dim=0) >= 0).all()


@pytest.mark.parametrize(("groups", "height"), [(1, 2), (2, 1)])
def test_the_base_is_what_the_model_itself_scores(groups, height):
    vqvae, pixels = toy(groups), pictures(height, 1)
    gain = neighbour_gain(vqvae, pixels, uneven_log_prior)
    with torch.no_grad():
        output = vqvae(pixels / 127.5 - 1, pixels)
    wanted = uneven_log_prior(output.quantized.codes) - output.likelihood.nats
    torch.testing.assert_close(gain.base, wanted.double(), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("groups", "height", "shape"), [(1, 2, (2, 1)), (2, 1, (1, 1, 2))])
def test_the_sum_is_over_the_codes_and_each_single_replacement_once(groups, height, shape):
    vqvae, pixels = toy(groups), pictures(height, 1)
    codes = vqvae.codes(pixels / 127.5 - 1)  # (B, h, w) or (B, h, w, G)
    gain = neighbour_gain(vqvae, pixels, uneven_log_prior, neighbours=K - 1)
    for i, own in enumerate(codes):
        near = {tuple(own.flatten().tolist())}
        for place, code in itertools.product(range(2), range(K)):
            changed = own.flatten().tolist()
            changed[place] = code
            near.add(tuple(changed))
        maps = torch.tensor(sorted(near)).view(-1, *shape)
        assert len(maps) == gain.evaluations == 7
        with torch.no_grad():
            nats = vqvae.decoder.nll(pixels[[i] * 7], vqvae.latents(maps)).nats
        wanted = torch.logsumexp(uneven_log_prior(maps).double() - nats, 0)
        assert gain.enlarged[i].item() == pytest.approx(wanted.item(), abs=1e-5)


def test_chunks_bound_the_decoders_batch_and_change_nothing():
    vqvae, pixels = toy(), pictures(2, 3)
    prior = uniform_log_prior(K)
    whole = neighbour_gain(vqvae, pixels, prior, chunk=1000)
    vqvae.decoder.batches.clear()
    parts = neighbour_gain(vqvae, pixels, prior, chunk=9)
    torch.testing.assert_close(parts.enlarged, whole.enlarged)
    assert vqvae.decoder.batches == [9] * 7 + [2]  # 5 pictures x (1 + 6 latents x 2)


def test_the_gain_is_in_bits():
    gain = neighbour_gain(toy(), pictures(2, 1), uniform_log_prior(K))
    torch.testing.assert_close(gain.bits, (gain.enlarged - gain.base) / math.log(2))
    torch.testing.assert_close(gain.bits_per_dimension, gain.bits / (3 * 4 * 2))


def test_neighbours_are_the_nearest_by_sorting_all_distances():
    generator = torch.Generator().manual_seed(3)
    encoded = torch.randn(2, 3, 2, 4, generator=generator)
    codebook = torch.randn(2, 6, 2, generator=generator)  # 2 groups
    distances = (encoded.view(2, 6, 2, 1, 2) - codebook).square().sum(-1)  # (B, sites, G, K)
    order = distances.argsort(-1)
    found = nearest_others(encoded, order[..., 0].view(2, 3, 2, 2), codebook, 3)
    assert torch.equal(found, order[..., 1:4].reshape(2, 12, 3))


def test_no_more_neighbours_than_other_codes_can_be_asked_for():
    for count in (0, K):
        with pytest.raises(ValueError, match=f"{count} neighbours of 4 codes; 1 to 3 are there"):
            neighbour_gain(toy(), pictures(1, 1), uniform_log_prior(K), neighbours=count)
