import re

import numpy as np
import pytest
import soundfile
from hand_made import TABLES, write_by_hand

from vqspeech.data.validate import validate_data_dir


def test_a_directory_in_order_has_no_breach(data_path):
    assert validate_data_dir(data_path, read_audio=True) == []


PLANTED = {
    "table missing": ("utt2spk", None, "utt2spk: no such file"),
    "empty": ("utt2spk", "", "utt2spk: empty"),
    "unsorted": ("wav.scp", "a-2 x\na-1 x\nb-1 x\n", "wav.scp:2: a-1 comes after a-2"),
    "twice": ("utt2spk", "a-1 a\na-1 a\na-2 a\nb-1 b\n", "utt2spk:2: a-1 stands there twice"),
    "fields": ("utt2spk", "a-1 a\na-2\nb-1 b\n", "utt2spk:2: 1 fields, 2 were wanted"),
    "no newline": ("text", "a-1 x\na-2 y\nb-1 z", "text:3: no newline at the end"),
    "not UTF-8": ("text", b"a-1 x\na-2 \xff\nb-1 z\n", "text:2: byte 5 is not UTF-8"),
    "carriage return": ("text", "a-1 x\r\na-2 y\nb-1 z\n", "text:1: ends in a carriage return"),
    "byte order mark": ("text", "\ufeffa-1 x\na-2 y\nb-1 z\n", "text:1: begins with a byte order"),
    "blank": ("text", "a-1 x\n\na-2 y\nb-1 z\n", "text:2: blank line"),
    "speaker's id": ("utt2spk", "a-1 a\na-2 q\nb-1 b\n", "utt2spk:2: a-2 does not begin with"),
    "sorted by speaker": (
        "utt2spk",
        "a-1 a-\na-2 a\nb-1 b\n",
        "utt2spk:2: speaker a comes after a-",
    ),
    "inverse": ("spk2utt", "a a-1\nb a-2 b-1\n", "spk2utt:2: a-2 is not of b in utt2spk"),
    "inverse, missing": ("spk2utt", "a a-1\nb b-1\n", "spk2utt:1: a-2 of a is missing"),
    "inverse, unsorted": ("spk2utt", "a a-2 a-1\nb b-1\n", "spk2utt:1: utterances of a not sorted"),
    "inverse, speaker": ("spk2utt", "a a-1 a-2\n", "utt2spk:3: b is not in spk2utt"),
    "no audio named": (
        "wav.scp",
        "a-1 audio/a-1.wav\nb-1 audio/b-1.wav\n",
        "utt2spk:2: a-2 is not in wav.scp",
    ),
    "audio of nobody": (
        "wav.scp",
        TABLES["wav.scp"] + "c-1 audio/b-1.wav\n",
        "wav.scp:4: c-1 is not in utt2spk",
    ),
    "audio missing": (
        "wav.scp",
        TABLES["wav.scp"].replace("audio/a-2", "audio/x"),
        "wav.scp:2: .*x.wav: no such file",
    ),
    "shell": ("wav.scp", TABLES["wav.scp"].replace("audio/a-1.wav", "sox |"), "wav.scp:1: a shell"),
    "text of nobody": ("text", TABLES["text"] + "c-1 hm\n", "text:4: c-1 is not in utt2spk"),
    "no text": ("text", "a-1 one\nb-1 two\n", "utt2spk:2: a-2 is not in text"),
    "no duration": ("utt2dur", "a-1 0.0625\na-2 0.125\n", "utt2spk:3: b-1 is not in utt2dur"),
    "odd duration": (
        "utt2dur",
        TABLES["utt2dur"].replace("0.125", "nan"),
        "utt2dur:2: 'nan' is no",
    ),
    "wrong duration": (
        "utt2dur",
        TABLES["utt2dur"].replace("0.125", "0.325"),
        r"utt2dur:2: a-2 lasts 0\.325 s, its audio 0\.125 s",
    ),
    "gender": ("spk2gender", "a f\nb x\n", "spk2gender:2: 'x', 'm' or 'f'"),
    "gender of nobody": ("spk2gender", "a f\nb m\nc m\n", "spk2gender:3: c is not in utt2spk"),
    "segment": (
        "segments",
        "a-1 a-1 0 0\na-2 a-2 0 .1\nb-1 b-1 0 .1\n",
        "segments:1: 0 to 0 is no",
    ),
    "segment of nothing": (
        "segments",
        "a-1 a-9 0 .01\na-2 a-2 0 .1\nb-1 b-1 0 .1\n",
        "segments:1: recording a-9 is not in wav.scp",
    ),
    "segment too long": (
        "segments",
        "a-1 a-1 0 .06\na-2 a-2 0 .5\nb-1 b-1 0 .25\n",
        r"segments:2: a-2 ends at 0\.5 s",
    ),
    "phones unsorted": (
        "phones.ctm",
        "b-1 1 0 .1 M\na-1 1 0 .1 M\n",
        "phones.ctm:2: a-1 comes after",
    ),
    "phones backwards": (
        "phones.ctm",
        "b-1 1 .1 .01 M\nb-1 1 0 .1 N\n",
        r"phones.ctm:2: N starts at 0\.0 s, before",
    ),
    "phones overlap": (
        "phones.ctm",
        "b-1 1 0 .1 M\nb-1 1 .05 .1 N\n",
        "phones.ctm:2: N .* overlap",
    ),
    "phones negative": ("phones.ctm", "b-1 1 -1 .1 M\n", "phones.ctm:1: start -1 and duration"),
    "phones too late": ("phones.ctm", "a-1 1 0 .2 M\n", r"phones.ctm:1: M ends at 0\.200 s"),
    "phones of nobody": ("phones.ctm", "c-1 1 0 .1 M\n", "phones.ctm:1: c-1 is not in utt2spk"),
    "phones, fields": ("phones.ctm", "a-1 1 0 .1\n", "phones.ctm:1: 4 fields"),
    "phones, number": ("phones.ctm", "a-1 1 zero .1 M\n", "phones.ctm:1: start 'zero'|start zero"),
}


@pytest.mark.parametrize("breach", PLANTED)
def test_every_planted_breach_is_found_with_file_and_line(tmp_path, breach):
    table, content, message = PLANTED[breach]
    path = write_by_hand(tmp_path / "data", {**TABLES, table: content or ""})
    if content is None:
        (path / table).unlink()
    found = validate_data_dir(path)
    assert any(re.search(f"{path}/{message}", line) for line in found), found


def test_one_breach_does_not_hide_the_next(tmp_path):
    tables = {**TABLES, "text": "b-1 x\na-1 y\na-2 z\n", "spk2gender": "a q\nb m\n"}
    tables["phones.ctm"] = "a-1 1 0 9 M\nb-1 1 0 9 M\n"
    found = validate_data_dir(write_by_hand(tmp_path / "data", tables))
    assert [line.rsplit("/", 1)[1].split(": ")[0] for line in found] == [
        "text:2",
        "spk2gender:1",
        "phones.ctm:1",
        "phones.ctm:2",
    ]


def test_reading_the_audio_finds_what_headers_hide(data_path):
    soundfile.write(data_path / "audio" / "a-2.wav", np.full(2000, np.nan), 16000, subtype="FLOAT")
    assert validate_data_dir(data_path) == []
    (breach,) = validate_data_dir(data_path, read_audio=True)
    assert breach.startswith(f"{data_path}/wav.scp:2: ")
    assert "nan instead of a sample" in breach


def test_no_directory_is_one_breach(tmp_path):
    (breach,) = validate_data_dir(tmp_path / "nowhere")
    assert "no such folder" in breach
