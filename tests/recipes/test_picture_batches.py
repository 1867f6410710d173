"""Which pictures a step learns from, and what is cut out of them."""

import numpy as np
import pytest

from recipes.frames.batches import PictureBatches, ShuffledIndices, as_tensor
from recipes.frames.grids import contact_sheet, write_png
from recipes.frames.pictures import PictureSet


def numbered(count, height, width):
    """Pictures in which every pixel says which it is: (number, row, column)."""
    shape = (count, height, width)
    pixels = np.stack(np.broadcast_arrays(*np.ogrid[:count, :height, :width]), axis=-1)
    assert pixels.shape == (*shape, 3)
    return PictureSet(pixels.astype(np.uint8), np.arange(count), None, ("one",) * count)


def test_every_example_comes_once_an_epoch_across_the_ends_of_batches():
    indices = ShuffledIndices(10, 4, seed=3)
    drawn = np.concatenate([indices.at(step) for step in range(15)]).reshape(6, 10)
    assert (np.sort(drawn) == np.arange(10)).all()
    assert len({tuple(epoch) for epoch in drawn}) == 6


def test_a_batch_depends_on_seed_and_step_and_on_no_batch_before_it():
    steps = [7, 0, 31, 2]
    fresh = [ShuffledIndices(10, 4, seed=3).at(step).tolist() for step in steps]
    one = ShuffledIndices(10, 4, seed=3)
    assert [one.at(step).tolist() for step in steps] == fresh
    assert ShuffledIndices(10, 4, seed=4).at(7).tolist() != fresh[0]


def test_a_batch_larger_than_the_set_goes_through_it_several_times():
    assert np.bincount(ShuffledIndices(3, 9, seed=0).at(5)).tolist() == [3, 3, 3]


def test_nothing_to_draw_from_is_refused():
    with pytest.raises(ValueError, match="0 examples"):
        ShuffledIndices(0, 4, seed=0)


@pytest.mark.parametrize("flip", [False, True])
def test_crops_are_contiguous_parts_of_a_picture_anywhere_in_it(flip):
    batches = PictureBatches(numbered(5, 9, 12), 5, seed=1, crop=8, flip=flip)
    corners, mirrored = set(), 0
    for step in range(40):
        batch = batches.at(step).numpy()
        assert batch.shape == (5, 3, 8, 8)
        assert batch.dtype == np.uint8
        assert sorted(batch[:, 0, 0, 0]) == [0, 1, 2, 3, 4]
        for number, row, column in batch.astype(int):
            is_mirrored = column[0, 0] > column[0, 1]
            mirrored += is_mirrored
            column = column[:, ::-1] if is_mirrored else column
            assert (number == number[0, 0]).all()
            assert (row == row[0, 0] + np.arange(8)[:, None]).all()
            assert (column == column[0, 0] + np.arange(8)).all()
            corners.add((row[0, 0], column[0, 0]))
    assert corners == {(top, left) for top in range(2) for left in range(5)}
    if flip:
        assert abs(mirrored - 100) < 4 * np.sqrt(50)  # half of 200, within four deviations
    else:
        assert mirrored == 0


def test_whole_pictures_are_what_they_were():
    pictures = numbered(6, 4, 8)
    batch = PictureBatches(pictures, 6, seed=0).at(0)
    order = batch[:, 0, 0, 0].tolist()
    assert sorted(order) == list(range(6))
    assert (batch.numpy() == pictures.pixels[order].transpose(0, 3, 1, 2)).all()


def test_crops_larger_than_the_pictures_are_refused():
    with pytest.raises(ValueError, match="crops of 10 pixels from pictures of 9 x 12"):
        PictureBatches(numbered(5, 9, 12), 2, seed=0, crop=10)


def test_pictures_that_cannot_be_written_to_become_tensors(tmp_path):
    np.save(tmp_path / "pixels.npy", numbered(2, 4, 4).pixels)
    mapped = np.load(tmp_path / "pixels.npy", mmap_mode="r")
    pictures = PictureSet(mapped, np.arange(2), None, ("one",) * 2)
    assert PictureBatches(pictures, 2, seed=0, flip=True).at(0).shape == (2, 3, 4, 4)
    assert as_tensor(mapped[:, :, ::-1])[1, 2, 0].tolist() == [3, 2, 1, 0]


def test_a_sheet_holds_every_picture_row_by_row_on_white():
    pixels = numbered(5, 3, 4).pixels
    sheet = contact_sheet(pixels, columns=3, gap=2)
    assert sheet.shape == (2 * 3 + 2, 3 * 4 + 2 * 2, 3)
    assert (sheet[5:8, 6:10] == pixels[4]).all()
    assert (sheet[0:3, 12:16] == pixels[2]).all()
    sheet[0:3].reshape(3, 16, 3)[:, [*range(4), *range(6, 10), *range(12, 16)]] = 255
    sheet[5:8, [*range(4), *range(6, 10)]] = 255
    assert (sheet == 255).all()
    assert (contact_sheet(pixels[:2], columns=2, gap=0) == np.hstack(pixels[:2])).all()


def test_a_png_shows_every_pixel_as_a_square(tmp_path):
    from PIL import Image

    picture = numbered(1, 3, 4).pixels[0]
    write_png(tmp_path / "a.png", picture, scale=3)
    with Image.open(tmp_path / "a.png") as image:
        read = np.asarray(image)
    assert read.shape == (9, 12, 3)
    for row, column in np.ndindex(9, 12):
        assert (read[row, column] == picture[row // 3, column // 3]).all()
