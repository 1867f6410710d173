"""`vqspeech analyze likelihood`: sums by hand, models that fit, what is refused."""

import json
import math

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from vqspeech.audio.mulaw import mulaw_encode
from vqspeech.audio.waveform import read_waveform
from vqspeech.checkpoint import save_folder
from vqspeech.cli import app
from vqspeech.config.schema import SpeechPriorSettings
from vqspeech.data.codes import read_code_dir, write_code_dir
from vqspeech.data.data_dir import DataDir
from vqspeech.errors import InputError, UsageError
from vqspeech.generation.voice import load_voice
from vqspeech.models.build import model_config, prior_config
from vqspeech.models.prior import CodeFormat, SpeechPrior
from vqspeech.stages.analyze_likelihood import analyze_likelihood
from vqspeech.stages.encode import encode_data_dir, hash_model
from vqspeech.stages.likelihood_table import describe_likelihood, format_likelihood

SIZES = dict(layers=3, residual_channels=8, gate_channels=16, skip_channels=8, head_channels=8)


def save_prior(path, model_hash, speakers=("p901", "p907"), groups=1, num_codes=16, **changes):
    torch.manual_seed(0)
    settings = SpeechPriorSettings(**SIZES, speaker_channels=3 if speakers else 0)
    code_format = CodeFormat(num_codes, groups, 16, 16000, model_hash)
    prior = SpeechPrior(settings, code_format, speakers)
    files = {"config.json": prior_config(prior), "model.safetensors": prior.state_dict()}
    save_folder(path, files)
    return prior.eval()


@pytest.fixture
def corpus(make_model, tiny_data, tmp_path):
    """A function that saves a model and a prior and encodes data: everything a command needs."""

    def make(model_speakers=("p901", "p907"), groups=1, **prior):
        quantizer = {"num_codes": 16, "dim": 4, "groups": groups}
        model = make_model(model_speakers, quantizer=quantizer)
        files = {"config.json": model_config(model), "model.safetensors": model.state_dict()}
        save_folder(tmp_path / "exp" / "vqvae", files)
        model_hash, voice = (
            hash_model(tmp_path / "exp" / "vqvae"),
            load_voice(tmp_path / "exp/vqvae"),
        )
        for name, count in (("train", 4), ("valid", 2), ("test", 3)):
            data = tiny_data(name, utterances=count, samples=1500)
            encode_data_dir(voice, data, tmp_path / "codes" / name, model_hash=model_hash)
        save_prior(tmp_path / "exp" / "prior", model_hash, groups=groups, **prior)
        codes = tmp_path / "codes"
        return {
            "codes": codes / "test",
            "fit_on": [codes / "train"],
            "tune_on": codes / "valid",
            "prior": tmp_path / "exp" / "prior",
        }

    return make


@pytest.mark.parametrize("groups", [1, 2])
def test_the_rows_are_sums_over_utterances(corpus, groups):
    found = analyze_likelihood(**corpus(groups=groups))
    code_dir = read_code_dir(found["codes"])
    prior = save_prior(code_dir.path.parent / "again", code_dir.model_hash, groups=groups)
    for name, rows in (("prior", {"p901": 0, "p907": 1}), ("prior_nobody", {})):
        nats = codes = 0
        for key in code_dir:
            row = torch.tensor([rows.get(code_dir.utterances[key].speaker, 2)])
            with torch.no_grad():
                score = prior.nll(torch.from_numpy(np.array(code_dir[key], np.int64))[None], row)
            nats, codes = nats + float(score.nats), codes + int(score.elements)
        assert found["rows"][name]["nats"] == pytest.approx(nats / codes, rel=1e-5)
        assert found["rows"][name]["bits"] == pytest.approx(nats / codes / math.log(2), rel=1e-5)
    uniform = found["rows"]["uniform"]
    assert uniform["bits"] == pytest.approx(4)
    assert uniform["bits_per_second"] == pytest.approx(4 * 1000 * groups)
    assert (found["frames"], found["utterances"], found["speakers"]) == (codes // groups, 6, 2)
    assert (found["num_codes"], found["groups"], found["speakers_known"]) == (16, groups, 2)
    rows = found["rows"]
    assert list(rows) == ["uniform", "unigram", "bigram", "trigram", "prior", "prior_nobody"]
    gain = rows["trigram"]["bits"] - rows["prior"]["bits"]
    assert found["gain"]["bits"] == pytest.approx(gain)
    assert found["gain"]["low"] <= found["gain"]["bits"] <= found["gain"]["high"]
    by_utterance = found["by_utterance"]
    assert sum(row["frames"] * row["trigram_bits"] for row in by_utterance) == pytest.approx(
        rows["trigram"]["bits"] * found["frames"]
    )


def test_a_prior_without_a_table_has_one_row(corpus):
    found = analyze_likelihood(**corpus(speakers=()))
    assert "prior_nobody" not in found["rows"]
    assert found["speakers_known"] == 0
    assert "told of no speaker" in describe_likelihood(found)


def test_strangers_to_the_prior_are_nobody(corpus):
    rows = analyze_likelihood(**corpus(speakers=("a", "b")))["rows"]
    assert rows["prior"] == rows["prior_nobody"]


def test_the_waveform_is_decoder_and_prior(corpus, tmp_path):
    found = analyze_likelihood(**corpus(), data=tmp_path / "test")
    waveform, code_dir = found["waveform"], read_code_dir(found["codes"])
    model = load_voice(tmp_path / "exp" / "vqvae").model
    bits = samples = 0
    for key, utterance in DataDir.read(tmp_path / "test").items():
        signal = torch.from_numpy(read_waveform(utterance.audio, 16000).samples)[None]
        codes = torch.from_numpy(np.array(code_dir[key], np.int64))[None]
        row = torch.tensor([model.speakers.index(utterance.speaker)])
        with torch.no_grad():
            levels, length = mulaw_encode(model.pad(signal)), torch.tensor([signal.shape[1]])
            score = model.decoder.nll(levels, model.latents(codes), row, length)
        bits += float(score.nats) / math.log(2)
        samples += signal.shape[1]
    assert waveform["samples"] == samples
    assert waveform["seconds"] == pytest.approx(samples / 16000)
    assert waveform["decoder"]["value"] == pytest.approx(bits / samples, rel=1e-5)
    prior = found["rows"]["prior"]["bits"] * found["frames"] / samples
    assert waveform["prior"]["value"] == pytest.approx(prior)
    assert waveform["uniform_prior"]["value"] == pytest.approx(4 * found["frames"] / samples)
    for total, part in (("total", "prior"), ("total_uniform", "uniform_prior")):
        both = waveform["decoder"]["value"] + waveform[part]["value"]
        assert waveform[total]["value"] == pytest.approx(both)
    rows = found["by_utterance"]
    assert sum(row["samples"] * row["total"] for row in rows) == pytest.approx(
        waveform["total"]["value"] * samples
    )
    assert waveform["stand_ins"] == {}


def test_fewer_seconds_are_whole_utterances_of_all_speakers(corpus, tmp_path):
    arguments = corpus() | {"data": tmp_path / "test"}
    one, again = (analyze_likelihood(**arguments, seconds=0.2) for _ in range(2))
    scored = [row for row in one["by_utterance"] if "samples" in row]
    assert one["waveform"] == again["waveform"]
    assert {row["speaker"] for row in scored} == {"p901", "p907"}
    assert len(scored) == one["waveform"]["utterances"] == 2
    assert one["utterances"] == 6  # all codes are scored all the same


def test_a_stranger_to_the_model_is_scored_as_its_likeliest_speaker(corpus, tmp_path):
    notes = []
    found = analyze_likelihood(
        **corpus(model_speakers=("a", "p907", "c")), data=tmp_path / "test", note=notes.append
    )
    stand_in = found["waveform"]["stand_ins"]
    assert list(stand_in) == ["p901"]
    assert any("p901 is no speaker of" in text for text in notes)
    assert f"{stand_in['p901']} for p901" in describe_likelihood(found)


def test_what_was_fitted_on_is_not_scored(corpus):
    arguments = corpus()
    train, valid = arguments["fit_on"][0], arguments["tune_on"]
    for change, message in (
        ({"fit_on": [train, arguments["codes"]]}, "6 of its 6 utterances are in .*test too"),
        ({"tune_on": arguments["codes"]}, "6 of its 6 utterances are in .*test too"),
        ({"fit_on": [train, valid]}, "4 of its 4 utterances are in .*valid too"),
        ({"fit_on": [train, train]}, "8 of its 8 utterances are in .*train too"),
    ):
        with pytest.raises(InputError, match=message):
            analyze_likelihood(**arguments | change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_hash": "0dd"}, "model_hash"),
        ({"num_codes": 17}, "num_codes"),
        ({"groups": 2}, "groups"),
    ],
)
def test_codes_that_the_prior_does_not_know_are_refused(corpus, tmp_path, change, message):
    arguments = corpus()
    save_prior(tmp_path / "other", **{"model_hash": hash_model(tmp_path / "exp/vqvae")} | change)
    with pytest.raises(InputError, match=message) as raised:
        analyze_likelihood(**arguments | {"prior": tmp_path / "other"})
    assert "\n" not in str(raised.value)


def test_bad_input_is_one_line(corpus, tmp_path):
    arguments = corpus()
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no such file"):
        analyze_likelihood(**arguments | {"codes": tmp_path / "empty"})
    with pytest.raises(UsageError, match="--seconds 3: of what recordings"):
        analyze_likelihood(**arguments, seconds=3)
    with pytest.raises(InputError, match="none of its 8 utterances is in"):
        analyze_likelihood(**arguments, data=tmp_path / "train")
    code_dir = read_code_dir(arguments["codes"])
    facts = dict(hop=16, sample_rate=16000, num_codes=16, groups=1)
    for name, count in (("short", 5), ("none", 0)):
        codes = {key: code_dir[key][:count] for key in list(code_dir)[:1]}
        if not count:
            codes |= {"p907_test_0": code_dir["p907_test_0"]}
        write_code_dir(
            tmp_path / name,
            codes,
            DataDir.read(tmp_path / "test"),
            model_hash=code_dir.model_hash,
            **facts,
        )
    with pytest.raises(InputError, match=r"1500 samples, 94 frames; .*short has 5 of it"):
        analyze_likelihood(**arguments | {"codes": tmp_path / "short"}, data=tmp_path / "test")
    notes = []
    found = analyze_likelihood(**arguments | {"codes": tmp_path / "none"}, note=notes.append)
    assert found["utterances"] == 1
    assert "skipped 1 of 2 (without codes): p901_test_0" in notes[0]


def test_the_command_writes_what_results_prints(corpus, tmp_path):
    arguments = corpus()
    target = tmp_path / "held" / "likelihood.json"
    told = [arguments["codes"], "--prior", arguments["prior"], "--fit-on", *arguments["fit_on"]]
    told += ["--tune-on", arguments["tune_on"], "--data", tmp_path / "test", "--json", target]
    done = CliRunner().invoke(app, ["analyze", "likelihood", *map(str, told)])
    assert done.exit_code == 0, done.output
    assert "decoder + uniform prior" in done.output
    found = json.loads(target.read_text())
    assert found["kind"] == "likelihood"
    text = format_likelihood(found)
    assert f"| prior | {found['rows']['prior']['nats']:.3f} | " in text
    printed = CliRunner().invoke(app, ["results", str(target)])
    assert printed.exit_code == 0, printed.output
    assert "**held**, likelihood: 6 utterances, 2 speakers" in printed.output
    assert f"    {found['environment']['command']}\n" in printed.output
