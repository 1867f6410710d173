"""A VQ-VAE over pictures: its scores against NumPy, its size in bits, and its folder."""

import json
import math

import numpy as np
import pytest
import torch

from recipes.frames.batches import as_tensor
from recipes.frames.code_map import code_map_of
from recipes.frames.first_stage import (
    BATCH,
    PictureVQVAE,
    bits_of_codes,
    compression,
    encode_pictures,
    load_picture_vqvae,
    score_pictures,
)
from recipes.frames.level_vqvae import level_config
from recipes.frames.pictures import PictureSet
from recipes.frames.settings import VQVAESettings
from recipes.images.encoded import EncodedSet, encode_set
from recipes.images.models import build_model, load_model, model_config
from recipes.images.settings import VAESettings, VIMCOSettings
from vqspeech.checkpoint import find_model, save_folder
from vqspeech.errors import InputError


def vqvae(groups=1, num_codes=8, **network):
    torch.manual_seed(0)
    settings = {
        "network": {"channels": 8} | network,
        "quantizer": {"num_codes": num_codes, "dim": 4 * groups, "groups": groups},
    }
    model = PictureVQVAE(VQVAESettings.model_validate(settings)).eval()
    # As far apart as what is encoded, so that several codes are used.
    encoded = model.encode(torch.rand(16, 3, 16, 16) * 2 - 1)
    model.quantizer.initialize(encoded)
    return model


def pictures(count=5, side=16, labels=None):
    rng = np.random.default_rng(0)
    base = rng.integers(0, 256, (count, 1, 1, 3))
    pixels = np.clip(base + rng.normal(0, 30, (count, side, side, 3)), 0, 255).astype(np.uint8)
    return PictureSet(pixels, np.arange(count) // 2, labels, ("a", "b", "c"))


@torch.no_grad()
@pytest.mark.parametrize("groups", [1, 2])
def test_scores_are_those_of_numpy(groups):
    model, given = vqvae(groups), pictures(BATCH + 3)  # more than are scored at once
    scores = score_pictures(model, given)
    levels = as_tensor(given.pixels)
    codes = model.codes_of(levels)
    parameters = model.decoder(model.latents(codes))
    nats = -model.decoder.likelihood.log_probabilities(parameters).gather(
        2, levels.long()[:, :, None]
    )
    mean = model.decoder.mean(model.latents(codes)).double().numpy().transpose(0, 2, 3, 1)
    true = given.pixels.astype(np.float64)
    mse = np.mean((mean - true) ** 2)
    variance = np.mean([np.var(true[..., colour]) for colour in range(3)])
    assert scores["nll"] == pytest.approx(nats.double().mean().item(), rel=1e-5)
    assert scores["pixel_bits"] == pytest.approx(scores["nll"] / math.log(2))
    assert scores["nmse"] == pytest.approx(mse / variance, rel=1e-5)
    assert scores["psnr"] == pytest.approx(10 * math.log10(255**2 / mse), rel=1e-5)
    used, perplexities = [], []
    for group in codes.numpy().reshape(-1, groups).T:
        share = np.bincount(group) / group.size
        used.append(np.count_nonzero(share))
        perplexities.append(np.exp(-sum(p * np.log(p) for p in share if p)))
    assert scores["codes_used"] == pytest.approx(np.mean(used))
    assert scores["perplexity"] == pytest.approx(np.mean(perplexities), rel=1e-5)
    assert np.mean(used) > 2


def test_pictures_of_one_colour_have_finite_scores():
    flat = PictureSet(np.full((3, 8, 8, 3), 7, np.uint8), np.zeros(3), None, ("a",))
    assert all(map(math.isfinite, score_pictures(vqvae(), flat).values()))


@torch.no_grad()
@pytest.mark.parametrize(("groups", "shape"), [(1, (4, 4)), (2, (4, 4, 2))])
def test_codes_are_those_of_each_picture_and_give_its_likelihood_back(groups, shape):
    model, given = vqvae(groups), pictures(BATCH + 3)
    codes = encode_pictures(model, given)
    assert codes.shape == (BATCH + 3, *shape)
    assert codes.dtype == torch.int64
    last = as_tensor(given.pixels[-1:])
    assert torch.equal(model.codes_of(last)[0], codes[-1])
    nll = model.decoder.nll(last, model.latents(codes[-1:])).nats
    torch.testing.assert_close(model.score(last).likelihood.nats, nll)


@torch.no_grad()
def test_what_codes_look_like_are_levels():
    model = vqvae()
    codes = encode_pictures(model, pictures(3))
    shown = model.pictures(codes)
    assert shown.dtype == torch.uint8
    expected = model.decoder.mean(model.latents(codes))
    assert (shown.float() - expected).abs().max() <= 0.5


def test_the_paper_s_picture_shrinks_by_nearly_forty_three():
    """128 x 128 x 3 x 8 bits over 32 x 32 x 9, section 4.2."""
    model = vqvae(num_codes=512)
    assert bits_of_codes(model, 128, 128) == 32 * 32 * 9
    assert compression(model, 128, 128) == pytest.approx(42 + 2 / 3, abs=1e-12)
    assert bits_of_codes(model, 84, 84) == 21 * 21 * 9 == 3969
    # Section 4.1: ten codes at each of 8 x 8 places cost 1.875 bits a dimension.
    ten = vqvae(groups=10, num_codes=512)
    assert bits_of_codes(ten, 32, 32) / (32 * 32 * 3) == 1.875


def test_an_encoded_set_keeps_labels_and_sources_beside_its_codes():
    model, given = vqvae(), pictures(5, labels=np.array([4, 3, 2, 1, 0], np.int32))
    encoded = encode_set(model, given)
    assert encoded.labels.dtype == torch.int64
    few = encoded.some(2)
    assert few.labels.tolist() == [4, 1]
    assert few.sources.tolist() == [0, 1]
    assert torch.equal(few.codes, encoded.codes[[0, 3]])
    assert len(encoded.some(5)) == len(encoded.some(100)) == 5
    changed = encoded.codes.clone()
    changed[2, 0, 0] += 1
    other = EncodedSet(changed, encoded.labels, encoded.sources, encoded.names)
    assert encoded.digest() == encode_set(model, given).digest() != other.digest()


def save(model, path, /, **changes):
    config = model_config(model, 16, "made-up") | changes
    save_folder(path, {"config.json": config, "model.safetensors": model.state_dict()})
    return path


def all_three():
    network = {"channels": 8, "residual_blocks": 1}
    yield vqvae()
    yield build_model(VAESettings.model_validate({"network": network, "latent_channels": 2}))
    yield build_model(VIMCOSettings.model_validate({"network": network, "num_codes": 4, "dim": 6}))


def test_what_is_loaded_is_what_was_saved(tmp_path):
    for model in all_three():
        folder = save(model, tmp_path / model.settings.kind)
        loaded, config = load_model(folder)
        assert loaded.settings == model.settings
        assert not loaded.training
        for name, tensor in model.state_dict().items():
            assert torch.equal(loaded.state_dict()[name], tensor)
        assert (config["size"], config["data"]) == (16, "made-up")
    model, config = load_picture_vqvae(tmp_path / "vqvae")
    assert config == json.loads(json.dumps(level_config(model, 16, "made-up")))
    given = pictures()
    assert torch.equal(encode_pictures(model, given), encode_pictures(vqvae(), given))
    codes = code_map_of(model, find_model(tmp_path / "vqvae"), encode_set(model, given).codes)
    assert codes[:4] == (8, 1, 4, 4)


def refusals(load, folder):
    with pytest.raises(InputError) as caught:
        load(folder)
    message = str(caught.value)
    assert "\n" not in message
    assert str(folder) in message
    return message


def test_another_kind_of_folder_is_refused_in_one_line(tmp_path):
    model, vae, _ = all_three()
    other = save(vae, tmp_path / "vae")
    assert "holds a picture-vae; give the folder of a VQ-VAE over pictures" in refusals(
        load_picture_vqvae, other
    )
    speech = save(model, tmp_path / "speech", kind="speech-vqvae")
    for load in (load_model, load_picture_vqvae):
        assert "holds a speech-vqvae; give the folder of" in refusals(load, speech)
    newer = save(model, tmp_path / "newer", format=2)
    for load in (load_model, load_picture_vqvae):
        assert "format 2, this version reads 1" in refusals(load, newer)
    (tmp_path / "empty").mkdir()
    for load in (load_model, load_picture_vqvae):
        assert "holds no model" in refusals(load, tmp_path / "empty")


def test_settings_and_weights_that_do_not_fit_are_refused_in_one_line(tmp_path):
    model = vqvae()
    settings = model.settings.model_dump(mode="json")
    for name, changed, told in (
        ("none", None, "no settings of a model"),
        ("unknown", settings | {"colour": 1}, "colour is no setting"),
        ("larger", settings | {"network": {"channels": 16}}, "not the weights of the settings"),
    ):
        folder = save(model, tmp_path / name, model=changed)
        assert told in refusals(load_model, folder)
        assert told in refusals(load_picture_vqvae, folder)
    folder = save(model, tmp_path / "damaged")
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "model.safetensors").write_bytes(weights)
    assert "differs from what was written" in refusals(load_model, folder)
