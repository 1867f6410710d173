"""An exported prior: smaller, complete, and the same codes up to the rounding of its weights."""

import json

import pytest
import torch
from small_priors import build_prior, save_model

from vqspeech.checkpoint import (
    hash_folder,
    load_tensors,
    packaged_models,
    save_folder,
    verify_folder,
)
from vqspeech.errors import InputError, UsageError, WriteError
from vqspeech.models.build import load_speech_prior, prior_config
from vqspeech.stages.encode import hash_model
from vqspeech.stages.export_prior import export_prior
from vqspeech.stages.find_prior import find_prior


@pytest.fixture
def trained(make_model, tmp_path):
    """A checkpoint whose average differs from its weights, and its model beside it."""
    model = make_model()
    save_model(tmp_path / "exp" / "vqvae", model)
    own = hash_model(tmp_path / "exp" / "vqvae")
    prior, average = build_prior(model, own), build_prior(model, own, seed=1)
    files = {
        "config.json": prior_config(prior),
        "model.safetensors": prior.state_dict(),
        "average.safetensors": average.state_dict(),
    }
    save_folder(tmp_path / "exp" / "prior", files)
    return tmp_path / "exp" / "prior", average


def likelihoods(prior_hash, codes="exp/codes/test", **more):
    """What `vqspeech analyze likelihood` writes, as far as it is read."""
    row = {"nats": 2.0, "bits": 2.885, "bits_per_second": 144.25, "low": 2.8, "high": 2.9}
    rows = {"uniform": row | {"bits": 4.0}, "trigram": row | {"bits": 3.25}, "prior": row}
    facts = {"kind": "likelihood", "codes": codes, "prior_hash": prior_hash, "rows": rows}
    return facts | {"utterances": 6, "frames": 1500, "seconds": 1.5, "waveform": None} | more


def test_it_holds_the_running_average_in_16_bits_and_computes_in_32(trained, tmp_path):
    path, average = trained
    folder = export_prior(path, tmp_path / "out")
    verify_folder(folder)
    found = load_tensors(folder / "model.safetensors")
    expected = average.state_dict()
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        wanted = value.half() if value.dim() > 1 else value
        assert found[name].dtype == wanted.dtype
        assert torch.equal(found[name], wanted)
    loaded = load_speech_prior(folder)
    assert {p.dtype for p in loaded.parameters()} == {torch.float32}
    assert loaded.code_format == average.code_format
    assert loaded.speakers == average.speakers
    codes, rows = torch.arange(16)[None], torch.tensor([1])
    with torch.no_grad():
        nats = [net.nll(codes, rows).nats.item() for net in (loaded, average)]
    assert nats[0] == pytest.approx(nats[1], rel=1e-2)
    assert nats[0] != nats[1]


def test_in_32_bits_nothing_is_lost(trained, tmp_path):
    path, average = trained
    found = load_speech_prior(export_prior(path, tmp_path / "out", precision="float32"))
    for name, value in average.state_dict().items():
        assert torch.equal(found.state_dict()[name], value)


def test_it_stays_the_same_prior_of_the_same_model(trained, tmp_path):
    path, _ = trained
    scores = tmp_path / "scores.json"
    scores.write_text(json.dumps(likelihoods(hash_folder(path))))
    first = export_prior(path, tmp_path / "a")
    second = export_prior(first, tmp_path / "b", scores=[scores], precision="bfloat16")
    assert hash_folder(path) == hash_folder(first) == hash_folder(second)
    assert find_prior(second, tmp_path / "exp" / "vqvae")[0] == second


def test_the_card_says_whose_codes_how_far_it_hears_and_what_it_scores(trained, tmp_path):
    path, _ = trained
    about, scores = tmp_path / "about.md", tmp_path / "scores.json"
    about.write_text("# The prior\n\nOf hums.\n")
    numbers = {key: {"value": 3.5, "low": 3, "high": 4} for key in ("decoder", "total")}
    told = likelihoods(hash_folder(path), waveform={**numbers, "seconds": 1.0, "stand_ins": []})
    scores.write_text(json.dumps(told))
    folder = export_prior(path, tmp_path / "out", about=about, scores=[scores])
    card = (folder / "README.md").read_text()
    assert card.startswith("# The prior\n\nOf hums.\n")
    model_hash = hash_model(tmp_path / "exp" / "vqvae")
    weights = load_tensors(folder / "model.safetensors").values()
    count = sum(w.numel() for w in weights)
    megabytes = sum(w.numel() * w.element_size() for w in weights) / 1e6
    for line in (
        f"| codes of | {model_hash} |",
        "| codes | 1000 a second, each one of 16 |",
        "| speakers | 2, and one for nobody in particular |",
        f"| weights | {count:,} numbers, matrices in float16: {megabytes:.2f} MB |",
        "| receptive field | the last 8 codes, 0.01 s |",  # 1 + 1 + 2 + 4
        "| test | bits | 2.8850 |",
        "| test | trigram_bits | 3.2500 |",
        "| test | waveform_total | 3.5000 |",
        "| test | utterances | 6 |",
    ):
        assert line in card.splitlines()
    kept = json.loads((folder / "config.json").read_text())["scores"]["test"]
    assert (kept["bits_per_second"], kept["frames"]) == (144.25, 1500)
    again = export_prior(folder, tmp_path / "again")
    assert (again / "README.md").read_text() == card


def test_a_prior_of_a_packaged_model_names_it_and_one_without_a_table_says_so(make_model, tmp_path):
    name, folder = next(iter(packaged_models().items()))
    prior = build_prior(make_model(), hash_model(folder), speaker_channels=0, groups=2)
    files = {"config.json": prior_config(prior), "model.safetensors": prior.state_dict()}
    save_folder(tmp_path / "prior", files)
    card = (export_prior(tmp_path / "prior", tmp_path / "out") / "README.md").read_text()
    assert f"| codes of | the model `{name}` ({hash_model(folder)}) |" in card
    assert "| speakers | none: it is not told who speaks |" in card
    assert "| codes | 1000 a second, 2 codes a frame, each one of 16 |" in card


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no json", "no JSON; give a file of 'vqspeech analyze likelihood --json'"),
        ('{"data": "test", "bits": 3.0}', "no likelihoods"),
        ("[3]", "no likelihoods"),
        ('{"kind": "likelihood", "codes": "a", "rows": {}}', "no likelihoods"),
        ('{"bits": NaN}', "holds NaN"),
        (json.dumps(likelihoods("abc")), "likelihoods of the prior abc, this one is "),
    ],
)
def test_scores_of_another_kind_or_prior_are_refused(trained, tmp_path, content, message):
    path = tmp_path / "scores.json"
    path.write_text(content)
    with pytest.raises(InputError, match=rf"scores\.json: {message}"):
        export_prior(trained[0], tmp_path / "out", scores=[path])
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_exported_is_refused(trained, tmp_path):
    path, _ = trained
    with pytest.raises(UsageError, match="int4"):
        export_prior(path, tmp_path / "out", precision="int4")
    with pytest.raises(UsageError, match="the model itself"):
        export_prior(path, path, overwrite=True)
    with pytest.raises(InputError, match="holds a speech-vqvae, a speech-prior was wanted"):
        export_prior(tmp_path / "exp" / "vqvae", tmp_path / "out")
    folder = export_prior(path, tmp_path / "out")
    with pytest.raises(WriteError, match="--overwrite"):
        export_prior(path, folder)
    before = (folder / "model.safetensors").read_bytes()
    again = export_prior(path, folder, overwrite=True)
    assert (again / "model.safetensors").read_bytes() == before
    assert all(file.stat().st_mode & 0o044 for file in folder.iterdir())  # others may read them


def test_weights_beyond_half_precision_are_named(make_model, tmp_path):
    prior = build_prior(make_model(), "abc")
    with torch.no_grad():
        prior.wavenet.head.weight[0] = 1e6
    files = {"config.json": prior_config(prior), "model.safetensors": prior.state_dict()}
    save_folder(tmp_path / "prior", files)
    with pytest.raises(InputError, match=r"wavenet\.head\.weight: .*export in float32"):
        export_prior(tmp_path / "prior", tmp_path / "out")
    assert not (tmp_path / "out").exists()
