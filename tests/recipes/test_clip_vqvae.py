"""A VQ-VAE over clips: sizes, what depends on which frames, its likelihood, scores and folder."""

import math

import numpy as np
import pytest
import torch
from small_clips import clip_vqvae, noise_clips, walks_data
from small_pictures import save_vqvae

from recipes.frames.convolutions import prepare
from recipes.frames.first_stage import load_picture_vqvae
from recipes.frames.level_vqvae import level_config
from recipes.video.clip_networks import ClipEncoder
from recipes.video.clip_vqvae import (
    bits_of_clip,
    clip_compression,
    load_clip_vqvae,
    score_clips,
)
from recipes.video.clips import clips_of
from vqspeech.checkpoint import save_folder
from vqspeech.errors import InputError


@torch.no_grad()
@pytest.mark.parametrize(("time_stride", "groups"), [(2, 1), (2, 2), (4, 1)])
def test_a_code_stands_for_every_four_by_four_pixels_of_two_or_four_frames(time_stride, groups):
    model = clip_vqvae(time_stride, groups)
    for frames, height, width in ((8, 16, 24), (4, 8, 4)):
        levels = noise_clips(2, frames, height, width)
        codes = model.codes_of(levels)
        shape = (2, frames // time_stride, height // 4, width // 4)
        assert codes.shape == (shape if groups == 1 else (*shape, groups))
        shown = model.pictures(codes)
        assert (shown.shape, shown.dtype) == (levels.shape, torch.uint8)


@pytest.mark.parametrize(
    "shape",
    [(1, 3, 6, 16, 16), (1, 3, 4, 18, 16), (1, 3, 4, 16, 15), (1, 1, 4, 16, 16), (3, 4, 8, 8)],
)
def test_axes_that_the_strides_do_not_divide_and_other_colours_are_refused(shape):
    with pytest.raises(ValueError, match="T a multiple of 4, H and W of 4 is wanted"):
        ClipEncoder(4, 5, time_stride=4)(torch.zeros(shape))


@pytest.mark.parametrize(("time_stride", "reach"), [(2, 6), (4, 11)])
def test_a_latent_sees_so_many_frames_beyond_its_own_and_no_others(time_stride, reach):
    """By hand: 1 at stride 1, 1 at the second layer's stride, 2 of each block at that of codes."""
    assert reach == 1 + time_stride // 2 + 2 * time_stride
    encoder = ClipEncoder(32, 1, time_stride).double()
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, 3, 32, 4, 4, dtype=torch.double, generator=generator, requires_grad=True)
    place = 16 // time_stride
    (gradient,) = torch.autograd.grad(encoder(x)[0, 0, place, 0, 0], x)
    seen = gradient[0].abs().sum((0, 2, 3)).nonzero().flatten().tolist()
    assert seen == list(range(16 - reach, 16 + time_stride + reach))


@pytest.mark.parametrize("kind", ["softmax", "logistic", "gaussian"])
@pytest.mark.parametrize("scales", ["pixel", "channel"])
@torch.no_grad()
def test_the_likelihood_of_a_clip_is_that_of_its_frames(kind, scales):
    model, levels = clip_vqvae(likelihood=kind, scales=scales), noise_clips()
    output = model.score(levels)
    parameters = model.decoder(output.quantized.latents.movedim(-1, 1))  # (B, channels, T, H, W)
    head = model.decoder.likelihood
    nats = sum(head.nats(parameters[:, :, t], levels[:, :, t]).sum((1, 2, 3)) for t in range(4))
    torch.testing.assert_close(output.likelihood.nats, nats)
    assert output.likelihood.elements.tolist() == [3 * 4 * 16 * 24] * 2
    means = torch.stack([head.mean(parameters[:, :, t]) for t in range(4)], dim=2)
    torch.testing.assert_close(model.decoder.mean_of(parameters), means)


def test_all_weights_of_encoder_and_decoder_learn():
    for time_stride in (2, 4):
        model = clip_vqvae(time_stride)
        model.losses(model.score(noise_clips()))["loss"].backward()
        for name, parameter in model.named_parameters():
            assert parameter.grad.abs().max() > 0, name


@torch.no_grad()
def test_scores_of_clips_are_those_of_numpy(tmp_path):
    model = clip_vqvae(groups=2)
    clips = clips_of(walks_data(tmp_path), "train", 4, every=4)
    assert len(clips) == 16
    scores = score_clips(model, clips)
    codes = torch.cat([model.codes_of(part) for part in clips.batches()])
    true = np.stack([clips.pixels(i) for i in range(16)]).astype(np.float64)  # (N, T, H, W, 3)
    mean = model.decoder.mean(model.latents(codes)).double().movedim(1, -1).numpy()
    mse = np.mean((mean - true) ** 2)
    variance = np.mean([np.var(true[..., colour]) for colour in range(3)])
    nll = sum(model.score(part).likelihood.nats.sum().item() for part in clips.batches())
    assert scores["nll"] == pytest.approx(nll / true.size, rel=1e-5)
    assert scores["pixel_bits"] == pytest.approx(nll / true.size / math.log(2), rel=1e-5)
    assert scores["nmse"] == pytest.approx(mse / variance, rel=1e-5)
    assert scores["psnr"] == pytest.approx(10 * math.log10(255**2 / mse), rel=1e-5)
    used = [len(np.unique(group)) for group in codes.numpy().reshape(-1, 2).T]
    assert scores["codes_used"] == np.mean(used)
    assert max(used) > 2


def test_the_size_of_a_clip_s_codes_in_bits():
    """84 x 84 to 21 x 21 of 8: 3 bits each, 4 of 8 frames or 2."""
    for time_stride in (2, 4):
        model = clip_vqvae(time_stride)
        bits = 21 * 21 * 3 * 8 // time_stride
        assert bits_of_clip(model, 8, 84, 84) == bits
        assert clip_compression(model, 8, 84, 84) == pytest.approx(8 * 84 * 84 * 24 / bits)


def save(model, folder, **changes):
    config = level_config(model, 16, "made-up") | changes
    save_folder(folder, {"config.json": config, "model.safetensors": model.state_dict()})
    return folder


def test_what_is_loaded_is_what_was_saved(tmp_path):
    model = clip_vqvae()
    loaded, config = load_clip_vqvae(save(model, tmp_path / "clips"))
    assert loaded.settings == model.settings
    assert (config["size"], config["data"]) == (16, "made-up")
    levels = noise_clips()
    assert torch.equal(loaded.codes_of(levels), model.codes_of(levels))
    torch.testing.assert_close(loaded(prepare(levels), levels), model(prepare(levels), levels))


def test_another_kind_of_model_is_refused_in_one_line(tmp_path):
    save_vqvae(tmp_path / "pictures")
    clips = save(clip_vqvae(), tmp_path / "clips")
    newer = save(clip_vqvae(), tmp_path / "newer", format=2)
    for load, folder, told in (
        (
            load_clip_vqvae,
            tmp_path / "pictures",
            "holds a picture-vqvae; give the folder of a VQ-VAE",
        ),
        (
            load_picture_vqvae,
            clips,
            "holds a clip-vqvae; give the folder of a VQ-VAE over pictures",
        ),
        (load_clip_vqvae, newer, "format 2, this version reads 1"),
    ):
        with pytest.raises(InputError, match=told) as caught:
            load(folder)
        assert "\n" not in str(caught.value)
