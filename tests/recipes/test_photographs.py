import numpy as np
import pytest

from recipes.images.photographs import (
    FOLDS,
    NAMES,
    cut_crops,
    find_photographs,
    load_photographs,
    part_names,
)
from recipes.images.picture_file import read_picture
from vqspeech.errors import MissingError, UsageError

FEW = (36, 6, 12)


def same(a, b):
    return all(
        np.array_equal(a.parts[name].pixels, b.parts[name].pixels)
        and np.array_equal(a.parts[name].sources, b.parts[name].sources)
        for name in a.parts
    )


def test_each_photograph_is_scored_in_one_fold_and_never_learnt_from_in_it():
    scored = [name for fold in range(3) for name in part_names("test", fold)]
    assert sorted(scored) == sorted(NAMES)
    assert [len(fold) for fold in FOLDS] == [3, 3, 4]
    for fold in range(3):
        parts = [name for part in ("train", "valid", "test") for name in part_names(part, fold)]
        assert sorted(parts) == sorted(NAMES)


def test_a_part_has_equally_many_crops_of_each_of_its_photographs():
    data = load_photographs(32, fold=2, counts=FEW)
    assert data.name == "photos"
    for name, each in (("train", [8, 7, 7, 7, 7]), ("valid", [6]), ("test", [3, 3, 3, 3])):
        part = data.part(name)
        assert part.pixels.shape == (sum(each), 32, 32, 3)
        assert np.bincount(part.sources).tolist() == each
        assert part.names == part_names(name, 2)
        assert part.labels is None


def test_each_pixel_is_the_mean_of_a_square_of_its_photograph():
    rng = np.random.default_rng(1)
    photograph = rng.integers(0, 256, (80, 90, 3), dtype=np.uint8)
    crops = cut_crops(photograph, 8, 12, 3, "noise")
    assert crops.scales.tolist() == [1, 2, 4, 8] * 3
    for crop, scale in zip(crops.pixels, crops.scales, strict=True):
        side = 8 * scale
        windows = np.lib.stride_tricks.sliding_window_view(photograph, (side, side), (0, 1))
        blocks = windows.reshape(*windows.shape[:3], 8, scale, 8, scale)
        means = blocks.mean(axis=(4, 6)).transpose(0, 1, 3, 4, 2)  # of every place a crop may be
        error = np.abs(means - crop).max(axis=(2, 3, 4))
        assert error.min() <= 0.5 + 1e-9  # rounding
        assert (error <= 1).sum() == 1  # noise: only one place looks like it


def test_crops_follow_the_seed_and_not_the_fold():
    first = load_photographs(32, counts=FEW, seed=5)
    assert same(first, load_photographs(32, counts=FEW, seed=5))
    assert not same(first, load_photographs(32, counts=FEW, seed=6))
    name = part_names("test", 0)[1]
    other = load_photographs(32, counts=FEW, fold=1, seed=5).part("train")
    learnt = other.pixels[other.sources == other.names.index(name)]
    scored = first.part("test").pixels[first.part("test").sources == 1]
    np.testing.assert_array_equal(learnt[:4], scored)


@pytest.mark.parametrize(
    ("size", "classes"),
    [
        (32, ("scale 1", "scale 1/2", "scale 1/4", "scale 1/8 and less")),
        (128, ("scale 1", "scale 1/2 and less")),
    ],
)
@pytest.mark.parametrize("fold", range(3))
def test_every_class_of_scale_is_in_every_part(size, classes, fold):
    data = load_photographs(size, fold=fold, counts=(60, 10, 40), by_scale=True)
    assert data.class_names == classes
    for part in data.parts.values():
        assert np.unique(part.labels).tolist() == list(range(len(classes)))


def test_no_two_crops_are_alike():
    pixels = load_photographs(32, counts=(600, 100, 300)).part("train").pixels
    assert len(np.unique(pixels.reshape(600, -1), axis=0)) >= 597  # two may fall on one place


def test_a_crop_of_one_flat_colour_is_drawn_again():
    rng = np.random.default_rng(0)
    photograph = np.zeros((64, 400, 3), np.uint8)
    photograph[:, :40] = rng.integers(0, 256, (64, 40, 3))
    assert cut_crops(photograph, 16, 40, 0, "black").pixels.std(axis=(1, 2)).max(axis=1).min() >= 1
    with pytest.raises(UsageError, match="photos: black is one flat colour at scale 1/1"):
        cut_crops(np.zeros((64, 64, 3), np.uint8), 16, 1, 0, "black")


def test_the_photographs_are_ten_in_colour():
    files = find_photographs()
    assert tuple(files) == NAMES
    for path in files.values():
        picture = read_picture(path)
        assert min(picture.shape[:2]) >= 300
        assert (picture[..., 0] != picture[..., 2]).mean() > 0.2


def test_what_cannot_be_cut_is_said(monkeypatch):
    with pytest.raises(UsageError, match="photos:3: fold 0 to 2"):
        load_photographs(32, fold=3)
    with pytest.raises(UsageError, match="crops of 280 pixels do not fit"):
        load_photographs(280)
    with pytest.raises(UsageError, match="three numbers of crops"):
        load_photographs(32, counts=(10, 2))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(
        MissingError, match=r"photos need skimage; pip install 'vqspeech\[images\]'"
    ):
        load_photographs(32)
