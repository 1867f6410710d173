"""VIMCO against sums over all that can be drawn, and the memory of its decoder passes."""

import itertools
import math
import weakref

import pytest
import torch
from torch import nn
from torch.distributions import Categorical, Normal, kl_divergence
from torch.utils._python_dispatch import TorchDispatchMode

from recipes.images.vimco import (
    gaussian_kl,
    gaussian_log_density,
    importance_bound,
    in_chunks,
    vimco,
    weight_spread,
)


class Discrete:
    """A picture with N latents of K codes: q, prior and decoder are free tables, in float64."""

    def __init__(self, latents, codes, seed=0):
        generator = torch.Generator().manual_seed(seed)

        def table(*shape):
            values = torch.randn(*shape, generator=generator, dtype=torch.float64)
            return values.requires_grad_()

        self.encoder, self.prior = table(latents, codes), table(latents, codes)
        self.decoder = table(*[codes] * latents)  # log p(x | z), up to a constant
        self.parameters = (self.encoder, self.prior, self.decoder)
        self.latents, self.codes = latents, codes

    def score(self, z):
        """log w and log q of latents (..., N)."""
        place = torch.arange(self.latents)
        log_q = self.encoder.log_softmax(1)[place, z].sum(-1)
        log_prior = self.prior.log_softmax(1)[place, z].sum(-1)
        return self.decoder[z.unbind(-1)] + log_prior - log_q, log_q

    def all_draws(self, samples):
        """(S, Z, N): every set of S samples that can be drawn, each as one picture."""
        one = list(itertools.product(range(self.codes), repeat=self.latents))
        return torch.tensor(list(itertools.product(one, repeat=samples))).transpose(0, 1)


@pytest.mark.parametrize(("latents", "codes", "samples"), [(1, 4, 3), (1, 4, 2), (2, 3, 3)])
def test_the_expected_gradient_is_that_of_the_sum_over_all_draws(latents, codes, samples):
    model = Discrete(latents, codes)
    draws = model.all_draws(samples)
    assert draws.shape[1] == codes ** (latents * samples)
    log_w, log_q = model.score(draws)  # (S, Z)
    probability = log_q.sum(0).exp()
    assert probability.sum().item() == pytest.approx(1, abs=1e-12)
    exact = (probability * (log_w.exp().mean(0)).log()).sum()
    wanted = torch.autograd.grad(exact, model.parameters, retain_graph=True)
    surrogate, bound = vimco(log_w, log_q)
    found = torch.autograd.grad((probability.detach() * surrogate).sum(), model.parameters)
    assert (probability * bound).sum().item() == pytest.approx(exact.item(), abs=1e-12)
    for one, other in zip(found, wanted, strict=True):
        assert other.abs().max() > 1e-2
        assert (one - other).abs().max() < 1e-12


def test_the_signal_is_one_number_a_picture_whatever_its_latents():
    model = Discrete(latents=2, codes=3)
    log_w, log_q = model.score(model.all_draws(2)[:, :5])
    surrogate, bound = vimco(log_w, log_q)
    (signal,) = torch.autograd.grad((surrogate - bound).sum(), log_q)
    for picture, (first, second) in enumerate(log_w.t().tolist()):
        together = math.log((math.exp(first) + math.exp(second)) / 2)
        wanted = [together - second, together - first]  # without one of two, the other stands twice
        assert signal[:, picture].tolist() == pytest.approx(wanted)


def test_continuous_latents_that_are_not_reparameterised_have_the_gradient_of_the_integral():
    grid = torch.linspace(-9, 9, 361, dtype=torch.float64)
    start = torch.tensor([0.4, -0.3, 0.8], dtype=torch.float64)  # q's mean and log sd; p's slope

    def score(given):
        mean, log_scale, slope = given
        log_q = Normal(mean, log_scale.exp()).log_prob(grid)
        log_likelihood = Normal(torch.tanh(slope * grid), 0.5).log_prob(torch.tensor(0.7))
        return log_likelihood + Normal(0.0, 1.0).log_prob(grid) - log_q, log_q

    def pairs(values):
        """(2, Z): both samples on all points of the grid."""
        return torch.cartesian_prod(values, values).t()

    def integrated_bound(given):
        log_w, log_q = score(given)
        mass = (pairs(log_q).sum(0)).exp() * (grid[1] - grid[0]) ** 2
        return (mass * importance_bound(pairs(log_w))).sum()

    given = start.clone().requires_grad_()
    log_w, log_q = score(given)
    mass = pairs(log_q).sum(0).exp().detach() * (grid[1] - grid[0]) ** 2
    assert mass.sum().item() == pytest.approx(1, abs=1e-12)
    surrogate, _ = vimco(pairs(log_w), pairs(log_q))
    (found,) = torch.autograd.grad((mass * surrogate).sum(), given)
    for i, shift in enumerate(1e-4 * torch.eye(3, dtype=torch.float64)):
        rise = integrated_bound(start + shift) - integrated_bound(start - shift)
        assert found[i].item() == pytest.approx(rise.item() / 2e-4, abs=1e-7)


def test_fifty_samples_bound_log_p_more_tightly_than_one():
    model = Discrete(latents=1, codes=3)
    log_w, log_q = model.score(torch.arange(3)[:, None])
    log_w, log_q = log_w.detach(), log_q.detach()
    log_p = torch.logsumexp(log_w + log_q, 0).item()

    def expected_bound(samples):
        # Only how often each of the three codes is drawn counts: a sum over the multinomial.
        total = 0.0
        for a in range(samples + 1):
            for b in range(samples + 1 - a):
                counts = (a, b, samples - a - b)
                ways = math.lgamma(samples + 1) - sum(math.lgamma(n + 1) for n in counts)
                chance = math.exp(ways + sum(n * q for n, q in zip(counts, log_q, strict=True)))
                drawn = torch.repeat_interleave(log_w, torch.tensor(counts))
                total += chance * importance_bound(drawn).item()
        return total

    one, five, fifty = map(expected_bound, (1, 5, 50))
    assert one == pytest.approx((log_q.exp() * log_w).sum().item())  # the evidence lower bound
    assert one < five < fifty < log_p
    assert log_p - fifty < 0.1 * (log_p - one)


def test_weights_far_below_what_a_float_can_hold_are_compared_all_the_same():
    log_w = torch.tensor([[-10_000.0, -1.0], [-10_020.0, 3.0], [-13_000.0, 0.0]])
    log_q = torch.zeros(3, 2, requires_grad=True)
    surrogate, bound = vimco(log_w, log_q)
    assert bound[0].item() == pytest.approx(-10_000 - math.log(3), abs=2e-3)
    surrogate.sum().backward()
    assert log_q.grad.isfinite().all()
    assert log_q.grad[0, 0].item() == pytest.approx(20, abs=2e-3)  # the others: e^-10020


@pytest.mark.parametrize("shapes", [((1, 4), (1, 4)), ((3, 4), (3, 1))])
def test_a_single_sample_or_other_shapes_are_refused(shapes):
    with pytest.raises(ValueError, match="2 samples or more"):
        vimco(*map(torch.zeros, shapes))


class LiveMemory(TorchDispatchMode):
    """Counts the bytes of tensors that operations made and that are still alive."""

    def __init__(self):
        super().__init__()
        self.bytes, self.peak, self.seen = 0, 0, weakref.WeakSet()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        for tensor in made if isinstance(made, (tuple, list)) else [made]:
            if isinstance(tensor, torch.Tensor):
                storage = tensor.untyped_storage()
                if storage not in self.seen:
                    self.seen.add(storage)
                    self.bytes += storage.nbytes()
                    self.peak = max(self.peak, self.bytes)
                    weakref.finalize(storage, self.free, storage.nbytes())
        return made

    def free(self, size):
        self.bytes -= size


def bound_gradients_and_peak(samples, chunk):
    torch.manual_seed(0)
    decoder = nn.Sequential(nn.Linear(4, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU())
    z, log_q = torch.randn(samples, 8, 4), torch.randn(samples, 8, requires_grad=True)

    def log_weight(latents, log_q):
        return -decoder(latents).square().mean(-1) - log_q

    with LiveMemory() as memory:
        if chunk is None:
            log_w = log_weight(z, log_q)
        else:
            log_w = in_chunks(log_weight, z, log_q, chunk=chunk)
        bound = importance_bound(log_w)
        bound.sum().backward()
    return [bound, log_q.grad, *(p.grad for p in decoder.parameters())], memory.peak


def test_chunks_change_no_value_and_no_gradient():
    whole, _ = bound_gradients_and_peak(20, None)
    for chunk in (1, 7, 20, 100):
        parts, _ = bound_gradients_and_peak(20, chunk)
        for one, other in zip(parts, whole, strict=True):
            torch.testing.assert_close(one, other)


def test_chunks_hold_one_of_their_passes_in_memory():
    _, whole = bound_gradients_and_peak(500, None)
    _, halves = bound_gradients_and_peak(500, 250)
    _, parts = bound_gradients_and_peak(500, 25)
    assert halves < 0.55 * whole
    assert parts < 0.1 * whole


def test_random_numbers_of_a_chunk_are_the_same_when_it_is_computed_again():
    torch.manual_seed(0)
    x = torch.randn(6, 3, dtype=torch.float64, requires_grad=True)
    masked = in_chunks(lambda part: nn.functional.dropout(part, 0.5), x, chunk=2)
    (gradient,) = torch.autograd.grad(masked.sum(), x)
    assert torch.equal(gradient * x, masked)


def test_effective_samples_run_from_one_to_all():
    log_w = torch.tensor([[0.0, 0.0, 5.0], [0.0, -1e4, 5.0], [0.0, -2e4, -1e4]])
    spread = weight_spread(log_w - 5e4)
    assert spread.effective_samples.tolist() == pytest.approx([3, 1, 2])
    assert spread.log_largest_share.exp().tolist() == pytest.approx([1 / 3, 1, 1 / 2])


def test_the_divergence_from_a_unit_gaussian_is_that_of_torch():
    mean, log_variance = torch.randn(2, 4, 5, 3, dtype=torch.float64) * 3
    wanted = kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(gaussian_kl(mean, log_variance), wanted)


def test_the_density_of_a_gaussian_is_that_of_torch():
    z, mean, log_variance = torch.randn(3, 4, 5, dtype=torch.float64) * 3
    wanted = Normal(mean, (log_variance / 2).exp()).log_prob(z)
    torch.testing.assert_close(gaussian_log_density(z, mean, log_variance), wanted)
    torch.testing.assert_close(gaussian_log_density(z), Normal(0.0, 1.0).log_prob(z))


def test_the_divergence_is_not_negative_where_posterior_and_prior_meet():
    log_variance = torch.linspace(-1e-3, 1e-3, 201)
    found = gaussian_kl(torch.zeros(201), log_variance)
    assert (found >= 0).all()
    torch.testing.assert_close(found, log_variance.square() / 4, atol=1e-10, rtol=0)


def test_the_bound_of_many_categorical_samples_nears_log_p():
    torch.manual_seed(0)
    model = Discrete(latents=2, codes=4)
    with torch.no_grad():
        exact = model.score(torch.tensor(list(itertools.product(range(4), repeat=2))))
        log_p = torch.logsumexp(sum(exact), 0)
        z = Categorical(logits=model.encoder).sample((20_000,))
        bound = importance_bound(model.score(z)[0])
    assert bound.item() == pytest.approx(log_p.item(), abs=0.05)
