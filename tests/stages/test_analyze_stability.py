"""`analyze stability`: codes of recordings as they are, against codes of the disturbed ones."""

import numpy as np
import pytest

from vqspeech.audio import disturbances
from vqspeech.audio.disturbances import Disturbance
from vqspeech.audio.waveform import read_waveform, write_waveform
from vqspeech.cli import analyze_codes
from vqspeech.data.data_dir import DataDir
from vqspeech.errors import InputError, UsageError
from vqspeech.generation.voice import Voice
from vqspeech.stages import analyze_stability as stage
from vqspeech.stages.analyze_stability import analyze_stability


@pytest.fixture
def disturb_by(monkeypatch):
    """A function that puts one disturbance in place of all."""

    def put(change):
        one = (Disturbance("one", lambda waveform, rng: change(waveform)),)
        monkeypatch.setattr(stage, "list_disturbances", lambda sample_rate, hop: one)

    return put


@pytest.fixture
def voice(make_model):
    return Voice(make_model())


def test_what_changes_nothing_has_a_distance_of_zero(disturb_by, voice, tiny_data):
    disturb_by(lambda waveform: waveform)
    found = analyze_stability(voice, [tiny_data("valid")], model_hash="abc")
    assert found["disturbances"] == [{"name": "one", "ued": 0.0, "low": 0.0, "high": 0.0}]
    assert found["other_utterances"]["ued"] > 0.02
    assert (found["kind"], found["model_hash"]) == ("stability", "abc")
    assert (found["rate"], found["num_codes"], found["utterances"]) == (1000.0, 16, 6)
    assert found["frames"] == sum(-(-(4000 + 160 * u) // 16) for u in range(3)) * 2


@pytest.mark.parametrize("groups", [1, 2])
def test_the_distance_is_that_of_the_merged_codes(disturb_by, make_model, tiny_data, groups):
    quantizer = {"num_codes": 16, "dim": 4, "decay": 0.9, "restart_below": 0.1, "groups": groups}
    voice = Voice(make_model(quantizer=quantizer))
    # Silence after a third: its codes are one run, or nearly so.
    disturb_by(lambda waveform: waveform * (np.arange(len(waveform)) < len(waveform) / 3))
    data = tiny_data("valid")
    found = analyze_stability(voice, [data])
    errors = runs = 0
    for utterance in DataDir.read(data).values():
        waveform = read_waveform(utterance.audio, 16000).samples
        quiet = waveform * (np.arange(len(waveform)) < len(waveform) / 3)
        a, b = (merged(voice.encode(x)) for x in (waveform, quiet.astype(np.float32)))
        errors, runs = errors + distance(a, b), runs + len(a)
    assert errors > 0
    assert found["runs"] == runs
    assert found["disturbances"][0]["ued"] == pytest.approx(errors / runs)


def merged(codes):
    rows = [tuple(np.atleast_1d(row).tolist()) for row in codes]
    return [row for i, row in enumerate(rows) if not i or row != rows[i - 1]]


def distance(a, b):
    """Levenshtein's distance by the recurrence."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        above, row = row, [i]
        for j, y in enumerate(b, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (x != y)))
    return row[-1]


def test_of_a_directory_some_utterances_are_drawn_by_the_seed(disturb_by, voice, tiny_data):
    disturb_by(lambda waveform: waveform)
    data = tiny_data("valid", utterances=9)
    heard = []
    voice.encode = lambda waveform: heard.append(len(waveform)) or np.arange(3)
    for seed in (0, 0, 1, 2):
        assert analyze_stability(voice, [data], count=4, seed=seed)["utterances"] == 4
    first, again, *others = (heard[i : i + 4] for i in range(0, 32, 8))
    assert first == again
    assert any(first != other for other in others)


def test_recordings_are_taken_at_any_rate_and_each_once(disturb_by, voice, tmp_path):
    disturb_by(lambda waveform: waveform)
    noise = np.random.default_rng(0).normal(0, 0.1, 4000).astype(np.float32)
    write_waveform(tmp_path / "a.wav", noise, 8000)
    notes = []
    found = analyze_stability(voice, [tmp_path / "a.wav", tmp_path / "a.wav"], note=notes.append)
    assert (found["utterances"], found["seconds"]) == (1, 0.5)
    assert found["other_utterances"] is None
    # One recording drawn again is itself: no interval, rather than one of no width.
    assert all((row["low"], row["high"]) == (None, None) for row in found["disturbances"])
    assert analyze_codes._distance(found["disturbances"][0]) == "0.000"
    assert "8000 Hz mono -> 16000 Hz mono" in notes[0]


def test_a_gain_that_does_not_fit_is_told(disturb_by, voice, tmp_path):
    disturb_by(lambda waveform: waveform)
    loud = np.full(4000, 0.5, np.float32)
    loud[::2] = -1
    write_waveform(tmp_path / "a.wav", loud, 16000)
    write_waveform(tmp_path / "b.wav", loud / 4, 16000)
    notes = []
    found = analyze_stability(voice, [tmp_path / "a.wav", tmp_path / "b.wav"], note=notes.append)
    assert "1 of 2 utterances would clip" in notes[0]
    assert found["mean_gain_db"] == pytest.approx(3.0)


def test_all_kinds_are_measured_and_noise_follows_the_seed(monkeypatch, voice, tiny_data):
    # librosa takes seconds to load; its pitch is tested where it is made.
    monkeypatch.setattr(disturbances, "shift_pitch", lambda waveform, **_: waveform[::-1].copy())
    told = []
    data = tiny_data("valid")
    found = [
        analyze_stability(voice, [data], seed=seed, progress=lambda *both: told.append(both))
        for seed in (3, 3, 4)
    ]
    assert len(found[0]["disturbances"]) == 8
    assert all(row["ued"] > 0 for row in found[0]["disturbances"])
    assert all(row["low"] <= row["ued"] <= row["high"] for row in found[0]["disturbances"])
    assert found[0] == found[1]
    assert found[0]["disturbances"][0] != found[2]["disturbances"][0]
    assert told[-1] == (54, 54)


def test_bad_sources_are_one_line(voice, tiny_data, tmp_path):
    (tmp_path / "no.wav").write_text("not audio")
    with pytest.raises(InputError, match=r"no\.wav"):
        analyze_stability(voice, [tmp_path / "no.wav"])
    with pytest.raises(UsageError, match="by itself"):
        analyze_stability(voice, [tiny_data("valid"), tmp_path / "no.wav"])
