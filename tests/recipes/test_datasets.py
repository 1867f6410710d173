import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from recipes.frames.frames_file import FramesFile, write_frames
from recipes.frames.grids import contact_sheet
from recipes.frames.pictures import PictureData, PictureSet
from recipes.images.datasets import describe, load_pictures
from vqspeech.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]
FEW = (12, 4, 6)


def run_command(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "recipes.images.datasets", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=120,
    )


def write_cifar(folder, count=20):
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in [f"data_batch_{n}" for n in range(1, 6)] + ["test_batch"]:
        rows = rng.integers(0, 256, (count, 3073), dtype=np.uint8)
        rows[:, 0] %= 2
        rows.tofile(folder / f"{name}.bin")


def test_photos_are_named_with_fold_and_scales(tmp_path):
    plain = load_pictures("photos", 32, tmp_path, counts=FEW)
    assert plain.class_names == ()
    assert load_pictures("photos:1", 32, tmp_path, counts=FEW).part("test").names[0] == "astronaut"
    for spec in ("photos:scales", "photos:0:scales"):
        data = load_pictures(spec, 32, tmp_path, counts=FEW)
        assert data.class_names[0] == "scale 1"
        assert np.array_equal(data.part("train").pixels, plain.part("train").pixels)
    assert list(tmp_path.iterdir()) == []


def test_a_limit_keeps_the_first_of_each_class(tmp_path):
    write_cifar(tmp_path / "c")
    spec = f"cifar10:{tmp_path / 'c'}"
    whole = load_pictures(spec, 32, tmp_path).part("train")
    few = load_pictures(spec, 32, tmp_path, limit=3).part("train")
    kept = sorted(
        i for label in (0, 1) for i in [j for j in range(90) if whole.labels[j] == label][:3]
    )
    assert few.sources.tolist() == kept
    assert few.labels.tolist() == whole.labels[kept].tolist()
    np.testing.assert_array_equal(few.pixels, whole.pixels[kept])
    assert len(load_pictures("photos", 32, tmp_path, counts=FEW, limit=5).part("train")) == 5


def test_frames_come_from_their_file(tmp_path):
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)
    episode = np.repeat(np.arange(4, dtype=np.int32), 3)
    write_frames(tmp_path / "f.npz", FramesFile(frames, episode, np.zeros(12, np.int16), ("m",)))
    data = load_pictures(f"frames:{tmp_path / 'f.npz'}", 8, tmp_path)
    assert sum(len(part) for part in data.parts.values()) == 12
    few = load_pictures(f"frames:{tmp_path / 'f.npz'}", 8, tmp_path, limit=2)
    assert {name: len(part) for name, part in few.parts.items()} == dict.fromkeys(data.parts, 2)


@pytest.mark.parametrize("spec", ["cifar", "imagenet", "folder:", "photo", "photos:", "photos:x"])
def test_an_unknown_data_set_is_told_which_are_known(tmp_path, spec):
    with pytest.raises(UsageError, match=f"^{spec}: no data set; known are photos, .*cifar10:DIR"):
        load_pictures(spec, 32, tmp_path)


def test_arguments_that_do_not_fit_a_data_set_are_named(tmp_path):
    write_cifar(tmp_path / "c")
    spec = f"cifar10:{tmp_path / 'c'}"
    with pytest.raises(UsageError, match="pictures of 32 pixels, 64 were asked for"):
        load_pictures(spec, 64, tmp_path)
    with pytest.raises(UsageError, match="counts are for photos alone"):
        load_pictures(spec, 32, tmp_path, counts=FEW)
    with pytest.raises(UsageError, match="limit 0"):
        load_pictures(spec, 32, tmp_path, limit=0)


def test_a_description_counts_pictures_sources_classes_and_what_was_skipped():
    part = PictureSet(np.zeros((3, 8, 9, 3), np.uint8), np.array([0, 1, 1]), None, ("a", "b"))
    labelled = PictureSet(part.pixels, part.sources, np.array([1, 1, 1]), part.names)
    data = PictureData("x", {"train": labelled, "test": part}, ("k", "l"), (("f.png", "broken"),))
    assert describe(data) == [
        "x train: 3 pictures of 9 x 8 pixels from 2 sources, 1 of 2 classes",
        "x test: 3 pictures of 9 x 8 pixels from 2 sources",
        "skipped 1 (broken): f.png",
    ]


def test_a_sheet_shows_pictures_row_by_row():
    pixels = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 3, 3), np.uint8)
    sheet = contact_sheet(pixels, 3, gap=1)
    assert sheet.shape == (5, 11, 3)
    assert sheet[0, ::4, 0].tolist() == [0, 1, 2]
    assert sheet[3, ::4, 0].tolist() == [3, 4, 255]
    assert sheet[2].min() == 255


def test_the_command_tells_and_shows_a_data_set(tmp_path):
    write_cifar(tmp_path / "c")
    done = run_command("cifar10:c", "--limit", 2, "--show", "sheet.png", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "cifar10 train: 4 pictures of 32 x 32 pixels from 4 sources, 2 of 10 classes",
        "cifar10 valid: 4 pictures of 32 x 32 pixels from 4 sources, 2 of 10 classes",
        "cifar10 test: 4 pictures of 32 x 32 pixels from 4 sources, 2 of 10 classes",
        "wrote sheet.png",
    ]
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (4 * 34 - 2, 32)


def test_the_command_ends_with_one_line_and_status_3_for_bad_input(tmp_path):
    write_cifar(tmp_path / "c")
    (tmp_path / "c" / "data_batch_3.bin").write_bytes(b"123")
    done = run_command("cifar10:c", cwd=tmp_path)
    assert done.returncode == 3
    assert done.stderr.splitlines() == [
        "error: c/data_batch_3.bin: 3 bytes, a whole number of rows of 3073 was wanted;"
        " fetch the binary version of CIFAR-10 again"
    ]
