import os
import pickle
import struct

import numpy as np
import pytest

from recipes.images.cifar import load_cifar10, read_binary, read_pickle
from vqspeech.errors import InputError


def made_up(count, seed=0):
    """Planes (N, 3072) uint8 and labels (N,) uint8."""
    rng = np.random.default_rng(seed)
    return (
        rng.integers(0, 256, (count, 3072), dtype=np.uint8),
        rng.integers(0, 10, count, dtype=np.uint8),
    )


def write_binary(path, planes, labels):
    np.concatenate([labels[:, None], planes], axis=1).tofile(path)


def python_2_pickle(planes, labels):
    """What `cPickle.dump(..., 2)` of Python 2 wrote: strings of bytes, the names of NumPy 1."""

    def text(value):
        return b"U" + bytes([len(value)]) + value

    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + text(b"b") + b"\x87R"
        b"(K\x01" + b"K" + bytes([len(planes)]) + b"M" + struct.pack("<H", 3072) + b"\x86"
        b"cnumpy\ndtype\n" + text(b"u1") + b"K\x00K\x01\x87R"
        b"(K\x03" + text(b"|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89T" + struct.pack("<i", planes.size) + planes.tobytes() + b"tb"
    )
    numbers = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    return (
        b"\x80\x02}("
        + (text(b"batch_label") + text(b"training batch 1 of 5"))
        + (text(b"labels") + numbers + text(b"data") + array)
        + b"u."
    )


def test_the_first_plane_of_a_row_is_red_and_its_rows_go_from_left_to_right(tmp_path):
    planes = np.zeros((2, 3072), np.uint8)
    planes[1, 33] = 200  # red, second row, second column
    planes[1, 2 * 1024 + 31] = 100  # blue, end of the first row
    write_binary(tmp_path / "a.bin", planes, np.array([3, 9], np.uint8))
    pixels, labels = read_binary(tmp_path / "a.bin")
    assert pixels.shape == (2, 32, 32, 3)
    assert labels.tolist() == [3, 9]
    assert pixels[1, 1, 1].tolist() == [200, 0, 0]
    assert pixels[1, 0, 31].tolist() == [0, 0, 100]
    assert pixels.sum() == 300


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_pickle_gives_what_the_binary_file_of_the_same_gives(tmp_path, protocol):
    planes, labels = made_up(3)
    write_binary(tmp_path / "a.bin", planes, labels)
    content = {b"data": planes, b"labels": [int(label) for label in labels]}
    (tmp_path / "a").write_bytes(pickle.dumps(content, protocol))
    for binary, pickled in zip(
        read_binary(tmp_path / "a.bin"), read_pickle(tmp_path / "a"), strict=True
    ):
        np.testing.assert_array_equal(binary, pickled)


def test_a_pickle_of_python_2_is_read(tmp_path):
    planes, labels = made_up(4)
    (tmp_path / "a").write_bytes(python_2_pickle(planes, labels))
    pixels, found = read_pickle(tmp_path / "a")
    np.testing.assert_array_equal(pixels.transpose(0, 3, 1, 2).reshape(4, 3072), planes)
    assert found.tolist() == labels.tolist()


def test_an_array_of_other_than_the_bytes_it_holds_is_refused(tmp_path):
    content = python_2_pickle(*made_up(2))
    (tmp_path / "a").write_bytes(content.replace(b"K\x02M\x00\x0c\x86", b"K\x03M\x00\x0c\x86"))
    with pytest.raises(InputError, match=r"a: `data` of N x 3072 bytes"):
        read_pickle(tmp_path / "a")


class Hostile:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("call", ["os.mkdir", "builtins.eval", "numpy.load"])
def test_a_pickle_that_calls_anything_is_refused_and_does_nothing(tmp_path, monkeypatch, call):
    monkeypatch.chdir(tmp_path)
    calls = {
        "os.mkdir": Hostile(os.mkdir, "done"),
        "builtins.eval": Hostile(eval, "__import__('os').mkdir('done')"),
        "numpy.load": Hostile(np.load, "done.npy", None, True),
    }
    (tmp_path / "a").write_bytes(pickle.dumps({b"data": calls[call], b"labels": [1]}, 2))
    with pytest.raises(InputError, match=r"a: no batch of CIFAR-10 \(it names .*refused"):
        read_pickle("a")
    assert not (tmp_path / "done").exists()


def test_a_pickle_cannot_ask_for_a_codec(tmp_path):
    import _codecs

    content = {b"data": Hostile(_codecs.encode, "a", "rot13"), b"labels": [1]}
    (tmp_path / "a").write_bytes(pickle.dumps(content, 2))
    with pytest.raises(InputError, match="codec 'rot13', which is refused"):
        read_pickle(tmp_path / "a")


@pytest.mark.parametrize(
    "content",
    [
        {b"data": np.zeros((2, 3072), np.uint8), b"labels": [1]},  # fewer labels
        {b"data": np.zeros((1, 3072), np.float32), b"labels": [1]},
        {b"data": np.zeros((1, 3072), np.int8), b"labels": [1]},
        {b"data": np.zeros((1, 3071), np.uint8), b"labels": [1]},
        {b"data": np.zeros((1, 3072), np.uint8), b"labels": ["1"]},
        {b"data": [[0] * 3072], b"labels": [1]},
        {b"fine_labels": [1]},
        [1, 2],
    ],
)
def test_a_pickle_of_something_else_is_named(tmp_path, content):
    (tmp_path / "a").write_bytes(pickle.dumps(content, 2))
    with pytest.raises(InputError, match=r"a: `data` of N x 3072 bytes and N `labels` were wanted"):
        read_pickle(tmp_path / "a")


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 no pickle", python_2_pickle(*made_up(2))[:900]])
def test_what_is_no_pickle_or_was_cut_short_is_named(tmp_path, data):
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(InputError, match="a: no batch of CIFAR-10"):
        read_pickle(tmp_path / "a")


@pytest.mark.parametrize("size", [0, 1, 3072, 3074, 2 * 3073 - 1])
def test_a_binary_file_of_no_whole_number_of_rows_is_named(tmp_path, size):
    (tmp_path / "a.bin").write_bytes(bytes(size))
    with pytest.raises(InputError, match=rf"a.bin: {size} bytes, .*rows of 3073"):
        read_binary(tmp_path / "a.bin")


def test_a_label_above_nine_is_named_with_its_row(tmp_path):
    planes, labels = made_up(3)
    labels[1] = 10
    write_binary(tmp_path / "a.bin", planes, labels)
    (tmp_path / "a").write_bytes(python_2_pickle(planes, labels))
    for read, name in ((read_binary, "a.bin"), (read_pickle, "a")):
        with pytest.raises(InputError, match=f"{name}: row 1 has a label that is none of 0 to 9"):
            read(tmp_path / name)


@pytest.mark.parametrize("layout", ["binary", "python"])
def test_the_last_tenth_of_the_five_batches_is_for_validation(tmp_path, layout):
    folder = tmp_path / ("cifar-10-batches-bin" if layout == "binary" else "cifar-10-batches-py")
    folder.mkdir()
    everything = []
    for seed, name in enumerate([f"data_batch_{n}" for n in range(1, 6)] + ["test_batch"]):
        planes, labels = made_up(4, seed)
        everything.append(planes)
        if layout == "binary":
            write_binary(folder / f"{name}.bin", planes, labels)
        else:
            (folder / name).write_bytes(python_2_pickle(planes, labels))
    data = load_cifar10(tmp_path)
    assert {name: len(part) for name, part in data.parts.items()} == {
        "train": 18,
        "valid": 2,
        "test": 4,
    }
    held = data.part("valid").pixels.transpose(0, 3, 1, 2).reshape(2, 3072)
    np.testing.assert_array_equal(held, everything[4][2:])
    assert data.part("valid").names == ("data_batch_5:2", "data_batch_5:3")
    assert data.class_names[3] == "cat"


def test_a_batch_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="nowhere: no such folder"):
        load_cifar10(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"holds no data_batch_1.bin"):
        load_cifar10(tmp_path)
    write_binary(tmp_path / "data_batch_1.bin", *made_up(1))
    with pytest.raises(InputError, match=r"data_batch_2.bin: cannot be opened \(No such file"):
        load_cifar10(tmp_path)
