"""Which clips there are, and which crops of them a step learns from."""

import numpy as np
import pytest
from small_clips import walks_data

from recipes.frames.pictures import PictureData, PictureSet
from recipes.video.clips import ClipBatches, clips_of
from vqspeech.errors import InputError


def numbered(*lengths, height=9, width=12):
    """Episodes of so many frames, in which every pixel says which it is: (frame, row, column)."""
    count = sum(lengths)
    pixels = np.stack(np.broadcast_arrays(*np.ogrid[:count, :height, :width]), axis=-1)
    sources = np.repeat(np.arange(len(lengths)), lengths)
    names = tuple(f"cave/{number}" for number in range(len(lengths)))
    frames = PictureSet(pixels.astype(np.uint8), sources, None, names)
    return PictureData("made-up", {"train": frames})


@pytest.mark.parametrize(
    ("every", "starts"), [(1, [0, 1, 2, 8, 9, 10, 11, 12]), (2, [0, 2, 8, 10, 12]), (4, [0, 8, 12])]
)
def test_clips_lie_within_one_episode_and_those_that_are_too_short_are_named(every, starts):
    clips = clips_of(numbered(6, 2, 8, 3), "train", 4, every)
    assert clips.starts.tolist() == starts
    assert clips.sources.tolist() == [0 if start < 6 else 2 for start in starts]
    reason = "fewer than 4 frames"
    assert clips.skipped == (("cave/1", reason), ("cave/3", reason))
    found = [clips.pixels(i)[:, 0, 0, 0].tolist() for i in range(len(clips))]
    assert found == [list(range(start, start + 4)) for start in starts]


def test_parts_without_a_clip_are_refused_in_one_line():
    with pytest.raises(InputError) as caught:
        clips_of(numbered(3, 2), "train", 4)
    assert str(caught.value) == (
        "made-up: no episode of the part train has 4 frames; set model.frames lower, or collect "
        "longer ones"
    )
    with pytest.raises(InputError, match="no pictures in the part valid"):
        clips_of(numbered(8), "valid", 4)


def test_batches_to_score_hold_every_clip_once_in_order():
    clips = clips_of(numbered(70, 9), "train", 4)
    batches = list(clips.batches())
    assert [batch.shape[1:] for batch in batches] == [(3, 4, 9, 12)] * 5
    assert [int(clip[0, 0, 0, 0]) for batch in batches for clip in batch] == clips.starts.tolist()
    assert clips.some(3).starts.tolist() == [0, 25, 50]
    assert len(clips.some(100)) == len(clips)


@pytest.mark.parametrize("flip", [False, True])
def test_a_clip_is_cut_at_the_same_place_in_all_its_frames_anywhere_in_them(flip):
    batches = ClipBatches(clips_of(numbered(9), "train", 4), 6, seed=1, crop=8, flip=flip)
    corners, mirrored = set(), 0
    for step in range(40):
        batch = batches.at(step).numpy()
        assert (batch.shape, batch.dtype) == ((6, 3, 4, 8, 8), np.uint8)
        assert sorted(batch[:, 0, 0, 0, 0]) == [0, 1, 2, 3, 4, 5]  # each once an epoch
        for frame, row, column in batch.astype(int):
            is_mirrored = column[0, 0, 0] > column[0, 0, 1]
            mirrored += is_mirrored
            column = column[..., ::-1] if is_mirrored else column
            top, left = row[0, 0, 0], column[0, 0, 0]
            assert (frame == frame[0, 0, 0] + np.arange(4)[:, None, None]).all()
            assert (row == top + np.arange(8)[:, None]).all()
            assert (column == left + np.arange(8)).all()
            corners.add((top, left))
    assert corners == {(top, left) for top in range(2) for left in range(5)}
    assert (mirrored > 80) == flip
    assert mirrored < 160


def test_a_batch_depends_on_seed_and_step_and_on_no_batch_before_it(tmp_path):
    clips = clips_of(walks_data(tmp_path), "train", 4)
    fresh = {step: ClipBatches(clips, 5, 3, crop=8).at(step) for step in (7, 0, 31)}
    one = ClipBatches(clips, 5, 3, crop=8)
    for step, batch in fresh.items():
        assert (one.at(step) == batch).all()
    assert (ClipBatches(clips, 5, 4, crop=8).at(7) != fresh[7]).any()
    whole = ClipBatches(clips, 5, 3).at(7)
    assert whole.shape == (5, 3, 4, 16, 16)


def test_crops_that_are_larger_than_the_frames_are_refused():
    with pytest.raises(ValueError, match="crops of 12 pixels from pictures of 9 x 12"):
        ClipBatches(clips_of(numbered(8), "train", 4), 2, seed=0, crop=12)
