"""A run of a prior made by hand, and files of scores of it, for the tests of the report."""

import json

import torch

from vqspeech.checkpoint import save_checkpoint
from vqspeech.config.schema import SpeechPriorSettings
from vqspeech.files import replace_link
from vqspeech.models.build import prior_config
from vqspeech.models.prior import CodeFormat, SpeechPrior

TINY = {
    "layers": 2,
    "dilation_cycle": 2,
    "residual_channels": 4,
    "gate_channels": 8,
    "skip_channels": 4,
    "head_channels": 4,
}
NATS = {"uniform": 2.772588722239781, "unigram": 2.5, "bigram": 2.2, "trigram": 1.3862943611198906}


def make_prior(model_hash="5eed", *, num_codes=16, groups=1, hop=16, rate=16000, speakers=()):
    """A tiny prior with fresh weights, always the same ones; with a table where it has speakers."""
    torch.manual_seed(0)
    settings = SpeechPriorSettings(**TINY, speaker_channels=3 if speakers else 0)
    return SpeechPrior(settings, CodeFormat(num_codes, groups, hop, rate, model_hash), speakers)


def save_prior_run(path, prior, bits=2.5):
    """A run with one checkpoint, a validation of so many bits, and the n-grams beside it."""
    files = {"config.json": prior_config(prior), "model.safetensors": prior.state_dict()}
    save_checkpoint(path, 10, files)
    replace_link(path / "best", "step-00000010")
    lines = [
        {"step": 10, "learning_rate": 0.1, "loss": 2.0, "nll": 2.0},
        {"step": 10, "valid": {"nll": 1.7, "bits": bits, "bits_per_second": 50 * bits}},
    ]
    (path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (path / "ngrams.json").write_text(json.dumps({"valid": "codes/valid", "nats": NATS}))


def likelihood_scores(model_hash, codes="codes/test"):
    rows = {"prior": {"bits": 2.125, "low": 2.0, "high": 2.25, "bits_per_second": 106.25}}
    by_utterance = [{"utterance": "p901_test_0", "prior_bits": 9.876}]
    facts = {"kind": "likelihood", "model_hash": model_hash, "codes": codes, "frames": 1500}
    facts |= {"utterances": 6, "speakers": 2, "fit_on": ["codes/train"], "temperament": "mild"}
    return facts | {"rows": rows, "waveform": None, "by_utterance": by_utterance}


def samples_scores(model_hash, codes="codes/test"):
    systems = [{"name": "samples", "phones_jsd": 0.0321}, {"name": "random", "phones_jsd": 0.5}]
    facts = {"kind": "samples", "model_hash": model_hash, "codes": codes}
    return facts | {"systems": systems, "spoken": []}
