import tracemalloc

import pytest

from vqspeech.data.alignment import Phone, read_phones
from vqspeech.data.data_dir import DataDir, Utterance
from vqspeech.errors import WriteError
from vqspeech.stages.aligned import Alignment


def phones(count):
    return [Phone(number * 0.125, 0.125, "AA") for number in range(count)]


def test_lines_are_written_in_order_of_utterances_whatever_came_first(tmp_path):
    alignment = Alignment(39)
    assert alignment.add("b-1", [Phone(0.0, 0.5, "SIL"), Phone(0.5, 0.25, "M")])
    assert alignment.add("a-1", phones(2))
    assert not alignment.add("c-1", [Phone(0.0, 0.5, "SIL")])
    rows = {key: Utterance(key, key[0], None) for key in ("a-1", "b-1", "c-1", "d-1")}
    done = alignment.write(DataDir(tmp_path, rows), [("c-1", "silence")], ["first"])
    assert (tmp_path / "phones.ctm").read_bytes() == (
        b"a-1 1 0.0000 0.1250 AA\na-1 1 0.1250 0.1250 AA\nb-1 1 0.5000 0.2500 M\n"
    )
    assert (done.num_utterances, done.num_aligned, done.num_labels) == (4, 2, 2)
    assert done.seconds == 0.5
    assert done.notes == (
        "first",
        "skipped 1 (silence): c-1",
        f"{tmp_path}/phones.ctm: 2 of 4 utterances have no alignment: c-1, d-1",
    )


def test_writing_needs_no_second_copy_of_the_text_in_memory(tmp_path):
    alignment = Alignment(41)
    for number in range(100):
        alignment.add(f"a-{number:03}", phones(300))
    tracemalloc.start()
    alignment.write(DataDir(tmp_path, {}), [], [])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(read_phones(tmp_path / "phones.ctm")) == 100
    assert peak < (tmp_path / "phones.ctm").stat().st_size / 4


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path):
    (tmp_path / "data").write_text("a file")
    alignment = Alignment(41)
    alignment.add("a-1", phones(1))
    with pytest.raises(WriteError, match=r"data/phones.ctm: cannot be written"):
        alignment.write(DataDir(tmp_path / "data", {}), [], [])
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
