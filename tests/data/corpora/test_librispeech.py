import os
import re
from itertools import pairwise
from pathlib import Path

import pytest

from vqspeech.data.corpora.librispeech import list_librispeech
from vqspeech.data.tables import id_breach
from vqspeech.errors import InputError, UsageError

SPEAKERS = """\
;ID  |SEX| SUBSET           |MINUTES| NAME
84   | F | dev-clean        | 25.1  | Christie Nowak
121  | M | train-clean-100  | 25.2  | | a pipe | in a name |
1034 | M | train-clean-100  | 25.0  | Kevin O'Coin
"""


def write_chapter(root, subset, reader, chapter, count=2, suffix=".flac", words="SOME WORDS"):
    folder = root / subset / reader / chapter
    folder.mkdir(parents=True, exist_ok=True)
    keys = [f"{reader}-{chapter}-{n:04d}" for n in range(count)]
    for key in keys:
        (folder / f"{key}{suffix}").write_bytes(b"audio")
    lines = "".join(f"{key} {words}\n" for key in keys)
    (folder / f"{reader}-{chapter}.trans.txt").write_text(lines)
    return folder


@pytest.fixture
def tree(tmp_path):
    """Two readers to train on, one of whom reads two chapters, and one of dev-clean."""
    root = tmp_path / "LibriSpeech"
    write_chapter(root, "train-clean-100", "121", "7")
    write_chapter(root, "train-clean-100", "121", "8")
    write_chapter(root, "train-clean-100", "1034", "9")
    write_chapter(root, "dev-clean", "84", "121123", words="GO  DO YOU HEAR")
    (root / "SPEAKERS.TXT").write_text(SPEAKERS)
    return root


def ids(corpus):
    return [source.id for source in corpus.sources]


def test_the_speaker_is_the_reader_and_the_words_are_those_of_the_transcript(tree):
    corpus = list_librispeech(tree)
    chapters = ("1034-9", "121-7", "121-8", "84-121123")
    assert ids(corpus) == [f"{chapter}-000{n}" for chapter in chapters for n in (0, 1)]
    assert {s.speaker for s in corpus.sources} == {"84", "121", "1034"}
    assert corpus.sources[-1].text == "GO DO YOU HEAR"
    assert corpus.sources[-1].audio == tree / "dev-clean/84/121123/84-121123-0001.flac"
    assert corpus.genders == {"84": "f", "121": "m", "1034": "m"}
    assert corpus.layout == (
        f"{tree}: LibriSpeech: train-clean-100 (2 readers, 6 utterances),"
        " dev-clean (1 readers, 2 utterances)"
    )
    assert (corpus.notes, corpus.skipped) == ((), ())


def test_training_has_no_split_and_other_subsets_are_parts_of_their_own(tree):
    splits = {(source.speaker, source.split) for source in list_librispeech(tree).sources}
    assert splits == {("121", None), ("1034", None), ("84", "dev-clean")}


def test_without_training_nothing_has_a_split_and_a_note_says_so(tree):
    corpus = list_librispeech(tree, subsets=["dev-clean"])
    assert [source.split for source in corpus.sources] == [None, None]
    assert corpus.notes == (
        f"{tree}: no train-... among the subsets, so they are split by utterance",
    )


@pytest.mark.parametrize("place", ["..", ".", "dev-clean"])
def test_the_corpus_is_found_from_above_from_within_and_in_one_subset(tree, place):
    (tree.parent / "LibriSpeech-alignments" / "dev-clean" / "84" / "121123").mkdir(parents=True)
    corpus = list_librispeech(tree / place)
    assert [key for key in ids(corpus) if key.startswith("84")] == [
        "84-121123-0000",
        "84-121123-0001",
    ]
    assert corpus.genders["84"] == "f"
    assert ("train-clean-100" in corpus.layout) == (place != "dev-clean")


def test_a_relative_folder_is_found_too(tree, monkeypatch):
    monkeypatch.chdir(tree / "dev-clean")
    corpus = list_librispeech(Path("."))
    assert ids(corpus) == ["84-121123-0000", "84-121123-0001"]
    assert corpus.genders == {"84": "f"}
    assert corpus.layout == f"{tree}: LibriSpeech: dev-clean (1 readers, 2 utterances)"


def test_wav_copies_upper_case_suffixes_links_and_windows_texts_are_fine(tmp_path):
    folder = write_chapter(tmp_path / "else", "dev-clean", "84", "1", suffix=".WAV")
    text = "\ufeff84-1-0000 CAFÉ\r\n\r\n84-1-0001\tTWO  WORDS"
    (folder / "84-1.trans.txt").write_text(text, newline="")
    (folder / "._84-1-0000.WAV").write_bytes(b"of a Mac")
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "dev-clean").symlink_to(tmp_path / "else" / "dev-clean")
    corpus = list_librispeech(tmp_path / "corpus")
    assert [s.text for s in corpus.sources] == ["CAFÉ", "TWO WORDS"]
    assert corpus.skipped == ()


def test_small_sets_of_other_names_are_subsets_too(tmp_path):
    write_chapter(tmp_path, "train-clean-5", "121", "7")
    write_chapter(tmp_path, "dev-clean-2", "84", "1")
    splits = {s.speaker: s.split for s in list_librispeech(tmp_path).sources}
    assert splits == {"121": None, "84": "dev-clean-2"}


def test_subsets_are_chosen_by_name_and_a_union_by_its_own(tree):
    write_chapter(tree, "train-clean-360", "14", "1")
    write_chapter(tree, "train-other-500", "20", "1")

    def speakers(*subsets):
        return {s.speaker for s in list_librispeech(tree, subsets=subsets).sources}

    assert speakers("train-clean-460") == {"121", "1034", "14"}
    assert speakers("train-960") == {"121", "1034", "14", "20"}
    assert speakers("dev-clean", "train-other-500") == {"84", "20"}


def test_a_subset_that_is_not_there_is_named_with_those_that_are(tree):
    (tree / "train-clean-360.tar.gz").write_bytes(b"x")
    message = (
        f"{tree}/train-clean-360: no such subset; there are train-clean-100, dev-clean;"
        f" unpack {tree}/train-clean-360.tar.gz"
    )
    with pytest.raises(InputError, match=re.escape(message)):
        list_librispeech(tree, subsets=["train-clean-460"])


def test_a_name_that_librispeech_does_not_have_is_a_mistake_of_usage(tree):
    with pytest.raises(UsageError, match=r"did you mean dev-clean\?"):
        list_librispeech(tree, subsets=["devclean"])


def test_a_choice_of_readers_contains_that_of_fewer_and_leaves_other_subsets_whole(tmp_path):
    for reader in range(100, 112):
        write_chapter(tmp_path, "train-clean-100", str(reader), "1", count=1)
    write_chapter(tmp_path, "dev-clean", "84", "1")

    def chosen(count, seed=0):
        return {s.speaker for s in list_librispeech(tmp_path, readers=count, seed=seed).sources}

    choices = [chosen(count) - {"84"} for count in range(1, 13)]
    assert [len(choice) for choice in choices] == list(range(1, 13))
    assert all(fewer < more for fewer, more in pairwise(choices))
    assert "84" in chosen(1)
    assert choices[5] != chosen(6, seed=1) - {"84"}
    # Of "0 reader 100" to "0 reader 111", sha256sum puts this one first.
    assert choices[0] == {"104"}


def test_a_choice_of_readers_is_told(tree):
    corpus = list_librispeech(tree, readers=1)
    assert corpus.notes == (f"{tree}: kept 1 of 2 readers of train-clean-100",)
    assert len({s.speaker for s in corpus.sources}) == 2
    assert set(corpus.genders) == {s.speaker for s in corpus.sources}


@pytest.mark.parametrize(
    ("subsets", "readers", "message"),
    [
        ((), 3, r"--readers 3: there are 2 in train-clean-100; ask for at most that"),
        (("dev-clean",), 2, r"--readers 2: there are 1 in dev-clean"),
        ((), 0, r"--readers 0: 1 or more"),
    ],
)
def test_more_readers_than_there_are_is_refused_with_their_number(tree, subsets, readers, message):
    with pytest.raises(UsageError, match=message):
        list_librispeech(tree, subsets=subsets, readers=readers)


def test_460_is_explained_as_speakers_and_as_hours(tmp_path):
    for reader in range(100, 561):
        (tmp_path / f"train-clean-100/{reader}/1").mkdir(parents=True)
        (tmp_path / f"train-clean-100/{reader}/1/{reader}-1-0000.flac").write_bytes(b"x")
    write_chapter(tmp_path, "train-clean-360", "14", "1")
    speakers = list_librispeech(tmp_path, readers=460)
    assert len({s.speaker for s in speakers.sources}) == 460
    assert "leave out --readers" in speakers.notes[-2]
    hours = list_librispeech(tmp_path, subsets=["train-clean-460"])
    assert "1,172 readers" in hours.notes[-2]
    assert "add --readers 460" in hours.notes[-2]


def test_what_cannot_be_used_is_named_with_one_reason_for_a_kind(tree):
    chapter = tree / "dev-clean" / "84" / "121123"
    for name in ("84-9-0000.flac", "85-121123-0000.flac", "84-121123-x.flac"):
        (chapter / name).write_bytes(b"x")
    (chapter / "84-121123-0000.wav").write_bytes(b"x")
    (chapter / f"84-121123-{'0' * 220}.flac").write_bytes(b"x")
    (chapter.parent / "84-121123-0007.flac").write_bytes(b"x")
    with open(chapter / "84-121123.trans.txt", "a") as file:
        file.write("84-121123-0002 GONE\n84-121123-0003 GONE\n")
    write_chapter(tree, "dev-other", "84", "121123", count=1)
    corpus = list_librispeech(tree)
    where = "dev-clean/84/121123"
    foreign = "not named READER-CHAPTER-NNNN after its folders"
    assert sorted(corpus.skipped) == sorted(
        [
            (f"{where}/84-9-0000.flac", foreign),
            (f"{where}/85-121123-0000.flac", foreign),
            (f"{where}/84-121123-x.flac", foreign),
            (f"{where}/84-121123-{'0' * 220}.flac", "its name is too long for an id"),
            (f"{where}/84-121123-0000.wav", "also there as .flac"),
            ("dev-clean/84/84-121123-0007.flac", "in no chapter's folder"),
            ("84-121123-0002", "a text without audio"),
            ("84-121123-0003", "a text without audio"),
            ("dev-other/84/121123/84-121123-0000.flac", "also there in dev-clean"),
        ]
    )
    assert len(ids(corpus)) == len(set(ids(corpus))) == 8
    assert all(id_breach(key) is None for key in ids(corpus))


def test_audio_without_words_is_taken_and_counted(tree):
    (tree / "train-clean-100/121/7/121-7.trans.txt").unlink()
    (tree / "train-clean-100/121/8/121-8.trans.txt").write_bytes(
        b"121-8-0000 CAF\xc9\n121-8-0000 AGAIN\n"
    )
    (tree / "dev-clean/84/notes").mkdir()
    corpus = list_librispeech(tree)
    assert [s.text for s in corpus.sources if s.speaker == "121"] == [None] * 4
    transcript = "train-clean-100/121/8/121-8.trans.txt"
    assert set(corpus.notes) == {
        f"{tree}: 1 chapters without READER-CHAPTER.trans.txt, taken without words"
        " (train-clean-100/121/7)",
        f"{tree}: 1 utterances without a line in their transcript, taken without words"
        " (121-8-0001)",
        f"{tree}: 1 lines of transcripts that are not UTF-8, whose words are left out"
        f" ({transcript}:1)",
        f"{tree}: 1 lines of transcripts that repeat an utterance, of which the first counts"
        f" ({transcript}:2)",
        f"{tree}: 1 folders that are no reader's or chapter's, for those are numbers, passed over"
        " (dev-clean/84/notes)",
    }
    assert corpus.skipped == ()


def test_readers_without_a_row_and_no_table_at_all_are_noted(tree):
    (tree / "SPEAKERS.TXT").write_bytes(b"; x | F\r\n84 | f | dev-clean | 1 | caf\xe9\r\nnonsense")
    corpus = list_librispeech(tree)
    assert corpus.genders == {"84": "f"}
    assert corpus.notes == (f"{tree}/SPEAKERS.TXT: no row for 2 readers (1034, 121)",)
    (tree / "SPEAKERS.TXT").unlink()
    corpus = list_librispeech(tree)
    assert corpus.genders == {}
    assert "no SPEAKERS.TXT there" in corpus.notes[-1]


def test_a_reader_of_training_who_reads_elsewhere_too_is_noted(tree):
    write_chapter(tree, "test-clean", "121", "99")
    notes = list_librispeech(tree).notes
    assert notes == (f"{tree}: 1 readers are in train-... and other subsets (121)",)


def test_a_subset_without_audio_is_passed_over_unless_it_is_wanted(tree):
    chapter = tree / "test-clean" / "61" / "70968"
    chapter.mkdir(parents=True)
    (chapter / "61-70968.alignment.txt").write_text("x")
    corpus = list_librispeech(tree)
    assert corpus.notes == (f"{tree}/test-clean: no audio in it, passed over",)
    with pytest.raises(InputError, match=r"test-clean: only alignments \(1 files\), no audio"):
        list_librispeech(tree, subsets=["test-clean"])
    with pytest.raises(InputError, match=r"test-clean: only alignments"):
        list_librispeech(tree, subsets=["dev-clean", "test-clean"])


def test_the_folder_that_is_written_to_is_no_part_of_the_corpus(tree):
    write_chapter(tree, "prepared", "7", "7")
    assert {s.speaker for s in list_librispeech(tree).sources} == {"84", "121", "1034", "7"}
    kept = list_librispeech(tree, leave_out=tree / "prepared")
    assert {s.speaker for s in kept.sources} == {"84", "121", "1034"}
    kept = list_librispeech(tree, leave_out=tree / "train-clean-100" / "121")
    assert {s.speaker for s in kept.sources} == {"84", "1034", "7"}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "the folder is empty; give the folder that holds"),
        (["train-clean-100.tar.gz"], r"unpack it first \(tar xzf train-clean-100.tar.gz\)"),
        (["wav48/p225/p225_001.wav"], "prepare vctk .*takes VCTK"),
        (["wav.scp"], "prepare kaldi .*takes a data directory"),
        (["a.mp3", "b.mp3"], "no LibriSpeech; SUBSET/READER/.* found a.mp3, b.mp3; give"),
        (["dev-clean/84/1/84-1-0000.TextGrid"], r"dev-clean: only alignments \(1 files\)"),
        (["dev-clean/notes.txt"], "dev-clean: no audio; SUBSET/READER"),
        (["84/1/84_1_000000_000000.wav"], "LibriTTS .* not LibriSpeech .* prepare folder"),
        (["dev-clean/84/1/84_1_000000_000000.wav"], "LibriTTS .* prepare folder .*/dev-clean OUT"),
    ],
)
def test_a_corpus_without_recordings_is_explained_in_one_line(tmp_path, names, message):
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    with pytest.raises(InputError, match=message) as caught:
        list_librispeech(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_archive_or_a_reader_in_place_of_the_corpus_is_explained(tree, tmp_path):
    (tmp_path / "dev-clean.tar.gz").write_bytes(b"x")
    with pytest.raises(InputError, match="is a file, a folder was wanted; unpack it first"):
        list_librispeech(tmp_path / "dev-clean.tar.gz")
    with pytest.raises(InputError, match="may be one reader or chapter: give the subset"):
        list_librispeech(tree / "dev-clean" / "84")


def test_a_transcript_that_would_never_end_or_is_no_transcript_is_refused(tree):
    transcript = tree / "train-clean-100/121/7/121-7.trans.txt"
    with open(transcript, "wb") as file:
        file.truncate(5 << 20)
    with pytest.raises(InputError, match=r"121-7.trans.txt: 5.0 MB; a text file of at most 4 MB"):
        list_librispeech(tree)
    transcript.unlink()
    os.mkfifo(transcript)
    with pytest.raises(InputError, match=r"121-7.trans.txt: a pipe or a device; a text file"):
        list_librispeech(tree)


def test_links_that_lead_in_circles_end_in_one_line(tree):
    (tree / "loop").symlink_to("loop")
    with pytest.raises(InputError, match=r"loop: cannot be opened \(Too many levels"):
        list_librispeech(tree / "loop")
    corpus = list_librispeech(tree, leave_out=tree / "loop")
    assert len(corpus.sources) == 8


def test_a_folder_that_may_not_be_read_stops_with_its_name(tree, monkeypatch):
    scandir = os.scandir

    def refuse(folder):
        if str(folder).endswith("/121"):
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(InputError, match=r"/121: cannot be read \(Permission denied\); allow it"):
        list_librispeech(tree)
