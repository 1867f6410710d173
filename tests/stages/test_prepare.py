import hashlib

import numpy as np
import pytest
import soundfile

from vqspeech.data.data_dir import DataDir
from vqspeech.data.validate import validate_data_dir
from vqspeech.errors import InputError, UsageError
from vqspeech.stages.prepare import prepare_corpus


def make_corpus(root, speakers=("ann", "bob"), count=6, rate=48000):
    generator = np.random.default_rng(0)
    for speaker in speakers:
        (root / speaker).mkdir(parents=True)
        for index in range(count):
            wave = generator.normal(scale=0.1, size=(rate // 10 + 100 * index, 2))
            soundfile.write(root / speaker / f"{index}.wav", wave, rate)
            (root / speaker / f"{index}.txt").write_text(f"sentence {index}")
    return root


def content(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_folder_becomes_valid_data_directories_of_16_khz_mono(tmp_path):
    corpus, out = make_corpus(tmp_path / "corpus"), tmp_path / "out"
    prepared = prepare_corpus("folder", corpus, out, splits={"valid": 1, "test": 2}, seed=0)
    assert prepared.utterances == {"train": 6, "valid": 2, "test": 4}
    assert (prepared.num_speakers, prepared.num_written, prepared.skipped) == (2, 12, ())
    assert prepared.notes == (
        f"{corpus}: 12 recordings of 2 speakers, 12 with their words",
        f"12 files such as {corpus}/ann/0.wav: 48000 Hz stereo -> 16000 Hz mono",
    )
    for part in ("train", "valid", "test"):
        assert validate_data_dir(out / part, read_audio=True) == []
        data_dir = DataDir.read(out / part)
        assert data_dir.speakers == ("ann", "bob")
        assert sum(data_dir.durations.values()) == pytest.approx(prepared.seconds[part])
        for utterance in data_dir.values():
            info = soundfile.info(utterance.audio)
            assert (info.samplerate, info.channels, info.subtype) == (16000, 1, "PCM_16")
            assert utterance.text == f"sentence {utterance.id[-1]}"
    assert (out / "train" / "wav.scp").read_text().split()[1].startswith("../audio/ann/ann-")


def test_running_it_again_writes_nothing_and_changes_no_byte(tmp_path):
    corpus, out = make_corpus(tmp_path / "corpus"), tmp_path / "out"
    prepare_corpus("folder", corpus, out)
    before = content(out)
    assert prepare_corpus("folder", corpus, out).num_written == 0
    assert content(out) == before


def test_an_interrupted_run_and_any_number_of_jobs_end_with_the_same_bytes(tmp_path):
    corpus = make_corpus(tmp_path / "corpus")
    prepare_corpus("folder", corpus, tmp_path / "whole")

    def interrupt(done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_corpus("folder", corpus, tmp_path / "broken", progress=interrupt)
    assert not (tmp_path / "broken" / "train").exists()
    prepared = prepare_corpus("folder", corpus, tmp_path / "broken", num_jobs=3)
    assert prepared.num_written <= 9
    assert content(tmp_path / "broken") == content(tmp_path / "whole")


def test_a_newer_recording_and_a_damaged_result_are_written_again(tmp_path):
    corpus, out = make_corpus(tmp_path / "corpus"), tmp_path / "out"
    prepare_corpus("folder", corpus, out)
    soundfile.write(corpus / "ann" / "0.wav", np.zeros(4800), 48000)
    damaged = out / "audio" / "bob" / "bob-1.wav"
    damaged.write_bytes(damaged.read_bytes()[:100])
    assert prepare_corpus("folder", corpus, out).num_written == 2
    assert not soundfile.read(out / "audio" / "ann" / "ann-0.wav")[0].any()
    assert prepare_corpus("folder", corpus, out, sample_rate=8000).num_written == 12


def test_bad_files_are_skipped_counted_and_named(tmp_path):
    corpus, out = make_corpus(tmp_path / "corpus"), tmp_path / "out"
    (corpus / "ann" / "2.wav").write_bytes(b"no audio at all, only words")
    seen = []
    prepared = prepare_corpus(
        "folder", corpus, out, progress=lambda done, total: seen.append((done, total))
    )
    assert [key for key, _ in prepared.skipped] == ["ann-2"]
    assert prepared.notes[-1].startswith(
        f"skipped 1 of 12: ann-2 ({corpus}/ann/2.wav: not readable"
    )
    assert sum(prepared.utterances.values()) == 11
    assert seen == [(done, 12) for done in range(1, 13)]
    assert "ann-2" not in DataDir.read(out / "train")


def test_nothing_usable_and_unknown_names_are_refused(tmp_path):
    (tmp_path / "corpus" / "ann").mkdir(parents=True)
    (tmp_path / "corpus" / "ann" / "0.wav").write_bytes(b"no audio at all, only words")
    with pytest.raises(
        InputError, match=r"none of 1 recordings can be used; ann-0: .*not readable"
    ):
        prepare_corpus("folder", tmp_path / "corpus", tmp_path / "out")
    with pytest.raises(UsageError, match="no corpus known by that name; one of folder, mini"):
        prepare_corpus("timit", tmp_path, tmp_path / "out")
    make_corpus(tmp_path / "good", count=1)
    for splits in ({"valid": 1.5}, {"dev": 1}):
        with pytest.raises(UsageError, match="splits"):
            prepare_corpus("folder", tmp_path / "good", tmp_path / "out", splits=splits)


def test_a_corpus_keeps_its_own_split_phones_and_speakers(tmp_path):
    prepared = prepare_corpus("mini", None, tmp_path, match="p9*_00*", num_jobs=2)
    assert prepared.utterances == {"test": 24, "valid": 24}
    assert validate_data_dir(tmp_path / "valid", read_audio=True) == []
    data_dir = DataDir.read(tmp_path / "valid")
    assert data_dir.genders["p901"] == "f"
    assert data_dir.accents["p909"] == "British"
    assert set(data_dir.phones()) == set(data_dir)
