"""The second stage: 27 bits that reach every code, and what is refused."""

import re
from pathlib import Path

import pytest
import torch
from small_pictures import save_vqvae, small_second_stage

from recipes.frames.code_map import CodeMap
from recipes.images.second_stage import (
    MapEncoder,
    SecondStage,
    load_second_stage,
    second_stage_config,
    sides,
)
from recipes.images.settings import TrainSecondStage
from vqspeech.checkpoint import save_folder
from vqspeech.config.loader import load_config
from vqspeech.errors import InputError

CONF = Path(__file__).resolve().parents[2] / "recipes" / "images" / "conf"


def build(height=7, width=9, **changes):
    torch.manual_seed(0)
    code_map = CodeMap(8, 1, height, width, "hash")
    return SecondStage(small_second_stage(**changes), code_map, torch.randn(8, 4))


def test_maps_are_halved_and_rounded_up_down_to_three_places():
    assert sides(21, 21) == [(21, 21), (11, 11), (6, 6), (3, 3)]
    assert sides(32, 20) == [(32, 20), (16, 10), (8, 5), (4, 3)]
    assert sides(3, 3) == [(3, 3)]
    for height, width in ((21, 21), (5, 12), (2, 9)):
        code_map = CodeMap(8, 1, height, width, "hash")
        encoder = MapEncoder(2, 3, 4, code_map)
        assert encoder(torch.randn(1, 2, height, width)).shape == (1, 4, 1, 1)


@pytest.mark.parametrize("folder", ["frames84", "lab", "tiny/frames84"])
def test_a_frame_is_27_bits_and_6272_times_smaller(folder):
    settings = load_config(CONF / folder / "second.yaml", TrainSecondStage).model
    stage = SecondStage(settings, CodeMap(512, 1, 21, 21, "hash"), torch.randn(512, 64))
    codes = stage.codes(stage.embed(torch.zeros(2, 21, 21, dtype=torch.int64)))
    assert codes.shape == (2, 1, 1, 3)
    assert stage.bits == 27
    assert 84 * 84 * 3 * 8 / stage.bits == 6272


def test_every_code_has_a_say_in_what_stands_for_all():
    stage = build(5, 6)
    codes = torch.zeros(1, 5, 6, dtype=torch.int64)
    with torch.no_grad():
        encoded = stage.encode(stage.embed(codes))
        for place in range(30):
            other = codes.clone()
            other.view(-1)[place] = 3
            assert not torch.equal(stage.encode(stage.embed(other)), encoded), place


def test_every_latent_reaches_every_place():
    stage = build(condition_channels=16)
    latents = torch.randn(1, 12, 1, 1, requires_grad=True)
    condition = stage.decoder.condition(latents)
    assert condition.shape == (1, 16, 7, 9)
    for row in range(7):
        for column in range(9):
            (gradient,) = torch.autograd.grad(
                condition[0, :, row, column].sum(), latents, retain_graph=True
            )
            assert (gradient.view(3, 4).abs().sum(1) > 0).all(), (row, column)


def test_the_likelihood_is_that_of_all_codes_and_its_gradient_reaches_the_latents():
    stage = build(3, 4)
    codes = torch.randint(8, (2, 3, 4))
    latents = torch.randn(2, 12, 1, 1, requires_grad=True)
    likelihood = stage.decoder.nll(codes, latents)
    torch.testing.assert_close(likelihood.nats, stage.decoder.nats(codes, latents).sum((1, 2)))
    assert likelihood.elements.tolist() == [12, 12]
    likelihood.nats[0].backward()
    assert latents.grad[0].abs().min() > 0
    assert not latents.grad[1].any()


def test_the_guide_knows_nothing_but_the_latents():
    stage = build(3, 4)
    codes, others = torch.randint(8, (2, 2, 3, 4))
    latents = torch.randn(2, 12, 1, 1)
    others[:, 1, 2] = codes[:, 1, 2]
    with torch.no_grad():
        nats, other = (stage.decoder.guide_nats(each, latents) for each in (codes, others))
        moved = stage.decoder.guide_nats(codes, latents.flip(0))
    assert nats.shape == (2, 3, 4)
    assert torch.equal(nats[:, 1, 2], other[:, 1, 2])  # whatever stands before and beside it
    assert (nats != moved).all()
    with pytest.raises(ValueError, match="neither a condition nor lengths"):
        stage.decoder.nll(codes, latents, others)


def test_codes_are_embedded_at_one_scale_whatever_that_of_the_first_stage_is():
    vectors = torch.randn(8, 4)
    code_map, codes = CodeMap(8, 1, 4, 4, "hash"), torch.randint(8, (2, 4, 4))
    stages = [SecondStage(small_second_stage(), code_map, vectors * k) for k in (1, 1000)]
    embedded, other = (stage.embed(codes) for stage in stages)
    assert embedded.shape == (2, 4, 4, 4)
    torch.testing.assert_close(embedded, other)
    torch.testing.assert_close(embedded[0, :, 1, 2] * vectors.std(), vectors[codes[0, 1, 2]])
    assert "embedding" not in dict(stages[0].named_parameters())


def test_codes_of_groups_have_no_second_stage():
    with pytest.raises(ValueError, match="codes of 2 groups; one is wanted"):
        SecondStage(small_second_stage(), CodeMap(8, 2, 4, 4, "hash"), torch.randn(8, 4))


def test_a_saved_second_stage_says_the_same_and_is_of_its_model_alone(tmp_path):
    stage = build().eval()
    files = {"config.json": second_stage_config(stage), "model.safetensors": stage.state_dict()}
    save_folder(tmp_path / "second", files)
    loaded = load_second_stage(tmp_path / "second", "hash")
    codes = torch.randint(8, (2, 7, 9))
    latents = stage.codes(stage.embed(codes))
    assert torch.equal(loaded.codes(loaded.embed(codes)), latents)
    nats = [each.decoder.nats(codes, each.latents(latents)) for each in (stage, loaded)]
    assert torch.equal(*nats)
    with pytest.raises(InputError, match="over the codes of model hash, not of f00d; train one"):
        load_second_stage(tmp_path / "second", "f00d")
    save_vqvae(tmp_path / "vqvae")
    message = re.escape("holds a picture-vqvae; give the folder of a second stage")
    with pytest.raises(InputError, match=message):
        load_second_stage(tmp_path / "vqvae")
