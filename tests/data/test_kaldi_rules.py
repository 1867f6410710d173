from pathlib import Path

import numpy as np
import pytest
import soundfile
from kaldi_rules import kaldi_breaches

from vqspeech.data.alignment import Phone
from vqspeech.data.data_dir import DataDir, Trim, Utterance, write_data_dir
from vqspeech.data.split import Splits
from vqspeech.data.validate import validate_data_dir
from vqspeech.stages.prepare import prepare_corpus

GOOD = {
    "utt2spk": b"a-1 a\na-2 a\nb-1 b\n",
    "spk2utt": b"a a-1 a-2\nb b-1\n",
    "wav.scp": b"a-1 x.wav\na-2 y.wav\nb-1 z.wav\n",
    "text": b"a-1 one\na-2 two three\nb-1\n",
    "utt2dur": b"a-1 1.5\na-2 2\nb-1 3\n",
    "spk2gender": b"a f\nb m\n",
    "utt2lang": b"a-1 en\na-2 en\nb-1 de\n",
    "feats.scp": b"a-1 f.ark:1\na-2 f.ark:2\nb-1 f.ark:3\n",
    "cmvn.scp": b"a c.ark:1\nb c.ark:2\n",
    "reco2file_and_channel": b"a-1 x A\na-2 y A\nb-1 z B\n",
}
CUT = {
    "wav.scp": b"r1 x.wav\nr2 y.wav\n",
    "segments": b"a-1 r1 0 1.5\na-2 r1 1.5 3.5\nb-1 r2 0 3\n",
    "reco2file_and_channel": b"r1 x A\nr2 y A\n",
}


def write(folder, tables):
    for name, content in tables.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("tables", [GOOD, GOOD | CUT], ids=["whole files", "segments"])
def test_a_good_directory_has_no_breach(tmp_path, tables):
    assert kaldi_breaches(write(tmp_path, tables)) == []


def test_a_single_speaker_is_no_breach(tmp_path):
    tables = {"utt2spk": b"a-1 a\n", "spk2utt": b"a a-1\n", "wav.scp": b"a-1 x.wav\n"}
    assert kaldi_breaches(write(tmp_path, tables)) == []


@pytest.mark.parametrize("name", ["utt2spk", "spk2utt", "wav.scp"])
def test_a_missing_table_is_a_breach(tmp_path, name):
    write(tmp_path, GOOD)
    (tmp_path / name).unlink()
    assert kaldi_breaches(tmp_path) == [f"{name}: no such file"]


@pytest.mark.parametrize(
    ("name", "content", "breach"),
    [
        ("text", b"", "text: empty"),
        ("text", b"a-1 one\na-2 two\nb-1", "text: no newline at the end"),
        ("text", b"a-2 two\na-1 one\nb-1 x\n", "text: not sorted, or with duplicates"),
        ("text", b"a-1 one\na-1 one\na-2 x\nb-1\n", "text: not sorted, or with duplicates"),
        ("text", b"a-1 one\nb-1 three\n", "text: its keys are not those of the other tables"),
        ("text", b"a-1 <s> one </s>\na-2\nb-1\n", "text: <s> is no word"),
        ("text", b"a-1 one #0\na-2\nb-1\n", "text: #0 is no word"),
        ("text", b"a-1 caf\xe9\na-2\nb-1\n", "text: not UTF-8"),
        ("text", b"a-1 one\r\na-2\nb-1\n", "text: white space other than space and tab"),
        ("text", b"a-1 a\xc2\xa0b\na-2\nb-1\n", "text: white space other than space and tab"),
        ("text", b"a-1 a\x07b\na-2\nb-1\n", "text: characters that cannot be printed"),
        ("utt2spk", b"a-1 a x\na-2 a\nb-1 b\n", "utt2spk: not two fields in every line"),
        ("utt2spk", b"a-1 b\na-2 a\nb-1 b\n", "utt2spk: not sorted by speaker as well"),
        ("spk2utt", b"a a-2 a-1\nb b-1\n", "spk2utt: not the inverse of utt2spk"),
        ("spk2utt", b"a a-1\nb b-1\n", "spk2utt: not the inverse of utt2spk"),
        ("wav.scp", b"a-1 x\nb-1 y\n", "wav.scp: its keys are not those of the other tables"),
        ("wav.scp", b"a-1 ~/x\na-2 y\nb-1 z\n", "wav.scp: a tilde"),
        ("utt2dur", b"a-1 0\na-2 1\nb-1 2\n", "utt2dur: a malformed line"),
        ("utt2dur", b"a-1 1\n", "utt2dur: its keys are not those of the other tables"),
        ("utt2lang", b"a-1 en\n", "utt2lang: its keys are not those of the other tables"),
        ("feats.scp", b"a-1 x\n", "feats.scp: its keys are not those of the other tables"),
        ("cmvn.scp", b"a x\n", "cmvn.scp: its keys are not those of the other tables"),
        ("spk2gender", b"a F\nb m\n", "spk2gender: a malformed line"),
        ("spk2gender", b"a f\n", "spk2gender: its keys are not those of the other tables"),
        (
            "reco2file_and_channel",
            b"a-1 x C\na-2 y A\nb-1 z A\n",
            "reco2file_and_channel: a malformed line",
        ),
        (
            "segments",
            b"a-1 a-1 2 2\na-2 a-2 0 1\nb-1 b-1 0 1\n",
            "segments: not four fields, or an end that is not after its start",
        ),
        (
            "segments",
            b"a-1 a-1 0 1\na-2 a-1 1 2\nb-1 b-1 0 1\n",
            "segments: recordings that differ from those of wav.scp",
        ),
        (
            "segments",
            b"a-1 a-1 0 1\na-2 a-2 0 1\nc-1 b-1 0 1\n",
            "segments: its keys are not those of the other tables",
        ),
    ],
)
def test_each_rule_fires_on_its_breach(tmp_path, name, content, breach):
    assert breach in kaldi_breaches(write(tmp_path, GOOD | {name: content}))


def test_byte_order_and_not_that_of_a_language_decides(tmp_path):
    # In a dictionary, a comes before B; in bytes B does.
    tables = {
        "utt2spk": b"B-1 B\na-1 a\n",
        "spk2utt": b"B B-1\na a-1\n",
        "wav.scp": b"B-1 x.wav\na-1 x.wav\n",
    }
    assert kaldi_breaches(write(tmp_path, tables)) == []


@pytest.mark.parametrize("ids", [["a-1", "a-2", "b-1"], ["12-7-0001", "121-7-0000", "é_1-x"]])
@pytest.mark.parametrize("has_segments", [False, True])
@pytest.mark.parametrize("num_genders", [1, 3])
def test_the_directories_we_write_pass(tmp_path, ids, has_segments, num_genders):
    rows = []
    for number, key in enumerate(reversed(ids)):
        stretch = (0.5 * number, 0.5 * number + 0.25) if has_segments else (None, None)
        audio = Path("/corpus/all.wav" if has_segments else f"/corpus/{number}.wav")
        text = "un  deux " if number else None
        rows.append(Utterance(key, key.partition("-")[0], audio, text, *stretch))
    genders = {row.speaker: "f" for row in rows[:num_genders]}
    write_data_dir(
        tmp_path / "data",
        rows,
        genders=genders,
        accents={rows[0].speaker: "Northern English"},
        durations={row.id: 0.25 for row in rows},
        trims={rows[0].id: Trim(0.1, 0.2)},
        phones={rows[0].id: (Phone(0, 0.1, "AH"),)},
    )
    assert kaldi_breaches(tmp_path / "data") == []
    assert DataDir.read(tmp_path / "data").genders == genders


@pytest.mark.parametrize(
    ("corpus", "audio"),
    [
        ("vctk", "wav48_silence_trimmed/p{0}/p{0}_{1:03d}_mic1.flac"),
        ("vctk", "wav48/p{0}/p{0}_{1:03d}.wav"),
        ("librispeech", "train-clean-100/{0}/1/{0}-1-{1:04d}.flac"),
        ("folder", "p {0}/é{1}.wav"),
        ("kaldi", "{0}-1-{1:04d}.wav"),
    ],
)
def test_every_corpus_is_prepared_to_directories_that_pass(tmp_path, corpus, audio):
    noise = np.random.default_rng(0).normal(scale=0.1, size=4000)
    folder = tmp_path / "corpus"
    for reader in (225, 226) if corpus == "vctk" else (84, 840):
        for number in range(21, 29):
            path = folder / audio.format(reader, number)
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, noise, 16000)
    files = sorted(folder.glob("*.wav"))
    if corpus == "kaldi":
        tables = {"wav.scp": "{0} {1}\n", "utt2spk": "{0} {2}\n", "text": "{0} words\n"}
        for name, row in tables.items():
            lines = (row.format(f.stem, f, f.stem.rpartition("-")[0]) for f in files)
            (folder / name).write_text("".join(lines))
    prepared = prepare_corpus(corpus, folder, tmp_path / "out", splits=Splits(valid=1, test=1))
    assert {"train", "valid", "test"} <= set(prepared.parts)
    assert sum(part.utterances for part in prepared.parts.values()) == 16
    for part in prepared.parts:
        assert kaldi_breaches(tmp_path / "out" / part) == []
        assert validate_data_dir(tmp_path / "out" / part) == []
