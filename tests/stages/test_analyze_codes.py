"""`analyze codes`: what is counted of a directory, and what the commands without phones print."""

import json
import sys

import numpy as np
import pytest

from vqspeech import cli
from vqspeech.cli.leave import run_for_status
from vqspeech.data.codes import write_code_dir
from vqspeech.data.data_dir import DataDir, Utterance
from vqspeech.errors import InputError
from vqspeech.stages.analyze_codes import analyze_codes

CODES = {  # two speakers, 25 codes a second
    "a-1": np.array([0, 0, 3, 3, 3]),
    "a-2": np.array([3]),
    "b-1": np.array([5, 5]),
    "b-2": np.array([5, 0]),
}


@pytest.fixture
def code_dir(tmp_path):
    """A function that writes a code directory; the speaker is what an id begins with."""

    def write(codes_by_utterance=CODES, name="codes", num_codes=8, groups=1):
        utterances = {u: Utterance(u, u.split("-")[0], None) for u in codes_by_utterance}
        write_code_dir(
            tmp_path / name,
            codes_by_utterance,
            DataDir(tmp_path, utterances),
            hop=640,
            sample_rate=16000,
            num_codes=num_codes,
            groups=groups,
            model_hash="abc",
        )
        return tmp_path / name

    return write


@pytest.fixture
def run(monkeypatch, capfd):
    """Run a command in this process: exit status, standard output, standard error."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["vqspeech", "analyze", *map(str, arguments)])
        status = run_for_status(cli.app)
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return status, out, err

    return run


def test_usage_is_that_of_all_utterances_together(code_dir):
    path = code_dir()
    facts = analyze_codes(path)
    # 0 three times, 3 four times, 5 three times; runs 00 333 | 3 | 55 | 5 0.
    entropy = -(0.6 * np.log2(0.3) + 0.4 * np.log2(0.4))
    assert facts["kind"] == "codes"
    assert facts["codes"] == str(path)
    assert (facts["model_hash"], facts["rate"], facts["num_codes"]) == ("abc", 25.0, 8)
    assert (facts["utterances"], facts["speakers"], facts["frames"]) == (4, 2, 10)
    assert facts["seconds"] == pytest.approx(0.4)
    assert facts["counts"] == [3, 0, 0, 4, 0, 3, 0, 0]
    assert facts["codes_used"] == 3
    assert facts["entropy_bits"] == pytest.approx(entropy)
    assert facts["bit_rate"]["nominal"] == pytest.approx(75)
    assert facts["bit_rate"]["empirical"] == pytest.approx(25 * entropy)
    assert (facts["runs"], facts["run_length_counts"]) == (6, [0, 3, 2, 1])
    assert facts["mean_run_seconds_by_code"][3] == pytest.approx(0.08)
    assert facts["mean_run_seconds_by_code"][1] is None


def test_groups_are_one_symbol_however_many_there_could_be(code_dir):
    rows = {"a-1": np.array([[1, 2, 7], [1, 2, 7], [2, 1, 7]]), "b-1": np.array([[1, 2, 7]])}
    facts = analyze_codes(code_dir(rows, num_codes=1024, groups=3))
    assert facts["codes_used"] == 2
    assert facts["num_codes"] == 1 << 30
    assert facts["bit_rate"]["nominal"] == pytest.approx(25 * 30)
    assert facts["runs"] == 3
    assert "counts" not in facts


def test_a_directory_without_codes_and_too_many_symbols_are_refused(code_dir):
    with pytest.raises(InputError, match="no codes in 1 utterances"):
        analyze_codes(code_dir({"a-1": np.zeros(0, int)}))
    rows = {"a-1": np.zeros((2, 4), int)}
    with pytest.raises(InputError, match="4 groups of 1024 codes"):
        analyze_codes(code_dir(rows, num_codes=1024, groups=4))


def test_directories_are_printed_side_by_side(code_dir, run):
    first, second = code_dir(), code_dir({"a-1": np.array([1, 2])}, "other")
    status, out, _ = run("codes", first, second)
    assert status == 0
    table = {line.split("  ")[0]: line for line in out.splitlines()}
    assert table["codes used"].split() == ["codes", "used", "3", "of", "8", "2", "of", "8"]
    assert len({line.find(" at 25 Hz") for line in out.splitlines()}) == 2  # columns are aligned


def test_json_is_written_beside_the_table_or_printed_in_its_place(code_dir, run, tmp_path):
    path = code_dir()
    status, out, _ = run("codes", path, "--json", tmp_path / "codes.json")
    assert status == 0
    assert "perplexity" in out
    assert out.endswith(f"wrote {tmp_path / 'codes.json'}\n")
    written = json.loads((tmp_path / "codes.json").read_text())
    assert written.pop("environment")["command"].startswith("vqspeech analyze codes ")
    assert written == analyze_codes(path)
    _, out, _ = run("codes", path, "--json", "-")
    printed = json.loads(out)
    del printed["environment"]
    assert printed == analyze_codes(path)
    _, out, _ = run("codes", path, path, "--json", "-")
    both = json.loads(out)
    for facts in both:
        del facts["environment"]
    assert both == [analyze_codes(path)] * 2


@pytest.mark.parametrize("command", ["codes", "speakers"])
def test_what_is_no_code_directory_is_one_line(run, tmp_path, command):
    status, out, err = run(command, tmp_path / "none")
    assert (status, out) == (3, "")
    assert err.count("\n") == 1
    assert "no such folder" in err


@pytest.mark.parametrize("target", ["", "file/numbers.json"])
def test_a_place_that_cannot_be_written_is_refused_first(code_dir, run, tmp_path, target):
    (tmp_path / "file").touch()
    status, out, err = run("codes", code_dir(), "--json", tmp_path / target)
    assert (status, out) == (5, "")
    assert err.count("\n") == 1


def test_one_speaker_cannot_be_told_apart(code_dir, run):
    status, out, err = run("speakers", code_dir({"a-1": np.array([1]), "a-2": np.array([2])}))
    assert (status, out) == (3, "")
    assert "1 speaker, two or more were wanted" in err


def test_speakers_are_printed_with_chance_and_interval(code_dir, run):
    status, out, err = run("speakers", code_dir())
    assert (status, err) == (0, "")
    assert "utterances within speakers" in out
    table = dict(line.strip().split("  ", 1) for line in out.splitlines())
    assert table["commonest speaker"].strip() == "50.0%"
    assert table["1 / speakers"].strip() == "50.0%"
    assert "[" in table["linear probe"]
    assert "I(s; c) / H(s)" in out


def test_without_a_probe_the_information_is_printed_all_the_same(code_dir, run):
    codes = {"a-1": np.array([1, 1]), "b-1": np.array([2, 2])}
    status, out, _ = run("speakers", code_dir(codes))
    assert status == 0
    assert "no two speakers have two utterances" in out
    assert "1.000 of 1.000 bits" in out


def test_what_the_probe_leaves_out_is_told(code_dir, run):
    status, _, err = run("speakers", code_dir(CODES | {"c-1": np.array([1])}))
    assert status == 0
    assert "2 of 3 speakers apart, on 4 of 5 utterances" in err
    assert "left out for having one utterance: 1" in err
