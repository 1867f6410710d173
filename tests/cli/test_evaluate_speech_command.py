"""`vqspeech evaluate conversion` and `reconstruction`: what is written, and what is refused."""

import json
import sys

import pytest

NOBODY = ("--recogniser", "none", "--no-similarity", "--no-quality")


def test_conversions_are_scored_into_a_file_that_results_prints(run, model, tiny_data, tmp_path):
    data, scores = tiny_data("test", utterances=2, samples=17000), tmp_path / "scores.json"
    arguments = ("evaluate", "conversion", "--model", model, "--data", data, "--count", 2)
    status, out, err = run(*arguments, *NOBODY, "--json", scores)
    assert (status, err) == (0, "")
    assert out.splitlines()[-1] == f"wrote {scores}"
    found = json.loads(scores.read_text())
    assert (found["kind"], found["format"]) == ("conversion-scores", 1)
    assert found["environment"]["command"].startswith("vqspeech evaluate conversion --model")
    assert [pair["direction"] for pair in found["pairs"]] == ["f-m", "m-f"]
    # What was drawn can be given again, with the same outcome.
    listed = tmp_path / "scores-pairs.tsv"
    status, out, _ = run(*arguments[:-2], "--pairs", listed, *NOBODY, "--json", "-")
    assert status == 0
    assert json.loads(out)["pairs"] == found["pairs"]
    status, out, _ = run("results", scores)
    assert status == 0
    assert "| energy correlation with source |" in out
    status, _, _ = run("export", "model", model, "--out", tmp_path / "shared", "--scores", scores)
    assert status == 0
    card = (tmp_path / "shared" / "README.md").read_text()
    assert "| test | voiced_share |" in card


def test_reconstructions_are_scored_too(run, model, tiny_data):
    data = tiny_data("test", utterances=1, samples=17000)
    status, out, err = run(
        *("evaluate", "reconstruction", "--model", model, "--data", data, "--count", 2),
        *(*NOBODY, "--json", "-"),
    )
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert found["kind"] == "reconstruction-scores"
    assert {pair["source_speaker"] for pair in found["pairs"]} == {"p901", "p907"}
    assert set(found["summary"]) == {"reconstruction", "original"}


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ("", 2, "--data, or --recordings with --targets: one of the two was wanted"),
        ("--data nowhere", 3, "nowhere: no such folder"),
        ("--recordings nowhere --targets {data}", 3, "nowhere: no such folder"),
        ("--data {data} --pairs {pairs}", 3, "pairs.tsv:1: p901_x is no utterance of"),
        ("--data {data} --count 99", 2, "different pairs"),
        ("--data {data} --count 1 --recogniser pocketsphinx", 4, "pip install 'vqspeech["),
        ("--data {data} --count 1 --recogniser none", 4, "pip install 'vqspeech[evaluate]'"),
        ("--data {data} --json {data}", 5, "is a folder"),
    ],
)
def test_what_cannot_be_scored_is_one_line(
    run, model, tiny_data, tmp_path, monkeypatch, arguments, status, words
):
    for module in ("pocketsphinx", "resemblyzer"):  # as if they were not installed
        monkeypatch.setitem(sys.modules, module, None)
    data, pairs = tiny_data("test", utterances=1, samples=17000), tmp_path / "pairs.tsv"
    pairs.write_text("p901_x\tp907\n")
    given = arguments.format(data=data, pairs=pairs).split()
    found, out, err = run("evaluate", "conversion", "--model", model, *given)
    assert (found, out) == (status, "")
    assert err.startswith("error: ")
    assert words in err
    assert err.count("\n") == 1
