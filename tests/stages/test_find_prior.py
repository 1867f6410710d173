"""A prior and its model: found by one another, refused where they do not fit."""

import os

import numpy as np
import pytest
from small_priors import build_prior, save_model, save_prior

from vqspeech.checkpoint import find_model, hash_folder, save_folder
from vqspeech.data.code_file import RecordedCodes
from vqspeech.data.codes import read_code_dir, write_code_dir
from vqspeech.data.data_dir import DataDir
from vqspeech.errors import InputError, MissingError
from vqspeech.models.build import prior_config
from vqspeech.stages import find_prior as module
from vqspeech.stages.encode import hash_model
from vqspeech.stages.export_model import export_model
from vqspeech.stages.find_prior import check_codes, find_prior, load_matching, name_of, prior_of
from vqspeech.stages.list_models import list_priors


@pytest.fixture
def experiment(make_model, tmp_path):
    """exp/vqvae and exp/prior as training leaves them, and another model with its own prior."""
    exp = tmp_path / "exp"
    for name, seed in (("other", 1), ("vqvae", 0)):
        model = make_model(seed=seed)
        save_model(exp / name / "step-00000005", model)
        os.symlink("step-00000005", exp / name / "best")
        prior = "prior" if name == "vqvae" else "a-prior"  # by name before the right one
        save_prior(exp / prior / "step-00000007", model, exp / name)
        os.symlink("step-00000007", exp / prior / "best")
    return exp


@pytest.fixture
def nothing_packaged(monkeypatch):
    for found in ("packaged_models", "named_models"):
        monkeypatch.setattr(module, found, lambda kind="models": {})


@pytest.fixture
def packaged(experiment, monkeypatch):
    """The pair of the experiment as if it had come with the package; the first model has none."""
    found = {
        "models": {n: experiment / n / "best" for n in ("other", "vqvae")},
        "priors": {"mini": experiment / "prior" / "best"},
    }
    for names in ("packaged_models", "named_models"):
        monkeypatch.setattr(module, names, lambda kind="models": found[kind])


@pytest.mark.usefixtures("nothing_packaged")
@pytest.mark.parametrize("end", ["", "best", "step-00000007"])
def test_the_model_is_found_beside_the_run_of_the_prior(experiment, end):
    told = []
    prior = experiment / "prior" / end
    assert find_prior(prior, None, told.append) == (prior, experiment / "vqvae")
    assert told == [f"--model {experiment / 'vqvae'}, which fits {prior}"]


@pytest.mark.usefixtures("nothing_packaged")
@pytest.mark.parametrize("end", ["", "best", "step-00000005"])
def test_the_prior_is_found_beside_the_run_of_the_model(experiment, end):
    model = experiment / "vqvae" / end
    assert find_prior(None, model) == (experiment / "prior", model)
    assert prior_of(model) == experiment / "prior"


@pytest.mark.usefixtures("nothing_packaged")
def test_names_relative_to_where_one_stands_are_found_too(experiment, monkeypatch):
    monkeypatch.chdir(experiment / "prior")
    prior, model = find_prior("best", None)
    assert (str(prior), str(model)) == ("best", "../vqvae")


@pytest.mark.usefixtures("packaged")
def test_what_is_packaged_comes_first_and_has_a_name(experiment, tmp_path):
    pair = (experiment / "prior" / "best", experiment / "vqvae" / "best")
    assert find_prior(None, None) == find_prior("mini", None) == find_prior(None, "vqvae") == pair
    assert find_prior("mini", "vqvae") == pair
    assert (name_of(pair[0], "priors"), name_of(pair[1], "models")) == ("mini", "vqvae")
    assert name_of(tmp_path, "models") == str(tmp_path)
    assert prior_of(None) == experiment / "a-prior"  # that of the first model
    told = []
    export_model(experiment / "vqvae" / "best", tmp_path / "shared" / "model")
    assert find_prior(None, tmp_path / "shared" / "model", told.append)[0] == pair[0]
    assert told == []  # the packaged ones go without saying


@pytest.mark.usefixtures("nothing_packaged")
def test_without_anything_the_next_step_is_named():
    with pytest.raises(MissingError, match="vqspeech train prior"):
        find_prior(None, None)
    assert prior_of(None) is None


@pytest.mark.usefixtures("nothing_packaged")
def test_a_pair_that_does_not_fit_is_refused(experiment):
    hashes = [hash_model(experiment / name) for name in ("vqvae", "other")]
    message = rf"prior: fitted to codes of another model \({hashes[0]}\).*other \({hashes[1]}\)"
    with pytest.raises(InputError, match=message):
        find_prior(experiment / "prior", experiment / "other")
    with pytest.raises(InputError, match="vqvae: holds a speech-vqvae, a speech-prior was wanted"):
        find_prior(experiment / "vqvae", None)
    with pytest.raises(InputError, match="prior: holds a speech-prior, a speech-vqvae was wanted"):
        find_prior(None, experiment / "prior")
    with pytest.raises(InputError, match="nowhere: no such folder"):
        find_prior(experiment / "nowhere", None)


@pytest.mark.usefixtures("nothing_packaged")
def test_a_prior_goes_on_fitting_when_its_model_learns_another_speaker(experiment, make_model):
    codes = make_model()
    taught = make_model(("p901", "p907", "p226"), seed=2)
    taught.encoder.load_state_dict(codes.encoder.state_dict())
    taught.quantizer.load_state_dict(codes.quantizer.state_dict())
    path = save_model(experiment / "taught", taught)
    assert find_prior(None, path) == (experiment / "prior", path)
    _, voice, facts = load_matching(experiment / "prior", path)
    assert voice.speakers == ("p901", "p907", "p226")
    assert facts["model_hash"] == hash_model(experiment / "vqvae")


@pytest.mark.usefixtures("nothing_packaged")
def test_a_prior_without_its_model_says_where_it_was_looked_for(experiment):
    os.rename(experiment / "vqvae", experiment.parent / "elsewhere")
    with pytest.raises(InputError, match=rf"no model that fits .* in {experiment}; give --model"):
        find_prior(experiment / "prior", None)
    with pytest.raises(InputError, match=r"no prior that fits .*; give --prior"):
        find_prior(None, experiment.parent / "elsewhere")
    assert prior_of(experiment.parent / "elsewhere") is None


@pytest.mark.usefixtures("nothing_packaged")
def test_a_broken_neighbour_is_no_obstacle(experiment):
    (experiment / "a-prior" / "best" / "config.json").write_text("{")
    (experiment / "a-run-being-written").mkdir()
    assert find_prior(None, experiment / "vqvae")[0] == experiment / "prior"


@pytest.mark.usefixtures("nothing_packaged")
def test_a_folder_here_of_the_name_of_a_packaged_model_is_the_one_that_is_loaded(
    experiment, monkeypatch
):
    monkeypatch.chdir(experiment)
    os.rename("vqvae", "mini")
    _, voice, facts = load_matching("./prior", "./mini")
    assert voice.sample_rate == 16000  # that of the packaged model is 8000
    assert facts["model_hash"] == hash_model(experiment / "mini")


@pytest.mark.usefixtures("nothing_packaged")
def test_a_pair_is_loaded_with_what_names_it(experiment):
    prior, voice, facts = load_matching(experiment / "prior", None)
    assert prior.code_format.model_hash == facts["model_hash"] == hash_model(experiment / "vqvae")
    assert facts["prior_hash"] == hash_folder(find_model(experiment / "prior"))
    assert facts["prior"] == str(experiment / "prior")
    assert voice.name == facts["model"] == str(experiment / "vqvae")
    assert not prior.training
    assert next(prior.parameters()).device == voice.device


@pytest.mark.parametrize(("name", "value"), [("num_codes", 8), ("groups", 2), ("hop", 32)])
def test_a_prior_that_lies_about_the_codes_of_its_model_is_refused(
    make_model, tmp_path, name, value
):
    model = make_model()
    save_model(tmp_path / "model", model)
    save_prior(tmp_path / "prior", model, tmp_path / "model", **{name: value})
    wanted = {"num_codes": 16, "groups": 1, "hop": 16}[name]
    with pytest.raises(InputError, match=rf"codes of {name} {value}, .*model has {wanted};"):
        load_matching(tmp_path / "prior", tmp_path / "model")


@pytest.mark.parametrize("codes", [None, {}, {"model_hash": 3}, "abc"])
def test_a_prior_that_names_no_model_is_refused(make_model, tmp_path, codes):
    prior = build_prior(make_model(), "abc")
    config = prior_config(prior) | {"codes": codes}
    save_folder(tmp_path / "p", {"config.json": config, "model.safetensors": prior.state_dict()})
    with pytest.raises(InputError, match="does not say whose codes"):
        find_prior(tmp_path / "p", None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model_hash", "xyz"),
        ("num_codes", 15),
        ("groups", 2),
        ("hop", 8),
        ("sample_rate", 8000),
    ],
)
def test_codes_of_another_kind_are_refused(make_model, tiny_data, tmp_path, name, value):
    prior = build_prior(make_model(), "abc")
    facts = {"hop": 16, "sample_rate": 16000, "num_codes": 16, "groups": 1, "model_hash": "abc"}
    data = DataDir.read(tiny_data("train"))

    def write(**changes):
        made = facts | changes
        shape = (5,) if made["groups"] == 1 else (5, made["groups"])
        codes = dict.fromkeys(data, np.zeros(shape, int))
        write_code_dir(tmp_path / "codes", codes, data, **made)
        return read_code_dir(tmp_path / "codes")

    check_codes(prior, write(), "codes")
    wanted = facts[name]
    with pytest.raises(InputError, match=rf"^codes: codes of {name} {value}, .* {name} {wanted};"):
        check_codes(prior, write(**{name: value}), "codes")


def test_codes_of_a_recording_are_compared_as_far_as_they_are_known(make_model):
    prior = build_prior(make_model(), "abc")
    fitting = RecordedCodes(np.array([0, 15]), 16000, 16, 32, "m", "abc")
    check_codes(prior, fitting, "a.npz")
    check_codes(prior, fitting._replace(model_hash=""), "a.npz")
    check_codes(prior, fitting._replace(codes=np.zeros(0, int), samples=0), "a.npz")
    for changed, message in (
        (fitting._replace(codes=np.array([16])), "num_codes 17"),
        (fitting._replace(codes=np.zeros((2, 3), int)), "groups 3"),
        (fitting._replace(model_hash="xyz"), "model_hash xyz"),
        (fitting._replace(hop=8), "hop 8"),
    ):
        with pytest.raises(InputError, match=rf"a\.npz: codes of {message}, "):
            check_codes(prior, changed, "a.npz")


def test_the_list_of_priors_says_whose_codes_they_speak(experiment):
    rows = {row["prior"]: row for row in list_priors(experiment.parent)}
    row = rows[str(experiment / "prior" / "best")]
    assert row["model"] == str(experiment / "vqvae" / "best")
    assert (row["code_rate"], row["num_codes"], row["num_speakers"]) == (1000, 16, 2)
    size = (experiment / "prior" / "best" / "model.safetensors").stat().st_size
    assert row["megabytes"] == size / 1e6
    assert rows[str(experiment / "a-prior" / "best")]["model"] == str(experiment / "other" / "best")
    os.rename(experiment / "vqvae", experiment.parent / "elsewhere")
    rows = {row["prior"]: row for row in list_priors(experiment.parent)}
    assert rows[str(experiment / "prior" / "best")]["model"] is None
