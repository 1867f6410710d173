"""Which frames a clip begins with, of a frames file or as pictures; and how a clip is cut."""

import re

import numpy as np
import pytest
from PIL import Image

from recipes.frames.frames_file import FramesFile, read_frames, split_frames, write_frames
from recipes.video.context_clip import read_context
from recipes.video.cut import app
from vqspeech.cli.leave import run_for_status
from vqspeech.errors import InputError, UsageError

SIZE = (8, 12)  # H, W


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The folder that names are relative to."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def save_frames(path, lengths=(5, 9), maps=None, **changes):
    """A file of episodes so long, every second one on another map."""
    count = sum(lengths)
    episode = np.repeat(np.arange(len(lengths)), lengths).astype(np.int32)
    maps = np.arange(len(lengths)) % 2 if maps is None else np.array(maps)
    content = {
        "frames": np.random.default_rng(0).integers(256, size=(count, *SIZE, 3), dtype=np.uint8),
        "episode": episode,
        "map": maps[episode].astype(np.int16),
        "map_names": tuple(f"map{i}" for i in range(maps.max() + 1)),
        "actions": (np.arange(count) % 3).astype(np.uint8),
        "action_names": ("forward", "right", "left"),
        "collector": "made up",
    }
    file = FramesFile(**content | changes)
    write_frames(path, file)
    return file


def save_pictures(folder, names, mode="RGB"):
    """Pictures of different levels; returns them as RGB (N, H, W, 3)."""
    folder.mkdir()
    levels = np.random.default_rng(1).integers(256, size=(len(names), *SIZE, 3), dtype=np.uint8)
    for name, pixels in zip(names, levels, strict=True):
        Image.fromarray(pixels).convert(mode).save(folder / name)
    return levels


def test_the_last_frames_of_an_episode_are_the_context(here):
    frames = save_frames("clip.npz").frames
    for options, wanted in (
        ({}, slice(1, 5)),
        ({"first": 0}, slice(0, 4)),
        ({"episode": 1}, slice(10, 14)),
        ({"episode": 1, "first": 2}, slice(7, 11)),
    ):
        clip = read_context(["clip.npz"], 4, SIZE, **options)
        np.testing.assert_array_equal(clip.frames, frames[wanted])
    assert clip.origin == "clip.npz, frames 2 to 5 of episode 1"


def test_pictures_of_a_folder_follow_each_other_by_number(here):
    names = [f"frame{i}.png" for i in (9, 10, 100, 2)]
    levels = save_pictures(here / "clip", names)
    (here / "clip" / "notes.txt").write_text("not a picture")
    (here / "clip" / ".frame0.png").write_text("hidden")
    clip = read_context(["clip"], 3, SIZE)
    np.testing.assert_array_equal(clip.frames, levels[[0, 1, 2]])
    assert clip.origin == "clip/frame9.png to clip/frame100.png"
    np.testing.assert_array_equal(
        read_context(["clip"], 3, SIZE, first=0).frames, levels[[3, 0, 1]]
    )


def test_pictures_that_are_named_keep_their_order(here):
    levels = save_pictures(here / "clip", ["a.png", "b.bmp", "c.ppm"])
    clip = read_context(["clip/c.ppm", "clip/a.png", "clip/b.bmp"], 2, SIZE)
    np.testing.assert_array_equal(clip.frames, levels[[0, 1]])
    assert clip.origin == "clip/a.png to clip/b.bmp"


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK"])
def test_pictures_of_other_modes_become_rgb_as_pillow_has_it(here, mode):
    save_pictures(here / "clip", ["a.png" if mode != "CMYK" else "a.jpg"], mode)
    clip = read_context(["clip"], 1, SIZE)
    assert (clip.frames.shape, clip.frames.dtype) == ((1, *SIZE, 3), np.uint8)
    with Image.open(next((here / "clip").iterdir())) as image:
        np.testing.assert_array_equal(clip.frames[0], np.asarray(image.convert("RGB")))


def test_a_transparent_picture_lies_on_white(here):
    pixels = np.zeros((*SIZE, 4), np.uint8)
    pixels[:4] = (10, 20, 30, 255)
    Image.fromarray(pixels).save("a.png")
    frame = read_context(["a.png"], 1, SIZE).frames[0]
    assert (frame[:4] == (10, 20, 30)).all()
    assert (frame[4:] == 255).all()


def broken_inputs(here):
    save_frames("clip.npz")
    (here / "cut.npz").write_bytes((here / "clip.npz").read_bytes()[:-100])
    (here / "text.npz").write_text("no archive")
    np.savez("gap.npz", frames=np.zeros((2, *SIZE, 3), np.uint8), episode=np.int32([0, 2]))
    save_pictures(here / "clip", ["a.png", "b.png"])
    (here / "empty").mkdir()
    Image.new("RGB", (12, 9)).save("tall.png")
    Image.fromarray(np.zeros(SIZE, np.uint16)).save("deep.png")
    (here / "half.png").write_bytes((here / "clip" / "a.png").read_bytes()[:-60])
    (here / "text.png").write_text("no picture")


@pytest.mark.parametrize(
    ("paths", "options", "message"),
    [
        (["clip.npz"], {"count": 6}, "clip.npz: episode 0: 5 frames, 6 are wanted; give a longer"),
        (["clip.npz"], {"first": 3}, "clip.npz: episode 0: 5 frames, 4 from frame 3 on are wanted"),
        (["clip.npz"], {"episode": 2}, "clip.npz: no episode 2; give --episode 0 to 1"),
        (["clip.npz"], {"size": (12, 12)}, "clip.npz: frames of 12x8 pixels, 12x12 were wanted;"),
        (["gap.npz"], {}, "gap.npz: episode 1 is empty; number them"),
        (["cut.npz"], {}, "cut.npz: "),
        (["text.npz"], {}, "text.npz: no .npz, or cut short; make it again"),
        (["none.npz"], {}, "none.npz: No such file or directory; check the name"),
        (["none"], {}, "none: No such file or directory; check the name"),
        (["clip"], {}, "clip: 2 frames, 4 are wanted; give a longer clip"),
        (["clip"], {"count": 2, "first": 1}, "clip: 2 frames, 2 from frame 1 on are wanted; give"),
        (["empty"], {}, "empty: no .png, .jpg, .jpeg, .bmp, .ppm in it; give a folder of pictures"),
        (["clip/a.png"], {}, "--context: 1 frame, 4 are wanted"),
        (["clip/a.png", "tall.png"], {"count": 2}, "tall.png: frames of 12x9 pixels, 12x8 were wa"),
        (["clip/a.png", "deep.png"], {"count": 2}, "deep.png: more than 8 bits a colour"),
        (["half.png"], {"count": 1}, "half.png: no .png, .jpg, .jpeg, .bmp, .ppm, or cut short;"),
        (["text.png"], {"count": 1}, "text.png: no .png, .jpg, .jpeg, .bmp, .ppm, or cut short;"),
        (["none.png"], {"count": 1}, "none.png: No such file or directory; check the name"),
        (["clip/a.png", "clip.npz"], {"count": 1}, "clip.npz: no picture; give one frames file,"),
    ],
)
def test_a_context_that_cannot_be_used_is_one_line(here, paths, options, message):
    broken_inputs(here)
    with pytest.raises(InputError) as caught:
        read_context(paths, **{"count": 4, "size": SIZE} | options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_pictures_are_of_no_episode(here):
    save_pictures(here / "clip", ["a.png"])
    with pytest.raises(UsageError, match="--episode 0: pictures are of no episode; leave it out"):
        read_context(["clip"], 1, SIZE, episode=0)


@pytest.fixture
def cut(here, capsys):
    """A function that runs the command: its exit status, output and errors."""

    def run(*arguments):
        status = run_for_status(lambda: app(list(arguments)))
        return status, *capsys.readouterr()

    return run


def test_a_clip_is_cut_from_the_part_and_says_what_it_is(cut, here):
    file = save_frames("frames.npz", lengths=(4, 9, 6, 5, 8, 7))
    test = np.unique(file.episode[split_frames(file)["test"]])
    number = int(test[0])
    own = np.flatnonzero(file.episode == number)[1:4]
    names = [file.action_names[action] for action in file.actions[own]]
    status, printed, told = cut(
        *("--data", "frames.npz", "--out", "clip.npz", "--first", "1", "--frames", "3")
    )
    assert (status, told) == (0, "")
    assert printed.splitlines() == [
        f"wrote clip.npz  3 frames  1 to 3 of episode {number}  map map{number % 2}",
        f"actions between them: {names[0]},{names[1]}",
    ]
    clip = read_frames("clip.npz")
    np.testing.assert_array_equal(clip.frames, file.frames[own])
    np.testing.assert_array_equal(clip.actions, file.actions[own])
    assert (clip.num_episodes, clip.map_names) == (1, (f"map{number % 2}",))
    assert (clip.action_names, clip.collector) == (file.action_names, "made up")


def test_the_first_episode_that_is_long_enough_is_cut_or_the_one_that_is_named(cut, here):
    file = save_frames("frames.npz", lengths=(2, 4, 3))
    write_frames("plain.npz", FramesFile(file.frames, file.episode, file.map, file.map_names))
    every = ("--data", "frames.npz", "--part", "all", "--out", "clip.npz", "--overwrite")
    for arguments, frames in (
        (("--frames", "3"), slice(2, 5)),
        (("--frames", "2", "--first", "1"), slice(3, 5)),
        (("--frames", "3", "--episode", "2"), slice(6, 9)),
        (("--frames", "1", "--data", "plain.npz"), slice(0, 1)),
    ):
        status, _, told = cut(*every, *arguments)
        assert status == 0, told
        np.testing.assert_array_equal(read_frames("clip.npz").frames, file.frames[frames])
    assert read_frames("clip.npz").actions is None


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--frames", "10"], 3, "frames.npz: part all: no episode of 10 frames, the longest has 9"),
        (["--frames", "9", "--episode", "0"], 3, "frames.npz: episode 0: 5 frames, 9 are wanted"),
        (["--episode", "2"], 3, "frames.npz: part all: no episode 2; give --episode 0 to 1"),
        (["--part", "test"], 3, "frames.npz: no episode in the part test; give --part all"),
        (["--data", "none.npz"], 3, "none.npz: No such file"),
        (["--out", "frames.npz"], 5, "frames.npz: exists already; give --overwrite to replace it"),
        (["--out", "frames.npz/clip.npz"], 5, "frames.npz is a file, a folder was wanted"),
    ],
)
def test_a_mistake_of_cutting_is_one_line(cut, here, arguments, status, message):
    save_frames("frames.npz")
    before = (here / "frames.npz").read_bytes()
    every = ("--data", "frames.npz", "--part", "all", "--out", "clip.npz")
    ended, printed, told = cut(*every, *arguments)
    assert (ended, printed) == (status, "")
    assert re.fullmatch(r"error: .*\n", told)
    assert message in told
    assert [path.name for path in here.iterdir()] == ["frames.npz"]
    assert (here / "frames.npz").read_bytes() == before
