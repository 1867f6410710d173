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
    expected = {"mini": 9, "vctk": 10, "librispeech": 14}[recipe.name]
    assert recipe.printed.count("done before; remove") == expected
    assert not recipe.calls_of("python")  # which may be another than vqspeech's
    # The same folders and files by other names.
    for option in recipe.options:
        recipe.options[option] = recipe.folder / recipe.options[option]
    assert recipe.run() == []


ALL = ["prepare", "align", "train", "encode", "cluster", "analyze", "convert", "sample", "report"]
MEASURED = ("cluster", "analyze")  # the codes and the phones are inputs
SPOKEN = ("convert", "sample", "report")  # the models are


def test_a_change_runs_what_depends_on_it_and_nothing_else(vctk):
    vctk.run()
    exp = vctk.folder / "out" / "exp"

    def assert_again(*commands):
        assert vctk.run() == list(commands)

    vctk.write("my.yaml", SETTINGS.replace("steps: 3", "steps: 9"))
    assert_again("train", "encode", "analyze", *SPOKEN)
    (exp / "vqvae" / ".stage-3").unlink()
    assert_again("train")
    steps = SETTINGS.replace("steps: 3", "steps: 9  # a comment is no setting")
    vctk.write("my.yaml", f"# mine\n{steps}\n")
    assert_again()
    vctk.options |= {"--nj": "1", "--device": "cpu"}
    assert_again()
    vctk.options["--speakers"] = "p3 p2"
    assert_again("convert")
    vctk.write("recording.wav", "goodbye")
    assert_again("convert")
    (exp / "converted" / "recording-p3.wav").unlink()
    assert_again("convert")
    shutil.rmtree(exp / "codes" / "valid")
    assert_again("encode")
    (exp / "codes" / "test" / "codes.npy").write_text("1")
    assert_again("cluster", "analyze", "report")
    (exp / "analysis" / "test" / "phonemes.json").unlink()
    assert_again("cluster", "analyze")
    (exp / "vqvae" / "log.jsonl").write_text("{}")
    assert_again("report")
    assert_again()


def test_what_training_does_not_read_is_no_reason_to_train_again(vctk):
    vctk.run()
    train = vctk.folder / "out" / "data" / "train"
    (train / "feats.scp").write_text("p1_1 raw.ark:5\n")
    (train / "text.bak").write_text("p1_1 HELO\n")
    assert vctk.run() == []
    (train / "text").write_text("p1_1 MENDED\np2_1 ...\np3_1 ...\n")
    assert vctk.run() == ["align", "encode"]
    (train / "utt2dur").write_text("p1_1 2.0\n")
    assert vctk.run() == ["align", "train", "encode"]


@pytest.mark.parametrize(
    ("made", "commands"),
    [
        ("data/audio", ["prepare"]),
        ("data/prepared.json", ["prepare"]),
        ("data/test/wav.scp", ["prepare"]),
        ("data/valid/phones.ctm", ["align"]),
        ("exp/codes/train/utt2codes", ["encode"]),
    ],
)
def test_what_was_deleted_is_made_again(vctk, made, commands):
    vctk.run()
    gone = vctk.folder / "out" / made
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    assert vctk.run() == commands
    assert gone.exists()


def test_another_corpus_with_the_same_speech_is_prepared_but_not_trained_on_again(vctk):
    vctk.run()
    shutil.copytree(vctk.folder / "corpus", vctk.folder / "moved")
    assert vctk.run("--corpus", "moved") == ["prepare"]
    vctk.write("moved/voices", "p1_1 p1\np2_1 p2\n")
    vctk.options["--corpus"] = "moved"
    (vctk.folder / "out" / "data" / ".stage-1").unlink()
    assert vctk.run() == ["prepare", "align", "train", "encode", *MEASURED]


def test_other_readers_are_prepared_aligned_trained_on_and_encoded(librispeech):
    librispeech.run()
    again = ["prepare", "align", "train", "encode", *MEASURED]
    assert librispeech.run("--readers", 2) == again
    assert "--readers 2" in librispeech.calls[0]
    assert "--subsets" not in librispeech.calls[0]  # none is there by its name: all that there is
    readers = librispeech.folder / "out" / "data" / "train" / "utt2spk"
    assert readers.read_text() == "p1_1 p1\np2_1 p2\n"
    assert librispeech.run("--readers", 2) == []
    assert librispeech.run() == again


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
    assert vctk.run() == ["train", "encode", *MEASURED, *SPOKEN]
    vctk.run("--speakers", "p3", BROKEN="convert", status=3)
    assert vctk.run() == ["convert"]
    shutil.copytree(vctk.folder / "corpus", vctk.folder / "moved")
    vctk.run("--corpus", "moved", BROKEN="prepare", status=3)
    # What is there now is no longer what the stamp of the earlier corpus was for.
    assert vctk.run() == ["prepare"]


def test_a_stage_that_cannot_begin_keeps_the_stamp_of_what_it_did_before(vctk):
    vctk.run()
    out = vctk.folder / "out"
    assert vctk.run("--corpus", "nowhere", status=3) == []
    assert vctk.run("--alignments", "nowhere", status=3) == []
    assert vctk.run("--src", "nowhere.wav", status=3) == []
    assert "--src nowhere.wav: no such file" in vctk.said
    (out / "exp" / "vqvae").rename(vctk.folder / "aside")
    for stage in (4, 7):
        assert vctk.run("--stage", stage, "--stop-stage", stage, status=3) == []
    (vctk.folder / "aside").rename(out / "exp" / "vqvae")
    assert vctk.run() == []


def test_what_lies_among_the_conversions_is_of_this_model_and_recording(vctk):
    vctk.run()
    converted = vctk.folder / "out" / "exp" / "converted"
    assert sorted(path.name for path in converted.glob("*.wav")) == [
        "recording-p1.wav",
        "recording-p2.wav",
    ]
    vctk.run("--speakers", "p3 *")  # a star is no file name
    assert sorted(path.name for path in converted.glob("*.wav")) == [
        "recording-*.wav",
        "recording-p3.wav",
    ]
    assert vctk.run("--src", "out/exp/converted/recording-p3.wav", status=2) == []
    assert "lies among earlier results, which will be removed" in vctk.said
    assert (converted / "recording-p3.wav").exists()


def test_a_longer_run_goes_on_and_one_of_other_settings_is_refused_and_kept(vctk):
    vctk.run()
    best = vctk.folder / "out" / "exp" / "vqvae" / "best"
    vctk.write("my.yaml", SETTINGS.replace("steps: 3", "steps: 9"))
    assert vctk.run()[0] == "train"
    vctk.write("my.yaml", SETTINGS + "  seed: 1\n")
    assert vctk.run(status=3) == ["train"]
    assert vctk.said == "error: out/exp/vqvae: its seed differs\n"
    assert "steps: 9" in (best / "config.json").read_text()
    vctk.write("my.yaml", SETTINGS.replace("steps: 3", "steps: 9"))
    assert vctk.run() == []
    vctk.write("my.yaml", SETTINGS + "  seed: 1\n")
    assert vctk.run("--out", "other")[2:] == ["train", "encode", *MEASURED, *SPOKEN]


@pytest.mark.parametrize(
    ("stage", "missing", "maker"),
    [(2, "utt2spk", 1), (3, "utt2spk", 1), (4, "config.json", 3), (7, "utt2spk", 1)],
)
def test_a_stage_names_the_one_that_makes_what_it_misses(vctk, stage, missing, maker):
    out = ("--out", "my out")
    assert vctk.run("--stage", stage, "--stop-stage", stage, *out, status=3) == []
    assert f"{missing} is missing; stage {maker} makes it: " in vctk.said
    assert vctk.said.endswith(f"egs/vctk/run.sh --out my\\ out --stage {maker}\n")


def test_a_conversion_to_named_speakers_needs_no_data(vctk):
    vctk.run("--stop-stage", 3)
    shutil.rmtree(vctk.folder / "out" / "data")
    assert vctk.run("--stage", 7, status=3) == []
    assert vctk.run("--stage", 7, "--stop-stage", 7, "--speakers", "p9") == ["convert"]
    assert vctk.run("--stage", 9) == ["report"]
    assert "--data" not in vctk.calls_of("report")[0]  # whose audio is gone


def test_what_may_use_a_gpu_is_started_as_cmd_sh_says(vctk):
    vctk.write("egs/cmd.sh", 'train_cmd="env LAUNCHED=node:"\n')
    vctk.run(without=["--config"])
    assert {call.split()[0] for call in vctk.calls if call.startswith("node:")} == {
        "node:doctor",
        "node:train",
        "node:encode",
        "node:analyze",
        "node:convert",
        "node:sample",
    }
    assert "node:doctor gpu" in vctk.calls
    assert "doctor pocketsphinx" in vctk.calls


def test_a_recipe_runs_where_cdpath_is_exported(recipe):
    assert recipe.run("--stop-stage", 1, CDPATH=str(recipe.folder)) == ["prepare"]


def test_without_vqspeech_one_line_says_how_to_install_it(recipe):
    (recipe.folder / "bin" / "vqspeech").unlink()
    programs = recipe.folder / "programs"
    programs.mkdir()
    for name in ("bash", "env", "dirname"):
        (programs / name).symlink_to(shutil.which(name))
    recipe.run(status=4, PATH=str(programs))
    root = recipe.folder
    assert recipe.said == (
        f"error: vqspeech is not installed; run 'make test' or 'pip install -e .' in {root}\n"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--stage", "one"], "numbers were wanted"),
        (["--stage", "1,2"], "numbers were wanted"),
        (["--stage", 5, "--stop-stage", 4], "stages are 0 to 9, the first before the last"),
        (["--stage", 10], "stages are 0 to 9"),
        (["--stop-stage", 11], "stages are 0 to 9"),
        (["--nj", 0], "--nj 0: at least one file"),
        (["--nj", "x"], "numbers were wanted"),
        (["--corpus", ""], "--corpus: a value is missing or empty"),
        (["--out", ""], "--out: a value is missing or empty"),
        (["--recipe", "/tmp"], "--recipe: no such option"),
        (["--path", "x"], "--path: no such option"),
        (["--data", "x"], "--data: no such option"),
        (["--ngpu", 2], "not built yet; give 0 or 1"),
    ],
)
def test_a_mistake_in_an_option_is_told_in_one_line_before_anything_runs(vctk, options, message):
    assert vctk.run(*options, status=2) == []
    assert message in vctk.said
    assert vctk.said.count("\n") == 1
    assert not (vctk.folder / "out").exists()


def test_one_gpu_is_asked_for_by_its_number(vctk):
    vctk.run("--ngpu", 1)
    assert "--device cuda" in vctk.calls_of("train")[0]


def test_the_map_is_fitted_on_one_part_and_scored_on_others_that_were_not_trained_with(recipe):
    recipe.run()
    codes = "codes_25hz" if recipe.name == "librispeech" else "codes"
    scored, *more = recipe.calls_of("analyze phonemes")
    exp = "out/exp"
    assert scored.startswith(
        f"analyze phonemes {exp}/{codes}/test --fit-on {exp}/{codes}/train --baseline "
    )
    (clustered,) = recipe.calls_of("cluster")
    assert f"--train out/data/train --like {exp}/{codes}/train" in clustered
    for kind in ("codes", "speakers", "stability", "abx"):
        (call,) = recipe.calls_of(f"analyze {kind}")
        assert f"test/{kind}.json" in call
    # Of the codes that are spoken LibriSpeech wants the map alone.
    assert more == (recipe.name == "librispeech") * [
        f"analyze phonemes {exp}/codes/test --fit-on {exp}/codes/train --save-map "
        f"{exp}/analysis/mapping.json --json {exp}/analysis/test/phonemes.json"
    ]


def test_what_one_speaker_cannot_show_is_not_measured(vctk):
    vctk.write("corpus/voices", "p1_1 p1\np1_2 p1\n")
    vctk.run()
    assert "test has one speaker: speakers and ABX are not measured there" in vctk.printed
    assert not vctk.calls_of("analyze abx")
    assert vctk.run() == []


def test_the_report_hears_the_part_whose_codes_it_shows(vctk):
    vctk.run()
    for part in ("test", "test-clean"):  # which a shell sorts the other way round
        folder = vctk.folder / "out" / "exp" / "analysis" / part
        folder.mkdir(exist_ok=True)
        (folder / "phonemes.json").write_text("1")
    vctk.run("--stage", 9)
    assert "--data out/data/test " in vctk.calls_of("report")[0]


def test_codes_without_an_alignment_are_not_analysed_and_it_is_said(vctk):
    vctk.run(ALIGNER="4")
    assert "stage 5: phoneme analysis: left out" in vctk.printed
    assert len(vctk.calls_of("analyze")) == len(vctk.calls_of("analyze likelihood")) == 1
    vctk.run("--stage", 5, "--stop-stage", 5, status=3)
    assert "stage 2 aligns" in vctk.said


def test_without_a_part_to_fit_on_nothing_is_analysed(vctk):
    vctk.run("--stop-stage", 3)
    (vctk.folder / "out" / "data" / "train" / "phones.ctm").unlink()
    vctk.run("--stage", 4)
    assert len(vctk.calls_of("analyze")) == len(vctk.calls_of("analyze likelihood")) == 1
    assert "stage 5: phoneme analysis: left out, of out/exp/codes not both a part" in vctk.printed
