"""The command that draws frames: what it writes, that only the seed is chance, and mistakes."""

import json
import re

import numpy as np
import pytest
import torch
from PIL import Image
from small_pictures import save_vqvae
from small_video import build_prior, save_prior

from recipes.frames.batches import as_array, as_tensor
from recipes.frames.first_stage import load_picture_vqvae
from recipes.frames.frames_file import FramesFile, write_frames
from recipes.video.draw_clips import draw_clips
from recipes.video.roll_out import roll_out
from recipes.video.sample import app
from recipes.video.video_prior import load_video_prior
from vqspeech.checkpoint import find_model, hash_folder
from vqspeech.cli.leave import run_for_status

ENDINGS = ("gif", "npz", "png", "webp")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A folder with a first stage, another one, priors over the first's codes, and clips."""
    folder = tmp_path_factory.mktemp("video")
    save_vqvae(folder / "vqvae")
    save_vqvae(folder / "other", seen=np.full((4, 16, 16, 3), np.arange(3), np.uint8))
    sizes = {"side": 2, "model_hash": hash_folder(folder / "vqvae")}
    save_prior(folder / "prior", **sizes)
    save_prior(folder / "silent", actions=(), **sizes)
    save_prior(folder / "blind", context=0, **sizes)
    save_clip(folder / "clip.npz", 5, 8)
    save_clip(folder / "short.npz", 1, 8)
    save_clip(folder / "large.npz", 5, 12)
    return folder


def save_clip(path, length, side):
    frames = np.random.default_rng(3).integers(256, size=(length, side, side, 3), dtype=np.uint8)
    zeros = np.zeros(length, np.int32)
    write_frames(path, FramesFile(frames, zeros, zeros.astype(np.int16), ("here",)))


@pytest.fixture
def sample(models, tmp_path, monkeypatch, capsys):
    """A function that runs the command beside the models: exit status, output and errors."""
    monkeypatch.chdir(models)

    def run(*arguments, out=tmp_path / "drawn", context="clip.npz", prior="prior"):
        every = ["--model", "vqvae", "--prior", prior, "--context", context, "--out", str(out)]
        status = run_for_status(lambda: app([*every, "--device", "cpu", *arguments]))
        return status, *capsys.readouterr()

    return run


def arrays(path):
    with np.load(path, allow_pickle=False) as content:
        return dict(content)


def test_two_lists_of_actions_are_two_rows_after_the_same_frames(sample, models, tmp_path):
    two = ("--actions", "forward*3", "--actions", "right, left*2")
    status, printed, told = sample(*two, "--seed", "4", "--scale", "1")
    assert (status, told) == (0, "")
    names = ", ".join(str(tmp_path / f"drawn.{ending}") for ending in ("png", "gif", "webp", "npz"))
    first, last = printed.splitlines()
    assert first == "after 2 frames: clip.npz, frames 3 to 4 of episode 0"
    assert re.fullmatch(
        rf"wrote {re.escape(names)}  2 clips of 3 frames  [\d.]+ s a clip \(cpu\)", last
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"drawn.{e}" for e in ENDINGS]

    # By hand: the codes of the last two frames, those that follow them, and what they look like.
    first, _ = load_picture_vqvae("vqvae")
    frames = arrays("clip.npz")["frames"]
    with torch.no_grad():
        before = first.codes_of(as_tensor(frames[3:]))
        actions = torch.tensor([[0, 0, 0], [1, 2, 2]])
        codes = roll_out(
            load_video_prior("prior"), before.expand(2, -1, -1, -1), actions, 3, seed=4
        )
        pictures = [as_array(first.pictures(clip)) for clip in codes]
    drawn = arrays(tmp_path / "drawn.npz")
    np.testing.assert_array_equal(drawn["codes"], codes)
    np.testing.assert_array_equal(drawn["context_codes"], before)
    np.testing.assert_array_equal(drawn["actions"], actions)
    assert drawn["action_names"].tolist() == ["forward", "right", "left"]
    assert drawn["model_hash"] == hash_folder(find_model("vqvae"))
    assert drawn["prior_hash"] == hash_folder(find_model("prior"))
    assert (drawn["seed"], drawn["temperature"], drawn["top_k"]) == (4, 1.0, 0)

    with Image.open(tmp_path / "drawn.png") as image:
        strip = np.asarray(image)
    whole = np.concatenate([np.stack([frames[3:]] * 2), pictures], 1)
    starts = range(len(strip) - 7)
    rows = [top for top in starts if (strip[top : top + 8, :8] == frames[3]).all()]
    assert len(rows) == 2
    for top, clip in zip(rows, whole, strict=True):
        for number, picture in enumerate(clip):
            left = number * 10 + (4 if number >= 2 else 0)
            np.testing.assert_array_equal(strip[top : top + 8, left : left + 8], picture)
    with Image.open(tmp_path / "drawn.webp") as image:
        assert image.n_frames == 5
    with Image.open(tmp_path / "drawn.gif") as image:
        assert (image.n_frames, image.info["duration"], image.info["loop"]) == (5, 120, 0)


def test_the_same_seed_writes_the_same_files_and_another_others(sample, tmp_path):
    for name, seed in (("one", "0"), ("again", "0"), ("other", "1")):
        status, _, told = sample("--actions", "forward*6", "--seed", seed, out=tmp_path / name)
        assert status == 0, told
    for ending in ENDINGS:
        one, again, other = (
            (tmp_path / f"{name}.{ending}").read_bytes() for name in ("one", "again", "other")
        )
        assert one == again
        assert one != other


def test_a_prior_that_is_told_no_actions_draws_as_many_frames_as_are_asked_for(sample, tmp_path):
    status, printed, told = sample("--frames", "4", "--count", "3", "--json", prior="silent")
    assert status == 0, told
    facts = json.loads(printed)
    assert (facts["clips"], facts["frames"], facts["context_frames"]) == (3, 4, 2)
    assert facts["files"][-1] == str(tmp_path / "drawn.npz")
    assert facts["seconds_a_clip"] > 0
    drawn = arrays(tmp_path / "drawn.npz")
    assert drawn["codes"].shape == (3, 4, 2, 2)
    assert "actions" not in drawn
    assert len(np.unique(drawn["codes"].reshape(3, -1), axis=0)) == 3
    status, _, told = sample("--overwrite", prior="silent")
    assert status == 0, told
    assert arrays(tmp_path / "drawn.npz")["codes"].shape == (1, 10, 2, 2)


def test_every_list_leads_through_as_many_clips_as_are_asked_for(sample, tmp_path):
    two = ("--actions", "forward*2", "--actions", "left,right")
    status, printed, told = sample(*two, "--count", "2", "--json")
    assert status == 0, told
    facts = json.loads(printed)
    assert facts["labels"] == ["forward*2 (1)", "forward*2 (2)", "left,right (1)", "left,right (2)"]
    drawn = arrays(tmp_path / "drawn.npz")
    assert drawn["actions"].tolist() == [[0, 0], [0, 0], [2, 1], [2, 1]]
    assert drawn["codes"].shape == (4, 2, 2, 2)


def test_temperature_and_top_k_narrow_the_choice(sample, tmp_path):
    likeliest = []
    for narrow in (("--temperature", "0"), ("--top-k", "1"), ("--temperature", "0", "--seed", "9")):
        status, _, told = sample("--actions", "left*4", "--overwrite", *narrow)
        assert status == 0, told
        likeliest.append(arrays(tmp_path / "drawn.npz")["codes"])
    np.testing.assert_array_equal(likeliest[0], likeliest[1])
    np.testing.assert_array_equal(likeliest[0], likeliest[2])


@pytest.mark.parametrize(
    ("arguments", "options", "status", "message"),
    [
        (
            ["--actions", "jump*3"],
            {},
            3,
            "no action is called jump; there are forward, right, left",
        ),
        (["--actions", "forward*0"], {}, 3, "'0' is no number of times for forward"),
        (["--actions", "right"], {"context": "short.npz"}, 3, "episode 0: 1 frame, 2 are wanted"),
        (["--actions", "right"], {"context": "large.npz"}, 3, "frames of 12x12 pixels, 8x8 were"),
        (["--actions", "right", "--episode", "1"], {}, 3, "clip.npz: no episode 1; give --episode"),
        (
            ["--actions", "right", "--first", "4"],
            {},
            3,
            "2 from frame 4 on are wanted; give --firs",
        ),
        (
            ["--actions", "right"],
            {"prior": "silent"},
            3,
            "silent: is told no actions, --actions ri",
        ),
        (["--frames", "2"], {}, 2, "prior: is told an action for each frame; give --actions forwa"),
        (["--actions", "right"], {"prior": "blind"}, 3, "blind: sees no frames before the one"),
        (
            ["--actions", "right"],
            {"prior": "vqvae"},
            3,
            "holds a picture-vqvae; give the folder of",
        ),
        (["--actions", "right", "--model", "other"], {}, 3, "a prior over the codes of model"),
        (["--actions", "right", "--model", "none"], {}, 3, "none: no such folder"),
        (
            ["--actions", "right", "--frames", "1"],
            {"prior": "none"},
            2,
            "--frames 1: a list of act",
        ),
        (
            ["--actions", "right", "--actions", "left*2"],
            {"prior": "none"},
            2,
            "right has 1; give l",
        ),
        (["--actions", "right", "--count", "65"], {"prior": "none"}, 2, "65 clips, at most 64 are"),
        (["--actions", "right", "--temperature", "inf"], {"prior": "none"}, 2, "--temperature inf"),
        (
            ["--actions", "right"],
            {"out": "drawn.gif"},
            2,
            "--out drawn.gif: .png, .gif, .webp, .np",
        ),
        (["--actions", "right"], {"out": "clip.npz/drawn"}, 5, "clip.npz is a file, a folder was"),
    ],
)
def test_a_mistake_is_one_line_before_anything_is_drawn(
    sample, models, tmp_path, monkeypatch, arguments, options, status, message
):
    def draw(*_, **__):
        raise AssertionError("it was drawn")

    monkeypatch.setattr("recipes.video.draw_clips.roll_out", draw)
    before = sorted(models.iterdir())
    ended, printed, told = sample(*arguments, **options)
    assert (ended, printed) == (status, ""), told
    assert re.fullmatch(r"error: .*\n", told)
    assert message in told
    assert list(tmp_path.iterdir()) == []
    assert sorted(models.iterdir()) == before


@pytest.mark.parametrize("ending", ENDINGS)
def test_files_that_are_there_are_kept(sample, tmp_path, ending):
    mine = tmp_path / f"drawn.{ending}"
    mine.write_text("mine")
    assert sample("--actions", "right", prior="none") == (
        5,
        "",
        f"error: {mine}: exists already; give --overwrite to replace it\n",
    )
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]
    status, _, told = sample("--actions", "right", "--overwrite")
    assert status == 0, told
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize(
    ("names", "wrong"),
    [
        (("forward",), {"actions": None, "frames": 2}),
        (("forward",), {"actions": [[0]], "frames": 1}),
        (("forward",), {"actions": [[0], [0, 0]]}),
        (("forward",), {"actions": [[]]}),
        (("forward",), {"actions": []}),
        ((), {"actions": [[0]]}),
        ((), {}),
        ((), {"frames": 0}),
        ((), {"frames": 2, "count": 0}),
    ],
)
def test_what_fits_no_prior_is_a_mistake_of_the_caller(models, names, wrong):
    first, _ = load_picture_vqvae(models / "vqvae")
    prior = build_prior(side=2, actions=names)
    with pytest.raises(ValueError, match="frames"):
        draw_clips(first, prior, np.zeros((2, 8, 8, 3), np.uint8), **wrong)
