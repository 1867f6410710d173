"""How a command ends: one line on standard error, and the exit status of what happened."""

import errno
import signal

import pytest

from vqspeech.cli.leave import run_for_status
from vqspeech.errors import DivergedError, InputError, Stopped


def raises(mistake):
    def app():
        raise mistake

    return app


@pytest.mark.parametrize(
    ("mistake", "status", "told"),
    [
        (InputError("a.yaml: no such setting"), 3, "a.yaml: no such setting"),
        (InputError("a\nb: twice"), 3, "a\\nb: twice"),
        (DivergedError("run: NaN"), 6, "run: NaN"),
        (Stopped(signal.SIGINT), 130, "stopped by SIGINT"),
        (Stopped(signal.SIGTERM, "a is complete"), 143, "stopped by SIGTERM; a is complete"),
        (
            FileNotFoundError(errno.ENOENT, "No such file", "a.wav"),
            3,
            "a.wav: No such file; choose another place",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            5,
            "standard output: No space left on device; choose another place",
        ),
        (
            MemoryError(),
            4,
            "not enough memory; try shorter recordings or a smaller training.batch_size",
        ),
        (
            RuntimeError("CUDA out of memory.\nTried to allocate"),
            4,
            "not enough memory (CUDA out of memory.); try a smaller batch",
        ),
    ],
)
def test_what_a_user_can_mend_is_one_line_and_its_status(capsys, mistake, status, told):
    assert run_for_status(raises(mistake)) == status
    assert capsys.readouterr() == ("", f"error: {told}\n")


def test_a_bug_is_one_line_that_names_the_file_of_its_traceback(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert run_for_status(raises(ZeroDivisionError("by\nzero"))) == 1
    (log,) = tmp_path.iterdir()
    assert capsys.readouterr().err == (
        f"error: a bug in vqspeech (ZeroDivisionError: by zero); its traceback is in {log}\n"
    )
    assert "raise mistake" in log.read_text()


@pytest.mark.parametrize(("code", "status"), [(0, 0), (None, 0), (2, 2)])
def test_a_command_that_leaves_by_itself_keeps_its_status(code, status):
    assert run_for_status(raises(SystemExit(code))) == status


def test_a_command_that_returns_is_done():
    assert run_for_status(lambda: "anything") == 0


def test_nothing_that_catches_exceptions_catches_a_signal():
    assert not issubclass(Stopped, Exception)
