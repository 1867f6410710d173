"""Tables for RESULTS.md: what stands in them, and that those in the tree are what JSON says."""

import json
import re
from pathlib import Path

import pytest

from vqspeech.errors import InputError
from vqspeech.stages.analysis_results import format_analyses, read_analyses

ROOT = Path(__file__).resolve().parents[2]

PHONEMES = {
    "kind": "phonemes",
    "codes": "exp/codes/test",
    "utterances": 24,
    "speakers": 12,
    "shared_speakers": 8,
    "frames": 5000,
    "fit_frames": 60000,
    "frames_per_code": 468.75,
    "rate": 25.0,
    "num_codes": 128,
    "phone_set": 41,
    "drop_silence": False,
    "frame": "centre",
    "context": 1,
    "interval": {"level": 0.95, "resampled": "speakers", "count": 1000},
    "systems": [
        {
            "name": "codes",
            "measures": {
                "accuracy": {"value": 0.4321, "low": 0.42, "high": 0.4449},
                "majority": {"value": 0.131, "low": 0.13, "high": 0.132},
                "boundary_r_value": {"value": None, "low": None, "high": None},
                "perplexity": {"value": 95.14},
            },
        },
        {"name": "random codes", "measures": {"accuracy": {"value": 0.131}}},
    ],
    "analysis_seconds": 12.3,
    "environment": {
        "command": "vqspeech analyze phonemes exp/codes/test --fit-on exp/codes/train",
        "commit": "0123456789",
        "gpus": [],
        "processor": "a processor",
    },
}
ABX = {
    "kind": "abx",
    "distance": "cosine",
    "within": {"error": 0.1, "interval": None},
    "across": {"error": 0.25, "interval": [0.23, 0.27]},
    "environment": {"command": "vqspeech analyze abx exp/codes/test --model exp/vqvae/best"},
}
LIKELIHOOD = {
    "kind": "likelihood",
    "codes": "exp/codes/test",
    "model_hash": "5eed",
    "utterances": 24,
    "speakers": 12,
    "speakers_known": 8,
    "frames": 5000,
    "rate": 25.0,
    "num_codes": 128,
    "groups": 1,
    "interval": {"level": 0.95, "resampled": "speakers", "count": 1000},
    "rows": {
        "uniform": {"nats": 4.852, "bits": 7, "low": 7, "high": 7, "bits_per_second": 175},
        "trigram": {"nats": 2.772, "bits": 4, "low": 3.9, "high": 4.1, "bits_per_second": 100},
        "prior_nobody": {"nats": 2.6, "bits": 3.75, "low": 3.7, "high": 3.8, "bits_per_second": 94},
        "prior": {"nats": 2.426, "bits": 3.5, "low": 3.4, "high": 3.6, "bits_per_second": 87.5},
    },
    "gain": {"bits": 0.5, "low": 0.45, "high": 0.55},
    "waveform": None,
    "analysis_seconds": 30.2,
    "environment": {
        "command": "vqspeech analyze likelihood exp/codes/test --prior exp/prior/best",
        "commit": "0123456789",
        "gpus": ["a card"],
        "processor": "a processor",
    },
}
WAVEFORM = {
    "utterances": 3,
    "seconds": 10.5,
    "samples": 84000,
    "decoder": {"value": 3.8, "low": 3.7, "high": 3.9},
    "prior": {"value": 0.01, "low": 0.009, "high": 0.011},
    "uniform_prior": {"value": 0.02, "low": 0.02, "high": 0.02},
    "total": {"value": 3.81, "low": 3.71, "high": 3.91},
    "total_uniform": {"value": 3.82, "low": 3.72, "high": 3.92},
    "stand_ins": {"p999": "p901"},
}


def write(folder, name, facts):
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(facts))
    return path


def row(text, label):
    (line,) = (line for line in text.splitlines() if line.startswith(f"| {label} |"))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_a_table_has_the_paper_the_codes_the_controls_and_the_command(tmp_path):
    files = [
        write(tmp_path / "test", "phonemes", PHONEMES),
        write(tmp_path / "test", "abx", ABX),
    ]
    text = format_analyses(read_analyses(files))
    assert row(text, "mapping accuracy, %") == ["49.3", "43.2 [42.0, 44.5]", "13.1"]
    assert row(text, "majority phone, %") == ["7.2", "13.1 [13.0, 13.2]", ""]
    assert row(text, "R-value, %") == ["", "-", ""]
    assert row(text, "perplexity") == ["", "95.1", ""]
    assert row(text, "ABX error across speakers, cosine, %") == ["", "25.0 [23.0, 27.0]", ""]
    assert row(text, "ABX error within speakers, cosine, %") == ["", "10.0", ""]
    assert (
        "**test**: 24 utterances, 5000 frames at 25 Hz, 12 speakers, 4 of them not in the" in text
    )
    assert "    vqspeech analyze phonemes exp/codes/test --fit-on exp/codes/train\n" in text
    assert "    vqspeech analyze abx exp/codes/test --model exp/vqvae/best\n" in text
    assert "Commit 0123456789, a processor, 12 s." in text


def test_each_folder_has_a_table_of_its_own(tmp_path):
    files = [write(tmp_path / name, "phonemes", PHONEMES) for name in ("test", "unseen")]
    text = format_analyses(read_analyses(files))
    assert text.index("**test**") < text.index("**unseen**")
    assert text.count("| mapping accuracy, % |") == 2


def test_files_that_hold_no_numbers_of_ours_are_refused_in_one_line(tmp_path):
    with pytest.raises(InputError, match="no scores"):
        read_analyses([write(tmp_path / "a", "x", {"codes": 3})])
    with pytest.raises(InputError, match="a phoneme-mapping; give a file of"):
        read_analyses([write(tmp_path / "a", "x", {"kind": "phoneme-mapping"})])
    with pytest.raises(InputError, match=r"a: no phonemes\.json among the files"):
        format_analyses(read_analyses([write(tmp_path / "a", "abx", ABX)]))
    broken = {name: value for name, value in PHONEMES.items() if name != "frames"}
    with pytest.raises(InputError, match="a: a file lacks 'frames'; run 'vqspeech analyze' again"):
        format_analyses(read_analyses([write(tmp_path / "a", "phonemes", broken)]))


def test_a_second_file_of_a_kind_in_one_folder_is_refused(tmp_path):
    files = [write(tmp_path / "test", name, PHONEMES) for name in ("phonemes", "trigrams")]
    with pytest.raises(
        InputError, match=r"trigrams\.json: the second file of kind phonemes in test"
    ):
        read_analyses(files)


def test_folders_of_one_name_are_told_apart_by_what_they_lie_in(tmp_path):
    files = []
    for run, value in (("old", 0.1), ("new", 0.2)):
        (tmp_path / run).mkdir()
        files.append(write(tmp_path / run / "test", "phonemes", PHONEMES))
        files.append(
            write(
                tmp_path / run / "test", "abx", ABX | {"across": {"error": value, "interval": None}}
            )
        )
    old, new = format_analyses(read_analyses(files)).split("**new/test**")
    assert "**old/test**" in old
    assert row(old, "ABX error across speakers, cosine, %")[1] == "10.0"
    assert row(new, "ABX error across speakers, cosine, %")[1] == "20.0"


def test_measures_of_another_model_do_not_stand_in_its_table(tmp_path):
    files = [
        write(tmp_path / "test", "phonemes", PHONEMES | {"model_hash": "5eed"}),
        write(tmp_path / "test", "abx", ABX | {"model_hash": "0dd"}),
    ]
    with pytest.raises(InputError, match="test: abx is of model 0dd, phonemes of 5eed"):
        format_analyses(read_analyses(files))


@pytest.mark.parametrize(
    "broken",
    [
        {"systems": 3},
        {"systems": [{"name": "codes", "measures": [1]}]},
        {"systems": [{"name": "codes", "measures": {"accuracy": {"value": "x"}}}]},
        {"frames_per_code": "many"},
    ],
)
def test_numbers_of_another_form_are_one_line(tmp_path, broken):
    files = [write(tmp_path / "a", "phonemes", PHONEMES | broken)]
    with pytest.raises(InputError, match=r"^a: a file is not as 'vqspeech analyze' writes it"):
        format_analyses(read_analyses(files))


def test_silence_is_not_said_to_be_kept_by_a_set_without_it(tmp_path):
    text = format_analyses(
        read_analyses([write(tmp_path / "a", "phonemes", PHONEMES | {"phone_set": 39})])
    )
    assert "39 phones, silence not scored, the phone at a frame's centre" in text


def test_likelihoods_have_a_table_of_their_own_without_phonemes(tmp_path):
    files = [write(tmp_path / "a", "likelihood", LIKELIHOOD | {"waveform": WAVEFORM})]
    text = format_analyses(read_analyses(files))
    assert "**a**, likelihood: 24 utterances, 12 speakers, 5000 frames at 25 Hz" in text
    assert "told of 8 of the 12 speakers" in text
    assert row(text, "uniform") == ["4.852", "7.000", "175.0"]
    assert row(text, "trigram, Kneser-Ney") == ["2.772", "4.000 [3.900, 4.100]", "100.0"]
    assert row(text, "prior") == ["2.426", "3.500 [3.400, 3.600]", "87.5"]
    assert "saves 0.500 [0.450, 0.550] bits a code of the trigram's, 12.5 %" in text
    assert row(text, "decoder + prior") == ["3.8100 [3.7100, 3.9100]"]
    assert row(text, "codes under a uniform prior") == ["0.0200"]
    assert "p901 for p999" in text
    assert "    vqspeech analyze likelihood exp/codes/test --prior exp/prior/best\n" in text
    assert "Commit 0123456789, a card, 30 s." in text


def test_likelihoods_stand_below_the_phonemes_of_their_folder(tmp_path):
    files = [
        write(tmp_path / "a", "likelihood", LIKELIHOOD),
        write(tmp_path / "a", "phonemes", PHONEMES | {"model_hash": "5eed"}),
        write(tmp_path / "b", "likelihood", LIKELIHOOD),
    ]
    first, second = format_analyses(read_analyses(files)).split("**b**")
    assert first.index("mapping accuracy") < first.index("trigram, Kneser-Ney")
    # Each table has its own command below it, once.
    assert first.count("vqspeech analyze likelihood") == 1
    assert first.index("Commit 0123456789, a processor, 12 s.") < first.index("likelihood: 24")
    assert "mapping accuracy" not in second


def test_likelihoods_of_another_model_than_the_phonemes_are_refused(tmp_path):
    files = [
        write(tmp_path / "a", "likelihood", LIKELIHOOD),
        write(tmp_path / "a", "phonemes", PHONEMES | {"model_hash": "0dd"}),
    ]
    with pytest.raises(InputError, match="a: likelihood is of model 5eed, phonemes of 0dd"):
        format_analyses(read_analyses(files))


@pytest.mark.parametrize(
    "broken",
    [
        {"rows": {}},
        {"rows": {"trigram": 3}},
        {"gain": None},
        {"waveform": {"seconds": 3}},
        {"speakers_known": "all", "rate": None},
    ],
)
def test_likelihoods_of_another_form_are_one_line(tmp_path, broken):
    files = [write(tmp_path / "a", "likelihood", LIKELIHOOD | broken)]
    with pytest.raises(InputError, match=r"^a: a file .*; run ") as raised:
        format_analyses(read_analyses(files))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "results", sorted(ROOT.glob("egs/*/RESULTS.md")), ids=lambda path: path.parent.name
)
def test_tables_in_the_tree_are_what_their_command_prints_now(results):
    text = results.read_text(encoding="utf-8")
    commands = re.findall(r"`vqspeech results (egs/\S+\.json(?: egs/\S+\.json)*)`", text)
    if not commands:
        assert results.parent.name != "mini"  # which has some
    for command in commands:
        printed = format_analyses(read_analyses(sorted_paths(command)))
        kinds = {"/prior/": "bits a code |", "/conversion/": "| identified, % |"}
        found = [text for folder, text in kinds.items() if folder in command]
        wanted = found[0] if found else "| mapping accuracy, % | 49.3 |"
        assert wanted in printed
        assert printed.strip() in text


def sorted_paths(command):
    """The files of a command, whose patterns the shell would expand."""
    return [path for word in command.split() for path in sorted(ROOT.glob(word))]
