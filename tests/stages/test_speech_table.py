"""Scores of speech as tables, in a model's folder, and in the words of the command line."""

import json

import pytest

from vqspeech.errors import InputError
from vqspeech.stages.analysis_results import format_analyses, read_analyses
from vqspeech.stages.export_model import gather_scores
from vqspeech.stages.score_summary import summarize
from vqspeech.stages.speech_scores import METRICS, Scored
from vqspeech.stages.speech_table import describe_speech


def measure(value):
    return {"value": value, "low": value - 0.05, "high": value + 0.05, "count": 2}


SCORES = {
    "kind": "conversion-scores",
    "format": 1,
    "data": "people",
    "model": "mini",
    "model_hash": "5eed",
    "sample_rate": 8000,
    "temperature": 0.8,
    "seed": 0,
    "evaluators": {
        "recogniser": {"name": "faster-whisper", "model": "tiny.en", "version": "1.2.1"},
        "speaker": {"name": "Resemblyzer", "version": "0.1.4"},
        "pitch": {"name": "librosa.pyin", "version": "0.11.0", "settings": "65 to 400 Hz"},
        "quality": {"name": "speechmos DNSMOS", "version": "0.0.1.1"},
    },
    "reference": "text",
    "summary": {
        "converted": {"wer": measure(0.5), "similarity_target": measure(0.75)},
        "copy_synthesis": {},
        "original": {"wer": measure(0.05), "similarity_target": measure(0.6)},
    },
    "directions": {"f-m": {"wer": measure(0.5)}},
    "scale": {"same_speaker": 0.9, "other_speaker": 0.6},
    "pairs": [{"seconds": 3.2}, {"seconds": 2.8}],
    "trials": {"eer": measure(0.25), "genuine": 2, "impostor": 46, "file": "people-trials.tsv"},
    "analysis_seconds": 12.3,
    "environment": {
        "command": "vqspeech evaluate conversion --model mini",
        "commit": "0123456789",
        "gpus": [],
        "processor": "a processor",
    },
}


def write(path, **changes):
    path.write_text(json.dumps(SCORES | changes))
    return path


def test_a_table_has_the_systems_the_evaluators_and_the_command(tmp_path):
    files = [
        write(tmp_path / "people.json"),
        write(tmp_path / "test.json", data="test", model_hash="0ther"),
    ]
    text = format_analyses(read_analyses(files))
    lines = text.splitlines()
    assert lines[0] == (
        "**people**, 2 pairs, 6 s, by mini (5eed) at temperature 0.8, seed 0, "
        "intervals of 95% over the pairs."
    )
    assert "|  | converted | original |" in lines  # nothing was measured of copies
    assert "| WER, % | 50.0 [45.0, 55.0] | 5.0 [0.0, 10.0] |" in lines
    assert "| similarity to target | 0.750 [0.700, 0.800] | 0.600 [0.550, 0.650] |" in lines
    assert "Words: faster-whisper 1.2.1 tiny.en, against the text;" in text
    assert "0.900 and of different ones 0.600" in text
    assert "does not rank robotic or whispering voices low" in text
    assert "    vqspeech evaluate conversion --model mini" in lines
    assert "Commit 0123456789, a processor, 12 s." in lines
    assert sum(line.startswith("**") for line in lines) == 2  # of two models, in one folder
    assert "WER, %" in describe_speech(SCORES)


def test_scores_that_lack_a_part_are_refused(tmp_path):
    path = tmp_path / "people.json"
    path.write_text(json.dumps({k: v for k, v in SCORES.items() if k != "summary"}))
    with pytest.raises(InputError, match="a file lacks 'summary'; run 'vqspeech evaluate' again"):
        format_analyses(read_analyses([path]))
    with pytest.raises(InputError, match="scores of people: not as 'vqspeech evaluate' writes"):
        gather_scores([path])


def test_a_model_takes_the_numbers_of_conversions_and_of_reconstructions_along(tmp_path):
    again = {"reconstruction": {"wer": measure(0.3)}, "original": {"wer": measure(0.05)}}
    files = [
        write(tmp_path / "people.json"),
        write(tmp_path / "own.json", kind="reconstruction-scores", summary=again, trials=None),
    ]
    assert gather_scores(files) == {
        "people": {
            "data": "people",
            "wer": 0.5,
            "similarity_target": 0.75,
            "source_wer": 0.05,
            "pairs": 2,
            "recogniser": "faster-whisper 1.2.1 tiny.en",
            "eer": 0.25,
            "reconstruction_wer": 0.3,
            "reconstructions": 2,
        }
    }


def test_means_are_over_the_pairs_that_have_the_measure():
    nothing = dict.fromkeys(METRICS)
    rows = [
        Scored(nothing | {"dnsmos": x, "identified": i}) for x, i in [(1, 1), (4, 0), (None, 1)]
    ]
    found = summarize(rows)
    assert set(found) == {"dnsmos", "identified"}
    assert (found["dnsmos"]["value"], found["dnsmos"]["count"]) == (2.5, 2)
    assert (found["dnsmos"]["low"], found["dnsmos"]["high"]) == (1, 4)
    assert found["identified"]["value"] == pytest.approx(2 / 3)
    assert summarize([]) == {}
