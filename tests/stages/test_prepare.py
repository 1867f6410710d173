import hashlib
import json
import os
import shutil

import numpy as np
import pytest
import soundfile

from vqspeech.data.data_dir import DataDir, write_data_dir
from vqspeech.data.split import Splits
from vqspeech.data.validate import validate_data_dir
from vqspeech.errors import BusyError, InputError, UsageError, WriteError
from vqspeech.files import TEMPORARY, directory_lock, path_lock
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
    prepared = prepare_corpus("folder", corpus, out, splits=Splits(valid=1, test=2))
    counts = {name: dict(part.speakers) for name, part in prepared.parts.items()}
    assert counts == {
        "train": {"ann": 3, "bob": 3},
        "valid": {"ann": 1, "bob": 1},
        "test": {"ann": 2, "bob": 2},
    }
    assert (prepared.num_written, prepared.skipped) == (12, ())
    found = "12 recordings of 2 speakers, 12 with their words"
    assert prepared.layout == f"{corpus}: a folder of speakers, {found}"
    assert prepared.notes == (
        f"12 files such as {corpus}/ann/0.wav: 48000 Hz stereo -> 16000 Hz mono",
    )
    for part in ("train", "valid", "test"):
        assert validate_data_dir(out / part, read_audio=True) == []
        data_dir = DataDir.read(out / part)
        assert data_dir.speakers == ("ann", "bob")
        assert sum(data_dir.durations.values()) == pytest.approx(prepared.parts[part].seconds)
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
    assert prepared.notes[-2].startswith("skipped 1 of 12 (not readable as audio: ")
    assert prepared.notes[-2].endswith("): ann-2")
    record = json.loads((out / "prepared.json").read_text())
    assert record["skipped"] == [list(row) for row in prepared.skipped]
    assert sum(part["utterances"] for part in record["parts"].values()) == 11
    assert seen == [(done, 12) for done in range(1, 13)]
    assert "ann-2" not in DataDir.read(out / "train")


def test_nothing_usable_and_unknown_names_are_refused(tmp_path):
    (tmp_path / "corpus" / "ann").mkdir(parents=True)
    (tmp_path / "corpus" / "ann" / "0.wav").write_bytes(b"no audio at all, only words")
    with pytest.raises(
        InputError, match=r"none of 1 recordings can be used; ann-0: .*not readable"
    ):
        prepare_corpus("folder", tmp_path / "corpus", tmp_path / "out")
    with pytest.raises(
        UsageError,
        match="no corpus known by that name; one of vctk, librispeech, folder, kaldi, mini",
    ):
        prepare_corpus("timit", tmp_path, tmp_path / "out")
    make_corpus(tmp_path / "good", count=1)
    for splits, asked in (
        (Splits(valid=1.5), "--valid 1.5"),
        (Splits(unseen=2), "--unseen 2: 2 of 2 speakers held out leaves none"),
        (Splits(unseen=0.1), "0.1 of 2 speakers is none"),
    ):
        with pytest.raises(UsageError, match=asked):
            prepare_corpus("folder", tmp_path / "good", tmp_path / "never", splits=splits)
    assert not (tmp_path / "never").exists()  # told before the work


def test_a_corpus_keeps_its_own_split_phones_and_speakers(tmp_path):
    prepared = prepare_corpus("mini", None, tmp_path, match="p9*_00*", num_jobs=2)
    assert {name: part.utterances for name, part in prepared.parts.items()} == {
        "valid": 24,
        "test": 24,
    }
    assert validate_data_dir(tmp_path / "valid", read_audio=True) == []
    data_dir = DataDir.read(tmp_path / "valid")
    assert data_dir.genders["p901"] == "f"
    assert data_dir.accents["p909"] == "British"
    assert set(data_dir.phones()) == set(data_dir)


def test_another_corpus_of_the_same_names_replaces_the_audio(tmp_path):
    first, second = make_corpus(tmp_path / "first"), make_corpus(tmp_path / "second", rate=24000)
    for path in second.rglob("*.wav"):
        os.utime(path, (0, 0))  # far older than what the first one made
    prepare_corpus("folder", first, tmp_path / "out")

    def interrupt(done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_corpus("folder", second, tmp_path / "out", progress=interrupt)
    # What the interrupted run wrote of the second corpus is not taken for the first one's.
    prepare_corpus("folder", first, tmp_path / "out")
    prepare_corpus("folder", first, tmp_path / "whole")
    assert content(tmp_path / "out") == content(tmp_path / "whole")
    assert prepare_corpus("folder", second, tmp_path / "out").num_written == 12
    prepare_corpus("folder", second, tmp_path / "whole")
    assert content(tmp_path / "out") == content(tmp_path / "whole")


def test_a_killed_run_keeps_what_it_had_written(tmp_path):
    corpus, out = make_corpus(tmp_path / "corpus"), tmp_path / "out"

    def die(done, total):
        if done == 4:
            os._exit(9)

    if (child := os.fork()) == 0:
        prepare_corpus("folder", corpus, out, progress=die)
    os.waitpid(child, 0)
    for folder in ("", "audio", "audio/ann"):
        (out / folder / f"{TEMPORARY}1-2a-test").write_text("half")
    (out / f"{TEMPORARY}1-2a-codes").mkdir()  # of another command, perhaps at work
    with open(out / "audio" / ".sources.journal", "ab") as journal:
        journal.write(b'["ann-5", "/cut')
    assert prepare_corpus("folder", corpus, out).num_written <= 8
    (out / f"{TEMPORARY}1-2a-codes").rmdir()
    prepare_corpus("folder", corpus, tmp_path / "whole")
    assert content(out) == content(tmp_path / "whole")


def test_parts_of_an_earlier_preparation_are_removed_or_refused(tmp_path):
    corpus, out = make_corpus(tmp_path / "corpus"), tmp_path / "out"
    prepare_corpus("folder", corpus, out, splits=Splits(valid=1, test=2))
    (out / "test" / "mine").write_text("notes")
    with pytest.raises(WriteError, match="test: holds mine, which is no table"):
        prepare_corpus("folder", corpus, out, splits=Splits(valid=1, test=0))
    (out / "test" / "mine").unlink()
    prepared = prepare_corpus("folder", corpus, out, splits=Splits(valid=1, test=0))
    note = f"{out}/test: of an earlier preparation, removed"
    assert note in prepared.notes
    assert sorted(path.name for path in out.iterdir()) == [
        "audio",
        "prepared.json",
        "train",
        "valid",
    ]


def test_a_preparation_never_reads_its_own_results(tmp_path):
    corpus = make_corpus(tmp_path / "corpus")
    os.symlink(corpus, tmp_path / "link")
    for out in (corpus, tmp_path / "link"):
        with pytest.raises(UsageError, match="holds the corpus"):
            prepare_corpus("folder", corpus, out)
    inside = corpus / "prepared" / "data"
    before = prepare_corpus("folder", corpus, inside).parts
    assert prepare_corpus("folder", corpus, inside).parts == before
    with pytest.raises(UsageError, match=r"ann-0.wav: is in .* itself; give another folder"):
        prepare_corpus("folder", inside / "audio", inside)
    with pytest.raises(UsageError, match=r"train: is the corpus .* itself; give another folder"):
        prepare_corpus("kaldi", inside / "train", inside)


def test_two_preparations_of_one_folder_do_not_mix(tmp_path):
    corpus = make_corpus(tmp_path / "corpus", count=1)
    with directory_lock(tmp_path / "out"), pytest.raises(BusyError, match="in use by pid"):
        prepare_corpus("folder", corpus, tmp_path / "out")


def test_an_empty_valid_is_told_with_the_remedy(tmp_path):
    corpus, out = make_corpus(tmp_path / "corpus", count=2), tmp_path / "out"
    notes = prepare_corpus("folder", corpus, out).notes
    assert "no part 'valid', for no speaker has enough recordings for --valid 0.05" in str(notes)
    notes = prepare_corpus("folder", corpus, out, splits=Splits(valid=1)).notes
    assert "no part" not in str(notes)


def test_speakers_held_out_are_heard_nowhere_else(tmp_path):
    corpus, out = make_corpus(tmp_path / "corpus", speakers=("ann", "bob", "cat")), tmp_path / "out"
    splits = Splits(valid=1, test=1, unseen=1, seed=3)
    parts = prepare_corpus("folder", corpus, out, splits=splits).parts
    assert set(parts) == {"train", "valid", "test", "unseen"}
    (stranger,) = parts["unseen"].speakers
    assert parts["unseen"].speakers[stranger] == 6
    assert all(stranger not in parts[name].speakers for name in ("train", "valid", "test"))
    # Without them, the part is gone and its recordings are with the others.
    prepared = prepare_corpus("folder", corpus, out)
    assert f"{out}/unseen: of an earlier preparation, removed" in str(prepared.notes)
    assert not (out / "unseen").exists()
    assert sum(part.utterances for part in prepared.parts.values()) == 18


def test_some_speakers_alone_are_taken_by_name(tmp_path):
    corpus, out = make_corpus(tmp_path / "corpus", speakers=("p1", "p2", "p33")), tmp_path / "out"
    prepared = prepare_corpus("folder", corpus, out, speakers=["33", "p1"])
    assert set(prepared.parts["train"].speakers) == {"p1", "p33"}
    with pytest.raises(UsageError, match=r"--speakers p3: not one of the 3 speakers .*close: p33"):
        prepare_corpus("folder", corpus, out, speakers=["p3"])


def test_the_alignment_of_a_trimmed_recording_moves_with_its_sound(tmp_path):
    options = {"match": "p901_00[1-3]", "sample_rate": 8000}
    prepare_corpus("mini", None, tmp_path / "whole", **options)
    prepared = prepare_corpus("mini", None, tmp_path / "cut", trim=True, **options)
    whole, cut = (DataDir.read(tmp_path / name / "test") for name in ("whole", "cut"))
    assert validate_data_dir(cut.path) == []
    assert "min of silent edges were cut" in str(prepared.notes)
    for key, phones in cut.phones().items():
        assert cut.trims[key].start_seconds > 0
        assert cut.durations[key] < whole.durations[key]
        spoken = [phone for phone in phones if phone.label != "SIL"]
        before = [phone for phone in whole.phones()[key] if phone.label != "SIL"]
        assert [phone.label for phone in spoken] == [phone.label for phone in before]
        # The sound under the first phone is the same sound.
        for phone, other in zip(spoken[:3], before[:3], strict=True):
            parts = []
            for data_dir, segment in ((cut, phone), (whole, other)):
                wave, rate = soundfile.read(data_dir[key].audio)
                start = round(segment.start_seconds * rate)
                parts.append(wave[start : start + round(segment.duration_seconds * rate)])
            length = min(map(len, parts))
            assert np.abs(parts[0][:length] - parts[1][:length]).max() < 0.1
            assert np.corrcoef(parts[0][:length], parts[1][:length])[0, 1] > 0.9


def test_an_interrupted_trimming_ends_with_the_same_tables(tmp_path):
    corpus = make_corpus(tmp_path / "corpus")
    for path in corpus.rglob("*.wav"):
        wave, rate = soundfile.read(path)
        soundfile.write(path, np.concatenate([np.zeros((rate // 2, 2)), wave]), rate)

    def interrupt(done, total):
        if done == 5:
            raise KeyboardInterrupt

    settings = {"trim": True, "loudness": -30.0}
    with pytest.raises(KeyboardInterrupt):
        prepare_corpus("folder", corpus, tmp_path / "broken", progress=interrupt, **settings)
    again = prepare_corpus("folder", corpus, tmp_path / "broken", **settings)
    assert again.num_written <= 7
    prepare_corpus("folder", corpus, tmp_path / "whole", num_jobs=2, **settings)
    assert content(tmp_path / "broken") == content(tmp_path / "whole")
    trims = DataDir.read(tmp_path / "whole" / "train").trims
    assert all(trim == pytest.approx((0.4, 0), abs=0.011) for trim in trims.values())
    # Another treatment is another result, though rate and recording are the same.
    assert prepare_corpus("folder", corpus, tmp_path / "whole").num_written == 12


def align(*parts, label="AH"):
    """An alignment of all utterances, as another command adds it."""
    for part in parts:
        table = "".join(f"{key} 1 0.0000 0.0500 {label}\n" for key in DataDir.read(part))
        (part / "phones.ctm").write_text(table)


def aligned(out):
    found = {}
    for part in ("train", "valid", "test"):
        if (out / part / "phones.ctm").exists():
            found |= DataDir.read(out / part).phones()
    return set(found)


def test_an_alignment_added_later_goes_with_its_utterance_as_long_as_it_fits(tmp_path):
    corpus, out = make_corpus(tmp_path / "corpus"), tmp_path / "out"
    prepare_corpus("folder", corpus, out, splits=Splits(valid=1, test=1))
    train = set(DataDir.read(out / "train"))
    align(out / "train")
    before = content(out)
    prepare_corpus("folder", corpus, out, splits=Splits(valid=1, test=1))
    assert content(out) == before
    prepare_corpus("folder", corpus, out, splits=Splits(valid=1, test=1, seed=5))
    assert aligned(out) == train
    prepare_corpus("folder", corpus, out, sample_rate=8000, loudness=-20.0)
    assert aligned(out) == train
    longer = sorted(train)[0]
    soundfile.write(corpus / (longer.replace("-", "/") + ".wav"), np.zeros((9600, 2)), 48000)
    prepared = prepare_corpus("folder", corpus, out, sample_rate=8000)
    assert aligned(out) == train - {longer}
    assert "alignments of 1 utterances do not fit the audio any more" in str(prepared.notes)
    assert not (out / ".earlier").exists()


def test_a_damaged_line_of_an_alignment_costs_no_other(tmp_path):
    corpus, out = make_corpus(tmp_path / "corpus"), tmp_path / "out"
    prepare_corpus("folder", corpus, out)
    align(out / "train")
    with open(out / "train" / "phones.ctm", "ab") as file:
        file.write(b"zoe-1 what \xff is this\n\n")
    before = (out / "train" / "phones.ctm").read_text(errors="ignore").splitlines()
    prepare_corpus("folder", corpus, out, loudness=-20.0)
    assert (out / "train" / "phones.ctm").read_text().splitlines() == before[:-2]


@pytest.mark.parametrize("moment", ["audio", "parts"])
@pytest.mark.parametrize("change", [{"trim": True}, {"splits": Splits(valid=2, test=1, seed=9)}])
def test_a_change_that_is_killed_leaves_nothing_that_speaks_of_other_audio(
    tmp_path, monkeypatch, moment, change
):
    corpus = make_corpus(tmp_path / "corpus")
    for path in sorted(corpus.rglob("*.wav"))[::2]:
        wave, rate = soundfile.read(path)
        soundfile.write(path, np.concatenate([np.zeros((rate // 2, 2)), wave]), rate)
    outs = [tmp_path / "whole", tmp_path / "broken"]
    for out in outs:
        prepare_corpus("folder", corpus, out, splits=Splits(valid=1, test=1))
        align(out / "train", out / "valid")
    prepare_corpus("folder", corpus, outs[0], **change)

    def interrupt(done, total):
        if moment == "audio" and done == 5:
            raise KeyboardInterrupt

    def write(path, *arguments, **options):
        if path.name == "valid":
            raise KeyboardInterrupt
        write_data_dir(path, *arguments, **options)

    if moment == "parts":
        monkeypatch.setattr("vqspeech.stages.prepare.write_data_dir", write)
    with pytest.raises(KeyboardInterrupt):
        prepare_corpus("folder", corpus, outs[1], progress=interrupt, **change)
    monkeypatch.undo()
    spoken = []
    for part in ("train", "valid", "test"):
        if (outs[1] / part).exists():
            assert validate_data_dir(outs[1] / part, read_audio=True) == []
            spoken += DataDir.read(outs[1] / part)
    assert len(spoken) == len(set(spoken))
    prepare_corpus("folder", corpus, outs[1], **change)
    assert content(outs[1]) == content(outs[0])
    assert aligned(outs[1])


def test_folders_that_were_not_made_here_are_never_replaced(tmp_path):
    corpus, out = make_corpus(tmp_path / "corpus"), tmp_path / "out"
    prepare_corpus("folder", corpus, tmp_path / "other")
    shutil.copytree(tmp_path / "other" / "valid", out / "valid")
    before = content(out)
    with pytest.raises(WriteError, match="valid: is there already and was not made by"):
        prepare_corpus("folder", corpus, out)
    assert content(out) == before
    # What this preparation would not write, it does not touch either.
    prepared = prepare_corpus("folder", corpus, out, splits=Splits(valid=0, test=0))
    assert set(prepared.parts) == {"train"}
    assert content(out / "valid") == content(tmp_path / "other" / "valid")


def test_nobody_aligns_a_part_while_it_is_prepared(tmp_path):
    corpus, out = make_corpus(tmp_path / "corpus", count=1), tmp_path / "out"
    with path_lock(out / "train"), pytest.raises(BusyError, match="train: in use by pid"):
        prepare_corpus("folder", corpus, out)
    seen = []

    def look(done, total):
        with pytest.raises(BusyError), path_lock(out / "train"):
            pass
        seen.append(done)

    prepare_corpus("folder", corpus, out, progress=look)
    assert seen == [1, 2]


def test_names_that_are_no_text_are_written_as_far_as_they_can_be(tmp_path):
    corpus = tmp_path / os.fsdecode(b"caf\xe9")
    make_corpus(tmp_path / "corpus", count=2).rename(corpus)
    (corpus / "ann" / os.fsdecode(b"caf\xe9.pdf")).write_text("menu")
    out = tmp_path / os.fsdecode(b"\xfcber")
    assert prepare_corpus("folder", corpus, out).parts["train"].utterances == 4
    assert "caf" in json.loads((out / "prepared.json").read_text())["folder"]
    assert validate_data_dir(out / "train", read_audio=True) == []


def test_a_folder_that_leads_in_circles_is_one_line(tmp_path):
    os.symlink("loop", tmp_path / "loop")
    for name in ("vctk", "librispeech", "folder", "kaldi"):
        with pytest.raises(InputError):
            prepare_corpus(name, tmp_path / "loop", tmp_path / "out")


def test_audio_that_is_not_taken_this_time_is_kept_and_said(tmp_path):
    corpus, out = make_corpus(tmp_path / "corpus"), tmp_path / "out"
    prepare_corpus("folder", corpus, out)
    prepared = prepare_corpus("folder", corpus, out, speakers=["ann"])
    assert f"{out}/audio: 6 files are of recordings not taken this time" in prepared.notes
    assert prepare_corpus("folder", corpus, out).num_written == 0
