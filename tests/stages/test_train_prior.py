"""Training the prior: exact resume, what it refuses, and that it learns what follows what."""

import json
import os
import signal

import numpy as np
import pytest
import yaml

from vqspeech.checkpoint import checkpoints
from vqspeech.data.codes import read_code_dir
from vqspeech.errors import InputError
from vqspeech.models.build import load_speech_prior
from vqspeech.models.prior import SpeechPrior
from vqspeech.stages.summarize import format_summaries, summarize_run
from vqspeech.stages.train_prior import score_prior, train_prior
from vqspeech.training.fit import Interrupted

MODEL = {
    "layers": 3,
    "residual_channels": 16,
    "gate_channels": 32,
    "skip_channels": 16,
    "head_channels": 16,
}
TRAINING = {
    "steps": 12,
    "batch_size": 4,
    "crop_seconds": 0.2,  # ten frames
    "learning_rate": 0.02,
    "warmup_steps": 1,
    "average_decay": 0.5,
    "log_every": 2,
    "checkpoint_every": 4,
    "threads": 1,
}


def cycles(first, count=6, groups=1):
    """Utterances of two speakers who count: one by ones, the other by threes."""
    rng, rows = np.random.default_rng(first), {}
    for s, speaker in enumerate(("p1", "p2")):
        for u in range(count):
            codes = (rng.integers(8) + (1, 3)[s] * np.arange(20 + u)) % 8
            codes = codes if groups == 1 else np.stack([codes, (codes + 1) % 8], 1)
            rows[f"{speaker}_{first + u}"] = (speaker, codes)
    return rows


@pytest.fixture
def train(code_dir, tmp_path):
    directories = [code_dir("train", cycles(0)), code_dir("valid", cycles(100, 3))]

    def train(out, *overrides, model=None, valid=directories[1], train=directories[0], **options):
        config = tmp_path / "prior.yaml"
        settings = {"model": MODEL | (model or {}), "training": TRAINING}
        config.write_text(yaml.safe_dump(settings))
        return train_prior(
            config, [train], valid, tmp_path / out, overrides=overrides, quiet=True, **options
        )

    return train


def content(run):
    newest = checkpoints(run)[-1]
    names = ("model", "average", "optimizer")
    return [(newest / f"{name}.safetensors").read_bytes() for name in names]


def test_a_run_in_pieces_equals_one_in_one_piece(train, tmp_path, monkeypatch):
    changes = ("training.corruption=0.2", "model.dropout=0.2", "model.speaker_channels=4")
    train("whole", *changes)
    calls, nats = [], SpeechPrior.nats

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 6:
            os.kill(os.getpid(), signal.SIGINT)
        return nats(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(SpeechPrior, "nats", interrupted)
        with pytest.raises(Interrupted):
            train("pieces", *changes)
    train("pieces", *changes, resume="must")
    assert content(tmp_path / "pieces") == content(tmp_path / "whole")
    logs = [(tmp_path / name / "log.jsonl").read_text() for name in ("pieces", "whole")]
    assert logs[0] == logs[1]


def test_it_learns_what_follows_what_and_who_speaks(train, tmp_path, monkeypatch):
    """After its first code an utterance is certain: 3 bits in all, by 20 to 22 codes."""
    summary = train("run", "training.steps=150", "model.speaker_channels=4", "training.seed=3")
    prior = load_speech_prior(tmp_path / "run")
    assert prior.speakers == ("p1", "p2")
    valid = read_code_dir(tmp_path / "valid")
    scores = score_prior(prior, valid)
    codes = sum(len(codes) for codes in valid.values())
    least = len(valid) * 3 / codes  # bits a code
    assert least < scores["bits"] < least + 0.15
    assert scores["bits_per_second"] == pytest.approx(50 * scores["bits"])
    assert summary.best_nll == pytest.approx(scores["nll"], abs=0.05)
    assert "nats a code" in str(summary)
    # Told of nobody it has to hear two codes before it knows who counts.
    monkeypatch.setattr(
        SpeechPrior, "nll", lambda self, c, s, n, own=SpeechPrior.nll: own(self, c, s * 0 + 2, n)
    )
    assert score_prior(prior, valid)["bits"] > scores["bits"] + 0.5 * len(valid) / codes


def test_the_run_says_what_ngrams_need_and_results_prints_it(train, tmp_path):
    train("run")
    facts = json.loads((tmp_path / "run" / "ngrams.json").read_text())
    nats = facts["nats"]
    assert nats["uniform"] == pytest.approx(np.log(8))
    assert nats["trigram"] < nats["bigram"] < nats["unigram"]
    summary = summarize_run(tmp_path / "run")
    table = format_summaries([summary])
    assert f"{nats['trigram'] / np.log(2):.3f} | {nats['bigram'] / np.log(2):.3f}" in table
    assert f"| {summary['bits']:.3f} |" in table


def test_ngrams_are_of_what_is_validated_on_however_the_run_goes_on(train, code_dir, tmp_path):
    def read():
        return json.loads((tmp_path / "run" / "ngrams.json").read_text())

    train("run", "training.steps=4")
    first = read()
    (tmp_path / "run" / "ngrams.json").write_text(json.dumps(first | {"mark": 1}))
    train("run", "training.steps=8")
    assert read() == first | {"mark": 1}  # the same utterances are not scored again
    constant = {f"p1_{u}": ("p1", np.zeros(20, np.int64)) for u in range(200, 203)}
    train("run", "training.steps=12", valid=code_dir("other", constant))
    assert read()["valid"] == str(tmp_path / "other")
    assert read()["nats"]["trigram"] > first["nats"]["trigram"] + 0.1


def test_ngrams_of_much_are_counted_in_a_part_and_of_too_many_frames_left_out(
    train, tmp_path, monkeypatch
):
    def facts(name):
        train(name, "training.steps=1")
        return json.loads((tmp_path / name / "ngrams.json").read_text())

    assert facts("all")["fit_utterances"] == 12
    monkeypatch.setattr("vqspeech.stages.train_prior.MOST_NGRAM_CODES", 100)
    part = facts("part")
    assert 1 <= part["fit_utterances"] < 12
    assert part["nats"]["uniform"] == pytest.approx(np.log(8))
    monkeypatch.setattr("vqspeech.stages.score_ngrams.MOST_SYMBOLS", 4)
    few = facts("few")
    assert list(few["nats"]) == ["uniform"]
    assert "different frames" in few["left_out"]
    assert "| 3.000 |" in format_summaries([summarize_run(tmp_path / "few")])


def test_groups_are_codes_that_follow_one_another(train, code_dir, tmp_path):
    parts = [code_dir(f"{n}2", cycles(i, groups=2), groups=2) for i, n in ((0, "t"), (100, "v"))]
    train("run", "training.steps=100", train=parts[0], valid=parts[1])
    prior = load_speech_prior(tmp_path / "run")
    scores = score_prior(prior, read_code_dir(parts[1]))
    # The second code of a frame follows from the first.
    assert scores["bits"] < 0.5 * 4 * 3 / 20 + 0.3
    assert scores["bits_per_second"] == pytest.approx(100 * scores["bits"])


def test_what_does_not_fit_is_refused_in_one_line(train, code_dir, tmp_path):
    other = code_dir("other", cycles(200), model_hash="beef")
    with pytest.raises(InputError, match=r"other: model_hash beef, .*train has 5eed"):
        train("run", valid=other)
    with pytest.raises(InputError, match="of its utterances are trained on too"):
        train("run", valid=tmp_path / "train")
    empty = code_dir("empty", {"p1_9": ("p1", np.zeros(0, int))})
    for codes in ({"valid": empty}, {"train": empty}):
        with pytest.raises(InputError, match="empty: holds no codes"):
            train("run", **codes)
    assert not (tmp_path / "run").exists()
    train("run")
    changed = code_dir("changed", {key: (s, 7 - c) for key, (s, c) in cycles(0).items()})
    with pytest.raises(InputError, match="its data differs from what is asked for now"):
        train("run", "training.steps=20", train=changed)
    with pytest.raises(InputError, match="its model differs"):
        train("run", "training.steps=20", model={"layers": 4})
