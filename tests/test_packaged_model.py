"""What comes with the package, a model and its prior: whole, small, as good as the card says."""

import csv

import numpy as np
import pytest
import torch

import vqspeech
from vqspeech.audio.pitch import median_pitch
from vqspeech.audio.waveform import read_waveform
from vqspeech.checkpoint import load_json, load_tensors, packaged_models, verify_folder
from vqspeech.data.corpora.mini import mini_folder
from vqspeech.data.data_dir import DataDir
from vqspeech.generation.voice import load_voice
from vqspeech.stages.demo import packaged_recording
from vqspeech.stages.evaluate_likelihood import evaluate_likelihood
from vqspeech.stages.find_prior import find_prior, load_matching
from vqspeech.stages.prepare import prepare_corpus

# Of the embedded corpus, all in its test split: no voice of the model was trained on them.
EMBEDDED = "p90[179]_001"
UNSEEN = {"p902", "p903", "p906", "p919"}  # voices that no packaged model may know


@pytest.fixture(scope="module", params=sorted(packaged_models()))
def folder(request):
    return packaged_models()[request.param]


@pytest.fixture(scope="module")
def voice(folder):
    return load_voice(folder)


def test_there_is_one_and_it_is_the_default():
    assert packaged_models()
    assert vqspeech.load().name == next(iter(packaged_models()))


def test_its_manifest_verifies_and_it_is_small(folder):
    verify_folder(folder)
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 6e6
    tensors = load_tensors(folder / "model.safetensors").values()
    assert {t.element_size() for t in tensors if t.dim() > 1} == {2}  # 16-bit matrices


def test_its_likelihood_of_three_embedded_utterances_is_that_of_its_card(folder, voice, tmp_path):
    prepare_corpus("mini", None, tmp_path, match=EMBEDDED, sample_rate=voice.sample_rate)
    found = evaluate_likelihood(voice, tmp_path / "test")
    assert found["utterances"] == 3
    assert found["stand_ins"] == {}
    card = load_json(folder / "config.json")["scores"]["embedded"]
    # Other processors round sums otherwise, and a frame may fall to another code.
    assert found["nll"] == pytest.approx(card["nll"], rel=2e-3)
    assert f"| embedded | nll | {card['nll']:.4f} |" in (folder / "README.md").read_text()


def test_it_speaks_as_the_voices_of_the_embedded_corpus_but_as_none_of_the_held_out_ones(voice):
    with (mini_folder() / "speakers.tsv").open(encoding="utf-8") as file:
        embedded = {row["speaker"] for row in csv.DictReader(file, delimiter="\t")}
    assert embedded <= set(voice.speakers)
    assert not UNSEEN & set(voice.speakers)


def test_a_persons_words_come_out_as_speech_that_listens_to_its_codes(voice):
    source = read_waveform(packaged_recording(), voice.sample_rate).samples
    source = source[: 2 * voice.sample_rate]
    codes = voice.encode(source)
    assert len(np.unique(codes.reshape(len(codes), -1), axis=0)) > 20
    first, second = voice.decode_batch([codes, codes], ["p901", "p907"])
    assert np.isfinite(first).all()
    assert not np.array_equal(first, second)
    from vqspeech.analysis.rhythm import energy_correlation

    for speech in (first, second):
        assert energy_correlation(source, speech, voice.sample_rate) > 0.7
    # And with a voice, each at its own height: a woman's and a man's.
    pitches = [median_pitch(speech, voice.sample_rate) for speech in (first, second)]
    assert min(pitch.voiced_share for pitch in pitches) > 0.4
    assert pitches[0].median_hz > 1.2 * pitches[1].median_hz


def test_a_prior_comes_with_the_default_model():
    """`vqspeech sample` and `make demo` need no option."""
    prior, model = find_prior(None, None)
    assert model == next(iter(packaged_models().values()))
    assert prior in packaged_models("priors").values()


@pytest.mark.parametrize("name", sorted(packaged_models("priors")))
def test_a_packaged_prior_is_whole_small_and_scored(name):
    folder = packaged_models("priors")[name]
    verify_folder(folder)
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 3e6
    tensors = load_tensors(folder / "model.safetensors").values()
    assert {t.element_size() for t in tensors if t.dim() > 1} == {2}  # 16-bit matrices
    config, card = load_json(folder / "config.json"), (folder / "README.md").read_text()
    assert config["scores"]
    for data, row in config["scores"].items():
        assert row["bits"] < row["trigram_bits"] < row["unigram_bits"] < row["uniform_bits"]
        assert f"| {data} | bits | {row['bits']:.4f} |" in card


@pytest.mark.parametrize("name", sorted(packaged_models("priors")))
def test_a_packaged_prior_expects_the_codes_of_embedded_speech(name, tmp_path):
    prior, voice, _ = load_matching(name, None)
    prepare_corpus("mini", None, tmp_path, match=EMBEDDED, sample_rate=voice.sample_rate)
    nats, count = 0.0, 0
    for utterance in DataDir.read(tmp_path / "test").values():
        codes = voice.encode(read_waveform(utterance.audio, voice.sample_rate).samples)
        rows = torch.tensor([prior.speaker_row(utterance.speaker)])
        with torch.no_grad():
            found = prior.nll(torch.from_numpy(codes)[None], rows)
        nats, count = nats + found.nats.item(), count + found.elements.item()
    assert count > 400
    # Uniform codes cost 8 bits; utterances that it was not fitted to are told for far fewer.
    assert nats / count / np.log(2) < 0.75 * np.log2(prior.code_format.num_codes)
