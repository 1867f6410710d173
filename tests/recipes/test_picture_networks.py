"""The networks of section 4.1: sizes, what depends on what, and the likelihood of pictures."""

import pytest
import torch

from recipes.frames.convolutions import PictureDecoder, PictureEncoder, prepare
from recipes.frames.likelihoods import build_likelihood


def pixels(count=2, height=16, width=24):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (count, 3, height, width), generator=generator).to(torch.uint8)


def decoder(kind="logistic", dim=5):
    torch.manual_seed(0)
    return PictureDecoder(dim, 8, build_likelihood(kind))


def test_levels_become_numbers_from_minus_one_to_one():
    assert prepare(torch.tensor([0, 255], dtype=torch.uint8)).tolist() == [-1.0, 1.0]


def test_a_latent_stands_for_every_four_by_four_pixels():
    encoder = PictureEncoder(8, 5)
    assert encoder(prepare(pixels())).shape == (2, 5, 4, 6)
    assert decoder().mean(torch.zeros(2, 5, 4, 6)).shape == (2, 3, 16, 24)


def test_the_paper_s_sizes_give_its_number_of_weights():
    """Convolutions counted by hand: two 4 x 4, two blocks of 3 x 3 and 1 x 1, one 1 x 1."""
    channels = 256
    encoder = PictureEncoder(channels, 64)
    block = (9 * channels + 1) * channels + (channels + 1) * channels
    wanted = (16 * 3 + 1) * channels + (16 * channels + 1) * channels + 2 * block
    wanted += (channels + 1) * 64
    assert sum(p.numel() for p in encoder.parameters()) == wanted


@pytest.mark.parametrize("shape", [(1, 3, 15, 16), (1, 3, 16, 18), (1, 1, 16, 16), (3, 16, 16)])
def test_sides_that_cannot_be_halved_twice_and_other_colours_are_refused(shape):
    with pytest.raises(ValueError, match="multiples of 4 is wanted"):
        PictureEncoder(8, 5)(torch.zeros(shape))


def test_a_picture_s_latents_and_likelihood_depend_on_no_other_of_its_batch():
    encoder, head, levels = PictureEncoder(8, 5), decoder(), pixels(3)
    latents = encoder(prepare(levels))
    nll = head.nll(levels, latents).nats
    for i in range(3):
        alone = encoder(prepare(levels[i : i + 1]))
        torch.testing.assert_close(alone, latents[i : i + 1])
        torch.testing.assert_close(head.nll(levels[i : i + 1], alone).nats, nll[i : i + 1])


def test_a_latent_sees_eleven_pixels_beyond_its_own_on_every_side():
    """By hand: 1 at stride 1 and 1 at stride 2 by the 4 x 4 kernels, then 2 at stride 4."""
    encoder = PictureEncoder(8, 1).double()
    x = torch.randn(1, 3, 64, 64, dtype=torch.double, requires_grad=True)
    (gradient,) = torch.autograd.grad(encoder(x)[0, 0, 8, 8], x)
    seen = gradient[0].abs().sum(0).nonzero()
    assert seen.amin(0).tolist() == [32 - 11] * 2
    assert seen.amax(0).tolist() == [35 + 11] * 2


@pytest.mark.parametrize("kind", ["softmax", "logistic", "gaussian"])
def test_the_likelihood_of_a_picture_is_the_sum_of_its_levels_and_counts_them(kind):
    head, levels, latents = decoder(kind), pixels(), torch.randn(2, 5, 4, 6)
    likelihood = head.nll(levels, latents)
    log_p = head.likelihood.log_probabilities(head(latents))  # (B, 3, 256, H, W)
    wanted = -log_p.gather(2, levels.long()[:, :, None]).double().sum((1, 2, 3, 4))
    torch.testing.assert_close(likelihood.nats.double(), wanted, rtol=1e-5, atol=1e-3)
    assert likelihood.elements.tolist() == [3 * 16 * 24] * 2


@pytest.mark.parametrize("kind", ["softmax", "logistic", "gaussian"])
def test_an_untrained_decoder_says_little_more_than_the_likelihood_by_itself(kind):
    """So that the first steps are spent on what pictures have in common."""
    head, levels = decoder(kind), pixels()
    bare = head.likelihood.nats(torch.zeros(2, head.likelihood.channels, 16, 24), levels).mean()
    nll = head.nll(levels, torch.randn(2, 5, 4, 6)).nats_per_element
    assert nll.item() == pytest.approx(bare.item(), abs=0.05)


def test_pictures_have_neither_a_condition_nor_lengths():
    levels, latents = pixels(), torch.zeros(2, 5, 4, 6)
    for given in ({"condition": torch.zeros(2)}, {"lengths": torch.ones(2)}):
        with pytest.raises(ValueError, match="neither a condition nor lengths"):
            decoder().nll(levels, latents, **given)


def test_all_weights_of_encoder_and_decoder_learn():
    encoder, head, levels = PictureEncoder(8, 5), decoder(), pixels()
    head.nll(levels, encoder(prepare(levels))).nats.sum().backward()
    for network in (encoder, head):
        for name, parameter in network.named_parameters():
            assert parameter.grad.abs().max() > 0, name
