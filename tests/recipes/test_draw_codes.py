"""Codes that are drawn: those of the core's sampler, whatever their number."""

import pytest
import torch
from small_pictures import build_prior, small_second_stage

from recipes.frames.code_map import CodeMap
from recipes.images import draw
from recipes.images.draw import draw_codes, draw_from_latents
from recipes.images.second_stage import SecondStage
from vqspeech.generation.pixelcnn_sampling import map_uniforms, sample_pixelcnn


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(draw, "BATCH", 2)


def test_the_first_maps_are_the_same_whatever_their_number_and_those_of_the_sampler():
    prior = build_prior(CodeMap(8, 2, 3, 2, "hash"))
    five = draw_codes(prior, 5, seed=3)
    assert five.shape == (5, 3, 2, 2)
    assert torch.equal(draw_codes(prior, 3, seed=3), five[:3])
    directly = sample_pixelcnn(
        prior.pixelcnn, map_uniforms(3, range(5), 3, 4), None, prior.turns(5)
    )
    assert torch.equal(prior.as_map(five), directly)
    assert len(torch.unique(five, dim=0)) == 5
    assert not torch.equal(draw_codes(prior, 5, seed=4), five)


def test_each_map_is_of_its_class():
    prior = build_prior(CodeMap(8, 1, 3, 3, "hash"), ["cat", "dog"])
    cats, dogs = (draw_codes(prior, 3, classes=[number] * 3) for number in (0, 1))
    assert not torch.equal(cats, dogs)
    mixed = draw_codes(prior, 3, classes=[0, 0, 1])
    assert torch.equal(mixed, torch.cat([cats[:2], dogs[2:]]))
    for wrong in (None, [0, 1], [0, 1, 2]):
        with pytest.raises(ValueError, match="classes"):
            draw_codes(prior, 3, classes=wrong)


def test_at_temperature_0_every_map_is_the_likeliest_code_after_code():
    prior = build_prior(CodeMap(8, 1, 2, 2, "hash"))
    codes = draw_codes(prior, 2, temperature=0)
    assert torch.equal(codes[0], codes[1])
    with torch.no_grad():
        assert torch.equal(prior.pixelcnn(codes).argmax(1), codes)


def test_what_is_made_up_depends_on_the_latents_and_on_the_seed():
    torch.manual_seed(0)
    stage = SecondStage(small_second_stage(), CodeMap(8, 1, 3, 4, "hash"), torch.randn(8, 4)).eval()
    with torch.no_grad():
        stage.quantizer.codebook.mul_(50)
        stage.decoder.pixelcnn.head[-1].weight.mul_(20)
    latents = torch.tensor([[0, 0, 0], [0, 0, 1], [1, 2, 3]])[:, None, None]  # (B, 1, 1, G)
    drawn = draw_from_latents(stage, latents)
    assert drawn.shape == (3, 3, 4)
    with torch.no_grad():
        spatial = stage.decoder.condition(stage.latents(latents))
    uniforms = map_uniforms(0, range(3), 3, 4)
    directly = sample_pixelcnn(stage.decoder.pixelcnn, uniforms, spatial=spatial)
    assert torch.equal(drawn, directly)
    assert not torch.equal(draw_from_latents(stage, latents, seed=1), drawn)
    assert not torch.equal(draw_from_latents(stage, latents.flip(0)), drawn)
    alike = draw_from_latents(stage, latents[[1, 1, 1]])[1]
    assert torch.equal(alike, drawn[1])  # the place in a batch decides of the numbers alone
