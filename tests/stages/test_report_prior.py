"""The prior on the page: which prior, what it expects, and what is missing."""

import json
import math
import runpy
import shlex
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
import torch

from vqspeech.checkpoint import save_checkpoint
from vqspeech.data.codes import read_code_dir
from vqspeech.errors import InputError
from vqspeech.models.build import model_config
from vqspeech.report.page import Clips, Missing
from vqspeech.stages.encode import hash_model
from vqspeech.stages.prior_expectations import (
    expect_positions,
    expect_utterance,
    expectations,
)
from vqspeech.stages.report_codes import CodesMaterial, hashes_of_run
from vqspeech.stages.report_phones import find_scores
from vqspeech.stages.report_prior import prior_section
from vqspeech.stages.report_prior_run import find_prior_run, prior_scores

_made = runpy.run_path(Path(__file__).parent / "prior_stand_in.py")
make_prior, save_prior_run = _made["make_prior"], _made["save_prior_run"]
likelihood_scores, samples_scores = _made["likelihood_scores"], _made["samples_scores"]


@pytest.fixture
def run(tmp_path, make_model):
    """A run of a model with a checkpoint that is not its best."""
    folder = tmp_path / "a run" / "vqvae"
    model = make_model()
    files = {"config.json": model_config(model), "model.safetensors": model.state_dict()}
    save_checkpoint(folder, 10, files)
    return folder


@pytest.fixture
def codes(code_dir, run):
    """Codes of the run's model: two speakers, utterances of 5, 9 and 2 frames."""
    rng = np.random.default_rng(0)
    rows = {
        key: (speaker, rng.integers(0, 16, length))
        for key, speaker, length in (
            ("p901-a", "p901", 5),
            ("p907-b", "p907", 9),
            ("p907-c", "p907", 2),
        )
    }
    facts = {"num_codes": 16, "hop": 16, "sample_rate": 16000}
    return read_code_dir(code_dir("test", rows, **facts, model_hash=hash_model(run / "latest")))


def find(run, given=None, note=lambda text: None):
    return find_prior_run(run, given, hashes_of_run(run), note)


def section(run, found, directories=(), scores=(), **changes):
    material = CodesMaterial(tuple(directories), None, run, hashes_of_run(run))
    told = {"data": None, "has_audio": False, "seed": 3, "note": lambda text: None}
    return prior_section(found, material, scores, **(told | {"progress": None} | changes)).blocks


def test_entropy_and_surprisal_are_those_of_the_predicted_distribution():
    prior = make_prior(speakers=("p901",)).eval()
    codes = torch.tensor([[3, 1, 4, 1, 5], [9, 2, 6, 5, 3]])
    speaker = torch.tensor([0, 1])
    entropy, surprisal = expectations(prior, codes, speaker)
    with torch.no_grad():
        p = prior.logits(codes, speaker).softmax(1).double().numpy()  # (B, K, T)
    np.testing.assert_allclose(entropy, scipy.stats.entropy(p, base=2, axis=1), rtol=1e-5)
    came = np.take_along_axis(p, codes.numpy()[:, None], 1)[:, 0]
    np.testing.assert_allclose(surprisal, -np.log2(came), rtol=1e-5)


def test_the_bits_of_a_frame_are_those_of_all_its_groups():
    prior = make_prior(groups=3, num_codes=4).eval()
    torch.nn.init.zeros_(prior.wavenet.logits.weight)
    torch.nn.init.zeros_(prior.wavenet.logits.bias)
    codes = torch.zeros(1, 5, 3, dtype=torch.int64)
    for bits in expectations(prior, codes, torch.tensor([0])):
        np.testing.assert_allclose(bits, np.full((1, 5), 3 * math.log2(4)), rtol=1e-6)


def test_means_along_utterances_count_no_padding_and_end_with_half_of_them(run, codes):
    prior = make_prior(codes.model_hash, speakers=("p901",)).eval()
    found = expect_positions(prior, codes)
    alone = [expect_utterance(prior, codes, key, 1.0) for key in codes]
    assert found.counts.tolist() == [3, 3, 2, 2, 2]
    for mean, values in zip(found[:2], zip(*alone, strict=True), strict=True):
        by_hand = [np.mean([one[i] for one in values if len(one) > i]) for i in range(5)]
        np.testing.assert_allclose(mean, by_hand, rtol=1e-5)


def test_means_end_within_a_frame_of_their_seconds_whatever_the_rate(code_dir):
    rows = {"p901-a": ("p901", np.zeros(400, np.int64))}
    facts = {"num_codes": 16, "hop": 384, "sample_rate": 16000}  # 213.3 frames in 5.12 s
    found = expect_positions(make_prior("-").eval(), read_code_dir(code_dir("odd", rows, **facts)))
    assert len(found.entropy) == len(found.surprisal) == 214


def test_the_speaker_whom_the_prior_knows_is_told(codes):
    prior = make_prior(codes.model_hash, speakers=("p901",)).eval()
    told, _ = expect_utterance(prior, codes, "p901-a", 1.0)
    array = torch.from_numpy(codes["p901-a"].astype(np.int64))[None]
    known, nobody = (expectations(prior, array, torch.tensor([row]))[0][0] for row in (0, 1))
    np.testing.assert_allclose(told, known, rtol=1e-6)
    assert not np.allclose(told, nobody)


def test_of_the_priors_beside_a_run_the_best_that_fits_is_shown(run):
    model_hash = hash_model(run / "latest")
    beside = run.parent
    save_prior_run(beside / "prior", make_prior(model_hash), bits=2.5)
    save_prior_run(beside / "prior_2", make_prior(model_hash), bits=2.25)
    save_prior_run(beside / "prior_3", make_prior("other"), bits=1.0)
    (beside / "prior_4").mkdir()
    notes = []
    found = find(run, note=notes.append)
    assert found.path == beside / "prior_2"
    assert [name in "\n".join(notes) for name in ("prior_2", "prior_4")] == [True, True]
    assert any("other models" in text and text.endswith(": 1") for text in notes)
    assert prior_scores(found) == (
        ("bits a code, prior", "2.25", "validation; trigram: 2.00"),  # 2 ln 2 nats
    )


def test_a_prior_that_is_given_may_be_a_checkpoint_of_its_run(run, tmp_path):
    path = tmp_path / "elsewhere"
    save_prior_run(path, make_prior(hash_model(run / "latest")))
    assert find(run, path / "best").best_bits == 2.5


def test_a_prior_that_does_not_fit_is_refused_in_one_line(run, tmp_path):
    save_prior_run(tmp_path / "prior", make_prior("other"))
    for path, words in ((tmp_path / "prior", "codes of another model"), (run, "speech-prior")):
        with pytest.raises(InputError, match=words) as caught:
            find(run, path)
        assert str(caught.value).startswith(str(path))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["{", "[]", '{"nats": {"uniform": "x"}}', '{"nats": 3}'])
def test_broken_n_grams_are_told_and_left_out(run, text):
    path = run.parent / "prior"
    save_prior_run(path, make_prior(hash_model(run / "latest")))
    (path / "ngrams.json").write_text(text)
    notes = []
    assert find(run, note=notes.append).ngrams == {}
    assert len(notes) == 1
    assert "ngrams.json" in notes[0]


def test_a_run_without_a_prior_names_the_command_that_trains_one(run, codes):
    (block,) = section(run, find(run), [codes])
    words = shlex.split(block.command)
    assert words[:3] == ["vqspeech", "train", "prior"]
    assert words[-1] == str(run.parent / "prior")


def test_what_was_not_measured_is_named_with_its_command(run, codes, one_sample):
    save_prior_run(run.parent / "prior", make_prior(codes.model_hash))
    blocks = section(run, find(run), [codes])
    commands = [shlex.split(block.command) for block in blocks if isinstance(block, Missing)]
    assert [words[1:3] for words in commands] == [["analyze", "likelihood"], ["analyze", "samples"]]
    for words in commands:
        assert words[3:6] == [str(codes.path), "--prior", str(run.parent / "prior")]
        assert {"--fit-on", "--tune-on"} < set(words)  # n-grams know what the prior knows
        assert Path(words[-1]).parent == run.parent / "analysis"


def test_without_codes_of_the_prior_there_are_no_expectations(run, code_dir, one_sample):
    save_prior_run(run.parent / "prior", make_prior(hash_model(run / "latest")))
    rows = {"p901-a": ("p901", np.arange(5))}
    other = code_dir("other", rows, num_codes=16, model_hash="other")
    blocks = section(run, find(run), [read_code_dir(other)])
    assert next(b for b in blocks if isinstance(b, Missing)).command.split()[1] == "encode"


@pytest.fixture
def one_sample(monkeypatch, spoken):
    """For what is not about samples: each of them takes a picture's time."""
    monkeypatch.setattr("vqspeech.stages.report_prior.SAMPLE_COUNT", 1)


@pytest.fixture
def spoken(monkeypatch, make_model):
    """What is asked of the samplers; these are tested elsewhere."""
    asked = {}

    class Voice:
        model = make_model()
        sample_rate, hop = model.sample_rate, model.hop

        def decode_batch(self, codes, speakers, *, seed, temperature=None, progress=None):
            asked.update(codes=codes, speakers=list(speakers), decode_seed=seed)
            return [np.zeros(len(item) * self.hop, np.float32) for item in codes]

    def sample_codes(prior, frames, speakers, *, seed=0):
        asked.update(frames=frames, rows=list(speakers), seed=seed)
        return np.zeros((len(speakers), frames), np.int64)

    def load_voice(path):
        asked["model"] = Path(path)
        return Voice()

    monkeypatch.setattr("vqspeech.generation.voice.load_voice", load_voice)
    monkeypatch.setattr("vqspeech.stages.unconditional.sample_codes", sample_codes)
    return asked


def test_two_voices_take_turns_and_the_prior_is_told_those_it_knows(run, codes, spoken):
    prior = make_prior(codes.model_hash, speakers=("p901",))
    save_prior_run(run.parent / "prior", prior)
    clips = section(run, find(run), [codes], has_audio=True)[-1]
    assert isinstance(clips, Clips)
    assert spoken["speakers"] == ["p901", "p907", "p901", "p907"]
    assert spoken["rows"] == [0, prior.nobody, 0, prior.nobody]
    assert spoken["frames"] == 2560  # 2.56 s of 1000 codes a second
    assert (spoken["seed"], spoken["decode_seed"]) == (3, 3)
    assert spoken["model"] == run / "step-00000010"  # whose codes they are
    assert all(clip.audio.startswith("data:audio/flac") for clip in clips.clips)


def test_scores_of_the_prior_are_tables_and_not_a_row_for_each_utterance(run, codes, one_sample):
    save_prior_run(run.parent / "prior", make_prior(codes.model_hash))
    folder = run.parent / "analysis" / "test"
    folder.mkdir(parents=True)
    for make in (likelihood_scores, samples_scores):
        scores = make(codes.model_hash)
        (folder / f"{scores['kind']}.json").write_text(json.dumps(scores))
    found = find_scores(run, (), hashes_of_run(run), lambda text: None)
    blocks = section(run, find(run), [codes], found)
    assert not any(isinstance(block, Missing) for block in blocks)
    texts = str([block for block in blocks if block.kind in ("table", "heading")])
    for words in ("2.125", "0.0321", "1,500 frames of codes/test", "mild"):
        assert words in texts
    assert "9.876" not in texts
