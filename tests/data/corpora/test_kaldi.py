import os

import numpy as np
import pytest
import soundfile

from vqspeech.data.alignment import Phone
from vqspeech.data.corpora.kaldi import list_kaldi
from vqspeech.data.data_dir import Trim, Utterance, write_data_dir
from vqspeech.errors import InputError

TABLES = {
    "wav.scp": "a-1 wav/1.wav\na-2 wav/2.wav\nb-1 wav/3.wav\n",
    "utt2spk": "a-1 a\na-2 a\nb-1 b\n",
    "spk2utt": "a a-1 a-2\nb b-1\n",
    "text": "a-1 one  two\na-2\nb-1 three\n",
    "spk2gender": "a f\nb Male\n",
    "spk2accent": "a North  England\n",
    "phones.ctm": "a-1 1 0.00 0.03 SIL\na-1 1 0.03 0.05 AH 0.9\nb-1 1 0.01 0.20 M\n",
}
RULE = (
    "ids may not hold '/', '..', spaces or control characters, begin with '-' or '.' or pass 200"
    " bytes"
)
CHANNELS = "of one file with another recording; write each channel to a file of its own"


def write(folder, tables=TABLES, audio=("wav/1.wav", "wav/2.wav", "wav/3.wav")):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in tables.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    for name in audio:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"audio")
    return folder


def rows(corpus):
    return [(source.id, source.speaker, source.text, source.split) for source in corpus.sources]


def test_a_data_directory_is_listed_with_all_its_tables(tmp_path):
    corpus = list_kaldi(write(tmp_path / "d"))
    assert rows(corpus) == [
        ("a-1", "a", "one two", None),
        ("a-2", "a", None, None),
        ("b-1", "b", "three", None),
    ]
    assert [s.audio for s in corpus.sources] == [tmp_path / f"d/wav/{n}.wav" for n in (1, 2, 3)]
    assert corpus.genders == {"a": "f", "b": "m"}
    assert corpus.accents == {"a": "North England"}
    assert corpus.phones == {
        "a-1": (Phone(0.0, 0.03, "SIL"), Phone(0.03, 0.05, "AH")),
        "b-1": (Phone(0.01, 0.2, "M"),),
    }
    assert corpus.layout == (
        f"{tmp_path}/d: a Kaldi data directory: 3 utterances of 2 speakers, whole files"
    )
    assert (corpus.notes, corpus.skipped) == ((), ())


@pytest.mark.parametrize("has_segments", [False, True])
def test_what_we_write_is_what_is_listed(tmp_path, has_segments):
    (tmp_path / "x.wav").write_bytes(b"audio")
    (tmp_path / "y.wav").write_bytes(b"audio")
    stretches = ((0.5, 1.25), (1.25, 2.0)) if has_segments else ((None, None), (None, None))
    names = ("x.wav", "x.wav") if has_segments else ("x.wav", "y.wav")
    written = [
        Utterance(key, "p1", tmp_path / name, "words", *stretch)
        for key, name, stretch in zip(("p1_1", "p1_2"), names, stretches, strict=True)
    ]
    phones = {"p1_1": (Phone(0.0, 0.25, "AH"),)}
    write_data_dir(tmp_path / "data", written, genders={"p1": "f"}, phones=phones)
    corpus = list_kaldi(tmp_path / "data")
    listed = [
        Utterance(s.id, s.speaker, s.audio.resolve(), s.text, s.start_seconds, s.end_seconds)
        for s in corpus.sources
    ]
    assert listed == written
    assert (corpus.genders, corpus.phones) == ({"p1": "f"}, phones)


def test_the_genders_of_some_that_we_write_are_read(tmp_path):
    (tmp_path / "x.wav").write_bytes(b"audio")
    (tmp_path / "y.wav").write_bytes(b"audio")
    written = [Utterance(f"{s}-1", s, tmp_path / f"{s}.wav") for s in ("x", "y")]
    write_data_dir(tmp_path / "data", written, genders={"x": "f"})
    assert list_kaldi(tmp_path / "data").genders == {"x": "f"}


def test_order_line_ends_and_other_tables_do_not_matter(tmp_path):
    write(tmp_path / "d")
    tables = {
        "wav.scp": "b-1 wav/3.wav\r\na-2\twav/2.wav\r\n\r\na-1  wav/1.wav",
        "utt2spk": "\ufeffb-1 b\r\na-2 a\r\na-1\ta\r\na-1 a\r\n",
        "text": b"a-1 caf\xe9\r\nb-1 three\r\n",
        "feats.scp": "a-1 feats.ark:7\n",
        "phones.ctm": "a-1 1 0.00 0.03 SIL\r\n",
    }
    corpus = list_kaldi(write(tmp_path / "d", TABLES | tables))
    assert rows(corpus) == [
        ("a-1", "a", None, None),
        ("a-2", "a", None, None),
        ("b-1", "b", "three", None),
    ]
    assert corpus.phones == {"a-1": (Phone(0.0, 0.03, "SIL"),)}
    assert corpus.notes == (
        f"{tmp_path}/d/utt2spk: 1 lines for what other lines are for already",
        f"{tmp_path}/d/text: 1 lines are not UTF-8; without words",
    )


def test_each_folder_of_several_is_a_part_and_an_utterance_is_in_the_first(tmp_path):
    for name in ("train", "train_5k", "dev", "test_other", "lang", ".backup"):
        tables = TABLES if name != "lang" else {"phones.txt": "x\n"}
        write(tmp_path / name, tables)
    dev = {"wav.scp": "c-1 wav/1.wav\n", "utt2spk": "c-1 c\n"}
    write(tmp_path / "dev", dev | {"text": "", "phones.ctm": "c-1 1 0 1 A\n"})
    corpus = list_kaldi(tmp_path)
    assert {(s.id, s.split) for s in corpus.sources} == {
        ("a-1", "train"),
        ("a-2", "train"),
        ("b-1", "train"),
        ("c-1", "valid"),
    }
    assert corpus.skipped == tuple(
        (f"{folder}/{key}", "also in train")
        for folder in ("train_5k", "test_other")
        for key in ("a-1", "a-2", "b-1")
    )
    assert corpus.layout == (
        f"{tmp_path}: 4 Kaldi data directories: train 3, train_5k 0, dev (as valid) 1,"
        " test_other 0; 4 utterances of 3 speakers, whole files"
    )


def test_dev_keeps_its_name_where_valid_is_another_part(tmp_path):
    for name in ("dev", "valid"):
        tables = {"wav.scp": f"{name}-1 1.wav\n", "utt2spk": f"{name}-1 {name}\n"}
        write(tmp_path / name, tables, audio=("1.wav",))
    assert {s.id: s.split for s in list_kaldi(tmp_path).sources} == {
        "dev-1": "dev",
        "valid-1": "valid",
    }


@pytest.mark.parametrize("name", ["audio", "prepared.json", "my data", "-x"])
def test_a_folder_whose_name_cannot_be_that_of_a_part_is_refused(tmp_path, name):
    write(tmp_path / name)
    with pytest.raises(InputError, match="cannot name a part; rename the folder"):
        list_kaldi(tmp_path)


def test_the_folder_that_is_written_to_is_no_part_of_the_corpus(tmp_path):
    write(tmp_path / "train")
    write(tmp_path / "out", TABLES | {"wav.scp": "a-1 gone.wav |\n"})
    assert len(list_kaldi(tmp_path, leave_out=tmp_path / "out").sources) == 3


def test_segments_are_stretches_of_recordings(tmp_path):
    noise = np.zeros(24000, dtype=np.float32)
    soundfile.write(tmp_path / "rec 1.wav", noise, 16000)
    tables = TABLES | {
        "wav.scp": "r1 rec 1.wav\n",
        "segments": "a-1 r1 0.25 0.5\na-2 r1 1.0 -1\nb-1 r9 0 1\n",
        "phones.ctm": "a-1 1 0.00 0.30 AH\na-2 1 0.10 0.30 AH\n",
    }
    corpus = list_kaldi(write(tmp_path, tables, audio=()))
    assert [(s.id, s.start_seconds, s.end_seconds) for s in corpus.sources] == [
        ("a-1", 0.25, 0.5),
        ("a-2", 1.0, 1.5),  # -1 is the end of the file, which has 24000 samples at 16 kHz
    ]
    assert corpus.skipped == (("b-1", "its recording is not in wav.scp"),)
    assert list(corpus.phones) == ["a-2"]  # the phone of a-1 ends after its segment
    assert corpus.notes[0].startswith("1 lines of phones were left out, first: ")
    assert corpus.layout.endswith("2 utterances of 1 speakers, segments")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a-1 r 1", "its segment is not 'UTTERANCE RECORDING START END' in seconds"),
        ("a-1 r 0 1 A", "its segment is of one channel; write each channel to its own file"),
        ("a-1 r nan 1", "its segment is not 'UTTERANCE RECORDING START END' in seconds"),
        ("a-1 r -1 1", "its segment is not 'UTTERANCE RECORDING START END' in seconds"),
        ("a-1 r 2 1", "its segment ends before it begins"),
        ("a-1 r 0 -1", "its segment goes to the end of a file that cannot be read"),
    ],
)
def test_a_segment_that_is_no_stretch_of_time_is_skipped(tmp_path, line, reason):
    tables = {
        "wav.scp": "r r.wav\n",
        "utt2spk": "a-1 a\na-2 a\n",
        "segments": f"{line}\na-2 r 0 1\n",
    }
    corpus = list_kaldi(write(tmp_path, tables, audio=("r.wav",)))
    assert corpus.skipped == (("a-1", reason),)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("sox a.wav -t wav - |", r"wav.scp:2: a shell command \(sox ...\), and none is run; write"),
        ("| cat a.wav", r"wav.scp:2: a shell command \(cat ...\)"),
        ("flac -c -d -s /x/LibriSpeech/a.flac |", "vqspeech prepare librispeech' is the shorter"),
        ("flac -dcs VCTK-Corpus/a.flac |", "vqspeech prepare vctk' is the shorter"),
        ("sph2pipe -f wav a.sph |", r"vqspeech prepare librispeech\|vctk' is the shorter"),
        ("data/wav.ark:1234", "wav.scp:2: audio in an archive"),
    ],
)
def test_audio_that_is_no_file_is_refused_with_its_line_and_nothing_is_run(
    tmp_path, value, message
):
    write(tmp_path, TABLES | {"wav.scp": f"a-1 wav/1.wav\na-2 {value}\nb-1 touch run |\n"})
    with pytest.raises(InputError, match=message):
        list_kaldi(tmp_path)
    assert not (tmp_path / "run").exists()


def test_the_channels_of_one_file_are_skipped_by_name(tmp_path):
    tables = {
        "wav.scp": "r-A wav/1.wav\nr-B wav/1.wav\nr-C wav/link.wav\ns wav/2.wav\n",
        "utt2spk": "a-1 a\na-2 a\nb-1 b\nc-1 c\n",
        "segments": "a-1 r-A 0 1\na-2 s 0 1\nb-1 r-B 0 1\nc-1 r-C 0 1\n",
        "reco2file_and_channel": "r-A r A\nr-B r B\ns s A\n",
    }
    write(tmp_path, tables)
    (tmp_path / "wav/link.wav").symlink_to("1.wav")
    corpus = list_kaldi(tmp_path)
    assert [s.id for s in corpus.sources] == ["a-2"]
    assert corpus.skipped == (("a-1", CHANNELS), ("b-1", CHANNELS), ("c-1", CHANNELS))


def test_what_an_earlier_preparation_cut_off_is_read(tmp_path):
    rows = [Utterance(f"a-{n}", "a", tmp_path / f"{n}.wav") for n in (1, 2)]
    write(tmp_path, {}, audio=("1.wav", "2.wav"))
    write_data_dir(tmp_path / "data", rows, trims={"a-1": Trim(0.25, 1.5)})
    assert [s.trimmed for s in list_kaldi(tmp_path / "data").sources] == [Trim(0.25, 1.5), Trim()]
    (tmp_path / "data" / "utt2trim").write_text("a-1 0.25\na-2 1 -1\n")
    corpus = list_kaldi(tmp_path / "data")
    assert [s.trimmed for s in corpus.sources] == [Trim(), Trim()]
    path = tmp_path / "data" / "utt2trim"
    assert corpus.notes == (f"{path}: 2 lines without two numbers of seconds, passed over",)


@pytest.mark.parametrize("name", ["text", "utt2spk", "phones.ctm"])
def test_a_pipe_in_place_of_a_table_is_refused_and_not_waited_for(tmp_path, name):
    write(tmp_path)
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    with pytest.raises(InputError, match=rf"/{name}: a pipe or a device; a text file was wanted"):
        list_kaldi(tmp_path)


def test_audio_is_looked_for_beside_the_table_then_here_then_above(tmp_path, monkeypatch):
    data, here = tmp_path / "s5" / "data" / "train", tmp_path / "here"
    names = ("beside.wav", "here.wav", "above.wav")
    table = "".join(f"a-{name} {name}\n" for name in (*names, "gone.wav"))
    tables = {"wav.scp": table, "utt2spk": "".join(f"{row} a\n" for row in table.split()[::2])}
    write(data, tables, audio=names[:1])
    write(here, {}, audio=names[:2])
    write(tmp_path / "s5", {}, audio=names)
    monkeypatch.chdir(here)
    corpus = list_kaldi(data)
    assert {s.id: s.audio.parent for s in corpus.sources} == {
        "a-beside.wav": data,
        "a-here.wav": here,
        "a-above.wav": tmp_path / "s5",
    }
    assert corpus.skipped == (("a-gone.wav", "its audio file is not where wav.scp says"),)


def test_utterances_in_doubt_are_skipped_by_name(tmp_path):
    tables = {
        "utt2spk": "a-1 a\na-2 a\na-3 a\na-3 b\na-4 a\na-6 a b\na-7\na-8 ../a\na-9 a\n",
        "wav.scp": "".join(f"a-{n} {n}.wav\n" for n in (1, 2, 3, 5, 6, 7, 8)),
    }
    tables["wav.scp"] += "a-2 4.wav\na-9\n"
    corpus = list_kaldi(write(tmp_path, tables, audio=[f"{n}.wav" for n in range(1, 9)]))
    assert [s.id for s in corpus.sources] == ["a-1"]
    assert corpus.skipped == (
        ("a-2", "twice in wav.scp, with two values"),
        ("a-3", "twice in utt2spk, with two speakers"),
        ("a-4", "in utt2spk but not in wav.scp"),
        ("a-5", "in wav.scp but not in utt2spk"),
        ("a-6", "not one speaker in utt2spk"),
        ("a-7", "not one speaker in utt2spk"),
        ("a-8", f"its speaker's id cannot be used: {RULE}"),
        ("a-9", "its audio file is not where wav.scp says"),
    )


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("a/../../x", "a/../../x"),
        ("..", ".."),
        ("-rf", "-rf"),
        (".sources.json", ".sources.json"),
        ("a\x07b", "a\\x07b"),
        ("a\xa0b", "a\\xa0b"),
        (b"a\xff", "a\\udcff"),
        ("a" * 201, "a" * 201),
    ],
)
def test_ids_that_could_do_harm_are_skipped_and_shown_in_plain_letters(tmp_path, key, shown):
    key = key if isinstance(key, bytes) else key.encode()
    tables = {"utt2spk": b"a-1 a\n" + key + b" a\n", "wav.scp": b"a-1 1.wav\n" + key + b" 2.wav\n"}
    corpus = list_kaldi(write(tmp_path, tables, audio=("1.wav", "2.wav")))
    assert [s.id for s in corpus.sources] == ["a-1"]
    assert corpus.skipped == ((shown, RULE),)


def test_ids_that_do_not_begin_with_their_speaker_are_renamed_with_texts_and_phones(tmp_path):
    tables = {
        "wav.scp": "1 wav/1.wav\na-1 wav/2.wav\nx wav/3.wav\n",
        "utt2spk": "1 a\na-1 a\nx b\n",
        "text": "1 one\nx ex\n",
        "phones.ctm": "x 1 0 0.5 AH\n",
    }
    corpus = list_kaldi(write(tmp_path, tables))
    assert rows(corpus) == [("a-1", "a", None, None), ("b-x", "b", "ex", None)]
    assert list(corpus.phones) == ["b-x"]
    assert corpus.notes == (
        f"{tmp_path}: 1 utterances are called SPEAKER-UTTERANCE here, for an id begins with its"
        " speaker (x is b-x)",
    )
    assert corpus.skipped == (("1", "would be called as another, a-1"),)


def test_chapters_that_pose_as_speakers_become_readers_and_this_is_said_aloud(tmp_path):
    tables = {
        "wav.scp": "84-1-0000 1.wav\n84-2-0000 2.wav\n121-7-0000 3.wav\n",
        "utt2spk": "84-1-0000 84-1\n84-2-0000 84-2\n121-7-0000 121-7\n",
        "spk2gender": "121-7 m\n84-1 f\n84-2 f\n",
    }
    corpus = list_kaldi(write(tmp_path, tables, audio=("1.wav", "2.wav", "3.wav")))
    assert [(s.id, s.speaker) for s in corpus.sources] == [
        ("121-7-0000", "121"),
        ("84-1-0000", "84"),
        ("84-2-0000", "84"),
    ]
    assert corpus.genders == {"121": "m", "84": "f"}
    assert corpus.notes[0].startswith(
        f"ATTENTION: {tmp_path}: 3 speakers of utt2spk are chapters, as Kaldi's LibriSpeech recipe"
        " writes them (121-7), and no voices of their own; they became 2 readers (121)"
    )


def test_a_reader_of_two_genders_has_none(tmp_path):
    tables = {
        "wav.scp": "84-1-0 1.wav\n84-2-0 2.wav\n",
        "utt2spk": "84-1-0 84-1\n84-2-0 84-2\n",
        "spk2gender": "84-1 m\n84-2 f\n84-3 m\n84-4 x\n",
    }
    corpus = list_kaldi(write(tmp_path, tables, audio=("1.wav", "2.wav")))
    assert corpus.genders == {}
    assert corpus.notes[1:] == (
        f"{tmp_path}/spk2gender: 1 lines with neither m nor f, passed over",
        f"{tmp_path}: speakers given as m and as f, left without gender: 84",
    )


def test_an_order_that_kaldi_would_refuse_is_noted(tmp_path):
    tables = {"wav.scp": "a1x 1.wav\na2 2.wav\n", "utt2spk": "a1x a1\na2 a\n"}
    corpus = list_kaldi(write(tmp_path, tables, audio=("1.wav", "2.wav")))
    assert corpus.notes == (
        f"{tmp_path}: in order of utterances, speaker a comes after a1; Kaldi's"
        " validate_data_dir.sh then needs --no-spk-sort",
    )


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_phones_in_breach_cost_their_lines_alone(tmp_path, end):
    lines = ("a-1 1 0.00 0.03 SIL", "a-1 1 x 0.05 AH", "b-1 1 0.01 0.20 M", "z-1 1 0 1 M")
    ctm = "".join(line + end for line in lines)
    corpus = list_kaldi(write(tmp_path, TABLES | {"phones.ctm": ctm}))
    assert {key: len(phones) for key, phones in corpus.phones.items()} == {"a-1": 1, "b-1": 1}
    path = f"{tmp_path}/phones.ctm"
    assert corpus.notes == (
        f"1 lines of phones were left out, first: {path}:2: start x and duration 0.05 must be"
        " positive seconds",
        f"{path}: phones of 1 utterances that utt2spk lacks",
    )


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({}, "the folder is empty; give a data directory"),
        ({"utt2spk": "a-1 a\n"}, "found utt2spk; write wav.scp"),
        ({"wav.scp": "a-1 1.wav\n"}, "utt2spk: no such file; .*'UTTERANCE SPEAKER' for each"),
        ({"wav.scp": "", "utt2spk": "\n"}, "wav.scp and utt2spk hold no lines"),
        ({"SPEAKERS.TXT": "x"}, "prepare librispeech .* takes LibriSpeech"),
        ({"data/train/wav.scp": "x"}, "no Kaldi .* found data; give .*/data, which holds data"),
        (
            {"wav.scp": "a-1 1.wav\nb-1 2.wav\n", "utt2spk": "a-1 a\nb-1 b\n"},
            r"none of 2 utterances .* 2 \(its audio file is not where wav.scp says\); .*wav.scp:1:"
            r" 1.wav was looked for in .* above the data directory; name audio that is there",
        ),
    ],
)
def test_a_folder_of_which_nothing_can_be_used_is_explained_in_one_line(tmp_path, tables, message):
    for name, content in tables.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message) as caught:
        list_kaldi(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_folder_and_a_link_to_nothing_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"no such folder; give a folder with wav.scp and utt2spk"):
        list_kaldi(tmp_path / "none")
    write(tmp_path)
    with pytest.raises(InputError, match=r"text: is a file, a folder was wanted; unpack it first"):
        list_kaldi(tmp_path / "text")
    (tmp_path / "text").unlink()
    (tmp_path / "text").symlink_to(tmp_path / "gone")
    with pytest.raises(InputError, match=r"/text: cannot be read \(No such file"):
        list_kaldi(tmp_path)
