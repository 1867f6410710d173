"""`analyze phonemes` on codes that are made from the phones themselves, some of them wrong."""

import json
import sys

import numpy as np
import pytest

from vqspeech import cli
from vqspeech.cli.leave import run_for_status
from vqspeech.data.alignment import Phone, format_phones
from vqspeech.data.codes import write_code_dir
from vqspeech.data.data_dir import DataDir, Utterance
from vqspeech.errors import InputError, UsageError, WriteError
from vqspeech.stages.analyze_phonemes import analyze_phonemes
from vqspeech.stages.mapping_file import load_mapping
from vqspeech.stages.phoneme_table import format_phonemes

LABELS = ("SIL", "AA1", "K", "S")
HOP, RATE = 640, 16000


@pytest.fixture
def make_codes(tmp_path):
    """A function that writes a code directory of random phones, read rightly in a share of frames.

    A code is twice the phone's number, or one more: eight codes for four phones.
    """

    def make(name, *, right=0.9, utterances=24, frames=60, speakers=12, seed=0, **changes):
        rng = np.random.default_rng([seed, len(name), ord(name[0])])
        keys = [f"s{n % speakers:02d}-{name}-{n:02d}" for n in range(utterances)]
        codes, phones = {}, {}
        for key in keys:
            spoken = rng.integers(0, 4, frames // 2)  # each lasts two frames
            seconds = 2 * HOP / RATE
            phones[key] = [Phone(i * seconds, seconds, LABELS[p]) for i, p in enumerate(spoken)]
            truth = 2 * np.repeat(spoken, 2) + rng.integers(0, 2, frames)
            codes[key] = np.where(rng.random(frames) < right, truth, rng.integers(0, 8, frames))
        source = tmp_path / f"data-{name}"
        source.mkdir(exist_ok=True)
        (source / "phones.ctm").write_text(format_phones(phones))
        settings = {"hop": HOP, "num_codes": 8, "model_hash": "5eed"} | changes
        data_dir = DataDir(source, {key: Utterance(key, key[:3], None) for key in keys})
        write_code_dir(tmp_path / name, codes, data_dir, sample_rate=RATE, groups=1, **settings)
        return tmp_path / name

    return make


@pytest.fixture
def run(monkeypatch, capfd):
    """Run a command in this process: exit status, standard output, standard error."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["vqspeech", "analyze", *map(str, arguments)])
        status = run_for_status(cli.app)
        return status, *capfd.readouterr()

    return run


def test_what_is_right_nine_times_of_ten_is_found_to_be(make_codes):
    found = analyze_phonemes(make_codes("score"), make_codes("fit"), resamples=50)
    ours, chance, every = found["systems"]
    assert [system["name"] for system in found["systems"]] == [
        "codes",
        "random codes",
        "boundary at every frame",
    ]
    # A tenth of the codes is drawn anew, and a quarter of those says the same phone.
    assert ours["measures"]["accuracy"]["value"] == pytest.approx(0.9 + 0.1 / 4, abs=0.02)
    assert ours["measures"]["shuffled"]["value"] == pytest.approx(0.25, abs=0.03)
    assert chance["measures"]["accuracy"]["value"] == pytest.approx(0.25, abs=0.03)
    assert every["measures"]["boundary_recall"]["value"] == 1
    assert found["code_phones"] == ["SIL", "SIL", "AA", "AA", "K", "K", "S", "S"]
    assert np.sum(found["counts"]) == found["frames"] == 24 * 60
    assert np.sum(found["confusion"]) == found["frames"]
    assert {row["phone"] for row in found["per_phone"]} == {"SIL", "AA", "K", "S"}
    assert found["interval"] == {"level": 0.95, "resampled": "speakers", "count": 50}
    assert (found["speakers"], found["shared_speakers"]) == (12, 12)
    json.dumps(found, allow_nan=False)


def test_few_speakers_are_not_resampled_and_it_is_said(make_codes):
    found = analyze_phonemes(make_codes("score", speakers=3), make_codes("fit"), resamples=50)
    assert found["interval"]["resampled"] == "utterances within speakers"
    assert "resamples of utterances within speakers" in format_phonemes(found)


def test_silence_can_be_dropped_from_everything(make_codes):
    found = analyze_phonemes(
        make_codes("score"), make_codes("fit"), resamples=20, drop_silence=True
    )
    kept = analyze_phonemes(make_codes("score"), make_codes("fit"), resamples=20)
    assert found["frames"] < kept["frames"]
    measures = found["systems"][0]["measures"]
    apart = kept["systems"][0]["measures"]["accuracy_without_silence"]
    assert measures["accuracy"] == apart
    assert "accuracy_without_silence" not in measures


def test_a_baseline_is_a_second_row_over_the_same_frames(make_codes):
    score, fit = make_codes("score"), make_codes("fit")
    weak = {"right": 0.5, "model_hash": "mfcc"}
    found = analyze_phonemes(
        score,
        fit,
        baseline=_copy_as(make_codes, score, **weak),
        baseline_fit_on=_copy_as(make_codes, fit, **weak),
        resamples=20,
    )
    ours, baseline = found["systems"][:2]
    assert baseline["name"] == "k-means of MFCC"
    assert ours["measures"]["majority"] == baseline["measures"]["majority"]
    assert ours["measures"]["accuracy"]["value"] > baseline["measures"]["accuracy"]["value"] + 0.2


def _copy_as(make_codes, path, **changes):
    """The same utterances and phones under other codes."""
    kept = path.rename(path.with_name(f"{path.name}-kept"))
    made = make_codes(path.name, **changes)
    other = made.rename(made.with_name(f"{path.name}-other"))
    kept.rename(path)
    return other


def test_a_baseline_with_more_codes_or_other_phones_is_refused(make_codes):
    score, fit = make_codes("score"), make_codes("fit")
    larger, larger_fit = (_copy_as(make_codes, path, num_codes=9) for path in (score, fit))
    with pytest.raises(InputError, match="score-other: 9 codes, those that it stands beside are 8"):
        analyze_phonemes(score, fit, baseline=larger, baseline_fit_on=larger_fit)
    relabelled = _copy_as(make_codes, make_codes("third"), right=0.5)
    place = relabelled / "phones.ctm"
    place.write_text(place.read_text().replace(" AA1", " K"))
    with pytest.raises(InputError, match=r"other: phones\.ctm has other phones"):
        analyze_phonemes(
            make_codes("third"), fit, baseline=relabelled, baseline_fit_on=fit, resamples=10
        )


def test_a_baseline_that_is_no_cluster_is_not_called_one(make_codes):
    score, fit = make_codes("score"), make_codes("fit")
    older = [_copy_as(make_codes, path, model_hash="01d") for path in (score, fit)]
    found = analyze_phonemes(score, fit, baseline=older[0], baseline_fit_on=older[1], resamples=10)
    assert found["systems"][1]["name"] == "baseline 01d"


def test_phone_by_phone_what_is_right_and_what_is_mixed_up_is_printed(make_codes):
    found = analyze_phonemes(make_codes("score"), make_codes("fit"), resamples=10)
    found["per_phone"] = [
        {"phone": "SIL", "frames": 10, "accuracy": 0.5},
        {"phone": "AA", "frames": 40, "accuracy": 0.9},
    ]
    found["phones"], found["confusion"] = ["SIL", "AA"], [[5, 5], [4, 36]]
    text = format_phonemes(found)
    assert "frames of each phone that are right, %:\n  AA 90, SIL 50\n" in text
    assert text.endswith("another, % of the phone's:\n  SIL as AA 50, AA as SIL 10")


def test_thirty_nine_phones_are_not_said_to_have_silence(make_codes):
    found = analyze_phonemes(make_codes("score"), make_codes("fit"), phone_set=39, resamples=10)
    assert "39 phones, silence not scored, the phone at a frame's centre" in format_phonemes(found)


def test_intervals_of_speakers_with_one_utterance_each_are_told_to_be_none(make_codes):
    notes = []
    score, fit = make_codes("score", utterances=3, speakers=3), make_codes("fit")
    analyze_phonemes(score, fit, resamples=10, note=notes.append)
    assert len(notes) == 1
    assert "3 speakers of one utterance each" in notes[0]


def test_a_place_that_the_map_cannot_go_to_is_refused_before_the_work(make_codes, tmp_path):
    for place in (tmp_path, tmp_path / "data-score" / "phones.ctm" / "map.json"):
        score = make_codes("score")
        with pytest.raises(WriteError):
            analyze_phonemes(score, tmp_path / "missing", save_map=place)


def test_the_map_is_saved_with_the_model_that_it_is_for(make_codes, tmp_path):
    analyze_phonemes(
        make_codes("score"), make_codes("fit"), resamples=10, save_map=tmp_path / "map.json"
    )
    mapping = load_mapping(tmp_path / "map.json")
    assert mapping.model_hash == "5eed"
    assert [mapping.phones[phone] for phone in mapping.code_phones[:4]] == [
        "SIL",
        "SIL",
        "AA",
        "AA",
    ]


def test_too_few_frames_a_code_are_told_with_their_number(make_codes):
    notes = []
    analyze_phonemes(
        make_codes("score"), make_codes("fit", utterances=4), resamples=10, note=notes.append
    )
    assert len(notes) == 1
    assert "30 scored frames a code to fit the map on, 100 are wanted" in notes[0]


def test_codes_of_another_model_are_refused(make_codes):
    score = make_codes("score")
    with pytest.raises(InputError, match="encode both with one model"):
        analyze_phonemes(score, make_codes("fit", model_hash="other"))
    with pytest.raises(InputError, match="9 codes at 25 Hz of model 5eed"):
        analyze_phonemes(score, make_codes("two", num_codes=9))


def test_scoring_on_what_the_map_was_fitted_on_is_refused(make_codes):
    path = make_codes("score")
    with pytest.raises(InputError, match="24 of its 24 utterances are in"):
        analyze_phonemes(path, path)


def test_half_a_baseline_and_one_of_other_frames_are_refused(make_codes):
    score, fit = make_codes("score"), make_codes("fit")
    with pytest.raises(UsageError, match="give both or neither"):
        analyze_phonemes(score, fit, baseline=score)
    with pytest.raises(InputError, match="run 'vqspeech cluster' with --like"):
        analyze_phonemes(score, fit, baseline=make_codes("third"), baseline_fit_on=fit)


def test_the_command_prints_a_table_and_writes_the_numbers(make_codes, run, tmp_path):
    score, fit = make_codes("score"), make_codes("fit")
    arguments = ("phonemes", score, "--fit-on", fit, "--resamples", 20)
    status, out, err = run(*arguments, "--json", tmp_path / "scores" / "phonemes.json")
    assert (status, err) == (0, "")
    found = json.loads((tmp_path / "scores" / "phonemes.json").read_text())
    value = found["systems"][0]["measures"]["accuracy"]["value"]
    row = next(line for line in out.splitlines() if line.startswith("mapping accuracy"))
    assert f"{value * 100:.1f} [" in row
    assert out.endswith("phonemes.json\n")
    status, out, _ = run(*arguments, "--json", "-")
    assert status == 0
    again = json.loads(out)
    for timed in (found, again):
        del timed["analysis_seconds"], timed["environment"]
    assert again == found


def test_mistakes_on_the_command_line_are_one_line(make_codes, run):
    score, fit = make_codes("score"), make_codes("fit")
    assert run("phonemes", score, "--fit-on", fit, "--phones", 42)[0] == 2
    status, _, err = run("phonemes", score, "--fit-on", score)
    assert (status, err.count("\n")) == (3, 1)
    (score / "phones.ctm").unlink()
    status, _, err = run("phonemes", score, "--fit-on", fit)
    assert status == 3
    assert "run 'vqspeech align'" in err


def test_the_utterances_add_up_to_the_accuracy(make_codes):
    pair = make_codes("score"), make_codes("fit")
    plain, found = (analyze_phonemes(*pair, resamples=10, by_utterance=f) for f in (False, True))
    each = found.pop("by_utterance")
    assert found.keys() == plain.keys()
    assert {row["frames"] for row in each} == {60}
    assert {row["utterance"]: row["speaker"] for row in each}["s01-score-13"] == "s01"
    accuracy = sum(row["right"] for row in each) / sum(row["frames"] for row in each)
    assert accuracy == pytest.approx(found["systems"][0]["measures"]["accuracy"]["value"])
