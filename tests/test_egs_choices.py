"""What the recipes of large corpora choose when nobody says. Commands are stand-ins."""

import shutil

import pytest
from recipe_stand_in import SETTINGS, Recipe

# What is done of the model of 125 codes a second.
SPOKEN = ["train", "encode", "analyze", "convert", "sample", "report"]


@pytest.fixture
def vctk(tmp_path):
    return Recipe(tmp_path, "vctk")


@pytest.fixture
def librispeech(tmp_path):
    return Recipe(tmp_path, "librispeech")


@pytest.mark.parametrize("name", ["vctk", "librispeech"])
def test_a_corpus_that_is_not_there_is_named_with_what_should_be_in_it(name, tmp_path):
    recipe = Recipe(tmp_path, name)
    assert recipe.run("--corpus", "nowhere", status=3) == []
    assert "error: nowhere: no such folder" in recipe.said
    assert {"vctk": "wav48_silence_trimmed/", "librispeech": "dev-clean"}[name] in recipe.said
    # Without --corpus, and without the stage that fetches it, too.
    recipe.run("--stage", 1, status=3, without=["--corpus"])
    assert f"egs/{name}/run.sh --out out --stage 0" in recipe.said


@pytest.mark.parametrize("name", ["vctk", "librispeech"])
def test_without_a_corpus_it_is_fetched_and_then_prepared(name, tmp_path):
    recipe = Recipe(tmp_path, name)
    place = {"vctk": "VCTK-Corpus-0.92", "librispeech": "LibriSpeech"}[name]
    script = f'#!/bin/sh\necho "download $*" >> "$CALLS"\nmkdir -p "$1/{place}"\n'
    recipe.write(f"egs/{name}/local/download.sh", script + f'cp corpus/voices "$1/{place}"\n')
    recipe.run("--stop-stage", 1, without=["--corpus"])
    subsets = " train-clean-460 dev-clean test-clean" if name == "librispeech" else ""
    assert recipe.calls[0] == "download out/corpus" + subsets
    assert recipe.calls[1].startswith(f"prepare {name} out/corpus/{place} out/data ")
    recipe.run("--stop-stage", 0)
    assert recipe.calls == []
    assert "corpus was given" in recipe.printed
    # Nor is it fetched again when it was deleted: the data directories are there.
    shutil.rmtree(recipe.folder / "out" / "corpus")
    recipe.run("--stop-stage", 1, without=["--corpus"])
    assert recipe.calls == []
    assert "stage 0: corpus: not fetched" in recipe.printed


def test_a_corpus_that_was_given_before_need_not_be_given_again(librispeech):
    (librispeech.folder / "LibriSpeech-alignments").mkdir()
    librispeech.run()
    assert librispeech.run(without=["--corpus"]) == []
    assert librispeech.run("--readers", 2, without=["--corpus"])[0] == "prepare"
    assert f"prepare librispeech {librispeech.folder}/corpus out/data" in librispeech.calls[0]


def test_without_speakers_the_first_woman_and_the_first_man_speak(vctk):
    vctk.run()
    assert "--speaker p1 --speaker p2 " in vctk.calls_of("convert")[0]  # no genders: the first two
    vctk.write("corpus/genders", "p1 m\np2 m\np3 f\np4 f\n")
    vctk.run("--out", "second")
    assert "--speaker p3 --speaker p1 " in vctk.calls_of("convert")[0]
    vctk.write("corpus/genders", "p1 m\np2 m\np3 m\n")
    vctk.run("--out", "third")
    assert "--speaker p1 --speaker p2 " in vctk.calls_of("convert")[0]


def test_without_settings_the_device_decides(vctk):
    vctk.run(without=["--config"])
    assert "egs/vctk/conf/tiny.yaml" in vctk.calls_of("train")[0]
    assert "WARNING: no CUDA device" in vctk.said
    assert "--config conf/vqvae.yaml" in vctk.said
    vctk.run("--out", "second", without=["--config"], GPU="0")
    assert "egs/vctk/conf/vqvae.yaml" in vctk.calls_of("train")[0]
    assert "WARNING" not in vctk.said
    vctk.run("--out", "third", "--device", "cpu", without=["--config"], GPU="0")
    assert "egs/vctk/conf/tiny.yaml" in vctk.calls_of("train")[0]
    vctk.run("--out", "fourth", "--ngpu", 1, without=["--config"])
    assert "egs/vctk/conf/vqvae.yaml" in vctk.calls_of("train")[0]


def test_what_cannot_be_found_out_ends_the_recipe(vctk):
    # Neither 0 nor 4: no answer, such as that of a cluster that refuses the job.
    assert vctk.run(without=["--config"], GPU="1", status=1) == ["prepare", "align"]
    assert vctk.run("--out", "second", ALIGNER="1", status=1) == ["prepare"]


def test_the_model_of_25_codes_a_second_has_settings_and_codes_of_its_own(librispeech):
    librispeech.run()
    assert [call.split()[2] for call in librispeech.calls_of("train vqvae")] == [
        "my.yaml",
        "my_25hz.yaml",
    ]
    assert len(librispeech.calls_of("encode")) == 6
    librispeech.write("my_25hz.yaml", SETTINGS.replace("steps: 3", "steps: 9"))
    assert librispeech.run() == ["train", "encode", "report"]
    assert "my_25hz.yaml" in librispeech.calls_of("train")[0]
    assert all("out/exp/codes_25hz/" in call for call in librispeech.calls_of("encode"))


def test_missing_settings_of_the_second_model_are_told_before_anything_runs(librispeech):
    (librispeech.folder / "my_25hz.yaml").unlink()
    assert librispeech.run(status=3) == []
    assert librispeech.calls == []
    assert "my_25hz.yaml: no such file" in librispeech.said
    assert librispeech.run("--stop-stage", 2) == ["prepare", "align"]
    assert librispeech.run("--models", "125hz") == SPOKEN


def test_of_the_two_models_one_is_trained_alone_where_that_is_asked_for(librispeech):
    out = librispeech.folder / "out" / "exp"
    assert "convert" not in librispeech.run("--models", "25hz")
    made = ["analysis_25hz", "codes_25hz", "report_25hz", "vqvae_25hz"]
    assert sorted(path.name for path in out.iterdir()) == made
    for stage in ("6: prior", "7: conversion", "8: unconditional samples"):
        assert f"stage {stage}: left out, the model of 125 codes" in librispeech.printed
    librispeech.run("--models", "25hz", "--stage", 7, "--stop-stage", 7, status=2)
    assert "give --models 125hz" in librispeech.said
    assert librispeech.run("--models", "125hz") == SPOKEN
    assert librispeech.run() == []
    librispeech.run("--models", "50hz", status=2)
    assert "125hz, 25hz or both were wanted" in librispeech.said


def test_phones_come_from_text_grids_where_there_are_some_else_from_an_aligner(librispeech):
    librispeech.run("--stop-stage", 2)
    assert librispeech.calls_of("align")[0].startswith("align make out/data/test out/data/train ")
    (librispeech.folder / "LibriSpeech-alignments").mkdir()
    librispeech.run("--stop-stage", 2)
    grids = "align import ./LibriSpeech-alignments out/data/test "
    assert librispeech.calls_of("align")[0].startswith(grids)
    (librispeech.folder / "mine").mkdir()
    librispeech.run("--stop-stage", 2, "--alignments", "mine")
    assert librispeech.calls_of("align")[0].startswith("align import mine ")
    librispeech.run("--alignments", "nowhere", status=3)
    assert "--alignments nowhere: no such folder" in librispeech.said


def test_without_text_grids_and_aligner_alignments_are_left_out_and_it_is_said(vctk):
    assert "align" not in vctk.run(ALIGNER="4")
    assert "stage 2: alignments: left out" in vctk.printed
    vctk.run("--stage", 2, "--stop-stage", 2, ALIGNER="4", status=4)
    assert "pip install 'vqspeech[align]'" in vctk.said
    # Codes go with their phones: those that come later are taken up.
    assert vctk.run() == ["align", "encode", "cluster", "analyze", "report"]


def test_finished_alignments_do_not_ask_for_the_aligner(vctk):
    vctk.run()
    assert vctk.run("--stage", 2, "--stop-stage", 2, ALIGNER="4") == []
    assert "stage 2: alignments: done before" in vctk.printed
    assert not vctk.calls_of("doctor")
