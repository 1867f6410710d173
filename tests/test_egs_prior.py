"""The prior in the recipes: what its stages call, when they are left out. Commands: stand-ins."""

import shutil

import pytest
from recipe_stand_in import SETTINGS, Recipe


@pytest.fixture(params=["mini", "vctk", "librispeech"])
def recipe(request, tmp_path):
    return Recipe(tmp_path, request.param)


@pytest.fixture
def vctk(tmp_path):
    return Recipe(tmp_path, "vctk")


def test_the_prior_is_fitted_to_train_and_measured_on_what_was_held_out(recipe):
    recipe.run("--likelihood-seconds", 7)
    (trained,) = recipe.calls_of("train prior")
    assert trained == (
        "train prior my_prior.yaml --train out/exp/codes/train --valid out/exp/codes/valid "
        "--out out/exp/prior --resume auto --device auto"
    )
    (likelihood,) = recipe.calls_of("analyze likelihood")
    assert likelihood == (
        "analyze likelihood out/exp/codes/test --prior out/exp/prior/best "
        "--fit-on out/exp/codes/train --tune-on out/exp/codes/valid --data out/data/test "
        "--model out/exp/vqvae/best --seconds 7 --device auto "
        "--json out/exp/analysis/test/likelihood.json"
    )
    (samples,) = recipe.calls_of("analyze samples")
    assert samples == (
        "analyze samples out/exp/codes/test --prior out/exp/prior/best --model out/exp/vqvae/best "
        "--map out/exp/analysis/mapping.json --fit-on out/exp/codes/train "
        "--tune-on out/exp/codes/valid --device auto --json out/exp/analysis/test/samples.json"
    )
    (spoken,) = recipe.calls_of("sample")
    assert spoken == (
        "sample --prior out/exp/prior/best --model out/exp/vqvae/best --out out/exp/samples "
        "--seconds 2.56 --count 8 --overwrite --device auto"
    )


def test_the_report_is_given_the_prior_of_its_own_codes(recipe):
    recipe.run()
    with_prior = [call for call in recipe.calls_of("report") if "--prior out/exp/prior" in call]
    assert [call.split()[1] for call in with_prior] == ["out/exp/vqvae"]
    shutil.rmtree(recipe.folder / "out" / "exp" / "prior")
    recipe.run("--stage", 9)
    assert not any("--prior" in call for call in recipe.calls_of("report"))


def test_a_change_of_the_prior_runs_what_depends_on_it_and_nothing_else(vctk):
    vctk.run()
    exp = vctk.folder / "out" / "exp"

    def assert_again(*calls, options=()):
        vctk.run(*options)
        assert [" ".join(call.split()[:2]) for call in vctk.calls] == list(calls)

    measured = ("analyze likelihood", "analyze samples")
    vctk.write("my_prior.yaml", SETTINGS.replace("steps: 3", "steps: 9"))
    assert_again("train prior", *measured, "sample --prior", "report out/exp/vqvae")
    (exp / "prior" / ".stage-6").unlink()
    assert_again("train prior")
    vctk.write("my_prior.yaml", SETTINGS.replace("steps: 3", "steps: 9  # so many"))
    assert_again()
    vctk.write("my_prior.yaml", SETTINGS.replace("steps: 3", "steps: 9"))
    (exp / "codes" / "test" / "codes.npy").write_text("1")
    vctk.run("--stop-stage", 5)
    assert_again(*measured, "report out/exp/vqvae")
    (exp / "codes" / "valid" / "codes.npy").write_text("1")  # the n-grams are tuned on it
    assert_again("train prior", *measured, "report out/exp/vqvae")
    vctk.options["--likelihood-seconds"] = "9"
    assert_again(*measured)
    vctk.options["--spoken-seconds"] = "8"
    assert_again(*measured)
    assert "--data out/data/test --spoken-seconds 8 " in vctk.calls[-1]
    (exp / "analysis" / "test" / "likelihood.json").unlink()
    assert_again(*measured)
    (exp / "analysis" / "mapping.json").write_text("1")
    assert_again(*measured)
    (exp / "analysis" / "test" / "samples.json").write_text("1")
    assert_again("report out/exp/vqvae")
    (exp / "prior" / "log.jsonl").write_text("{}")
    assert_again("report out/exp/vqvae")
    (exp / "samples" / "sample-001-p1.wav").unlink()
    assert_again("sample --prior")
    assert_again()


def test_samples_of_an_earlier_prior_are_removed_and_what_lies_beside_them_is_not(vctk):
    vctk.run()
    samples = vctk.folder / "out" / "exp" / "samples"
    (samples / "sample-002-gone.wav").write_text("0")
    (samples / "mine.wav").write_text("0")
    vctk.write("my_prior.yaml", SETTINGS.replace("steps: 3", "steps: 9"))
    vctk.run()
    names = sorted(path.name for path in samples.iterdir() if path.name[0] != ".")
    assert names == ["mine.wav", "sample-001-p1.npz", "sample-001-p1.wav", "samples.png"]


def test_without_settings_of_a_prior_its_stages_are_left_out_and_fail_alone(recipe):
    (recipe.folder / "my_prior.yaml").unlink()
    recipe.run()
    assert not any("prior" in call for call in recipe.calls)
    printed = recipe.printed
    assert printed.count("my_prior.yaml") == 2
    for stage, name in ((6, "prior"), (8, "unconditional samples")):
        assert f"== stage {stage}: {name}: left out" in printed
        assert recipe.run("--stage", stage, "--stop-stage", stage, status=3) == []
        assert "my_prior.yaml" in recipe.said
        assert recipe.said.count("\n") == 1


def test_a_prior_whose_settings_are_gone_still_speaks(vctk):
    vctk.run("--stop-stage", 6)
    (vctk.folder / "my_prior.yaml").unlink()
    assert vctk.run("--stage", 8, "--stop-stage", 8) == ["sample"]


def test_settings_of_a_prior_are_named_after_those_of_its_model(vctk):
    vctk.run(without=["--config"], GPU="0")
    (call,) = vctk.calls_of("train prior")
    assert call.split()[2].endswith("egs/vctk/conf/prior.yaml")
    vctk.run("--out", "second", without=["--config"])
    (call,) = vctk.calls_of("train prior")
    assert call.split()[2].endswith("egs/vctk/conf/tiny_prior.yaml")
    # Of the models that stage 3 would train, without asking for it.
    vctk.run("--out", "second", "--stage", 6, "--stop-stage", 6, without=["--config"])
    assert "stage 6: prior: done before" in vctk.printed


@pytest.mark.parametrize(
    ("stage", "gone", "maker"),
    [
        (6, "codes/train", 4),
        (6, "codes/valid", 4),
        (6, "vqvae", 3),
        (8, "vqvae", 3),
        (8, "prior", 6),
    ],
)
def test_a_stage_of_the_prior_names_the_one_that_makes_what_it_misses(vctk, stage, gone, maker):
    vctk.run("--stop-stage", 6)
    shutil.rmtree(vctk.folder / "out" / "exp" / gone)
    vctk.run("--stage", stage, "--stop-stage", stage, status=3)
    assert f"is missing; stage {maker} makes it: " in vctk.said
    assert not vctk.calls_of("sample")


def test_samples_are_not_read_as_phones_where_no_map_is(vctk):
    vctk.run(ALIGNER="4")
    assert not vctk.calls_of("analyze samples")
    assert "test was not scored against phones" in vctk.printed
    assert vctk.calls_of("analyze likelihood")
    # Phones that come later are taken up.
    assert "analyze" in vctk.run()
    assert vctk.calls_of("analyze samples")


def test_a_prior_that_fails_leaves_no_stamp(vctk):
    vctk.run("--stop-stage", 5)
    assert vctk.run(BROKEN="train", status=3) == ["train"]
    assert vctk.run("--stop-stage", 6, BROKEN="analyze", status=3) == ["train", "analyze"]
    assert vctk.run("--stop-stage", 6) == ["analyze"]


def test_without_a_part_that_was_held_out_the_prior_is_trained_and_not_measured(vctk):
    vctk.run("--stop-stage", 4)
    shutil.rmtree(vctk.folder / "out" / "exp" / "codes" / "test")
    vctk.run("--stage", 6, "--stop-stage", 6)
    assert len(vctk.calls) == 1
    assert "likelihoods are not measured" in vctk.printed
