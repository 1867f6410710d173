from pathlib import Path

import pytest

from vqspeech.data.text_grid_folder import find_text_grids, match_text_grids
from vqspeech.errors import InputError


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    return root


def utterance_of(path, *ids):
    matches = match_text_grids([Path("/archive") / path], ids)
    return next(iter(matches.paths), None)


@pytest.mark.parametrize(
    ("path", "utterance"),
    [
        ("a-1.TextGrid", "a-1"),
        ("p225/p225_001_mic1.TextGrid", "p225-001"),
        ("p225_001.textgrid", "p225_001"),
        ("p225-001.TextGrid", "p225_001_mic2"),
        ("P225_001.TextGrid", "p225-001"),
        ("mary/day 1/a.TextGrid", "mary-day_1-a"),
        ("mary/mary_a.TextGrid", "mary-a"),
        ("mary/mary_a.TextGrid", "mary-mary_a"),
        ("mary/a.TextGrid", "mary-a"),
        ("mary/a.TextGrid", "mary_a"),
        ("dev-clean/84/121123/84-121123-0000.TextGrid", "84-121123-0000"),
        ("train/84/121123/84-121123-0000.TextGrid", "84-121123-84_121123_0000"),
        ("out/mary-day_1-a.TextGrid", "mary-day_1-a"),
        ("zoë/ü.TextGrid", "zoë-ü"),
    ],
)
def test_a_text_grid_is_found_by_the_names_that_aligners_and_preparation_give(path, utterance):
    others = ("b-9", "john-day_1-a", "84-121123-0001", "p226-001")
    assert utterance_of(path, utterance, *others) == utterance


@pytest.mark.parametrize(
    "path", ["a.TextGrid", "1/2.TextGrid", "mary/b.TextGrid", "john/a.TextGrid", "a_mic1.TextGrid"]
)
def test_a_text_grid_of_another_recording_is_of_no_utterance(path):
    assert utterance_of(path, "mary-a", "p225-1-2-3") is None


def test_a_name_that_fits_two_utterances_fits_none_but_its_own():
    assert utterance_of("a_1.TextGrid", "a-1", "a.1") is None
    assert utterance_of("a-1.TextGrid", "a-1", "a.1") == "a-1"
    assert utterance_of("a_1.TextGrid", "a_1_mic1", "a_1_mic2") is None


def test_of_two_text_grids_the_one_of_the_same_name_counts_or_else_the_first():
    paths = [Path("/x/p1_1_mic1.TextGrid"), Path("/x/p1_1_mic2.TextGrid"), Path("/y/q.TextGrid")]
    first = match_text_grids(paths, ["p1-1"])
    assert (first.paths, first.repeated) == ({"p1-1": paths[0]}, (paths[1],))
    assert first.foreign == (paths[2],)
    named = match_text_grids(paths, ["p1_1_mic2"])
    assert (named.paths, named.repeated) == ({"p1_1_mic2": paths[1]}, (paths[0],))
    backwards = match_text_grids(paths[::-1], ["p1_1_mic2"])
    assert (backwards.paths, backwards.repeated) == ({"p1_1_mic2": paths[1]}, (paths[0],))


def test_text_grids_are_found_in_every_folder_in_order_but_hidden_ones(tmp_path):
    names = ("b/c/2.TEXTGRID", "a/1.textgrid", "3.TextGrid", "b/.4.TextGrid", ".d/5.TextGrid")
    root = touch(tmp_path / "archive", *names)
    (root / "loop").symlink_to(root)
    outside = touch(tmp_path / "outside", "6.TextGrid")
    (root / "link").symlink_to(outside)
    found = [path.relative_to(root).as_posix() for path in find_text_grids(root)]
    assert found == ["3.TextGrid", "a/1.textgrid", "b/c/2.TEXTGRID", "link/6.TextGrid"]
    assert find_text_grids(root / "3.TextGrid") == [root / "3.TextGrid"]


def test_a_folder_without_text_grids_says_what_is_there(tmp_path):
    root = touch(tmp_path / "archive", "a.txt", "b/c.txt", "d.zip", "e")
    with pytest.raises(InputError, match=r"no \*.TextGrid .*4 other files \(2 .txt, 1 .zip"):
        find_text_grids(root)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="0 other files; give the folder"):
        find_text_grids(tmp_path / "empty")
    with pytest.raises(InputError, match="is no TextGrid; give a folder of TextGrids, unpacked"):
        find_text_grids(root / "d.zip")
    with pytest.raises(InputError, match="no such file or folder"):
        find_text_grids(tmp_path / "none.TextGrid")


def test_alignments_of_words_are_recognised_by_their_name(tmp_path):
    root = touch(tmp_path / "dev-clean", "84/121123/84-121123.alignment.txt")
    with pytest.raises(InputError, match=r"holds words and no phones.*vqspeech align make"):
        find_text_grids(root)
