"""Section 3.2 on a toy small enough to sum over all of its codes: what the bound gives away.

Four sounds follow one another as a Markov chain; each is a pattern of five bits, of which each is
flipped now and then. A VQ-VAE learns codes of a frame of five bits, a prior learns the chain, and
log p(x) = log sum over z of p(x | z) p(z) is summed over all K^N codes, exactly. The truth is known
as well: the same sum with the chain and the patterns themselves.

B examples, N frames, T = 5 N bits, Z = K^N code sequences.
"""

import itertools
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from vqspeech.config.schema import SpeechPriorSettings
from vqspeech.models.prior import CodeFormat, SpeechPrior
from vqspeech.models.vqvae import VQVAE, Likelihood
from vqspeech.nn.encoder import StridedEncoder
from vqspeech.nn.quantizer import VectorQuantizer
from vqspeech.nn.wavenet import WaveNet

PATTERNS = torch.tensor([[0, 0, 0, 0, 0], [1, 1, 1, 0, 0], [0, 0, 1, 1, 1], [1, 1, 0, 1, 1]])
FOLLOWS = torch.full((4, 4), 0.1) + 0.6 * torch.eye(4).roll(1, 1)
FLIPPED, HOP, K, N = 0.01, 5, 4, 4
BITS = math.log(2)  # nats of one


class ToyDecoder(nn.Module):
    """p(bits | latents): a WaveNet of two classes, as the speech decoder is one of 256."""

    def __init__(self):
        super().__init__()
        sizes = dict(residual_channels=8, gate_channels=16, skip_channels=16, head_channels=16)
        self.wavenet = WaveNet(2, layers=2, local_channels=4, hop=HOP, **sizes)

    def nll(self, target, latents, condition=None, lengths=None):
        logits = self.wavenet(target, latents)
        nats = F.cross_entropy(logits, target, reduction="none").sum(1)
        return Likelihood(nats, target.new_full((len(target),), target.shape[1]))


class Toy:
    """A VQ-VAE with its prior, as they are before and after training."""

    def __init__(self, seed):
        torch.manual_seed(seed)
        quantizer = VectorQuantizer(K, 4, codebook_update="ema", decay=0.9, restart_below=0.1)
        self.vqvae = VQVAE(
            StridedEncoder(1, 16, 4, [HOP], residual_blocks=0), quantizer, ToyDecoder()
        )
        settings = SpeechPriorSettings(
            layers=3,
            residual_channels=8,
            gate_channels=16,
            skip_channels=16,
            head_channels=16,
        )
        self.prior = SpeechPrior(settings, CodeFormat(K, 1, HOP, HOP, "toy"))

    def train(self, bits, steps=150, batch=64):
        vqvae, prior = self.vqvae, self.prior
        with torch.no_grad():
            vqvae.quantizer.initialize(vqvae.encode(waveform(bits[:1000])), torch.Generator())

        def fit(model, loss, done=lambda result: None):
            optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
            schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
            for step in range(steps):
                result, value = loss(bits[step * batch : (step + 1) * batch])
                optimizer.zero_grad()
                value.backward()
                optimizer.step()
                schedule.step()
                done(result)

        def vqvae_loss(x):
            output = vqvae(waveform(x), x)
            return output, vqvae.losses(output)["loss"]

        def prior_loss(x):
            with torch.no_grad():
                codes = vqvae.codes(waveform(x))
            score = prior.nll(codes, torch.zeros(len(codes)).long())
            return score, score.nats_per_element

        fit(vqvae, vqvae_loss, vqvae.update_codebook)
        fit(prior, prior_loss)
        return self

    @torch.no_grad()
    def bound(self, bits, codes):
        """(B,) log p(x | z) + log p(z) of the codes (B, N) given for each x."""
        decoder = self.vqvae.decoder.nll(bits, self.vqvae.latents(codes)).nats
        return -(decoder + self.prior.nll(codes, torch.zeros(len(codes)).long()).nats).double()

    @torch.no_grad()
    def joint(self, bits):
        """(B, Z) log p(x | z) + log p(z) of every sequence of codes, and the codes (Z, N)."""
        codes = all_sequences(K, bits.shape[1] // HOP)
        latents = self.vqvae.latents(codes)  # (Z, D, N)
        rows = []
        for x in bits.split(32):
            pairs = x.repeat_interleave(len(codes), 0), latents.repeat(len(x), 1, 1)
            rows.append(self.vqvae.decoder.nll(*pairs).nats)
        prior = self.prior.nll(codes, torch.zeros(len(codes)).long()).nats
        return -(torch.cat(rows).view(len(bits), -1) + prior).double(), codes


def all_sequences(values, length):
    return torch.tensor(list(itertools.product(range(values), repeat=length)))


def waveform(bits):
    return bits[:, None].float() * 2 - 1  # (B, 1, T)


def draw(count, seed, frames=N):
    """Bits (count, T) of the toy."""
    generator = torch.Generator().manual_seed(seed)
    sounds = [torch.randint(4, (count,), generator=generator)]
    while len(sounds) < frames:
        sounds.append(torch.multinomial(FOLLOWS[sounds[-1]], 1, generator=generator)[:, 0])
    bits = PATTERNS[torch.stack(sounds, 1)].flatten(1)
    return bits ^ (torch.rand(bits.shape, generator=generator) < FLIPPED).long()


def true_log_p(bits):
    """(B,) log p(x), summed over all sequences of sounds."""
    sounds = all_sequences(4, bits.shape[1] // HOP)  # (Z, N)
    flips = (bits[:, None] != PATTERNS[sounds].flatten(1)).sum(2).double()  # (B, Z)
    chain = math.log(1 / 4) + FOLLOWS.double().log()[sounds[:, :-1], sounds[:, 1:]].sum(1)
    kept = bits.shape[1] - flips
    return (chain + flips * math.log(FLIPPED) + kept * math.log(1 - FLIPPED)).logsumexp(1)


def gaps(toy, bits, *choices):
    """(B,) bits of each x by which log p(x | z) + log p(z) falls short of log p(x), a choice."""
    whole = toy.joint(bits)[0].logsumexp(1)
    return [(whole - toy.bound(bits, codes)) / BITS for codes in choices]


@pytest.fixture(scope="module")
def trained():
    return Toy(seed=0).train(draw(150 * 64, seed=1))


@pytest.fixture(scope="module")
def heldout():
    return draw(48, seed=2)


def chosen(toy, bits):
    with torch.no_grad():
        return toy.vqvae.codes(waveform(bits))


def test_the_bound_holds_for_every_example_and_is_one_term_of_the_sum(trained, heldout):
    joint, sequences = trained.joint(heldout)
    codes = chosen(trained, heldout)
    bound = trained.bound(heldout, codes)
    assert (bound <= joint.logsumexp(1)).all()
    own = (sequences[None] == codes[:, None]).all(2)  # (B, Z)
    assert own.sum(1).tolist() == [1] * len(heldout)
    torch.testing.assert_close(joint[own], bound, rtol=1e-5, atol=1e-5)
    # Any other term is a bound as well, and a term alone falls short of all together.
    assert (joint.amax(1) < joint.logsumexp(1)).all()


def test_what_the_bound_gives_away_is_small_after_training(trained, heldout):
    """Section 3.2: p(x) is almost p(x | z_q(x)) p(z_q(x)) once the decoder has converged."""
    codes, untrained = chosen(trained, heldout), Toy(seed=0)
    after, wrong = gaps(trained, heldout, codes, codes.roll(1, 0))
    (before,) = gaps(untrained, heldout, chosen(untrained, heldout))
    assert after.min() > 0
    assert after.median() < 0.2
    assert after.mean() < 1.2  # what is ambiguous, such as two flips in a frame, costs most of it
    # A decoder that heeds no code makes K^N terms of like size: N log2 K = 8 bits.
    assert before.mean() == pytest.approx(8, abs=1)
    assert wrong.mean() > 20


def test_prior_and_decoder_together_need_hardly_more_bits_than_the_truth(trained, heldout):
    truth = -true_log_p(heldout).mean() / BITS
    # 2 bits of the first sound, 1.36 of each that follows it, 0.081 of each of 20 flips.
    assert truth.item() == pytest.approx(2 + 3 * 1.357 + 20 * 0.0808, abs=0.6)
    joint, _ = trained.joint(heldout)
    learnt = -joint.logsumexp(1).mean() / BITS
    bound = -trained.bound(heldout, chosen(trained, heldout)).mean() / BITS
    # No model needs fewer bits than the truth.
    assert truth < learnt < bound < truth + 3
    # The prior has learnt which sound follows which: it saves most of what the chain does.
    codes = chosen(trained, heldout)
    prior = trained.prior.nll(codes, torch.zeros(len(codes)).long()).nats.mean().item() / BITS
    assert 2 + 3 * 1.357 - 0.5 < prior < 7


def test_the_probabilities_of_all_examples_sum_to_one(trained):
    bits = all_sequences(2, 2 * HOP)  # all 1024 of two frames
    joint, sequences = trained.joint(bits)
    assert joint.shape == (1024, 16) == (len(bits), len(sequences))
    assert joint.exp().sum().item() == pytest.approx(1, abs=1e-4)
    assert true_log_p(bits).exp().sum().item() == pytest.approx(1, abs=1e-6)
    # Of each code sequence too, so that p(z) is what is left when x is summed over.
    prior = trained.prior.nll(sequences, torch.zeros(16).long()).nats.neg().exp().double()
    torch.testing.assert_close(joint.exp().sum(0), prior, rtol=1e-4, atol=1e-6)
