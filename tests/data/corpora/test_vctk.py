import os

import pytest

from vqspeech.data.corpora import vctk_files
from vqspeech.data.corpora.vctk import list_vctk
from vqspeech.data.tables import id_breach
from vqspeech.errors import InputError, UsageError

INFO = "ID  AGE  GENDER  ACCENTS  REGION COMMENTS\n"


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def write(root, **texts):
    """Texts by utterance id, as `txt/p225/p225_001.txt`."""
    for key, text in texts.items():
        path = root / "txt" / key.partition("_")[0] / f"{key}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())


def ids(corpus):
    return [source.id for source in corpus.sources]


def paths(corpus, root):
    return [source.audio.relative_to(root).as_posix() for source in corpus.sources]


def note(corpus, words):
    """The one note that holds `words`."""
    found = [line for line in corpus.notes if words in line]
    assert len(found) == 1, corpus.notes
    return found[0]


def test_release_080_is_read_with_its_words_and_speakers(tmp_path):
    touch(tmp_path, "wav48/p225/p225_025.wav", "wav48/p280/p280_026.wav", "wav48/p376/p376_295.raw")
    touch(tmp_path, "wav48/p376/p376_296.wav", "COPYING", "NOTE")
    write(tmp_path, p225_025=" Ask  her\tto\r\nbring. \r\n", p280_026="", p376_296="Six spoons.")
    (tmp_path / "speaker-info.txt").write_bytes(
        b"\xef\xbb\xbf"
        + INFO.encode()
        + b"225  23  F    English    Southern  England\r\n376 22 M Indian"
    )
    corpus = list_vctk(tmp_path)
    assert [(s.id, s.speaker, s.text, s.split) for s in corpus.sources] == [
        ("p225_025", "p225", "Ask her to bring.", None),
        ("p280_026", "p280", None, None),
        ("p376_296", "p376", "Six spoons.", None),
    ]
    assert corpus.genders == {"p225": "f", "p376": "m"}
    assert corpus.accents == {"p225": "English", "p376": "Indian"}
    assert corpus.skipped == (("p376_295.raw", "no audio file"),)
    assert corpus.has_long_edges
    assert corpus.layout == (
        f"VCTK 0.80: {tmp_path / 'wav48'} (a folder for each speaker), one recording per sentence,"
        f" texts in {tmp_path / 'txt'}, speakers in {tmp_path / 'speaker-info.txt'}"
    )
    assert "no row for 1 speaker (p280)" in note(corpus, "speaker-info.txt")
    assert "1 of 3" in note(corpus, "without their words")


@pytest.fixture
def release_092(tmp_path):
    """Four speakers with the holes of the real release."""
    audio = "wav48_silence_trimmed"
    for speaker in ("p225", "p280", "p315", "s5"):
        for number in ("024", "025", "026"):
            touch(tmp_path, f"{audio}/{speaker}/{speaker}_{number}_mic1.flac")
            if speaker not in ("p280", "p315"):
                touch(tmp_path, f"{audio}/{speaker}/{speaker}_{number}_mic2.flac")
            if speaker != "p315":
                write(tmp_path, **{f"{speaker}_{number}": f"Sentence {number}."})
    write(tmp_path, p362_007="Gone.", p225_027="Deleted.")
    touch(tmp_path, f"{audio}/log.txt", "update.txt", "LICENSE", f"{audio}/p225/.DS_Store")
    (tmp_path / "speaker-info.txt").write_text(
        INFO + "p225  23  F    English    Southern  England\n"
        "p280  25  F    Unknown    France  (mic2 files unavailable)\n"
        "p315  18  M  American (Text and mic2 files unavailable)\n"
        "s5  24  M  (no accent given)\np999 30 M English\n"
    )
    return tmp_path


def test_release_092_is_read_with_its_holes(release_092):
    corpus = list_vctk(release_092)
    assert [(s.id, s.text, s.split) for s in corpus.sources[3:7]] == [
        ("p280_024", "Sentence 024.", "parallel"),
        ("p280_025", "Sentence 025.", None),
        ("p280_026", "Sentence 026.", None),
        ("p315_024", None, "parallel"),
    ]
    assert paths(corpus, release_092)[0] == "wav48_silence_trimmed/p225/p225_024_mic1.flac"
    assert len(corpus.sources) == 12
    assert corpus.genders == {"p225": "f", "p280": "f", "p315": "m", "s5": "m"}
    assert corpus.accents == {"p225": "English", "p280": "Unknown", "p315": "American"}
    assert corpus.skipped == (
        ("p225_027", "a text without audio"),
        ("p362_007", "a text without audio"),
    )
    assert not corpus.has_long_edges
    assert corpus.layout.startswith(f"VCTK 0.92: {release_092 / 'wav48_silence_trimmed'} ")
    assert ", mic1, texts in " in corpus.layout
    assert corpus.notes == (
        f"{release_092 / 'wav48_silence_trimmed'}: 12 recordings of 4 speakers, 9 with their words",
        "3 of 12 recordings are without their words; all of 1 speaker (p315)",
        "4 recordings of the sentences 001 to 024, which all speakers read, are kept apart as"
        " parallel",
    )


def test_the_second_microphone_lacks_what_it_lacks(release_092):
    corpus = list_vctk(release_092, mic="mic2")
    assert {source.speaker for source in corpus.sources} == {"p225", "s5"}
    assert all(source.audio.name == f"{source.id}_mic2.flac" for source in corpus.sources)
    lacking = [name for name, reason in corpus.skipped if reason == "no mic2 recording"]
    assert len(corpus.skipped) == len(lacking) + 2  # the texts that have no audio at all
    assert lacking == [f"{s}_{n}" for s in ("p280", "p315") for n in ("024", "025", "026")]


@pytest.mark.parametrize(
    ("folder", "name", "edges"),
    [
        ("wav16", "p225_025.wav", None),
        ("wav22", "p225_025.FLAC", None),
        ("VCTK-0.80/wav16", "p225_025.wav", True),
        ("VCTK-Corpus-0.92/wav16", "p225_025.wav", False),
        ("wav16_silence_trimmed", "p225_025_mic1.wav", False),
        ("wav22_silence_trimmed_padded", "p225_025.wav", False),
        ("speech", "p225_025_mic1.opus", False),
    ],
)
def test_copies_at_other_rates_are_found_by_the_names_within(tmp_path, folder, name, edges):
    touch(tmp_path, f"{folder}/p225/{name}")
    corpus = list_vctk(tmp_path)
    assert paths(corpus, tmp_path) == [f"{folder}/p225/{name}"]
    assert corpus.has_long_edges == (edges is not False)  # in doubt they are cut
    release = {None: ", taken for 0.80", True: " 0.80", False: " 0.92"}[edges]
    assert corpus.layout.startswith(f"a copy of VCTK{release}: ")
    assert corpus.layout.endswith(", no txt/, no speaker-info.txt")
    assert str(tmp_path / "txt") in note(corpus, "no recording has its words")
    assert str(tmp_path) in note(corpus, "no speaker-info.txt in")


@pytest.mark.parametrize(
    ("folder", "speaker", "rows", "layout"),
    [
        ("wav16", "p225", "p225 23 F English\n", "a copy of VCTK 0.92"),
        ("wav16", "p225", "225 23 F English\n226 22 M English\n", "a copy of VCTK 0.80"),
        ("wav16", "p225", "", "a copy of VCTK, taken for 0.80"),
        ("wav16", "s5", "", "a copy of VCTK 0.92"),
        ("wav16", "s5", "225 23 F English\n", "a copy of VCTK, taken for 0.80"),
        ("wav48", "p225", "p225 23 F English\n", "VCTK, taken for 0.80"),
        ("wav48", "p225", "", "VCTK 0.80"),
    ],
)
def test_the_release_is_known_by_the_speakers_and_in_doubt_taken_for_the_untrimmed(
    tmp_path, folder, speaker, rows, layout
):
    touch(tmp_path, f"{folder}/{speaker}/{speaker}_025.wav")
    (tmp_path / "speaker-info.txt").write_text(INFO + rows)
    corpus = list_vctk(tmp_path)
    assert corpus.layout.startswith(f"{layout}: ")
    assert corpus.has_long_edges == ("0.92" not in layout)


@pytest.mark.parametrize(
    "above", ["", "VCTK-Corpus", "VCTK-Corpus-0.92", "DS_10283_3443/VCTK-Corpus-0.92"]
)
def test_the_corpus_is_found_some_folders_down(tmp_path, above):
    touch(tmp_path / above, "wav48/p225/p225_025.wav")
    write(tmp_path / above, p225_025="Down there.")
    (tmp_path / above / "speaker-info.txt").write_text(INFO + "225 23 F English")
    corpus = list_vctk(tmp_path)
    assert [source.text for source in corpus.sources] == ["Down there."]
    assert corpus.genders == {"p225": "f"}


@pytest.mark.parametrize("given", ["wav48", "wav48/p225"])
def test_the_folder_of_the_audio_finds_the_texts_above(tmp_path, monkeypatch, given):
    touch(tmp_path, "wav48/p225/p225_025.wav")
    write(tmp_path, p225_025="Up here.", **({"p226_025": "Another."} if "/" in given else {}))
    touch(tmp_path, *(["txt/p226/note.txt"] if "/" in given else []))
    (tmp_path / "speaker-info.txt").write_text(INFO + "225 23 F English")
    for corpus in (list_vctk(tmp_path / given), _list_here(tmp_path / given, monkeypatch)):
        assert [source.text for source in corpus.sources] == ["Up here."]
        assert corpus.genders == {"p225": "f"}
        assert corpus.skipped == ()
        assert corpus.has_long_edges
        assert corpus.layout.startswith("VCTK 0.80: ")
    assert ("the folder of p225" in corpus.layout) == ("/" in given)


def _list_here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return list_vctk(type(folder)("."))


def test_texts_above_the_given_corpus_are_no_part_of_it(tmp_path):
    touch(tmp_path, "mine/corpus/wav48/p226/p226_025.wav", "mine/LICENSE")
    write(tmp_path / "mine", p226_025="Not of this corpus.")
    assert list_vctk(tmp_path / "mine/corpus").sources[0].text is None
    assert list_vctk(tmp_path / "mine/corpus/wav48").sources[0].text is None
    assert list_vctk(tmp_path / "mine").sources[0].text == "Not of this corpus."


def test_audio_and_texts_unpacked_into_folders_of_their_own_are_found(tmp_path):
    touch(tmp_path, "wav48/wav48/p225/p225_025.wav")
    write(tmp_path / "txt", p225_025="Twice.")
    assert list_vctk(tmp_path).sources[0].text == "Twice."


def test_bare_numbers_become_the_speakers_of_vctk(tmp_path):
    touch(tmp_path, "wav16/225/225_025.wav", "wav16/P226/P226_025_MIC1.WAV")
    corpus = list_vctk(tmp_path)
    assert [(s.id, s.speaker) for s in corpus.sources] == [
        ("p225_025", "p225"),
        ("p226_025", "p226"),
    ]


def test_recordings_in_one_folder_are_found_with_texts_beside_them(tmp_path):
    touch(tmp_path, "p225_025_mic1.flac", "p226_025_mic1.flac", "p226_025_mic2.flac", "README.md")
    (tmp_path / "p226_025.txt").write_text("Beside.")
    write(tmp_path, p226_025="Further away.")
    corpus = list_vctk(tmp_path)
    assert [(s.id, s.text) for s in corpus.sources] == [("p225_025", None), ("p226_025", "Beside.")]
    assert "(one folder)" in corpus.layout
    assert corpus.skipped == ()


def test_of_several_folders_the_trimmed_one_is_taken_and_the_others_are_named(tmp_path):
    touch(tmp_path, "wav16/p225/p225_025.wav", "a/wav48/p225/p225_025.wav", "p225_030.wav")
    assert paths(list_vctk(tmp_path), tmp_path) == ["a/wav48/p225/p225_025.wav"]
    touch(tmp_path, "a/wav48_silence_trimmed/p225/p225_025_mic1.flac")
    corpus = list_vctk(tmp_path)
    assert paths(corpus, tmp_path) == ["a/wav48_silence_trimmed/p225/p225_025_mic1.flac"]
    assert note(corpus, "took") == (
        f"took {tmp_path / 'a/wav48_silence_trimmed'}, left {tmp_path / 'a/wav48'},"
        f" {tmp_path / 'wav16'}; give one of these as the corpus instead"
    )
    assert str(tmp_path) in note(corpus, "lie loose")
    assert paths(list_vctk(tmp_path / "wav16"), tmp_path) == ["wav16/p225/p225_025.wav"]


def test_the_output_within_the_corpus_is_no_part_of_it(tmp_path):
    touch(tmp_path, "wav48/p225/p225_025.wav", "out/audio/p225/p225_025.wav", "wav48/out/x")
    corpus = list_vctk(tmp_path, leave_out=tmp_path / "out")
    assert not any("took" in line for line in corpus.notes)
    assert corpus.skipped == (("out", "a folder not named after a speaker"),)
    assert list_vctk(tmp_path / "wav48", leave_out=tmp_path / "wav48" / "out").skipped == ()
    corpus = list_vctk(tmp_path, leave_out=tmp_path / "out" / ".." / "wav48")
    assert paths(corpus, tmp_path) == ["out/audio/p225/p225_025.wav"]


def test_links_are_followed_once(tmp_path):
    touch(tmp_path, "disk/p225/p225_025.wav", "corpus/readme")
    (tmp_path / "corpus/wav48").symlink_to(tmp_path / "disk")
    (tmp_path / "corpus/again").symlink_to(tmp_path / "corpus")
    (tmp_path / "disk/p226").symlink_to(tmp_path / "gone")
    (tmp_path / "disk/loop").symlink_to("loop")
    corpus = list_vctk(tmp_path / "corpus")
    assert paths(corpus, tmp_path) == ["corpus/wav48/p225/p225_025.wav"]
    assert corpus.layout.startswith("VCTK 0.80: ")
    assert not any("took" in line for line in corpus.notes)
    assert corpus.skipped == (("p226", "a speaker's name, but no folder"),)


def test_what_is_no_recording_is_skipped_by_name(tmp_path):
    odd = ["-p225_026.wav", "p225 027.wav", "p226_028.wav", "p225_29a.wav", "p225_030_mic3.wav"]
    odd += ["p225_٣٤٥.wav", "p225_1\n.wav", "p225_" + "9" * 200 + ".wav", "p225_031.wav.wav"]
    touch(tmp_path, *[f"wav48/p225/{name}" for name in ["p225_025.wav", *odd]])
    touch(tmp_path, "wav48/p225/p225_032.m4a", "wav48/backup/x", "wav48/p225/p225_033.wav/x")
    touch(tmp_path, "wav48/song.wav", "txt/p225/p226_025.txt", "txt/p225/p225_025.lab")
    (tmp_path / "wav48/p300").mkdir()
    corpus = list_vctk(tmp_path)
    assert ids(corpus) == ["p225_025"]
    assert all(id_breach(source.id) is None for source in corpus.sources)
    reasons = dict(corpus.skipped)
    expected = {name.replace("\n", "\\n") for name in odd} | {"song.wav", "p226_025.txt"}
    assert {name for name in reasons if reasons[name] == vctk_files.ODD_NAME} == expected
    assert {name: reasons[name] for name in set(reasons) - expected} == {
        "p225_032.m4a": ".m4a cannot be read, convert it",
        "p225/p225_033.wav": "no audio file",
        "backup": "a folder not named after a speaker",
        "p300": "an empty folder",
    }


def test_of_one_sentence_in_several_files_the_best_is_taken(tmp_path):
    touch(tmp_path, *[f"wav48/p225/p225_025.{s}" for s in ("mp3", "wav", "flac")])
    touch(tmp_path, "wav48/p225/p225_026.mp3", "wav48/p225/p225_026.wav", "wav48/225/225_026.wav")
    corpus = list_vctk(tmp_path)
    assert [source.audio.name for source in corpus.sources] == ["p225_025.flac", "225_026.wav"]
    assert corpus.skipped == (
        ("p225/p225_026.wav", "also there by another name"),
        ("p225_025.mp3", "also there as .flac"),
        ("p225_025.wav", "also there as .flac"),
        ("p225_026.mp3", "also there as .wav"),
    )


def test_shared_sentences_are_kept_apart_while_they_are_few(tmp_path):
    touch(tmp_path, *[f"wav48/p225/p225_{n:03}.wav" for n in (1, 24, 25, 26)])
    corpus = list_vctk(tmp_path)
    assert [source.split for source in corpus.sources] == ["parallel", "parallel", None, None]
    touch(tmp_path, "wav48/p226/p226_001.wav")
    corpus = list_vctk(tmp_path)
    assert {source.split for source in corpus.sources} == {None}
    assert "are 3 of 5 recordings and not kept apart" in note(corpus, "001 to 024")
    touch(tmp_path, "wav48/p225/p225_027.wav")
    corpus = list_vctk(tmp_path)
    assert "(p226)" in note(corpus, "never train")


def test_texts_in_an_old_encoding_are_read_and_damaged_ones_named(tmp_path):
    touch(tmp_path, *[f"wav48/p225/p225_{n:03}.wav" for n in range(25, 30)])
    write(tmp_path, p225_025=b"It\x92s a caf\xe9.", p225_026=b"\xef\xbb\xbfPlain.")
    write(tmp_path, p225_027="Both".encode("utf-16"), p225_028=b"\x81\xff")
    (tmp_path / "txt/p225/p225_029.txt").mkdir()
    corpus = list_vctk(tmp_path)
    texts = [source.text for source in corpus.sources]
    assert texts == ["It\u2019s a caf\u00e9.", "Plain.", None, None, None]
    assert note(corpus, "not in UTF-8").startswith(f"1 text ({tmp_path}/txt/p225/p225_025.txt)")
    damaged = note(corpus, "recordings are used without words")
    assert damaged.startswith("3 recordings are used without words, for their texts cannot be read")
    assert "p225_027.txt: no text, " in damaged
    assert "p225_028.txt: no text, " in damaged
    assert "p225_029.txt: cannot be read (Is a directory); a text file was wanted" in damaged


def test_texts_that_are_pipes_or_huge_cost_their_words_and_hold_up_nobody(tmp_path):
    touch(tmp_path, *[f"wav48/p225/p225_{n:03}.wav" for n in (25, 26, 27)])
    write(tmp_path, p225_025="Fine.", p225_026="x" * (4 << 20) + "x")
    os.mkfifo(tmp_path / "txt/p225/p225_027.txt")
    os.mkfifo(tmp_path / "speaker-info.txt")
    corpus = list_vctk(tmp_path)
    assert [source.text for source in corpus.sources] == ["Fine.", None, None]
    damaged = note(corpus, "2 recordings are used without words")
    assert "p225_026.txt: 4.0 MB; a text file of at most 4 MB was wanted, " in damaged
    assert "p225_027.txt: a pipe or a device; a text file was wanted" in damaged
    assert "speaker-info.txt: a pipe" in note(corpus, "genders and accents are not known")


def test_a_shared_number_with_other_words_is_no_shared_sentence(tmp_path):
    usual = {"p225_001": "Please call Stella.", "p226_001": "please CALL, Stella", "p227_001": ""}
    usual |= {"p225_002": "Ask her.", "p226_002": "Six spoons."}
    touch(tmp_path, *[f"wav48/{key[:4]}/{key}.wav" for key in (*usual, "p228_001")])
    touch(tmp_path, *[f"wav48/p225/p225_{n:03}.wav" for n in range(25, 40)])
    write(tmp_path, **usual, p228_001="Ask her to bring.", p225_025="Anything.")
    corpus = list_vctk(tmp_path)
    parallel = [source.id for source in corpus.sources if source.split == "parallel"]
    assert parallel == ["p225_001", "p226_001", "p227_001"]  # of the last no words are known
    # Of two speakers who say two things, none is known to be right.
    assert note(corpus, "say something else") == (
        "3 recordings (p225_002, p226_002, p228_001) of a number up to 024 say something else than"
        " the others"
    )
    assert "3 recordings of the sentences" in note(corpus, "kept apart as parallel")


def test_odd_rows_of_speakers_are_named_and_old_encodings_read(tmp_path):
    touch(tmp_path, "wav48/p225/p225_025.wav", "wav48/p226/p226_025.wav", "wav48/p227/p227_025.wav")
    rows = b"p225 23 f Qu\xe9b\xe9cois\n\nnobody\np226 22\np226 22 M English\np225 1 M Welsh\n"
    (tmp_path / "speaker-info.txt").write_bytes(rows)
    corpus = list_vctk(tmp_path)
    assert corpus.genders == {"p225": "f", "p226": "m"}
    assert corpus.accents == {"p225": "Qu\u00e9b\u00e9cois", "p226": "English"}
    assert "2 rows (line 3, line 4)" in note(corpus, "not of the form")
    assert "(p227)" in note(corpus, "no row for")
    (tmp_path / "speaker-info.txt").write_bytes(INFO.encode("utf-16"))
    assert "cannot be read (no text)" in note(list_vctk(tmp_path), "speaker-info.txt")


def test_a_microphone_that_is_not_there_is_refused(tmp_path):
    touch(tmp_path, "wav48/p225/p225_025.wav", "new/p225/p225_025_mic1.flac")
    with pytest.raises(UsageError, match=r"--mic mic3: .* give mic1 or mic2"):
        list_vctk(tmp_path, mic="mic3")
    with pytest.raises(UsageError, match=r"--mic mic2: .*wav48 has one recording per sentence"):
        list_vctk(tmp_path / "wav48", mic="mic2")
    with pytest.raises(UsageError, match=r"new has mic1 alone, of 1 sentences; give --mic mic1"):
        list_vctk(tmp_path / "new", mic="mic2")


@pytest.mark.parametrize(
    ("there", "message"),
    [
        ([], r"found nothing: give the folder"),
        (["a/b/.hidden"], r"found nothing in a/b/: give the folder"),
        (["VCTK-Corpus-0.92.zip"], r"only VCTK-Corpus-0.92.zip is there: unpack it first"),
        (["a/VCTK.tar.gz", "a/readme"], r"; a/VCTK.tar.gz is there: unpack it first"),
        (["VCTK-Corpus/txt/p225/p225_001.txt"], r"only txt/ is there, the folder of audio is miss"),
        (["txt/p225/p225_001.txt", "NOTE"], r"txt/ is there \(NOTE, txt\), the folder of audio"),
        (["wav48/p225/p226_001.wav", "NOTE"], r"wav48 holds p225, no recordings: unpack"),
        (["84/121/84-121-0000.flac", *"abcdef"], r"found 84, a, b, c, d and 2 more: give"),
        (["a/b/c/d/p225/p225_001.wav"], r"; found a/b/c/d: give the folder that holds wav48"),
    ],
)
def test_where_nothing_is_found_the_message_says_what_is_there(tmp_path, there, message):
    touch(tmp_path, *there)
    with pytest.raises(InputError, match=message) as caught:
        list_vctk(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}: no recordings of VCTK; wav48_silence_trim")
    assert "\n" not in str(caught.value)


def test_a_corpus_that_is_no_folder_is_refused(tmp_path):
    touch(tmp_path, "VCTK-Corpus.zip")
    with pytest.raises(InputError, match="is a file, a folder was wanted; unpack it first, or"):
        list_vctk(tmp_path / "VCTK-Corpus.zip")
    with pytest.raises(InputError, match="no such folder; give the folder that holds wav48"):
        list_vctk(tmp_path / "nowhere")


def test_links_that_lead_in_circles_end_in_one_line(tmp_path):
    touch(tmp_path, "wav48/p225/p225_025.wav")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(InputError, match=r"loop: cannot be opened \(Too many levels"):
        list_vctk(tmp_path / "loop")
    assert ids(list_vctk(tmp_path, leave_out=tmp_path / "loop")) == ["p225_025"]


@pytest.mark.parametrize("closed", ["wav48/p225", "wav48/p226", "wav48", "txt/p225", "."])
def test_a_folder_that_may_not_be_read_is_named(tmp_path, monkeypatch, closed):
    touch(tmp_path, "wav48/p225/p225_025.wav", "wav48/p226/p226_025.wav", "wav16/p225/p225_025.wav")
    write(tmp_path, p225_025="Closed.")
    _close(tmp_path / closed, monkeypatch)
    with pytest.raises(InputError, match=rf"^{tmp_path / closed}: cannot be read \(Perm"):
        list_vctk(tmp_path)


def test_a_closed_folder_that_is_none_of_the_corpus_is_only_noted(tmp_path, monkeypatch):
    touch(tmp_path, "wav48/p225/p225_025.wav", "lost+found/x")
    _close(tmp_path / "lost+found", monkeypatch)
    assert "not searched" in note(list_vctk(tmp_path), "lost+found")
    (tmp_path / "wav48/p225/p225_025.wav").unlink()
    with pytest.raises(InputError, match=r"lost\+found: cannot be read"):
        list_vctk(tmp_path)


def _close(folder, monkeypatch):
    """Refuse to list one folder, as the system does to all users but root."""
    scandir = os.scandir

    def refuse(path="."):
        if os.path.normpath(path) == os.path.normpath(folder):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
