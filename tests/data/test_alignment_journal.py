import os

import pytest

from vqspeech.data.alignment import Phone
from vqspeech.data.alignment_journal import (
    Outcome,
    add_line,
    fingerprint,
    journal_path,
    open_journal,
    read_journal,
)
from vqspeech.data.data_dir import Utterance
from vqspeech.errors import InputError, WriteError

DONE = Outcome((Phone(0.0, 0.1, "AH"), Phone(0.1, 0.30000000000000004, "SIL")))
FAILED = Outcome(reason="words that are not in the dictionary", detail="zoë\n7")


@pytest.fixture
def journal(tmp_path):
    path = journal_path(tmp_path / "data" / "train")
    path.parent.mkdir()
    with open_journal(path) as file:
        add_line(file, "a-1", "x", DONE)
        add_line(file, "a-2", "y", FAILED)
    return path


def test_the_journal_lies_beside_the_data_directory_and_of_a_link_beside_its_target(tmp_path):
    assert journal_path(tmp_path / "train") == tmp_path / ".train.align-journal"
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert journal_path(tmp_path / "link").name == ".real.align-journal"


def test_what_is_written_is_read_bit_for_bit(journal):
    assert read_journal(journal) == {("a-1", "x"): DONE, ("a-2", "y"): FAILED}
    assert read_journal(journal.with_name("none")) == {}


def test_a_line_that_was_cut_off_costs_itself_alone(journal):
    whole = journal.read_bytes()
    for length in range(len(whole)):
        journal.write_bytes(whole[:length])
        with open_journal(journal) as file:
            add_line(file, "b-1", "z", DONE)
        read = read_journal(journal)
        assert read.pop(("b-1", "z")) == DONE
        assert set(read) <= {("a-1", "x"), ("a-2", "y")}


@pytest.mark.parametrize(
    "line",
    [
        b"\xff\xfe",
        b"7",
        b"[1, 2]",
        b'["a", "x", [], "", ""]',
        b'["a", "x", [[0, 1]], "", ""]',
        b'["a", "x", [[0, 1, "QQ"]], "", ""]',
        b'["a", "x", [[NaN, 1, "AH"]], "", ""]',
        b'["a", "x", [["0", 1, "AH"]], "", ""]',
        b'["a", "x", [[-1, 1, "AH"]], "", ""]',
        b'[["a"], "x", [[0, 1, "AH"]], "", ""]',
    ],
)
def test_a_line_of_another_form_does_not_count(journal, line):
    before = read_journal(journal)
    journal.write_bytes(line + b"\n" + journal.read_bytes())
    assert read_journal(journal) == before


def test_the_fingerprint_follows_text_audio_and_stretch(tmp_path):
    audio = tmp_path / "a.wav"
    audio.write_bytes(b"1234")
    os.utime(audio, (1, 1))
    prints = {fingerprint(Utterance("a", "s", audio, "one"))}
    assert fingerprint(Utterance("b", "t", audio, "one")) in prints
    prints.add(fingerprint(Utterance("a", "s", audio, "two")))
    prints.add(fingerprint(Utterance("a", "s", audio, "one", 0.0, 1.0)))
    prints.add(fingerprint(Utterance("a", "s", audio, "one", 0.0, 2.0)))
    audio.write_bytes(b"12345")
    os.utime(audio, (1, 1))
    prints.add(fingerprint(Utterance("a", "s", audio, "one")))
    os.utime(audio, (1, 2))
    prints.add(fingerprint(Utterance("a", "s", audio, "one")))
    assert len(prints) == 6
    with pytest.raises(InputError, match=r"none.wav: cannot be opened"):
        fingerprint(Utterance("a", "s", tmp_path / "none.wav", "one"))


def test_a_journal_that_cannot_be_written_is_one_line(tmp_path):
    with pytest.raises(WriteError, match="cannot be written"), open_journal(tmp_path):
        pass
