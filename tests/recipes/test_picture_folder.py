import multiprocessing
import os
import time

import numpy as np
import pytest
from PIL import Image

from recipes.images import picture_folder
from recipes.images.picture_folder import load_folder
from vqspeech.errors import InputError, UsageError
from vqspeech.files import path_lock


def color_of(name):
    """A colour that depends on the name, so that a picture says which file it was."""
    return tuple(np.random.default_rng(list(name.encode())).integers(0, 256, 3).tolist())


def paint(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (10, 8), color_of(name)).save(path, "PNG")


def content(data):
    """(name, class name or None) of all pictures by part; their pixels are held to the names."""
    found = {}
    for part, pictures in data.parts.items():
        names = [pictures.names[source] for source in pictures.sources]
        for name, pixels in zip(names, pictures.pixels, strict=True):
            assert pixels[4, 4].tolist() == list(color_of(name)), name
        labels = pictures.labels if pictures.labels is not None else [None] * len(names)
        classes = [None if label is None else data.class_names[label] for label in labels]
        found[part] = dict(zip(names, classes, strict=True))
    return found


def imagenet(root, classes=("n01", "n02", "n03"), each=4):
    paint(root, *(f"train/{name}/{name}_{i}.JPEG" for name in classes for i in range(each)))


def test_classes_are_the_first_folders_of_train_however_deep_their_pictures_lie(tmp_path):
    paint(tmp_path / "d", "train/b/deep/er/1.png", "train/b/2.png", "train/a/3.PNG")
    paint(tmp_path / "d", "val/a/4.png", "test/b/5.png")
    data = load_folder(tmp_path / "d", 8, tmp_path / "cache")
    assert data.class_names == ("a", "b")
    assert content(data) == {
        "train": {"train/a/3.PNG": "a", "train/b/2.png": "b", "train/b/deep/er/1.png": "b"},
        "valid": {"val/a/4.png": "a"},
        "test": {"test/b/5.png": "b"},
    }
    assert data.parts["train"].pixels.dtype == np.uint8


def test_pictures_without_folders_have_no_classes(tmp_path):
    paint(tmp_path / "d", *(f"{i}.png" for i in range(20)))
    data = load_folder(tmp_path / "d", 8, tmp_path / "cache")
    assert data.class_names == ()
    assert all(part.labels is None for part in data.parts.values())
    assert sum(len(part) for part in data.parts.values()) == 20


def test_a_split_is_near_90_5_and_5_percent_and_new_files_move_no_old_ones(tmp_path, monkeypatch):
    monkeypatch.setattr(
        picture_folder, "read_picture", lambda path, size: np.zeros((1, 1, 3), "u1")
    )
    root = tmp_path / "d"
    root.mkdir()

    def parts(count):
        for i in range(count):
            (root / f"{i}.png").touch()
        data = load_folder(root, 1, tmp_path / "cache")
        return {name: set(part.names) for name, part in data.parts.items()}

    before, after = parts(500), parts(1000)
    assert all(before[part] <= after[part] for part in before)
    # 1,000 draws of 5 %: 50 give or take 3 standard deviations of 6.9.
    assert 29 <= len(after["valid"]) <= 71
    assert 29 <= len(after["test"]) <= 71


def test_of_imagenet_val_is_the_test_and_some_of_train_is_for_validation(tmp_path):
    imagenet(tmp_path / "d", each=30)
    paint(tmp_path / "d", "val/n02/x.JPEG", "test/unlabelled.JPEG")
    found = content(load_folder(tmp_path / "d", 8, tmp_path / "cache", imagenet=True))
    assert found["test"] == {"val/n02/x.JPEG": "n02"}
    assert 1 <= len(found["valid"]) <= 14  # 5 % of 90
    assert len(found["train"]) + len(found["valid"]) == 90


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("val_labels.txt", "v2.JPEG n03\nv1.JPEG n01\nv3.JPEG n03\n"),
        ("val.txt", "v1.JPEG 0\nv2.JPEG 2\nv3.JPEG 2\n"),  # as Caffe's
        ("LOC_val_solution.csv", "ImageId,PredictionString\nv1,n01 1 2 3 4\nv2,n03 1 2\nv3,n03\n"),
        ("val/val_annotations.txt", "v1.JPEG\tn01\t0\t1\nv2.JPEG\tn03\t0\t1\nv3.JPEG\tn03\t1\t1\n"),
        ("imagenet_2012_validation_synset_labels.txt", "n01\nn03\nn03\n"),
    ],
)
@pytest.mark.parametrize("place", ["val", "val/images"])
def test_a_val_that_is_not_parted_by_class_has_a_file_of_labels(tmp_path, name, text, place):
    imagenet(tmp_path / "d")
    paint(tmp_path / "d", *(f"{place}/v{i}.JPEG" for i in (1, 2, 3)))
    (tmp_path / "d" / name).write_text(text)
    found = content(load_folder(tmp_path / "d", 8, tmp_path / "cache", imagenet=True))
    wanted = {1: "n01", 2: "n03", 3: "n03"}
    assert found["test"] == {f"{place}/v{i}.JPEG": label for i, label in wanted.items()}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("490\n361\n", "no line is the name of a class folder; numbers alone do not say"),
        ("n01\nn02\nn03\n", "3 lines for 2 pictures"),
        ("v1 0\nv2 3\n", r"labels.txt:2: class 3, but train has 3 class folders"),
        ("v1 0\nv2\n", r"labels.txt:2: one word; NAME CLASS was wanted"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_a_file_of_labels_that_does_not_fit_is_named(tmp_path, text, message):
    imagenet(tmp_path / "d")
    paint(tmp_path / "d", "val/v1.JPEG", "val/v2.JPEG")
    text = text if isinstance(text, bytes) else text.encode()
    (tmp_path / "d" / "val_labels.txt").write_bytes(text)
    with pytest.raises(InputError, match=message):
        load_folder(tmp_path / "d", 8, tmp_path / "cache", imagenet=True)


def test_what_cannot_be_used_is_skipped_and_named(tmp_path):
    root = tmp_path / "d"
    imagenet(root)
    paint(root, "val/n02/v.JPEG", "val/other/w.JPEG", "train/beside.JPEG")
    (root / "train" / "n00").mkdir()
    (root / "train" / "n01" / "note.txt").write_text("not named as a picture")
    (root / "train" / "n01" / "text.jpg").write_text("not a picture")
    (root / "train" / "n02" / "zero.jpg").touch()
    (root / "train" / "n03" / "gone.jpg").symlink_to("nowhere")
    data = load_folder(root, 8, tmp_path / "cache", imagenet=True)
    assert sum(len(part) for part in data.parts.values()) == 13
    assert dict(data.skipped) == {
        "train/n00": "a class folder without a picture",
        "train/beside.JPEG": "of no class that train has",
        "val/other/w.JPEG": "of no class that train has",
        "train/n01/text.jpg": "no picture of JPEG, PNG, GIF, BMP, WEBP, TIFF, PPM",
        "train/n02/zero.jpg": "an empty file",
        "train/n03/gone.jpg": "cannot be opened (No such file or directory)",
    }
    content(data)  # no picture moved into the place of a skipped one
    again = load_folder(root, 8, tmp_path / "cache", imagenet=True)
    assert set(again.skipped) == set(data.skipped)


def test_a_data_set_that_cannot_go_on_is_named(tmp_path):
    cache = tmp_path / "cache"
    with pytest.raises(InputError, match="nowhere: no such folder"):
        load_folder(tmp_path / "nowhere", 8, cache)
    (tmp_path / "d").mkdir()
    with pytest.raises(InputError, match="d: no file named as a picture"):
        load_folder(tmp_path / "d", 8, cache)
    (tmp_path / "d" / "a.jpg").touch()
    with pytest.raises(
        InputError, match=r"no picture that can be read; skipped 1 \(an empty file\)"
    ):
        load_folder(tmp_path / "d", 8, cache)
    with pytest.raises(InputError, match="d: no folder train"):
        load_folder(tmp_path / "d", 8, cache, imagenet=True)
    paint(tmp_path / "d", "train/flat.png")
    with pytest.raises(InputError, match="train: no class folder with a picture"):
        load_folder(tmp_path / "d", 8, cache, imagenet=True)
    with pytest.raises(UsageError, match="a positive number"):
        load_folder(tmp_path / "d", 8, cache, limit=0)
    assert not list(cache.glob("folder*"))


def test_a_limit_takes_the_same_few_of_each_class_each_time(tmp_path):
    imagenet(tmp_path / "d", each=9)
    paint(tmp_path / "d", *(f"val/n01/{i}.JPEG" for i in range(5)))
    load = [load_folder(tmp_path / "d", 8, tmp_path / c, imagenet=True, limit=2) for c in "ab"]
    assert content(load[0]) == content(load[1])
    assert np.bincount(load[0].parts["train"].labels).tolist() == [2, 2, 2]
    assert len(load[0].parts["test"]) == 2


def test_a_link_that_leads_in_a_circle_ends(tmp_path):
    paint(tmp_path / "d", "a/1.png")
    (tmp_path / "d" / "a" / "again").symlink_to(tmp_path / "d", target_is_directory=True)
    data = load_folder(tmp_path / "d", 8, tmp_path / "cache")
    assert sum(len(part) for part in data.parts.values()) == 1


def test_names_that_are_no_text_are_read(tmp_path):
    paint(tmp_path / "d", "train/a/1.png")
    os.rename(tmp_path / "d/train/a/1.png", os.fsencode(tmp_path / "d/train/a") + b"/\xff\n.png")
    data = load_folder(tmp_path / "d", 8, tmp_path / "cache")
    assert [n for p in data.parts.values() for n in p.names] == [r"train/a/\udcff\n.png"]


@pytest.fixture
def decoded(monkeypatch):
    """The paths that were decoded since."""
    paths = []
    read = picture_folder.read_picture

    def count(path, size):
        paths.append(path.name)
        return read(path, size)

    monkeypatch.setattr(picture_folder, "read_picture", count)
    return paths


def test_pictures_are_decoded_once_and_mapped_from_then_on(tmp_path, decoded):
    paint(tmp_path / "d", "a/1.png", "b/2.png")
    first = load_folder(tmp_path / "d", 8, tmp_path / "cache")
    assert sorted(decoded) == ["1.png", "2.png"]
    decoded.clear()
    again = load_folder(tmp_path / "d", 8, tmp_path / "cache")
    assert decoded == []
    assert content(again) == content(first)
    assert isinstance(again.parts["train"].pixels, np.memmap)
    load_folder(tmp_path / "d", 4, tmp_path / "cache")  # another size is another cache
    assert sorted(decoded) == ["1.png", "2.png"]


@pytest.mark.parametrize("change", ["added", "removed", "repainted", "cut cache", "no index"])
def test_pictures_are_decoded_again_when_something_changed(tmp_path, decoded, change):
    root, cache = tmp_path / "d", tmp_path / "cache"
    paint(root, "a/1.png", "a/2.png")
    load_folder(root, 8, cache)
    (place,) = cache.glob("folder-8-*")
    decoded.clear()
    if change == "added":
        paint(root, "a/3.png")
    elif change == "removed":
        (root / "a/1.png").unlink()
    elif change == "repainted":  # the same size, another time
        os.utime(root / "a/1.png", ns=(1, 1))
    elif change == "cut cache":
        with open(place / "pixels.u8", "r+b") as file:
            file.truncate(100)
    else:
        (place / "index.json").write_text('{"digest": ')
    data = load_folder(root, 8, cache)
    assert len(decoded) == {"added": 3, "removed": 1}.get(change, 2)
    content(data)
    assert sorted(p.name for p in cache.iterdir()) == [place.name]


def _load_slowly(root, cache, results):
    read = picture_folder.read_picture

    def slow(path, size):
        results.put("decoded")
        time.sleep(0.05)
        return read(path, size)

    picture_folder.read_picture = slow
    results.put(sum(len(part) for part in load_folder(root, 8, cache).parts.values()))


def test_of_two_processes_one_decodes_and_both_get_all(tmp_path):
    paint(tmp_path / "d", *(f"a/{i}.png" for i in range(6)))
    fork = multiprocessing.get_context("fork")
    results = fork.Queue()
    both = [
        fork.Process(target=_load_slowly, args=(tmp_path / "d", tmp_path / "cache", results))
        for _ in range(2)
    ]
    for process in both:
        process.start()
    found = [results.get(timeout=60) for _ in range(8)]
    for process in both:
        process.join(60)
    assert found.count("decoded") == 6
    assert found.count(6) == 2


def test_who_waits_for_another_process_says_so_once(tmp_path, monkeypatch):
    paint(tmp_path / "d", "a/1.png")
    load_folder(tmp_path / "d", 8, tmp_path / "cache")
    (place,) = (tmp_path / "cache").glob("folder-8-*")
    paint(tmp_path / "d", "a/2.png")
    lock = path_lock(place)
    lock.__enter__()
    naps = []

    def nap(seconds):
        naps.append(seconds)
        if len(naps) == 3:
            lock.__exit__(None, None, None)

    monkeypatch.setattr(picture_folder.time, "sleep", nap)
    notes = []
    data = load_folder(tmp_path / "d", 8, tmp_path / "cache", note=notes.append)
    assert sum(len(part) for part in data.parts.values()) == 2
    assert len(notes) == 1
    assert f"in use by pid {os.getpid()}" in notes[0]
    assert notes[0].endswith("; waiting")
