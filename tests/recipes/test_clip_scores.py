"""What codes of clips are worth beside those of frames: paired by episode, on the same frames."""

import json
import math

import numpy as np
import pytest
import torch
from small_clips import clip_vqvae, save_walks, status_and_output, walks_data
from small_pictures import build_vqvae, save_vqvae

from recipes.frames.first_stage import score_pictures
from recipes.frames.level_vqvae import level_config
from recipes.frames.tables import as_text
from recipes.video.clip_scores import examine_clips, gain, score_with_episodes
from recipes.video.clip_vqvae import score_clips
from recipes.video.clips import clips_of
from recipes.video.examine_clips import app
from recipes.video.result_files import FILES
from vqspeech.checkpoint import save_folder


def save_clip_vqvae(folder):
    model = clip_vqvae()
    files = {"config.json": level_config(model, 16, "made-up")}
    save_folder(folder, files | {"model.safetensors": model.state_dict()})
    return folder


def test_what_clips_gain_is_the_mean_over_episodes_by_hand():
    """Gaps of 2 and 1 dB: half of one apart, times 12.706 of Student's t for one degree."""
    gained = gain({4: 30.0, 7: 29.0}, {4: 28.0, 7: 28.0})
    assert (gained["decibels"], gained["sources"]) == (1.5, 2)
    assert gained["high"] - 1.5 == pytest.approx(12.706 * 0.5, rel=1e-4)


@torch.no_grad()
def test_an_episode_s_psnr_is_that_of_all_its_frames(tmp_path):
    model, clips = clip_vqvae(), clips_of(walks_data(tmp_path, (9, 6, 13) * 5), "train", 4, every=4)
    scores, episodes = score_with_episodes(model, clips)
    assert scores == score_clips(model, clips)
    assert sorted(episodes) == np.unique(clips.sources).tolist()
    for episode, found in episodes.items():
        own = np.flatnonzero(clips.sources == episode)
        levels = torch.stack([torch.from_numpy(clips.pixels(i)).movedim(-1, 0) for i in own])
        mean = model.decoder.mean(model.latents(model.codes_of(levels)))
        mse = (mean - levels).double().square().mean().item()
        assert found == pytest.approx(10 * math.log10(255**2 / mse), rel=1e-6)


def test_a_model_over_pictures_is_scored_on_the_same_frames_one_by_one(tmp_path):
    data = walks_data(tmp_path, (8,) * 10)  # two clips of 4 each: no frame is left over
    model, clips = build_vqvae(), clips_of(data, "train", 4, every=4)
    scores, _ = score_with_episodes(model, clips)
    assert scores == pytest.approx(score_pictures(model, data.part("train")), rel=1e-5)


def test_both_forms_are_told_side_by_side_with_an_interval_over_episodes(tmp_path):
    from PIL import Image

    save_vqvae(tmp_path / "vqvae")
    clips, data = save_clip_vqvae(tmp_path / "clips"), walks_data(tmp_path, (9,) * 30)
    out = tmp_path / "out"
    facts = examine_clips(clips, tmp_path / "vqvae", data, out, count=2, device="cpu")
    assert json.loads((out / "clips.json").read_text()) == facts
    assert (facts["kind"], facts["format"]) == ("clip-scores", 1)
    assert (facts["test_episodes"], facts["test_clips"], facts["frames"]) == (3, 6, 4)
    assert facts["codes"] == [2, 4, 4, 1, 8]
    assert facts["bits_a_clip"] == 2 * 4 * 4 * 3
    assert facts["bits_a_frame"] == 24 == facts["beside"]["bits_a_frame"] / 2
    assert facts["compression"] == 16 * 16 * 24 / 24
    gained = facts["beside"]["psnr_gained"]
    assert gained["sources"] == 3
    assert gained["low"] < gained["decibels"] < gained["high"]
    # Walks of one length: what an episode gains is by the mean of all, but for logarithms.
    by_all = facts["scores"]["psnr"] - facts["beside"]["scores"]["psnr"]
    assert gained["decibels"] == pytest.approx(by_all, abs=0.5)
    with Image.open(out / "clips.png") as shown:  # two clips of three rows, four frames each
        assert shown.size == (4 * 18 - 2, 6 * 18 - 2)
        first = np.asarray(shown)[:16, :16]
    part = clips_of(data, "test", 4, every=4)
    np.testing.assert_array_equal(first, part.pixels(0)[0])


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """A function that runs the command: exit status, output, errors."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: status_and_output(app, monkeypatch, capsys, arguments)


def test_the_command_does_without_a_model_beside(command, tmp_path):
    save_clip_vqvae(tmp_path / "clips")
    save_walks(tmp_path / "walks.npz", (9,) * 9 + (3,))
    options = ("--size", 16, "--count", 1, "--device", "cpu", "--out", "out")
    status, printed, told = command("--model", "clips", "--data", "walks.npz", *options)
    assert status == 0, told
    facts, tables = FILES.read(tmp_path / "out" / "clips.json")
    assert printed == "\n\n".join(map(as_text, tables)) + "\n"
    assert printed.startswith("frames, 16 x 16: 2 held-out clips of 1 episodes\n")
    assert facts["beside"] is None
    assert facts["environment"]["command"].startswith("python -m recipes.video.examine_clips")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"--model": "vqvae"}, "holds a picture-vqvae; give the folder of a VQ-VAE over clips"),
        ({"--beside": "clips"}, "holds a clip-vqvae; give the folder of a VQ-VAE over pictures"),
        ({"--data": "none.npz"}, "none.npz: No such file"),
        ({"--data": "short.npz"}, "no episode of the part test has 4 frames"),
        ({"--size": "84"}, "frames of 16x16 pixels, 84x84 were wanted"),
    ],
)
def test_a_mistake_ends_the_command_with_status_3_and_one_line(command, tmp_path, change, told):
    save_vqvae(tmp_path / "vqvae")
    save_clip_vqvae(tmp_path / "clips")
    save_walks(tmp_path / "walks.npz")
    save_walks(tmp_path / "short.npz", (3,) * 10)
    given = {"--model": "clips", "--data": "walks.npz", "--size": "16", "--out": "out"} | change
    status, printed, errors = command(*(word for pair in given.items() for word in pair))
    assert (status, printed) == (3, "")
    assert told in errors
    assert len(errors.splitlines()) == 1
    assert not (tmp_path / "out").exists()
