"""A frames file comes back as it was written; what is wrong with one is told in one line."""

import io
import zipfile

import numpy as np
import pytest

from recipes.frames import npz_arrays
from recipes.frames.frames_file import FramesFile, frames_pictures, read_frames, write_frames
from vqspeech.errors import InputError


def arrays(**changes):
    """The arrays of a file of 6 frames, two episodes on two maps; None leaves one out."""
    rng = np.random.default_rng(0)
    made = {
        "frames": rng.integers(256, size=(6, 4, 5, 3), dtype=np.uint8),
        "episode": np.array([0, 0, 0, 1, 1, 1], np.int32),
        "actions": np.array([0, 1, 1, 0, 2, 0], np.uint8),
        "action_names": np.array(["forward", "right", "left"]),
        "map": np.array([0, 0, 0, 1, 1, 1], np.int16),
        "map_names": np.array(["cave", "garden"]),
    }
    return {name: value for name, value in (made | changes).items() if value is not None}


@pytest.fixture
def save(tmp_path):
    """A function that has NumPy write such a file."""

    def write(**changes):
        path = tmp_path / "clip.npz"
        np.savez_compressed(path, **arrays(**changes))
        return path

    return write


def told(path, **options):
    """The message that reading ends with."""
    with pytest.raises(InputError) as caught:
        read_frames(path, **options)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def test_a_file_that_numpy_wrote_is_read(save):
    file, made = read_frames(save()), arrays()
    for name in ("frames", "episode", "actions", "map"):
        np.testing.assert_array_equal(getattr(file, name), made[name])
    assert file.action_names == ("forward", "right", "left")
    assert file.map_names == ("cave", "garden")
    assert (len(file), file.num_episodes, file.maps_of_episodes().tolist()) == (6, 2, [0, 1])


def test_numpy_reads_what_is_written_without_pickles(tmp_path):
    made = arrays()
    file = FramesFile(
        frames=made["frames"],
        episode=made["episode"],
        map=made["map"],
        map_names=("cave", "garden"),
        actions=made["actions"],
        action_names=("forward", "right", "left"),
        collector="vizdoom",
    )
    write_frames(tmp_path / "clip.npz", file)
    with np.load(tmp_path / "clip.npz", allow_pickle=False) as read:
        for name, array in made.items():
            np.testing.assert_array_equal(read[name], array)
            assert read[name].dtype == array.dtype
        assert read["collector"] == "vizdoom"
    again = read_frames(tmp_path / "clip.npz")
    assert (again.collector, again.map_names) == (file.collector, file.map_names)


def test_pictures_alone_are_one_map_without_actions(save):
    file = read_frames(save(actions=None, action_names=None, map=None, map_names=None))
    assert file.actions is None
    assert (file.map.tolist(), file.map_names) == ([0] * 6, ("clip",))


def test_frames_that_would_not_be_read_are_not_written(tmp_path):
    made = arrays()
    file = FramesFile(made["frames"], 1 - made["episode"], made["map"], ("cave", "garden"))
    with pytest.raises(ValueError, match="episode 0 follows 1 at frame 3"):
        write_frames(tmp_path / "clip.npz", file)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frames": None}, "no array frames; uint8 (N, N, N, 3) was wanted"),
        ({"episode": None}, "no array episode; int32 (6) was wanted"),
        ({"action_names": None}, "no array action_names; text (N) was wanted"),
        (
            {"frames": np.zeros((6, 4, 5, 3))},
            "frames is float64 (6, 4, 5, 3); uint8 (N, N, N, 3) was wanted",
        ),
        (
            {"frames": np.zeros((6, 4, 5), np.uint8)},
            "frames is uint8 (6, 4, 5); uint8 (N, N, N, 3) was wanted",
        ),
        ({"frames": np.zeros((0, 4, 5, 3), np.uint8)}, "no frames; collect some"),
        ({"episode": np.zeros(5, np.int32)}, "episode is int32 (5); int32 (6) was wanted"),
        (
            {"episode": np.array([0, 0, 1, 1, 0, 0], np.int32)},
            "episode 0 follows 1 at frame 4; keep the frames of an episode together",
        ),
        (
            {"episode": np.array([0, 0, 0, 2, 2, 2], np.int32)},
            "episode 1 is empty; number them 0, 1, 2, ... without gaps",
        ),
        (
            {"episode": np.ones(6, np.int32)},
            "the first episode is 1; number them from 0",
        ),
        (
            {"actions": np.array([0, 1, 3, 0, 0, 0], np.uint8)},
            "action 3 at frame 2, 3 have names; add to action_names",
        ),
        (
            {"map": np.array([-1] * 6, np.int16)},
            "map -1 at frame 0, 2 have names; add to map_names",
        ),
        (
            {"map": np.array([0, 1, 1, 1, 1, 1], np.int16)},
            "an episode lies on two maps; number its parts as two episodes",
        ),
        (
            {"map_names": np.array(["cave", "cave"])},
            "map_names has an empty name, or one twice; name each map once",
        ),
        (
            {"map_names": np.array([1, 2])},
            "map_names is int64 (2); text (N) was wanted",
        ),
        (
            {"action_names": np.array(["forward", None, "left"], dtype=object)},
            "action_names is Python objects (3); text (N) was wanted",
        ),
    ],
)
def test_what_is_wrong_with_an_array_is_told_with_what_was_wanted(save, changes, message):
    assert told(save(**changes)) == message


def test_frames_of_another_size_than_the_model_wants_are_refused(save):
    assert told(save(), size=84).startswith("frames of 5x4 pixels, 84x84 were wanted; ")
    square = arrays()["frames"][:, :, :4]
    assert read_frames(save(frames=square), size=4).frames.shape == (6, 4, 4, 3)


def test_files_that_are_none_are_named(tmp_path, save):
    path = tmp_path / "clip.npz"
    assert told(path).startswith("No such file")
    path.write_bytes(b"")
    assert told(path) == "an empty file; a .npz was wanted"
    path.write_text("hello")
    assert told(path) == "no .npz, or cut short; make it again"
    assert told(tmp_path).startswith("Is a directory")
    content = save().read_bytes()
    for kept in (40, len(content) // 2, len(content) - 30):
        path.write_bytes(content[:kept])
        assert told(path) == "no .npz, or cut short; make it again"


def test_a_damaged_byte_is_found(save):
    path = save()
    content = bytearray(path.read_bytes())
    content[len(content) // 4] ^= 0xFF  # within the frames, which come first
    path.write_bytes(content)
    assert told(path).startswith("frames is damaged")


def write_entry(path, name, content):
    """Replace one array of a file by bytes of one's own."""
    with zipfile.ZipFile(path) as archive:
        entries = {entry: archive.read(entry) for entry in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, old in entries.items():
            archive.writestr(entry, content if entry == f"{name}.npy" else old)


def header_of(shape, descr="|u1"):
    header = io.BytesIO()
    facts = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, facts)
    return header.getvalue()


def test_a_header_that_declares_a_terabyte_is_refused_before_memory_is_taken(save):
    path = save()
    write_entry(path, "frames", header_of((10**9, 84, 84, 3)) + bytes(100))
    assert told(path).startswith("frames declares 20187378 MiB, at most 8192 are read")


def test_a_bomb_behind_an_honest_header_is_refused_before_it_is_unpacked(save, monkeypatch):
    monkeypatch.setattr(npz_arrays, "MOST_BYTES", 1 << 20)
    path = save(frames=np.zeros((6, 400, 400, 3), np.uint8))
    assert path.stat().st_size < 10_000
    assert told(path) == "frames declares 3 MiB, at most 1 are read; divide it into several files"
    path = save(action_names=np.array(["forward", "x" * 300_000, "left"]))
    assert told(path).startswith("action_names declares 3 MiB, at most 1 are read")


def test_fewer_bytes_than_declared_are_found(save):
    path = save()
    write_entry(path, "frames", header_of((6, 4, 5, 3)) + bytes(359))
    assert told(path) == (
        "frames declares 488 bytes and holds 487; the file is damaged, make it again"
    )
    write_entry(path, "frames", b"hello")
    assert told(path).startswith("frames is damaged")


def test_pictures_of_a_file_know_the_episode_they_are_from(tmp_path):
    count = 12
    frames = np.arange(count, dtype=np.uint8).repeat(4 * 4 * 3).reshape(count, 4, 4, 3)
    episode = np.arange(count, dtype=np.int32) // 3
    place = np.array([0, 0, 1, 1], np.int16)[episode]
    path = tmp_path / "clip.npz"
    write_frames(path, FramesFile(frames, episode, place, ("cave", "garden"), collector="vizdoom"))
    data = frames_pictures(path, size=4)
    assert data.name == "vizdoom"
    seen = []
    for part in ("train", "valid", "test"):
        pictures = data.part(part)
        assert pictures.labels is None
        assert pictures.names == ("cave/0", "cave/1", "garden/2", "garden/3")
        np.testing.assert_array_equal(pictures.sources, pictures.pixels[:, 0, 0, 0] // 3)
        seen += pictures.pixels[:, 0, 0, 0].tolist()
    assert sorted(seen) == list(range(count))
