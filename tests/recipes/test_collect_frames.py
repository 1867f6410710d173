"""The command that collects: one file, one last line, one line for each mistake."""

import re

import pytest

from recipes.frames.collect import app, collect_frames
from recipes.frames.frames_file import read_frames
from vqspeech.cli.leave import run_for_status
from vqspeech.errors import UsageError


@pytest.fixture
def collect(tmp_path, monkeypatch, capsys):
    """A function that runs the command: its exit status, output and errors."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        status = run_for_status(lambda: app(list(arguments)))
        return status, *capsys.readouterr()

    return run


def test_the_command_writes_a_file_and_says_what_is_in_it(collect, tmp_path):
    out = ("--out", "frames.npz", "--maps", "my_way_home, MAP01", "--collector", "vizdoom")
    status, printed, told = collect(*out, "--frames", "21", "--seed", "3")
    assert status == 0, told
    assert told.splitlines() == [
        "my_way_home: 10 frames, 1 episodes",
        "MAP01: 11 frames, 1 episodes",
    ]
    assert re.fullmatch(
        r"wrote frames.npz  21 frames  2 episodes  2 maps  \d+ distinct frames  "
        r"\d+ frames/s \(vizdoom\)\n",
        printed,
    )
    assert [path.name for path in tmp_path.iterdir()] == ["frames.npz"]
    file = read_frames("frames.npz", size=84)
    assert (len(file), file.action_names) == (21, ("forward", "right", "left"))


def test_a_file_that_is_there_is_kept(collect, tmp_path):
    (tmp_path / "frames.npz").write_text("mine")
    assert collect("--out", "frames.npz") == (
        5,
        "",
        "error: frames.npz: exists already; give --overwrite to replace it\n",
    )
    assert (tmp_path / "frames.npz").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--maps", "E1M1,cellar"], 3, "cellar: no map of the collector vizdoom"),
        (["--maps", "E1M1,E1M1"], 2, "one stands there twice"),
        (["--frames", "10000000"], 2, "a file holds 1 to 405798 of 84x84"),
        (["--collector", "lab"], 4, "needs deepmind_lab"),
    ],
)
def test_a_mistake_is_one_line(collect, tmp_path, arguments, status, message):
    ended, printed, told = collect("--out", "frames.npz", "--collector", "vizdoom", *arguments)
    assert (ended, printed) == (status, "")
    assert re.fullmatch(r"error: .*\n", told)
    assert message in told
    assert list(tmp_path.iterdir()) == []


def test_no_frames_at_all_are_a_mistake():
    with pytest.raises(UsageError, match="0 frames: a file holds 1 to"):
        collect_frames(0)
