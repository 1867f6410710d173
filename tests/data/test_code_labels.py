"""Codes as labels: what Praat and Audacity are shown is what was there, all of it."""

from itertools import pairwise

import numpy as np
import pytest
from praatio import textgrid

from vqspeech.data.code_file import RecordedCodes, load_codes, save_codes
from vqspeech.data.code_labels import label_codes
from vqspeech.errors import InputError, WriteError

HOP, RATE = 320, 16000  # 50 codes a second


def read_back(tier):
    """The codes of an interval tier: the label at the centre of each frame."""
    frames = int(np.ceil(tier.maxTimestamp * RATE / HOP - 1e-9))
    centres = [(frame + 0.5) * HOP / RATE for frame in range(frames)]
    labels = [
        [entry.label for entry in tier.entries if entry.start <= centre < entry.end]
        for centre in centres
    ]
    assert all(len(label) == 1 for label in labels)
    return [int(label[0]) for label in labels]


def save(path, codes, samples=None):
    samples = len(codes) * HOP if samples is None else samples
    save_codes(path, RecordedCodes(np.asarray(codes), RATE, HOP, samples))
    return path


def test_runs_of_equal_codes_by_hand():
    runs = label_codes(np.array([7, 7, 3, 7]), hop=320, sample_rate=16000, samples=1200)
    assert [tuple(run) for run in runs] == [(0, 0.04, "7"), (0.04, 0.06, "3"), (0.06, 0.075, "7")]


def test_praatio_reads_the_codes_back(tmp_path):
    codes = np.random.default_rng(0).integers(0, 4, 300)  # some runs, some not
    samples = 300 * HOP - 101  # ends within the last frame
    path = save(tmp_path / "a.TextGrid", codes, samples)
    grid = textgrid.openTextgrid(str(path), includeEmptyIntervals=True, reportingMode="error")
    assert grid.tierNames == ("codes",)
    tier = grid.getTier("codes")
    assert grid.maxTimestamp == tier.maxTimestamp == samples / RATE
    assert all(entry.label for entry in tier.entries)
    starts, ends, labels = zip(*tier.entries, strict=True)
    assert starts == (0.0, *ends[:-1])  # no gap, no overlap, to the last bit
    assert ends[-1] == samples / RATE
    assert all(a != b for a, b in pairwise(labels))
    # The last frame is cut, its centre is not reached: read the others, and the label at the end.
    assert read_back(tier)[:299] == codes[:299].tolist()
    assert labels[-1] == str(codes[-1])


def test_each_group_has_a_tier(tmp_path):
    codes = np.random.default_rng(1).integers(0, 3, (40, 2))
    grid = textgrid.openTextgrid(str(save(tmp_path / "a.TextGrid", codes)), False)
    assert grid.tierNames == ("codes-1", "codes-2")
    for group in range(2):
        assert read_back(grid.getTier(f"codes-{group + 1}")) == codes[:, group].tolist()


def test_audacity_labels_by_hand(tmp_path):
    path = save(tmp_path / "a.txt", [5, 5, 6], samples=900)
    assert path.read_bytes() == b"0.000000\t0.040000\t5\n0.040000\t0.056250\t6\n"
    path = save(tmp_path / "b.txt", [[5, 1], [5, 1], [5, 2]])
    assert path.read_text() == "0.000000\t0.040000\t5 1\n0.040000\t0.060000\t5 2\n"


@pytest.mark.parametrize("name", ["a.TextGrid", "a.txt"])
def test_labels_are_refused_where_codes_are_wanted(tmp_path, name):
    path = save(tmp_path / name, [1, 2, 2])
    message = r"shows the codes and does not hold all of them; .* --format npz or jsonl"
    with pytest.raises(InputError, match=message):
        load_codes(path)
    with pytest.raises(InputError, match=message):
        load_codes(path.rename(tmp_path / name.upper()))
    with pytest.raises(InputError, match="No such file"):
        load_codes(path)


@pytest.mark.parametrize(("frames", "samples"), [(0, 0), (3, 3 * HOP + 1), (3, 2 * HOP)])
def test_codes_of_another_length_are_a_mistake(tmp_path, frames, samples):
    with pytest.raises(ValueError, match=f"{frames} codes of 320 samples for {samples} samples"):
        save(tmp_path / "a.TextGrid", np.zeros(frames, int), samples)
    assert not list(tmp_path.iterdir())


def test_a_text_grid_that_cannot_be_written_is_named_and_leaves_nothing(tmp_path):
    (tmp_path / "a.TextGrid").mkdir()
    (tmp_path / "a.TextGrid" / "inside").touch()
    with pytest.raises(WriteError, match=r"a\.TextGrid: cannot be written"):
        save(tmp_path / "a.TextGrid", [1, 2])
    assert [path.name for path in tmp_path.iterdir()] == ["a.TextGrid"]
