"""Conversions of a humming voice, whose scores are known beforehand; the lists beside them."""

import json
from itertools import pairwise

import numpy as np
import pytest
from speech_stand_ins import (
    PITCHES,
    TEXTS,
    HummingVoice,
    humming_evaluators,
    write_hums,
)

from vqspeech.audio.waveform import read_waveform
from vqspeech.errors import InputError, UsageError, WriteError
from vqspeech.stages.conversion_material import find_material
from vqspeech.stages.evaluate_conversion import evaluate_conversion
from vqspeech.stages.evaluate_reconstruction import evaluate_reconstruction, find_utterances
from vqspeech.stages.pair_list import Pair


def score(folder, voice=None, *, count=8, evaluators=None, **options):
    voice = voice or HummingVoice()
    material = find_material(voice, data=folder, count=count)
    return evaluate_conversion(voice, None, material, evaluators or humming_evaluators(), **options)


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    """The scores of the humming voice, and the folder beside whose file the lists lie."""
    folder = tmp_path_factory.mktemp("scored")
    return score(write_hums(folder), beside=folder / "scores.json"), folder


def values(summary):
    return {metric: found["value"] for metric, found in summary.items()}


def test_a_voice_that_does_what_it_should_has_the_best_scores(scored):
    found, _ = scored
    converted = values(found["summary"]["converted"])
    assert converted["nearer_target"] == converted["identified"] == 1
    assert converted["similarity_target"] == pytest.approx(1, abs=1e-3)
    assert converted["f0_error_semitones"] == pytest.approx(0, abs=0.05)
    assert converted["energy_correlation"] > 0.99
    assert converted["mcd_db"] < values(found["summary"]["original"])["mcd_db"]
    assert found["trials"]["eer"] == {"value": 0, "low": 0, "high": 0}
    copies, originals = (values(found["summary"][s]) for s in ("copy_synthesis", "original"))
    assert copies["identified"] == originals["identified"] == 1  # as whoever speaks
    assert copies["nearer_target"] == originals["nearer_target"] == 0
    assert "energy_correlation" not in originals  # it would be with itself
    assert found["summary"]["converted"]["dnsmos"] == {
        "value": 3.0,
        "low": 3.0,
        "high": 3.0,
        "count": 8,
    }


def test_a_voice_that_is_always_the_same_is_found_out(tmp_path):
    found = score(write_hums(tmp_path), HummingVoice(is_deaf=True))
    for pair in found["pairs"]:
        assert pair["converted"]["identified"] == (pair["target"] == "p908")
    # All trials against p908 have 1, all others less, whatever the target.
    assert found["trials"]["eer"]["value"] > 0.2


def test_errors_are_summed_before_they_are_divided(scored):
    found, _ = scored
    lost = [pair for pair in found["pairs"] if pair["target"] == "p908"]
    words = sum(len(pair["reference_words"].split()) for pair in found["pairs"])
    assert 0 < len(lost) < 8
    assert found["summary"]["converted"]["wer"]["value"] == pytest.approx(len(lost) / words)
    for pair in lost:
        size = len(pair["reference_words"].split())
        assert pair["converted"]["wer"] == pytest.approx(1 / size)
        assert pair["converted_words"] == pair["reference_words"].split(maxsplit=1)[1]


def test_each_direction_has_its_share_of_the_pairs(scored):
    found, _ = scored
    assert list(found["directions"]) == ["f-f", "f-m", "m-f", "m-m"]
    assert [d["identified"]["count"] for d in found["directions"].values()] == [2, 2, 2, 2]
    for pair in found["pairs"]:
        ends = (pair["source_speaker"], pair["target"])
        genders = ["f" if name < "p905" else "m" for name in ends]
        assert pair["direction"] == "-".join(genders)
        assert ends[0] != ends[1]


def test_the_matrix_and_the_trials_hold_what_was_compared(scored):
    found, folder = scored
    matrix = found["similarity_matrix"]
    assert matrix["speakers"] == list(PITCHES)
    for target, row in zip(matrix["targets"], matrix["values"], strict=True):
        angle = [np.pi / 4 * np.log2(PITCHES[s] / PITCHES[target]) for s in PITCHES]
        np.testing.assert_allclose(row, np.cos(angle), atol=2e-3)
    head, *lines = (folder / found["trials"]["file"]).read_text().splitlines()
    assert head == "pair\tspeaker\tkind\tsimilarity"
    kinds = [line.split("\t")[2] for line in lines]
    assert (kinds.count("genuine"), kinds.count("impostor")) == (8, 24)
    assert (found["trials"]["genuine"], found["trials"]["impostor"]) == (8, 24)
    json.dumps(found, allow_nan=False)


def test_a_drawn_list_given_again_gives_the_same_scores(tmp_path):
    folder, voice = write_hums(tmp_path), HummingVoice()
    first = score(folder, voice, count=5, beside=tmp_path / "a.json")
    material = find_material(voice, data=folder, pairs=tmp_path / "a-pairs.tsv")
    again = evaluate_conversion(voice, None, material, humming_evaluators())
    assert again["pairs"] == first["pairs"]
    assert again["summary"] == first["summary"]
    assert again["trials"]["eer"] == first["trials"]["eer"]


def test_without_text_the_words_of_the_source_are_the_reference(tmp_path):
    targets = write_hums(tmp_path, name="targets")
    (tmp_path / "people").mkdir()
    for number in range(len(TEXTS)):  # a woman and a man, whom the model does not know
        audio = (tmp_path / "audio" / f"p90{1 + 6 * number}_{number}.wav").read_bytes()
        (tmp_path / "people" / f"{'xy'[number]}.wav").write_bytes(audio)
    (tmp_path / "speakers.tsv").write_text("speaker\tsex\tseconds\nx\tF\t1\ny\tM\t1\n")
    voice = HummingVoice()
    material = find_material(
        voice, recordings=tmp_path / "people", targets=targets, count=4, longest_seconds=1.0
    )
    found = evaluate_conversion(
        voice, None, material, humming_evaluators(), longest_seconds=1.0, name="people"
    )
    assert found["reference"] == "source as recognised"
    assert found["data"] == "people"
    assert sorted(found["directions"]) == ["f-f", "f-m", "m-f", "m-m"]
    assert "wer" in found["summary"]["converted"]
    assert "wer" not in found["summary"]["original"]
    assert found["summary"]["copy_synthesis"] == {}
    assert [pair["copy_synthesis"] for pair in found["pairs"]] == [None] * 4
    assert {pair["seconds"] for pair in found["pairs"]} == {1.0}  # of 1.2


def test_where_nobody_listens_the_rest_is_measured(tmp_path):
    deaf = humming_evaluators(recognizer=None, encoder=None, judge=None)
    found = score(write_hums(tmp_path), evaluators=deaf)
    assert found["trials"] is found["similarity_matrix"] is found["scale"] is None
    assert set(found["summary"]["converted"]) == {
        "f0_median_hz",
        "f0_error_semitones",
        "voiced_share",
        "energy_correlation",
        "mcd_db",
    }
    asked = found["evaluators"]
    assert asked["recogniser"] is asked["speaker"] is asked["quality"] is None


def test_what_is_spoken_is_kept_as_long_as_its_source_and_never_written_over(tmp_path):
    folder, audio = write_hums(tmp_path), tmp_path / "kept"
    found = score(folder, count=2, keep_audio=audio)
    pair = found["pairs"][0]
    kept = read_waveform(audio / f"{pair['source']}-{pair['target']}.wav", 8000).samples
    assert len(kept) == 60 * 160
    assert (audio / f"{pair['source']}-{pair['source_speaker']}.wav").exists()
    with pytest.raises(WriteError, match="there already"):
        score(folder, count=2, keep_audio=audio)


def test_the_work_ends_where_it_said_it_would(tmp_path):
    told = []
    score(write_hums(tmp_path), progress=lambda done, total: told.append((done, total)))
    assert told[-1][0] == pytest.approx(told[-1][1], abs=1)
    assert all(a[0] <= b[0] + 1 for a, b in pairwise(told))


def test_a_reconstruction_is_the_source_in_its_own_voice(tmp_path):
    voice, folder = HummingVoice(), write_hums(tmp_path)
    material = find_utterances(voice, folder, count=6)
    found = evaluate_reconstruction(voice, None, material, humming_evaluators())
    own = values(found["summary"]["reconstruction"])
    assert own["identified"] == 1
    assert own["similarity_target"] == pytest.approx(1, abs=1e-3)
    assert own["mcd_db"] < 1
    assert "nearer_target" not in own
    assert "mcd_db" not in found["summary"]["original"]
    assert len({pair["source_speaker"] for pair in found["pairs"][:4]}) == 4  # they take turns
    with pytest.raises(UsageError, match="8 that can be drawn"):
        find_utterances(voice, folder, count=9)


def test_material_that_does_not_fit_is_refused(tmp_path, tiny_data):
    folder, voice = write_hums(tmp_path), HummingVoice()
    with pytest.raises(UsageError, match="--data, or --recordings with --targets"):
        find_material(voice)
    with pytest.raises(UsageError, match="give --targets DATA"):
        find_material(voice, recordings=tmp_path)
    with pytest.raises(InputError, match="16000 Hz, the model has 8000 Hz; prepare"):
        find_material(voice, data=tiny_data("valid"))
    with pytest.raises(UsageError, match="--count 99: there are 24 different pairs"):
        find_material(voice, data=folder, count=99)
    voice.speakers = ("p999",)
    with pytest.raises(InputError, match="no recordings of any speaker of hums, only of p901"):
        find_material(voice, data=folder)


def test_a_target_without_recordings_cannot_be_scored(tmp_path):
    folder = write_hums(tmp_path, speakers=("p901", "p902", "p907"))
    listed = tmp_path / "pairs.tsv"
    listed.write_text("# two\np901_0\tp902\np901_0\tp908\n")
    with pytest.raises(InputError, match="no recordings of p908, who are targets in"):
        find_material(HummingVoice(), data=folder, pairs=listed)
    listed.write_text("p901_0\tp902\n")
    notes = []
    material = find_material(HummingVoice(), data=folder, pairs=listed, note=notes.append)
    assert material.pairs == [Pair("p901_0", "p902")]
    assert notes == [f"{folder}: no recordings of p908; nobody is converted to them"]
