from dataclasses import replace

import pytest
from hand_made import TABLES, write_by_hand

from vqspeech.data.alignment import Phone
from vqspeech.data.data_dir import DataDir, Utterance, write_data_dir
from vqspeech.data.validate import validate_data_dir
from vqspeech.errors import InputError, WriteError


def test_every_table_is_read(data_path):
    data_dir = DataDir.read(data_path)
    assert list(data_dir) == ["a-1", "a-2", "b-1"]
    assert data_dir["a-1"] == Utterance("a-1", "a", data_path / "audio" / "a-1.wav", "one two")
    assert data_dir["b-1"].text is None
    assert data_dir.speakers == ("a", "b")
    assert data_dir.genders == {"a": "f", "b": "m"}
    assert data_dir.accents == {"a": "North  England", "b": "Scottish"}
    assert data_dir.durations == {"a-1": 0.0625, "a-2": 0.125, "b-1": 0.25}
    assert data_dir.phones()["a-1"] == (Phone(0.0, 0.03, "SIL"), Phone(0.03, 0.032, "AH"))


def test_a_directory_may_be_moved(data_path, tmp_path):
    moved = data_path.rename(tmp_path / "elsewhere")
    assert DataDir.read(moved)["b-1"].audio.is_file()


def test_segments_name_stretches_of_recordings(data_path):
    (data_path / "wav.scp").write_text("r1 audio/a-2.wav\nr2 audio/b-1.wav\n")
    (data_path / "segments").write_text("a-1 r1 0 0.05\na-2 r1 0.05 0.1\nb-1 r2 0.01 0.2\n")
    utterance = DataDir.read(data_path)["a-2"]
    assert utterance.audio == data_path / "audio" / "a-2.wav"
    assert (utterance.start_seconds, utterance.end_seconds) == (0.05, 0.1)


@pytest.mark.parametrize(
    ("table", "content", "message"),
    [
        ("wav.scp", "a-1 sox a.wav - |\n", "wav.scp:1: a shell command, not a file"),
        ("wav.scp", "a-1 | rm x\n", "wav.scp:1: a shell command, not a file"),
        ("utt2spk", "b-1 b\na-1 a\n", "utt2spk:2: a-1 comes after b-1; sort .* LC_ALL=C"),
        ("utt2spk", "../x ..\n", "utt2spk:1: '../x' could leave its folder"),
        ("utt2spk", "-rf -\n", "utt2spk:1: '-rf' looks like an option"),
        ("utt2spk", "a" * 201 + " a\n", "longer than the 200 bytes"),
        ("utt2spk", "a\0b a\n", "NUL"),
        ("utt2spk", "a-1 b\n", "a-1 does not begin with its speaker b"),
        ("utt2spk", "a-1 a b\n", "utt2spk:1: 3 fields, 2 were wanted"),
        ("text", b"a-1 caf\xe9\n", "text:1: byte 8 is not UTF-8"),
        ("spk2gender", "a female\nb m\n", "spk2gender:1: 'female', 'm' or 'f' was wanted"),
    ],
)
def test_reading_stops_at_the_first_breach_and_names_it(tmp_path, table, content, message):
    path = write_by_hand(tmp_path / "data", {**TABLES, table: content})
    with pytest.raises(InputError, match=message):
        DataDir.read(path)


def test_a_missing_directory_or_alignment_is_named(tmp_path, data_path):
    with pytest.raises(InputError, match="no such folder; 'vqspeech prepare'"):
        DataDir.read(tmp_path / "nowhere")
    (data_path / "phones.ctm").unlink()
    with pytest.raises(InputError, match="no such file; this needs a corpus with a phone align"):
        DataDir.read(data_path).phones()


def rewrite(data_dir, path):
    write_data_dir(
        path,
        reversed(list(data_dir.values())),
        genders=data_dir.genders,
        accents=data_dir.accents,
        durations=data_dir.durations,
        phones=data_dir.phones(),
    )


def test_what_is_written_is_read_again_and_valid(data_path, tmp_path):
    before = DataDir.read(data_path)
    rewrite(before, tmp_path / "copy")
    after = DataDir.read(tmp_path / "copy")
    assert [replace(u, audio=u.audio.resolve()) for u in after.values()] == list(before.values())
    assert (after.genders, after.accents) == (before.genders, before.accents)
    assert (after.durations, after.phones()) == (before.durations, before.phones())
    assert validate_data_dir(tmp_path / "copy", read_audio=True) == []
    assert (tmp_path / "copy" / "spk2utt").read_text() == TABLES["spk2utt"]


def test_audio_below_the_parent_is_named_relatively_and_other_audio_absolutely(data_path, tmp_path):
    before = DataDir.read(data_path)
    rewrite(before, tmp_path / "copy")
    assert "a-1 ../data/audio/a-1.wav\n" in (tmp_path / "copy" / "wav.scp").read_text()
    rewrite(before, tmp_path / "deeper" / "copy")
    assert f"a-1 {data_path}/audio/a-1.wav\n" in (tmp_path / "deeper/copy/wav.scp").read_text()


def test_segments_are_written_and_read_again(data_path, tmp_path):
    audio = data_path / "audio" / "b-1.wav"
    utterances = [
        Utterance("a-1", "a", audio, None, 0.0, 0.1),
        Utterance("a-2", "a", audio, None, 0.1, 0.25),
    ]
    write_data_dir(tmp_path / "copy", utterances)
    again = DataDir.read(tmp_path / "copy")
    assert [(u.start_seconds, u.end_seconds) for u in again.values()] == [(0.0, 0.1), (0.1, 0.25)]
    assert validate_data_dir(tmp_path / "copy") == []


def test_tables_of_an_older_directory_do_not_survive(data_path, tmp_path):
    before = DataDir.read(data_path)
    rewrite(before, tmp_path / "copy")
    write_data_dir(tmp_path / "copy", [replace(before["b-1"], text=None)])
    names = {path.name for path in (tmp_path / "copy").iterdir()}
    assert names == {"wav.scp", "utt2spk", "spk2utt"}


def test_a_folder_with_other_files_is_never_replaced(data_path):
    with pytest.raises(WriteError, match="holds audio, which is no table"):
        rewrite(DataDir.read(data_path), data_path)
    assert (data_path / "audio" / "a-1.wav").is_file()


@pytest.mark.parametrize("name", ["a/1", "a..1", "a 1", "a\n1", "", "b-1"])
def test_ids_that_break_the_format_are_not_written(tmp_path, name):
    with pytest.raises(ValueError, match=r"id|begin|folder"):
        write_data_dir(tmp_path / "copy", [Utterance(name, "a", tmp_path / "a.wav")])
    assert not (tmp_path / "copy").exists()
