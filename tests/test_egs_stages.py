"""Stages of the recipes: which run, which are skipped, what fails. Commands are stand-ins."""

import shutil

import pytest
from recipe_stand_in import SETTINGS, Recipe


@pytest.fixture(params=["mini", "vctk", "librispeech"])
def recipe(request, tmp_path):
    return Recipe(tmp_path, request.param)


@pytest.fixture
def vctk(tmp_path):
    return Recipe(tmp_path, "vctk")


@pytest.fixture
def librispeech(tmp_path):
    return Recipe(tmp_path, "librispeech")


def test_a_finished_recipe_does_nothing_again(recipe):
    first = recipe.run()
    assert first == [c for c in ALL if c != "align" or recipe.name != "mini"]
    assert recipe.run() == []
    expected = {"mini": 4, "vctk": 5, "librispeech": 7}[recipe.name]
    assert recipe.printed.count("done before; remove") == expected
    # The same folders and files by other names.
    for option in recipe.options:
        recipe.options[option] = recipe.folder / recipe.options[option]
    assert recipe.run() == []


ALL = ["prepare", "align", "train", "encode", "convert"]


def test_a_change_runs_what_depends_on_it_and_nothing_else(vctk):
    vctk.run()
    exp = vctk.folder / "out" / "exp"

    def assert_again(*commands):
        assert vctk.run() == list(commands)

    vctk.write("my.yaml", SETTINGS + "  seed: 1\n")
    assert_again("train", "encode", "convert")
    (exp / "vqvae" / ".stage-3").unlink()
    assert_again("train")
    vctk.write("my.yaml", "# mine\n" + SETTINGS + "\n  seed: 1  # a comment is no setting\n")
    assert_again()
    vctk.options |= {"--nj": "1", "--device": "cpu"}
    assert_again()
    vctk.options["--speakers"] = "p3 p2"
    assert_again("convert")
    vctk.write("recording.wav", "goodbye")
    assert_again("convert")
    (exp / "converted" / "recording-p1.wav").unlink()
    assert_again("convert")
    shutil.rmtree(exp / "codes" / "valid")
    assert_again("encode")
    assert_again()


def test_another_corpus_with_the_same_speech_is_prepared_but_not_trained_on_again(vctk):
    vctk.run()
    shutil.copytree(vctk.folder / "corpus", vctk.folder / "moved")
    assert vctk.run("--corpus", "moved") == ["prepare"]
    vctk.write("moved/voices", "p1_1 p1\np2_1 p2\n")
    vctk.options["--corpus"] = "moved"
    (vctk.folder / "out" / "data" / ".stage-1").unlink()
    assert vctk.run() == ["prepare", "align", "train", "encode"]


def test_other_readers_are_prepared_and_trained_on(librispeech):
    librispeech.run()
    assert librispeech.run("--readers", 2)[0] == "prepare"
    assert "--readers 2" in librispeech.calls[0]
    assert "--subsets" not in librispeech.calls[0]  # none is there by its name: all that there is


def test_of_the_subsets_of_the_paper_those_are_taken_that_are_there(librispeech):
    for names, taken in (
        (["train-clean-100", "test-clean", "test-other"], "train-clean-100 test-clean"),
        (["train-clean-360", "dev-clean"], "train-clean-460 dev-clean test-clean"),
    ):
        for name in names:
            (librispeech.folder / "corpus" / name).mkdir()
        (librispeech.folder / "out" / "data" / ".stage-1").unlink(missing_ok=True)
        assert librispeech.run("--stop-stage", 1) == ["prepare"]
        assert f"--subsets {taken} --nj" in librispeech.calls[0]
    librispeech.run("--stop-stage", 1, "--subsets", "test-other")
    assert "--subsets test-other --nj" in librispeech.calls[0]


def test_a_stage_that_fails_leaves_no_stamp(vctk):
    vctk.run(BROKEN="train", status=3)
    assert not (vctk.folder / "out" / "exp" / "vqvae" / ".stage-3").exists()
    assert vctk.run() == ["train", "encode", "convert"]
    vctk.run("--speakers", "p3", BROKEN="convert", status=3)
    # What is there now is no longer what the stamp of the earlier conversion was for.
    assert vctk.run() == ["convert"]


def test_a_run_of_other_settings_is_kept_beside_the_new_one(vctk):
    vctk.run()
    vctk.write("my.yaml", SETTINGS.replace("rate: 1", "rate: 2"))
    vctk.run()
    exp = vctk.folder / "out" / "exp"
    assert "rate: 1" in (exp / "vqvae.1" / "best" / "config.json").read_text()
    assert "rate: 2" in (exp / "vqvae" / "best" / "config.json").read_text()
    assert "a run of other settings or data, now vqvae.1" in vctk.said


def test_a_longer_run_goes_on_in_its_place(vctk):
    vctk.run()
    vctk.write("my.yaml", SETTINGS.replace("steps: 3", "steps: 9"))
    assert vctk.run()[0] == "train"
    assert not (vctk.folder / "out" / "exp" / "vqvae.1").exists()


def test_a_run_that_another_process_trains_is_not_moved(vctk):
    vctk.run()
    run = vctk.folder / "out" / "exp" / "vqvae"
    vctk.write("my.yaml", SETTINGS + "  seed: 1\n")
    from vqspeech.files import directory_lock

    with directory_lock(run):
        vctk.run(status=7)
    assert "train" not in [call.split()[0] for call in vctk.calls]
    assert (run / "best").is_dir()


@pytest.mark.parametrize(
    ("stage", "missing", "maker"),
    [(2, "utt2spk", 1), (3, "utt2spk", 1), (4, "config.json", 3), (7, "utt2spk", 1)],
)
def test_a_stage_names_the_one_that_makes_what_it_misses(vctk, stage, missing, maker):
    assert vctk.run("--stage", stage, "--stop-stage", stage, status=3) == []
    assert f"{missing} is missing; stage {maker} makes it: " in vctk.said
    assert f"run.sh --stage {maker}" in vctk.said


@pytest.mark.parametrize("name", ["vctk", "librispeech"])
def test_stages_without_a_command_are_named_among_others_and_fail_alone(name, tmp_path):
    recipe = Recipe(tmp_path, name)
    recipe.run("--stage", 5, "--stop-stage", 6)
    printed = recipe.printed
    recipe.run("--stage", 8)
    printed += recipe.printed
    for stage, command in (
        (5, "analyze phonemes"),
        (6, "train prior"),
        (8, "sample"),
        (9, "report"),
    ):
        text = f"'vqspeech {command}' does not exist yet"
        assert printed.count(text) == 1
        recipe.run("--stage", stage, "--stop-stage", stage, status=3)
        assert text in recipe.said


def test_numbers_of_stages_and_gpus_are_checked(vctk):
    vctk.run("--stage", "one", status=2)
    assert "numbers were wanted" in vctk.said
    vctk.run("--stage", 5, "--stop-stage", 4, status=2)
    assert "no stage is left" in vctk.said
    vctk.run("--ngpu", 2, status=2)
    assert "not built yet; give 0 or 1" in vctk.said
    vctk.run("--ngpu", 1)
    assert "--device cuda" in vctk.calls_of("train")[0]
