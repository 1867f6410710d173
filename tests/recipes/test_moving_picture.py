"""Strips and animations, read back by Pillow."""

import itertools

import numpy as np
import pytest
from PIL import Image, ImageSequence

from recipes.video.moving_picture import GAP, MARK, side_by_side, strip, write_moving_picture
from vqspeech.errors import UsageError, WriteError


def clips(count=2, length=5, height=12, width=16, seed=0):
    """Clips of smooth colours that drift, (R, F, H, W, 3), so that no two frames are alike."""
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 200, size=(count, 1, 1, 1, 3))
    down, across = np.linspace(0, 30, height)[:, None, None], np.linspace(0, 20, width)[:, None]
    time = 5 * np.arange(length)[:, None, None, None]
    return (corners + time + down + across).astype(np.uint8)


def frames_of(path):
    """The frames of an animation as RGB (F, H, W, 3), and the milliseconds of each."""
    with Image.open(path) as image:
        seen = [
            (np.asarray(frame.convert("RGB")), frame.info.get("duration"))
            for frame in ImageSequence.Iterator(image)
        ]
        assert image.info["loop"] == 0
    return np.stack([frame for frame, _ in seen]), [length for _, length in seen]


def test_a_strip_has_a_row_for_each_clip_and_a_line_behind_the_context(tmp_path):
    made = clips()
    write_moving_picture(tmp_path / "strip.png", made, context=2)
    with Image.open(tmp_path / "strip.png") as image:
        pixels = np.asarray(image)
    assert pixels.shape == (2 * 12 + GAP, 5 * 16 + 3 * GAP + 3 * GAP, 3)
    for row, clip in enumerate(made):
        for number, frame in enumerate(clip):
            top, left = row * (12 + GAP), number * (16 + GAP) + (2 * GAP if number >= 2 else 0)
            np.testing.assert_array_equal(pixels[top : top + 12, left : left + 16], frame)
    behind = 2 * (16 + GAP)
    assert (pixels[:12, behind : behind + GAP] == MARK).all()
    pixels = np.delete(pixels, np.s_[behind : behind + GAP], 1)
    assert not (pixels == MARK).all(-1).any()
    np.testing.assert_array_equal(strip(made)[:12, :16], made[0, 0])
    assert strip(made).shape == (2 * 12 + GAP, 5 * (16 + GAP) - GAP, 3)


def test_a_scale_makes_every_pixel_a_square():
    small, large = strip(clips(), context=1), strip(clips(), context=1, scale=3)
    assert large.shape == (3 * small.shape[0], 3 * small.shape[1], 3)
    for down, across in itertools.product(range(3), range(3)):
        np.testing.assert_array_equal(large[down::3, across::3], small)


@pytest.mark.parametrize("ending", [".gif", ".webp", ".GIF"])
def test_an_animation_has_every_frame_for_its_time_and_begins_again(tmp_path, ending):
    made = clips()
    path = tmp_path / f"clips{ending}"
    write_moving_picture(path, made, context=2, scale=2, milliseconds=70)
    frames, milliseconds = frames_of(path)
    wanted = side_by_side(made, 2).repeat(2, 1).repeat(2, 2)
    assert frames.shape == wanted.shape == (5, 2 * (12 + 2 * GAP), 2 * (2 * (16 + GAP) + GAP), 3)
    if ending == ".webp":
        np.testing.assert_array_equal(frames, wanted)
        with Image.open(path) as image:
            for number in range(5):
                image.seek(number)
                image.load()
                assert image.info["duration"] == 70
    else:
        assert milliseconds == [70] * 5
        error = frames.astype(int) - wanted
        assert abs(error).max() <= 12
        assert np.square(error).mean() < 4
    assert (frames[:2, 0] == 255).all()
    assert (frames[2:, 0] == MARK).all()


def test_what_stands_still_keeps_its_colour_in_a_gif(tmp_path):
    made = clips(count=1, length=8, height=24, width=24, seed=1)
    still = np.random.default_rng(2).integers(256, size=(24, 8, 3), dtype=np.uint8)
    made[..., :8, :] = still
    write_moving_picture(tmp_path / "clip.gif", made)
    frames, _ = frames_of(tmp_path / "clip.gif")
    assert (frames == frames[:1])[:, GAP:-GAP, GAP : GAP + 8].all()
    assert not (frames == frames[:1]).all()


def test_a_gif_keeps_rare_colours(tmp_path):
    rng = np.random.default_rng(0)
    grey = rng.normal(60, 25, size=(1, 6, 48, 48, 1)) + rng.normal(0, 4, size=(1, 6, 48, 48, 3))
    made = grey.clip(0, 255).astype(np.uint8)
    made[:, :, 7, 9], made[:, :, 30, 40] = (230, 40, 20), (90, 220, 240)
    write_moving_picture(tmp_path / "clip.gif", made)
    frames, _ = frames_of(tmp_path / "clip.gif")
    error = frames[:, GAP:-GAP, GAP:-GAP].astype(int) - made[0]
    assert abs(error).max() <= 40
    assert 10 * np.log10(255**2 / np.square(error).mean()) > 40


def test_frames_that_are_alike_take_their_time_together(tmp_path):
    made = clips(count=1, length=3)
    made[:, 1] = made[:, 0]
    write_moving_picture(tmp_path / "clip.gif", made, milliseconds=120)
    assert frames_of(tmp_path / "clip.gif")[1] == [240, 120]


@pytest.mark.parametrize("ending", [".png", ".gif", ".webp"])
def test_the_same_clips_give_the_same_bytes_and_labels_move_no_frame(tmp_path, ending):
    paths = [tmp_path / f"{name}{ending}" for name in ("one", "again", "labelled")]
    for path in paths[:2]:
        write_moving_picture(path, clips(height=24, width=40), context=2, scale=2)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    labels = ["right*10", "a name that is far too long for so narrow a clip"]
    write_moving_picture(paths[2], clips(height=24, width=40), context=2, labels=labels, scale=2)
    plain, labelled = (read_first(path) for path in (paths[0], paths[2]))
    assert labelled.shape[1] == plain.shape[1]
    assert len(labelled) > len(plain)
    # The first clip stands below what is written, black on white, where nothing stood.
    height = 2 * 24 if ending == ".png" else len(plain)
    above = (len(labelled) - len(plain)) // (2 if ending == ".png" else 1)
    np.testing.assert_array_equal(labelled[above : above + height], plain[:height])
    assert labelled[:above].min() == 0
    assert np.mean(labelled[:above] == 255) > 0.5
    assert (labelled[:above].std(-1) == 0).all()


def read_first(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def test_what_cannot_be_written_is_told_and_leaves_nothing(tmp_path):
    with pytest.raises(UsageError, match=r"clip.mp4: no such format; end the name with .png, .gif"):
        write_moving_picture(tmp_path / "clip.mp4", clips())
    (tmp_path / "file").write_text("mine")
    with pytest.raises(WriteError, match="cannot be written"):
        write_moving_picture(tmp_path / "file" / "clip.gif", clips())
    for wrong in ({"clips": clips(length=0)}, {"labels": ["one"]}, {"milliseconds": 10}):
        with pytest.raises(ValueError, match="are wanted"):
            write_moving_picture(tmp_path / "clip.gif", **{"clips": clips()} | wrong)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
