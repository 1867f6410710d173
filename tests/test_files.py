"""Nothing is half written, and one process works in a directory."""

import errno
import multiprocessing
import os
import resource
import signal

import pytest

from vqspeech.errors import BusyError, InputError, WriteError
from vqspeech.files import (
    atomic_directory,
    atomic_path,
    directory_lock,
    path_lock,
    replace_link,
    sweep_temporaries,
    write_json,
    write_text,
)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(RuntimeError), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_full_disk_is_one_line_with_exit_5_and_the_old_content(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    old_handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(WriteError, match=r"a\.txt: no space left") as caught:
            write_text(path, "x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, old_handler)
    assert caught.value.exit_code == 5
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    target = tmp_path / "run"
    with pytest.raises(ValueError, match="stop"), atomic_directory(target) as folder:
        (folder / "a").write_text("1")
        raise ValueError("stop")
    assert os.listdir(tmp_path) == []
    for content in ("1", "2"):
        with atomic_directory(target) as folder:
            (folder / "a").write_text(content)
    assert (target / "a").read_text() == "2"
    assert os.listdir(tmp_path) == ["run"]


def test_json_refuses_nan(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert os.listdir(tmp_path) == []


def test_links_move_in_one_step_and_leftovers_are_swept(tmp_path):
    for target in ("a", "b"):
        replace_link(tmp_path / "latest", target)
    assert os.readlink(tmp_path / "latest") == "b"
    with pytest.raises(KeyboardInterrupt), atomic_path(tmp_path / "x") as temporary:
        os.mkdir(temporary.with_name(temporary.name + "-killed"))
        raise KeyboardInterrupt
    sweep_temporaries(tmp_path)
    assert os.listdir(tmp_path) == ["latest"]


def _try_lock(folder, answers):
    try:
        with directory_lock(folder):
            answers.put("got it")
    except BusyError as error:
        answers.put(str(error))


def test_a_second_process_is_told_who_holds_the_directory(tmp_path):
    context = multiprocessing.get_context("fork")
    answers = context.Queue()

    def ask():
        process = context.Process(target=_try_lock, args=(tmp_path, answers))
        process.start()
        answer = answers.get(timeout=20)
        process.join()
        return answer

    with directory_lock(tmp_path):
        assert f"in use by pid {os.getpid()} on " in ask()
    assert ask() == "got it"


def test_a_message_stays_one_line_whatever_a_file_is_called():
    assert str(InputError("a\nb\x1b[31m.wav: missing")) == "a\\nb\\x1b[31m.wav: missing"


def test_only_a_held_lock_is_busy_and_none_is_left(tmp_path, monkeypatch):
    with directory_lock(tmp_path), path_lock(tmp_path / "a"):
        assert sorted(os.listdir(tmp_path)) == [".a.lock", ".lock"]
    assert os.listdir(tmp_path) == []

    def refuse(descriptor, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(WriteError, match="No locks available"), directory_lock(tmp_path):
        pass
