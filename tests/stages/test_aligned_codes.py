"""Codes beside phones: worked by hand on a few frames of 100 ms."""

import numpy as np
import pytest

from vqspeech.analysis.aligned_codes import LEFT_OUT
from vqspeech.data.codes import read_code_dir, write_code_dir
from vqspeech.data.data_dir import DataDir
from vqspeech.errors import InputError
from vqspeech.stages.aligned_codes import flat_codes, read_aligned_codes

TABLES = {
    "utt2spk": "a-1 a\na-2 a\nb-1 b\n",
    "spk2utt": "a a-1 a-2\nb b-1\n",
    "utt2dur": "a-1 0.5\na-2 0.3\nb-1 0.4\n",
    "wav.scp": "a-1 a.wav\na-2 a.wav\nb-1 b.wav\n",
    # a-1: silence to 0.1, not labelled; K, AH1, two silences; b-1: labelled to its end.
    "phones.ctm": "a-1 1 0.1 0.1 k\na-1 1 0.2 0.14 AH1\na-1 1 0.34 0.06 sil\na-1 1 0.4 0.1 sp\n"
    "a-2 1 0.0 0.3 spn\n"
    "b-1 1 0.0 0.2 M\nb-1 1 0.2 0.2 IY0\n",
}
CODES = {"a-1": [1, 2, 2, 3, 0], "a-2": [0, 0, 1], "b-1": [3, 3, 2, 1]}


@pytest.fixture
def make_codes(tmp_path):
    """A function that writes the code directory, with some tables or codes changed."""

    def make(tables=None, codes=None, **settings):
        folder = tmp_path / "data"
        folder.mkdir(exist_ok=True)
        for name, content in {**TABLES, **(tables or {})}.items():
            if content is None:
                (folder / name).unlink(missing_ok=True)
            else:
                (folder / name).write_text(content)
        settings = {"num_codes": 4, "groups": 1} | settings
        arrays = {name: np.array(row) for name, row in {**CODES, **(codes or {})}.items()}
        write_code_dir(
            tmp_path / "codes",
            arrays,
            DataDir.read(folder),
            hop=100,
            sample_rate=1000,
            model_hash="5eed",
            **settings,
        )
        return tmp_path / "codes"

    return make


def names(aligned, indices):
    return ["-" if i == LEFT_OUT else aligned.phone_names[i] for i in indices]


def test_frames_and_segments_are_those_worked_by_hand(make_codes):
    aligned, code_dir = read_aligned_codes(make_codes())
    assert code_dir.model_hash == "5eed"
    assert (aligned.utterances, aligned.speakers) == (("a-1", "a-2", "b-1"), ("a", "b"))
    assert aligned.speaker.tolist() == [0, 0, 1]
    assert aligned.codes.tolist() == [1, 2, 2, 3, 0, 0, 0, 1, 3, 3, 2, 1]
    assert aligned.frame_starts.tolist() == [0, 5, 8, 12]
    frames = ["SIL", "K", "AH", "SIL", "SIL", "SPN", "SPN", "SPN", "M", "M", "IY", "IY"]
    assert names(aligned, aligned.labels) == frames
    assert names(aligned, aligned.phones) == ["SIL", "K", "AH", "SIL", "SPN", "M", "IY"]
    assert aligned.phone_starts.tolist() == [0, 4, 5, 7]
    np.testing.assert_allclose(
        aligned.phone_seconds[:4], [[0, 0.1], [0.1, 0.2], [0.2, 0.34], [0.34, 0.5]]
    )
    assert (aligned.rate, aligned.num_codes, len(aligned.phone_names)) == (10, 4, 41)


def test_a_set_of_40_counts_spoken_noise_as_silence_and_one_of_39_scores_neither(make_codes):
    path = make_codes()
    forty, _ = read_aligned_codes(path, phone_set=40)
    assert names(forty, forty.labels)[5:8] == ["SIL"] * 3
    assert len(forty.phone_names) == 40
    fewest, _ = read_aligned_codes(path, phone_set=39)
    assert names(fewest, fewest.labels) == [
        "-",
        "K",
        "AH",
        "-",
        "-",
        "-",
        "-",
        "-",
        "M",
        "M",
        "IY",
        "IY",
    ]
    assert len(fewest.phone_names) == 39
    assert names(fewest, fewest.phones) == ["-", "K", "AH", "-", "-", "M", "IY"]


def test_a_frame_has_the_phone_that_fills_it_where_that_is_asked_for(make_codes):
    tables = {"phones.ctm": "a-1 1 0.0 0.04 K\na-1 1 0.04 0.02 S\na-1 1 0.06 0.44 K\n"}
    path = make_codes(tables, {"a-2": [0, 0, 1]})
    by_centre, _ = read_aligned_codes(path)
    assert names(by_centre, by_centre.labels)[0] == "S"
    by_majority, _ = read_aligned_codes(path, frame="majority")
    assert names(by_majority, by_majority.labels)[0] == "K"


def test_utterances_without_phones_are_left_out_and_named(make_codes):
    tables = {"phones.ctm": "b-1 1 0.0 0.4 M\n"}
    notes = []
    aligned, _ = read_aligned_codes(make_codes(tables), note=notes.append)
    assert aligned.utterances == ("b-1",)
    assert aligned.codes.tolist() == CODES["b-1"]
    assert len(notes) == 1
    assert "skipped 2 of 3 (without phones): a-1, a-2" in notes[0]


def test_groups_of_codes_are_one_symbol(make_codes):
    codes = {name: [[c, c // 2] for c in row] for name, row in CODES.items()}
    code_dir = read_code_dir(make_codes(None, codes, groups=2))
    flat = flat_codes(code_dir)
    assert flat.num_codes == 16
    assert flat.codes[:5].tolist() == [1 * 4 + 0, 2 * 4 + 1, 2 * 4 + 1, 3 * 4 + 1, 0]


def test_too_many_symbols_are_refused(make_codes):
    codes = {name: [[0] * 8 for _ in row] for name, row in CODES.items()}
    code_dir = read_code_dir(make_codes(None, codes, groups=8, num_codes=64))
    with pytest.raises(InputError, match=r"8 groups of 64 codes make \d+ units"):
        flat_codes(code_dir)


def test_more_symbols_than_can_be_mapped_are_refused(make_codes):
    codes = {name: [[0] * 3 for _ in row] for name, row in CODES.items()}
    with pytest.raises(InputError, match="3 groups of 64 codes make 262144 symbols, 65536 can"):
        read_aligned_codes(make_codes(None, codes, groups=3, num_codes=64))


@pytest.mark.parametrize(
    ("tables", "codes", "message"),
    [
        ({"phones.ctm": None}, {}, r"phones.ctm: no such file; run 'vqspeech align'"),
        ({"phones.ctm": "a-1 1 0 0.1 XX\n"}, {}, r"no phones of ARPAbet: 'XX' \(1\)"),
        ({}, {"b-1": [1, 2]}, "b-1 has 2 codes, 0.20 s, and its utterance 0.40 s"),
        ({}, {"a-2": [1] * 8}, "a-2 has 8 codes, 0.80 s, and its utterance 0.30 s"),
        (
            {"utt2dur": None, "phones.ctm": "b-1 1 0.0 0.9 M\n"},
            {},
            "b-1 has 4 codes, 0.40 s, and its alignment 0.90 s",
        ),
        (
            {"phones.ctm": "a-1 1 0.0 0.2 K\na-1 1 0.1 0.2 M\n"},
            {},
            r"phones.ctm:2: M starts at 0.1 s, K ends at 0.200 s: they overlap",
        ),
        (
            {"phones.ctm": "a-1 1 0.2 0.2 K\na-1 1 0.1 0.1 M\n"},
            {},
            r"phones.ctm:2: M starts at 0.1 s, before the line above",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(make_codes, tables, codes, message):
    path = make_codes(tables, codes)
    with pytest.raises(InputError, match=message) as refused:
        read_aligned_codes(path)
    assert "\n" not in str(refused.value)


def test_phones_of_an_utterance_without_codes_are_refused(make_codes):
    path = make_codes()
    (path / "phones.ctm").write_text("c-1 1 0.0 0.1 K\n")
    with pytest.raises(InputError, match=r"phones.ctm:1: c-1 is not in utt2spk"):
        read_aligned_codes(path)
