import numpy as np
import pytest

from vqspeech.audio.waveform import read_waveform, write_waveform
from vqspeech.data.corpora.mini import list_mini
from vqspeech.data.data_dir import Utterance, write_data_dir

GRID = """File type = "ooTextFile"
Object class = "TextGrid"

0
1
<exists>
1
"IntervalTier"
"phones"
0
1
2
0
0.5
"HH"
0.5
1
"AY1"
"""


@pytest.fixture
def parts(tmp_path):
    """A function that writes data directories by name, of utterances of a second."""

    def write(**utterances):
        audio = tmp_path / "audio.wav"
        write_waveform(audio, np.zeros(16000, np.float32), 16000)
        for part, names in utterances.items():
            rows = [Utterance(name, name.partition("-")[0], audio, "hi") for name in names]
            write_data_dir(tmp_path / part, rows, durations=dict.fromkeys(names, 1.0))
        return [tmp_path / part for part in utterances]

    return write


@pytest.fixture
def grids(tmp_path):
    """A function that writes TextGrids of one second into a folder."""

    def write(*names, content=GRID):
        (tmp_path / "grids").mkdir(exist_ok=True)
        for name in names:
            (tmp_path / "grids" / f"{name}.TextGrid").write_text(content)
        return tmp_path / "grids"

    return write


def test_import_writes_every_data_directory_and_tells_on_the_right_stream(run, parts, grids):
    train, test = parts(train=["ann-1", "ann-2"], test=["bob-1"])
    status, out, err = run("align", "import", grids("ann-1", "bob-1"), train, test)
    assert status == 0
    assert out.splitlines() == [
        f"wrote {train}/phones.ctm  1 of 2 utterances  2 phones  0.0 min",
        f"wrote {test}/phones.ctm  1 of 1 utterances  2 phones  0.0 min",
    ]
    assert all(line.startswith("note: ") for line in err.splitlines())
    assert f"{train}/phones.ctm: 1 of 2 utterances have no alignment: ann-2" in err
    assert (test / "phones.ctm").read_text() == (
        "bob-1 1 0.0000 0.5000 HH\nbob-1 1 0.5000 0.5000 AY\n"
    )


def test_names_of_one_reason_are_told_together_and_eight_of_them(run, parts, grids):
    names = [f"ann-{n}" for n in range(10)]
    (train,) = parts(train=["bob-1", *names])
    grids(*names, content="nothing")
    status, _, err = run("align", "import", grids("bob-1"), train)
    assert status == 0
    (skipped,) = [line for line in err.splitlines() if "skipped 10 (cannot be read): " in line]
    assert skipped.count("no TextGrid of Praat") == 8
    assert skipped.endswith(" and 2 more")


def test_a_part_that_the_archive_lacks_is_noted_and_none_at_all_is_an_error(run, parts, grids):
    train, test = parts(train=["ann-1"], test=["bob-1"])
    status, out, err = run("align", "import", grids("bob-1"), train, test)
    assert status == 0
    assert out.count("wrote") == 1
    assert "none of 1 TextGrids, such as bob-1.TextGrid, is called as one of the 1" in err
    assert "no phones.ctm was written there" in err
    assert not (train / "phones.ctm").exists()
    status, out, err = run("align", "import", grids("bob-1"), train)
    assert (status, out) == (3, "")
    assert err.count("error: ") == err.count("\n") == 1


def test_nothing_is_written_where_one_of_the_directories_cannot_be(run, parts, grids, tmp_path):
    train, test = parts(train=["ann-1"], test=["bob-1"])
    (test / "phones.ctm").write_text("bob-1 1 0 1 M\n")
    folder = grids("ann-1", "bob-1")
    status, out, err = run("align", "import", folder, train, test)
    assert (status, out) == (5, "")
    assert f"{test}/phones.ctm: is there already; --overwrite" in err
    status, out, _ = run("align", "import", folder, train, tmp_path / "none")
    assert (status, out) == (3, "")
    assert not (train / "phones.ctm").exists()
    assert run("align", "import", folder, train, test, "--overwrite", "--phones", "39")[0] == 0


def test_sets_of_other_sizes_are_wrong_usage(run, parts, grids):
    (train,) = parts(train=["ann-1"])
    status, _, err = run("align", "import", grids("ann-1"), train, "--phones", 48)
    assert status == 2
    assert "--phones 48: no such set; one of 41, 40, 39" in err


def test_make_aligns_with_two_processes_and_tells_what_it_skipped(run, tmp_path):
    pytest.importorskip("pocketsphinx")
    source = min(list_mini().sources, key=lambda source: source.audio.stat().st_size)
    audio = tmp_path / "a.wav"
    write_waveform(audio, read_waveform(source.audio, 16000).samples, 16000)
    rows = [Utterance(f"ann-{n}", "ann", audio, text) for n, text in enumerate((source.text, "9"))]
    write_data_dir(tmp_path / "data", rows)
    status, out, err = run("align", "make", tmp_path / "data", "--nj", 2)
    assert status == 0
    assert out.startswith(f"wrote {tmp_path}/data/phones.ctm  1 of 2 utterances")
    assert "note: skipped 1 (words that are not in the dictionary): ann-1 (9)" in err
    assert "1 of 2 utterances have no alignment: ann-1" in err
