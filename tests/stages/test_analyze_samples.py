"""`analyze samples`: fair halves, draws of the right lengths and speakers, and what is told."""

import json
import sys

import numpy as np
import pytest
import torch

from vqspeech import cli
from vqspeech.analysis.divergence import count_phones, jensen_shannon
from vqspeech.analysis.ngrams import Codes, fit_kneser_ney
from vqspeech.analysis.phoneme_mapping import PhonemeMapping
from vqspeech.audio.pitch import Pitch
from vqspeech.checkpoint import save_folder
from vqspeech.cli.leave import run_for_status
from vqspeech.config.schema import SpeechPriorSettings
from vqspeech.data.codes import read_code_dir, write_code_dir
from vqspeech.data.data_dir import DataDir
from vqspeech.data.word_recognition import Word
from vqspeech.errors import InputError, MissingError, UsageError, VQSpeechError
from vqspeech.generation.code_sampling import sample_codes
from vqspeech.models.build import model_config, prior_config
from vqspeech.models.prior import CodeFormat, SpeechPrior
from vqspeech.stages import analyze_samples as stage
from vqspeech.stages import spoken_samples
from vqspeech.stages.analyze_samples import analyze_samples
from vqspeech.stages.drawn_codes import draw_like, draw_ngrams, split_real
from vqspeech.stages.encode import hash_model
from vqspeech.stages.mapping_file import save_mapping
from vqspeech.stages.samples_table import describe_samples, format_samples

# Of the 16 codes of the tiny model, at 1000 a second.
MAP = {
    "kind": "phoneme-mapping",
    "version": 1,
    "phones": ["AH", "M", "SIL"],
    "num_codes": 16,
    "rate": 1000.0,
    "model_hash": "",
    "context": 1,
    "min_count": 5,
    "code_frames": [9] * 16,
    "code_phones": (["AH", "M", "SIL"] * 6)[:16],
    "contexts": {},
}


def make_prior(model_hash, speakers=("p901", "p907"), groups=1):
    torch.manual_seed(0)
    settings = SpeechPriorSettings(
        layers=2,
        dilation_cycle=2,
        residual_channels=8,
        gate_channels=16,
        skip_channels=8,
        head_channels=8,
        speaker_channels=4,
    )
    return SpeechPrior(settings, CodeFormat(16, groups, 16, 16000, model_hash), speakers).eval()


@pytest.fixture
def files(tmp_path, make_model, tiny_data):
    """A model, a prior of its codes, a map, a data directory and its codes."""
    model = make_model()
    config = {"config.json": model_config(model), "model.safetensors": model.state_dict()}
    save_folder(tmp_path / "model", config)
    model_hash = hash_model(tmp_path / "model")
    prior = make_prior(model_hash)
    config = {"config.json": prior_config(prior), "model.safetensors": prior.state_dict()}
    save_folder(tmp_path / "prior", config)
    save_mapping(tmp_path / "map.json", PhonemeMapping.from_json(MAP | {"model_hash": model_hash}))
    data = DataDir.read(tiny_data("data", utterances=4, samples=640))
    rng = np.random.default_rng(0)
    frames = {key: 40 + 10 * int(key[-1]) for key in data}
    codes = {key: np.repeat(rng.integers(16, size=n // 2), 2) for key, n in frames.items()}
    facts = {"hop": 16, "sample_rate": 16000, "num_codes": 16, "groups": 1}
    write_code_dir(tmp_path / "codes", codes, data, model_hash=model_hash, **facts)
    write_code_dir(tmp_path / "alien", codes, data, model_hash="a11e4", **facts)
    one = {key: codes[key] for key in list(codes)[:1]}
    write_code_dir(tmp_path / "one", one, data, model_hash=model_hash, **facts)
    return tmp_path


@pytest.fixture
def ears(monkeypatch):
    """Listeners that take no time: how loud it is, and a word for each hundredth of a second."""

    class Recognizer:
        name, version = "Ears", "1.0"

        def hear(self, samples):
            assert samples.dtype == np.float32
            return [Word("the" if i else "a", 0.5) for i in range(len(samples) // 160)]

    monkeypatch.setattr(spoken_samples, "WordRecognizer", Recognizer)
    loudness = lambda samples, rate: Pitch(100.0, float(np.sqrt((samples**2).mean())))  # noqa: E731
    monkeypatch.setattr(spoken_samples, "median_pitch", loudness)


def arguments(files, **changes):
    paths = {"codes": files / "codes", "phoneme_map": files / "map.json"}
    return {**paths, "prior": files / "prior", "model": files / "model", "device": "cpu"} | changes


def test_no_sentence_is_in_both_halves(code_dir):
    rows = {f"s{i % 3}-{i:02d}": (f"s{i % 3}", np.full(5 + i, i % 8)) for i in range(30)}
    path = code_dir("codes", rows)
    sentences = {key: f"sentence {int(key[-2:]) // 3}" for key in rows}  # three say each
    (path / "text").write_text("".join(f"{key} {sentences[key]}\n" for key in sorted(rows)))
    codes = read_code_dir(path)
    splits = set()
    for seed in range(8):
        halves = split_real(codes, 1e9, None, np.random.default_rng(seed))
        reference, other = halves
        assert sorted([*reference, *other]) == sorted(rows)
        assert {sentences[k] for k in reference}.isdisjoint(sentences[k] for k in other)
        whole = len(codes.codes)
        assert abs(sum(len(codes[key]) for key in reference) - whole / 2) < 3 * 34
        assert halves == split_real(codes, 1e9, None, np.random.default_rng(seed))
        splits.add(tuple(reference))
        fewer = split_real(codes, 1.0, None, np.random.default_rng(seed))
        assert fewer == (reference, other[: len(fewer[1])])
        frames = np.cumsum([len(codes[key]) for key in fewer[1]])  # 50 a second
        assert frames[-1] >= 50 > (frames[-2] if len(frames) > 1 else 0)
        assert split_real(codes, 1e9, 2, np.random.default_rng(seed)) == (reference, other[:2])
    assert len(splits) > 4


def test_each_sequence_has_its_length_its_speaker_and_numbers_of_its_own():
    prior = make_prior("5eed")
    lengths, rows = [7, 3, 5, 3], [0, 1, 2, 1]
    drawn = draw_like(prior, lengths, rows, seed=4, temperature=1.0, top_k=0)
    assert [len(codes) for codes in drawn] == lengths
    # The shortest is drawn first; of equals the one that comes first.
    for rank, i in enumerate([1, 3, 2, 0]):
        alone = sample_codes(prior, lengths[i], [rows[i]], seed=4, first=rank)[0]
        assert drawn[i].tolist() == alone.tolist()
    assert drawn[1].tolist() != drawn[3].tolist()


def test_batches_of_like_lengths_draw_what_one_would(monkeypatch):
    prior, told = make_prior("5eed", groups=2), []
    whole = draw_like(prior, [5, 2, 4], [0, 0, 1], seed=1, temperature=1.0, top_k=3)
    monkeypatch.setattr("vqspeech.stages.drawn_codes.BATCH", 1)
    parts = draw_like(
        prior,
        [5, 2, 4],
        [0, 0, 1],
        seed=1,
        temperature=1.0,
        top_k=3,
        progress=lambda done, total: told.append((done, total)),
    )
    for ours, theirs, length in zip(whole, parts, [5, 2, 4], strict=True):
        assert ours.shape == (length, 2)
        assert ours.tolist() == theirs.tolist()
    assert told == sorted(told)
    assert told[-1] == (11, 11)


def test_what_an_ngram_draws_is_in_groups_again(code_dir):
    rows = {"a": ("a", np.array([[1, 7], [6, 2]] * 20))}
    codes = read_code_dir(code_dir("codes", rows, groups=2))
    symbols = Codes(np.array([15, 50] * 20), np.array([0, 40]))  # 1 * 8 + 7, 6 * 8 + 2
    model = fit_kneser_ney(symbols, symbols, 64, 2)
    (drawn,) = draw_ngrams(model, [30], codes, np.random.default_rng(0))
    assert drawn.shape == (30, 2)
    pairs = [tuple(pair) for pair in drawn.tolist()]
    assert sum(pair in ((1, 7), (6, 2)) for pair in pairs) >= 28


def test_what_is_found_is_what_is_counted_by_hand(files):
    found = analyze_samples(**arguments(files, seconds=0.1, seed=3))
    codes = read_code_dir(files / "codes")
    reference, other = split_real(codes, 0.1, None, np.random.default_rng(3))
    phones = {key: np.array([c % 3 for c in codes[key]]) for key in codes}

    def count(keys):
        starts = np.cumsum([0, *(len(codes[key]) for key in keys)])
        return count_phones(np.concatenate([phones[key] for key in keys]), starts, 3)

    half, real = count(other), count(reference)
    row = found["systems"][0]
    assert row["name"] == "other half of real speech"
    assert row["phones_jsd"] == jensen_shannon(half.phones, real.phones)
    assert row["bigrams_jsd"] == jensen_shannon(half.bigrams, real.bigrams)
    frames = sum(len(codes[key]) for key in other)
    assert row["silence_share"] == pytest.approx(half.frames[2] / frames)
    assert row["phones_per_second"] == pytest.approx(half.phones[:2].sum() / (frames / 1000))
    assert row["run_seconds"] == pytest.approx(half.frames[:2].sum() / half.phones[:2].sum() / 1000)
    names = [system["name"] for system in found["systems"]]
    assert names[1:] == ["samples", "trigram", "bigram", "unigram", "random"]
    assert found["kind"] == "samples"
    assert (found["samples"], found["seconds"]) == (len(other), pytest.approx(frames / 1000))
    assert (found["speakers_known"], found["model_hash"]) == (found["speakers"], codes.model_hash)
    assert (found["spoken"], found["recognizer"]) == ([], None)
    again = analyze_samples(**arguments(files, seconds=0.1, seed=3))
    assert found == again | {"analysis_seconds": found["analysis_seconds"]}


def test_ngrams_know_nothing_of_the_reference(files, monkeypatch):
    """They would repeat what they are compared with, and be nearer to it than real speech is."""
    told, codes_of = [], stage.codes_of

    def recorded(code_dirs, utterances):
        told.extend(utterances)
        return codes_of(code_dirs, utterances)

    monkeypatch.setattr(stage, "codes_of", recorded)
    found = analyze_samples(**arguments(files, count=1, seed=3))
    codes = read_code_dir(files / "codes")
    reference, _ = split_real(codes, 600.0, None, np.random.default_rng(3))
    assert sorted(told) == sorted(codes.keys() - set(reference))  # however little is drawn
    assert found["fit_on"] == ["other half of real speech"]


def test_the_prior_is_told_who_speaks_and_how_warm_to_draw(files, monkeypatch):
    heard = {}

    def draw(prior, lengths, rows, **settings):
        heard.update(rows=rows, lengths=lengths, **settings)
        return [np.zeros(n, np.int64) for n in lengths]

    monkeypatch.setattr(stage, "draw_like", draw)
    found = analyze_samples(**arguments(files, temperature=0.7, top_k=5, seed=2))
    codes = read_code_dir(files / "codes")
    _, other = split_real(codes, 600, None, np.random.default_rng(2))
    assert heard["rows"] == [{"p901": 0, "p907": 1}[key.split("_")[0]] for key in other]
    assert heard["lengths"] == [len(codes[key]) for key in other]
    assert (heard["temperature"], heard["top_k"], heard["seed"]) == (0.7, 5, 2)
    # Nothing but code 0, which is AH, in one run each: no pairs, and far from real speech.
    row = found["systems"][1]
    assert (row["bigrams_jsd"], row["new_bigrams"], row["silence_share"]) == (None, None, 0)
    assert row["phones_jsd"] > found["systems"][0]["phones_jsd"]


def test_samples_are_spoken_and_heard_beside_the_recordings(files, ears):
    told = []
    changes = {"data": files / "data", "spoken_seconds": 0.06, "seed": 1}
    found = analyze_samples(
        **arguments(files, **changes), progress=lambda done, total: told.append((done, total))
    )
    names = [row["name"] for row in found["spoken"]]
    assert names == ["recordings", "real codes, decoded", "samples", "trigram", "random"]
    assert found["recognizer"] == "Ears 1.0"
    codes = read_code_dir(files / "codes")
    _, other = split_real(codes, 600, None, np.random.default_rng(1))
    spoken = other[:1] if len(codes[other[0]]) >= 60 else other[:2]
    samples = sum(16 * len(codes[key]) for key in spoken)
    for row in found["spoken"][1:]:
        assert row["seconds"] == pytest.approx(samples / 16000)
        assert row["words_per_second"] == pytest.approx(row["words"] / row["seconds"])
        assert row["distinct_words"] == pytest.approx(min(2, row["words"]) / row["words"])
        assert row["word_confidence"] == 0.5
    assert found["spoken"][0]["voiced_share"] == pytest.approx(0.3 / np.sqrt(2), rel=0.05)
    assert all(total == told[0][1] for _, total in told)
    assert told == sorted(told)


def test_without_a_recognizer_words_are_not_counted_and_that_is_said(files, ears, monkeypatch):
    def missing():
        raise MissingError("the recognizer is not installed; pip install 'vqspeech[align]'")

    monkeypatch.setattr(spoken_samples, "WordRecognizer", missing)
    notes = []
    changes = {"data": files / "data", "spoken_seconds": 0.01, "note": notes.append}
    found = analyze_samples(**arguments(files, **changes))
    assert "vqspeech[align]" in notes[-1]
    assert found["recognizer"] is None
    assert {row["words_per_second"] for row in found["spoken"]} == {None}
    assert "voiced" in describe_samples(found)
    assert "words/s" not in describe_samples(found)


def test_the_command_prints_a_table_and_writes_json(files, monkeypatch, capfd):
    argv = ["vqspeech", "analyze", "samples", "codes", "--map", "map.json", "--prior", "prior"]
    monkeypatch.chdir(files)
    fit = ["--fit-on", "codes", "--tune-on", "codes", "--model", "model", "--json", "found.json"]
    monkeypatch.setattr(sys, "argv", [*argv, *fit, "--device", "cpu"])
    assert run_for_status(cli.app) == 0
    out, err = capfd.readouterr()
    found = json.loads((files / "found.json").read_text())
    assert (found["kind"], found["fit_on"], err) == ("samples", ["codes"], "")
    lines = out.splitlines()
    row = next(line for line in lines if line.startswith("samples "))
    assert f"{found['systems'][1]['phones_jsd']:.4f}" in row
    table = format_samples(found).splitlines()
    assert table[2].startswith("| codes | JSD phones |")
    assert sum(line.startswith("| ") for line in table) == 8
    assert {line.count("|") for line in table[2:]} == {8}
    monkeypatch.setattr(sys, "argv", ["vqspeech", "results", "found.json"])
    assert run_for_status(cli.app) == 0
    assert "\n".join(table[2:]) in capfd.readouterr().out


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"temperature": -1.0}, "--temperature -1: 0"),
        ({"temperature": float("nan")}, "--temperature nan"),
        ({"top_k": 17}, "--top-k 17: .*prior has 16 codes"),
        ({"top_k": -1}, "--top-k -1"),
        ({"seconds": 0.0}, "--seconds 0: more than 0"),
        ({"spoken_seconds": float("inf")}, "--spoken-seconds inf"),
        ({"count": 0}, "--count 0"),
        ({"fit_on": ["codes"]}, "--fit-on and --tune-on go together"),
        ({"tune_on": "codes"}, "--fit-on and --tune-on go together"),
    ],
)
def test_numbers_out_of_range_are_refused_in_one_line(files, changes, message):
    with pytest.raises(UsageError, match=message) as caught:
        analyze_samples(**arguments(files, **changes))
    assert "\n" not in str(caught.value)


def test_what_does_not_fit_together_is_refused_in_one_line(files, tiny_data):
    save_mapping(files / "wide.json", PhonemeMapping.from_json(MAP | {"rate": 50.0}))
    other = tiny_data("other", utterances=1)
    for changes, message in (
        ({"codes": files / "alien"}, "a11e4"),
        ({"phoneme_map": files / "wide.json"}, "wide.json: fitted at 50 codes a second"),
        ({"codes": files / "one"}, "one: codes of 1 sentences, two are wanted"),
        ({"data": other}, "other: no .*; give --data the directory that was encoded"),
        ({"fit_on": [files / "alien"], "tune_on": files / "codes"}, "model_hash a11e4"),
        ({"prior": files / "model"}, "speech-prior was wanted"),
    ):
        with pytest.raises(InputError, match=message) as caught:
            analyze_samples(**arguments(files, **changes))
        assert isinstance(caught.value, VQSpeechError)
        assert "\n" not in str(caught.value)
