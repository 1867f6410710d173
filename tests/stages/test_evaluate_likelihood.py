"""Scores of a model on a data directory: those of its windows, and who stands in for strangers."""

import pytest
import torch

from vqspeech.audio.mulaw import mulaw_encode
from vqspeech.audio.waveform import read_waveform
from vqspeech.data.data_dir import DataDir, write_data_dir
from vqspeech.generation.voice import Voice
from vqspeech.stages.evaluate_likelihood import evaluate_likelihood


def test_the_likelihood_is_that_of_the_whole_recordings(make_model, tiny_data):
    model = make_model(("p901", "p907"))
    data = tiny_data("valid")  # shorter than a window, so that a window is an utterance
    found = evaluate_likelihood(Voice(model), data)
    nats = samples = 0
    for utterance in DataDir.read(data).values():
        waveform = torch.from_numpy(read_waveform(utterance.audio, 16000).samples)[None]
        padded = torch.nn.functional.pad(waveform, (0, 32000 - waveform.shape[1]))
        row = torch.tensor([model.speakers.index(utterance.speaker)])
        with torch.no_grad():
            latents = model.latents(model.codes(padded))
            length = torch.tensor([waveform.shape[1]])
            score = model.decoder.nll(mulaw_encode(padded), latents, row, length)
        nats, samples = nats + float(score.nats), samples + waveform.shape[1]
    assert found["nll"] == pytest.approx(nats / samples, rel=1e-5)
    assert (found["utterances"], found["speakers"], found["stand_ins"]) == (6, 2, {})
    assert found["data"] == "valid"
    assert found["seconds"] == found["seconds_scored"] == pytest.approx(samples / 16000)


def test_a_stranger_is_scored_as_the_likeliest_known_speaker(make_model, tiny_data, tmp_path):
    model = make_model(("a", "b", "c"))
    with torch.no_grad():  # the voice of b expects loud samples, which nobody here makes
        model.decoder.wavenet.logits.bias.zero_()
        model.decoder.speaker.weight.mul_(5)
    known = DataDir.read(tiny_data("valid"))
    notes, voice = [], Voice(model)
    found = evaluate_likelihood(voice, known.path, note=notes.append)
    assert set(found["stand_ins"]) == {"p901", "p907"}
    assert len(notes) == 2
    assert "p901 is no speaker" in notes[0]
    # Named as the stand-in, the same recordings score the same; as any other, no better.
    best = []
    for name in model.speakers:
        rows = [
            u.__class__(f"{name}_{i}", name, u.audio)
            for i, u in enumerate(known.values())
            if u.speaker == "p901"
        ]
        write_data_dir(tmp_path / name, rows)
        best.append(evaluate_likelihood(voice, tmp_path / name)["nll"])
    assert best.index(min(best)) == model.speakers.index(found["stand_ins"]["p901"])


def test_fewer_seconds_count_all_codes_all_the_same(make_model, tiny_data):
    voice = Voice(make_model(("p901", "p907")))
    data = tiny_data("valid", utterances=9)
    whole, part = (evaluate_likelihood(voice, data, seconds=s) for s in (None, 2.0))
    assert whole["codes_used"] == part["codes_used"]
    assert whole["perplexity"] == part["perplexity"]
    assert whole["nll"] != part["nll"]
    assert part["seconds_scored"] < part["seconds"] == whole["seconds_scored"]


def test_the_utterances_add_up_to_the_whole(make_model, tiny_data):
    voice = Voice(make_model(("p901", "p907")))
    data = tiny_data("valid", utterances=2, samples=33000)  # two windows each
    plain, found = (evaluate_likelihood(voice, data, by_utterance=flag) for flag in (False, True))
    each = found.pop("by_utterance")
    assert found == plain
    assert [row["utterance"] for row in each] == list(DataDir.read(data))
    assert {row["speaker"] for row in each} == {"p901", "p907"}

    def total(name):
        return sum(row[name] for row in each)

    assert [row["samples"] for row in each] == [33000 + 160 * u for u in range(2)] * 2
    assert total("nats") / total("samples") == pytest.approx(found["nll"], rel=1e-6)
    assert total("swap_nats") / total("swap_samples") == pytest.approx(found["swap_gap"], abs=1e-6)
    assert abs(found["swap_gap"]) > 5e-6
