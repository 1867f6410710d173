import json
from dataclasses import replace

import numpy as np
import pytest
from hand_made import TABLES

from vqspeech.data.codes import read_code_dir, write_code_dir
from vqspeech.data.data_dir import DataDir
from vqspeech.errors import InputError, WriteError

SETTINGS = {"hop": 64, "sample_rate": 16000, "num_codes": 512, "groups": 1, "model_hash": "5eed"}


def make_codes(groups=1, num_codes=512):
    generator = np.random.default_rng(0)
    lengths = {"b-1": 62, "a-1": 15, "a-2": 31}
    shape = () if groups == 1 else (groups,)
    return {key: generator.integers(0, num_codes, (n, *shape)) for key, n in lengths.items()}


@pytest.fixture
def code_path(data_path, tmp_path):
    write_code_dir(tmp_path / "codes", make_codes(), DataDir.read(data_path), **SETTINGS)
    return tmp_path / "codes"


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("num_codes", [512, 70_000])
def test_codes_and_tables_come_back_as_they_were(data_path, tmp_path, groups, num_codes):
    codes = make_codes(groups, num_codes)
    settings = {**SETTINGS, "groups": groups, "num_codes": num_codes}
    data_dir = DataDir.read(data_path)
    write_code_dir(tmp_path / "codes", codes, data_dir, **settings)
    again = read_code_dir(tmp_path / "codes")
    assert list(again) == sorted(codes)
    for utterance in codes:
        np.testing.assert_array_equal(again[utterance], codes[utterance])
    assert isinstance(again.codes, np.memmap)
    assert again.codes.dtype == (np.uint16 if num_codes == 512 else np.int32)
    assert {name: getattr(again, name) for name in settings} == settings
    assert again.rate == 250
    assert again.speakers == ("a", "b")
    for utterance in data_dir.values():
        assert again.utterances[utterance.id] == replace(utterance, audio=None)
    assert (again.genders, again.accents) == (data_dir.genders, data_dir.accents)
    assert (again.durations, again.phones()) == (data_dir.durations, data_dir.phones())


def test_the_files_are_what_the_page_says(code_path):
    assert (code_path / "utt2codes").read_text() == "a-1 0 15\na-2 15 31\nb-1 46 62\n"
    assert json.loads((code_path / "codes.json").read_text())["rate"] == 250
    for table in ("utt2spk", "spk2utt", "text", "spk2gender", "spk2accent", "phones.ctm"):
        assert (code_path / table).read_text() == TABLES[table]


def test_a_part_of_the_utterances_takes_only_its_own_rows(data_path, tmp_path):
    codes = {"b-1": make_codes()["b-1"]}
    write_code_dir(tmp_path / "codes", codes, DataDir.read(data_path), **SETTINGS)
    again = read_code_dir(tmp_path / "codes")
    assert list(again) == list(again.phones()) == ["b-1"]
    assert again.speakers == ("b",)


def test_codes_that_do_not_fit_are_a_mistake_of_the_caller(data_path, tmp_path):
    data_dir = DataDir.read(data_path)
    for codes, message in [
        ({}, "no codes"),
        ({"c-1": np.zeros(3, int)}, "c-1 is not in"),
        ({"a-1": np.zeros((3, 2), int)}, r"codes \(3, 2\)"),
        ({"a-1": np.array([512])}, "beyond 0 to 511"),
        ({"a-1": np.array([-1])}, "beyond 0 to 511"),
    ]:
        with pytest.raises(ValueError, match=message):
            write_code_dir(tmp_path / "codes", codes, data_dir, **SETTINGS)
    with pytest.raises(WriteError, match="holds audio, which is no file of a code directory"):
        write_code_dir(data_path, make_codes(), data_dir, **SETTINGS)
    assert not (tmp_path / "codes").exists()


def change_settings(path, **changes):
    settings = json.loads((path / "codes.json").read_text())
    (path / "codes.json").write_text(json.dumps({**settings, **changes}))


DAMAGE = {
    "no settings": (lambda p: (p / "codes.json").unlink(), "codes.json: no such file"),
    "no JSON": (lambda p: (p / "codes.json").write_text("{"), "codes.json: cannot be read"),
    "a list": (lambda p: (p / "codes.json").write_text("[]"), "codes.json: no settings"),
    "a hop of 0": (lambda p: change_settings(p, hop=0), "codes.json: hop is 0"),
    "fewer codes": (lambda p: change_settings(p, num_codes=8), "codes.npy: codes beyond 0 to 7"),
    "more groups": (lambda p: change_settings(p, groups=2), "codes.npy: uint16 .*integer codes"),
    "no codes": (lambda p: (p / "codes.npy").unlink(), "codes.npy: no such file"),
    "truncated": (
        lambda p: (p / "codes.npy").write_bytes((p / "codes.npy").read_bytes()[:150]),
        "codes.npy: no array of codes",
    ),
    "a pickle": (
        lambda p: np.save(p / "codes.npy", np.array([{}]), allow_pickle=True),
        "codes.npy: no array of codes",
    ),
    "floats": (lambda p: np.save(p / "codes.npy", np.zeros(108)), "codes.npy: float64"),
    "a range outside": (
        lambda p: (p / "utt2codes").write_text("a-1 0 15\na-2 15 31\nb-1 46 63\n"),
        "utt2codes:3: 46 63 is outside the 108 codes",
    ),
    "a negative range": (
        lambda p: (p / "utt2codes").write_text("a-1 -1 15\na-2 15 31\nb-1 46 62\n"),
        "utt2codes:1: -1 15 is outside",
    ),
    "a gap": (
        lambda p: (p / "utt2codes").write_text("a-1 0 14\na-2 15 31\nb-1 46 62\n"),
        "utt2codes: covers 107 codes, codes.npy has 108",
    ),
    "an utterance less": (
        lambda p: (p / "utt2codes").write_text("a-1 0 15\na-2 15 93\n"),
        "utt2codes: b-1 of utt2spk is missing",
    ),
    "an utterance more": (
        lambda p: (p / "utt2spk").write_text("a-1 a\na-2 a\n"),
        "text:3: b-1 is not in utt2spk",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_every_damage_is_found_before_the_first_use(code_path, damage):
    change, message = DAMAGE[damage]
    change(code_path)
    with pytest.raises(InputError, match=message):
        read_code_dir(code_path)


def test_a_missing_directory_names_the_command_that_makes_it(tmp_path):
    with pytest.raises(InputError, match="'vqspeech encode' makes code directories"):
        read_code_dir(tmp_path / "nowhere")


def test_an_alignment_with_tabs_is_copied(data_path, tmp_path):
    phones = data_path / "phones.ctm"
    phones.write_text(phones.read_text().replace(" ", "\t"))
    before = DataDir.read(data_path).phones()
    write_code_dir(tmp_path / "codes", make_codes(), DataDir.read(data_path), **SETTINGS)
    assert read_code_dir(tmp_path / "codes").phones() == before
    phones.write_bytes(b"\xff\n")
    with pytest.raises(InputError, match=r"phones\.ctm: cannot be read \(not UTF-8\)"):
        write_code_dir(tmp_path / "codes", make_codes(), DataDir.read(data_path), **SETTINGS)
