import os
from collections import Counter
from pathlib import Path

import pytest
import soundfile

from vqspeech.data.corpora import CORPORA
from vqspeech.data.corpora.folder import list_folder
from vqspeech.data.corpora.mini import list_mini, mini_folder
from vqspeech.data.corpora.source import Corpus, Source
from vqspeech.data.tables import id_breach
from vqspeech.errors import InputError


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")


def test_a_folder_of_speakers_is_listed_with_its_words(tmp_path):
    touch(tmp_path, "mary/b.wav", "mary/day 1/a.FLAC", "john/john_001.mp3", "john/.hidden.wav")
    touch(tmp_path, "john/notes.pdf", "loose.wav")
    (tmp_path / "mary" / "b.txt").write_text("Good  day,\nMary.\n")
    (tmp_path / "john" / "john_001.lab").write_text("good day john\n")
    corpus = list_folder(tmp_path)
    assert [(source.id, source.speaker, source.text) for source in corpus.sources] == [
        ("john-001", "john", "good day john"),
        ("mary-b", "mary", "Good day, Mary."),
        ("mary-day_1-a", "mary", None),
    ]
    found = "3 recordings of 2 speakers, 2 with their words"
    assert corpus.layout == f"{tmp_path}: a folder of speakers, {found}"
    assert corpus.notes == ()
    assert corpus.skipped == (
        ("john/notes.pdf", "no audio file"),
        ("loose.wav", "outside speakers' folders"),
    )


def test_what_cannot_be_used_is_skipped_by_its_name_within_the_corpus(tmp_path):
    touch(tmp_path, "mary/a.wav", "mary/a.TXT", "mary/gone.txt", "john/x/gone.lab", "README.txt")
    touch(tmp_path, "mary/b.m4a", "mary/c\x07.pdf", "loose.txt", "loose.wav")
    corpus = list_folder(tmp_path)
    assert [(source.id, source.text) for source in corpus.sources] == [("mary-a", "x")]
    assert corpus.skipped == (
        ("README.txt", "a text without audio"),
        ("john/x/gone.lab", "a text without audio"),
        ("loose.wav", "outside speakers' folders"),
        ("mary/b.m4a", ".m4a cannot be read, convert it"),
        ("mary/c\\x07.pdf", "no audio file"),
        ("mary/gone.txt", "a text without audio"),
    )


def test_of_one_recording_in_several_formats_the_likely_original_is_taken(tmp_path):
    touch(tmp_path, *[f"mary/x.{s}" for s in ("mp3", "wav", "flac", "txt", "lab")])
    touch(tmp_path, "mary/y.mp3", "mary/y.WAV", "mary/z.wav", "mary/z.aif")
    (tmp_path / "mary/x.txt").write_text("words")
    corpus = list_folder(tmp_path)
    assert [s.audio.name for s in corpus.sources] == ["x.flac", "y.WAV", "z.wav"]
    assert [s.text for s in corpus.sources] == ["words", None, None]
    assert corpus.skipped == (
        ("mary/x.mp3", "also there as .flac"),
        ("mary/x.wav", "also there as .flac"),
        ("mary/y.mp3", "also there as .WAV"),
        ("mary/z.aif", "also there as .wav"),
    )


def test_a_pattern_limits_what_is_taken(tmp_path):
    touch(tmp_path, "mary/a.wav", "john/a.wav", "john/b.wav")
    touch(tmp_path, "mary/a.txt", "loose.wav")
    corpus = list_folder(tmp_path, match="john/*")
    assert [source.id for source in corpus.sources] == ["john-a", "john-b"]
    assert corpus.notes == (f"{tmp_path}: 2 audio files do not match 'john/*'",)
    assert corpus.skipped == ()
    with pytest.raises(InputError, match=r"none of 4 audio files matches 'eve/\*'"):
        list_folder(tmp_path, match="eve/*")


def test_odd_names_become_ids_in_order_of_speakers(tmp_path):
    names = ["a/-rf.wav", "a/c.wav", "a-b/x..x.wav", "a c/é ü.wav", "a!/1.wav"]
    touch(tmp_path, *names, "ab/" + "x" * 240 + ".wav")
    sources = list_folder(tmp_path).sources
    assert all(id_breach(source.id) is None for source in sources)
    assert all(source.id.startswith(source.speaker + "-") for source in sources)
    speakers = [source.speaker for source in sources]
    assert speakers == sorted(speakers)


def test_two_files_with_one_id_are_refused(tmp_path):
    touch(tmp_path, "a/x 1.wav", "a/x_1.wav")
    with pytest.raises(InputError, match=r"would be called a-x_1, as .* rename one"):
        list_folder(tmp_path)


def test_two_folders_that_would_be_one_speaker_are_refused(tmp_path):
    touch(tmp_path, "a b/x.wav", "a_b/y.wav")
    with pytest.raises(InputError, match=r"speaker a_b, as .*a b; rename one"):
        list_folder(tmp_path)


def test_words_that_cannot_be_read_cost_the_words_and_not_the_recording(tmp_path):
    touch(tmp_path, *[f"a/{name}.wav" for name in "wxyz"])
    (tmp_path / "a/w.txt").write_bytes(b"caf\xe9 \x93now\x94")
    (tmp_path / "a/x.txt").write_bytes("no".encode("utf-16"))
    os.mkfifo(tmp_path / "a/y.txt")
    (tmp_path / "a/z.txt").mkdir()
    corpus = list_folder(tmp_path)
    assert [source.text for source in corpus.sources] == ["café \u201cnow\u201d", None, None, None]
    assert corpus.notes == (
        f"1 text ({tmp_path}/a/w.txt) not in UTF-8, read as Windows-1252",
        "2 recordings are used without words, for their texts cannot be read:"
        f" {tmp_path}/a/x.txt: no text, {tmp_path}/a/y.txt: a pipe or a device; a text file was"
        " wanted",
    )


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "no audio among 0 files"),
        (["a/x.txt", "a/y.pdf"], "no audio among 2 files"),
        (["a.wav", "b.wav"], "2 audio files but no folders of speakers"),
        (["a/x.m4a"], r"only audio that cannot be read \(.m4a\), convert it with ffmpeg"),
    ],
)
def test_a_folder_without_usable_audio_says_what_was_expected(tmp_path, names, message):
    touch(tmp_path, *names)
    with pytest.raises(InputError, match=message + ".*; CORPUS/SPEAKER/.* was wanted"):
        list_folder(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        list_folder(tmp_path / "nowhere")


def test_the_embedded_corpus_is_as_its_page_promises():
    corpus = list_mini()
    assert len(corpus.sources) == 352
    assert Counter(source.split for source in corpus.sources) == {
        "train": 304,
        "valid": 24,
        "test": 24,
    }
    assert set(Counter(source.speaker for source in corpus.sources).values()) == {44}
    voices = Counter((corpus.accents[s], corpus.genders[s]) for s in corpus.genders)
    assert voices == dict.fromkeys(
        [("American", "f"), ("American", "m"), ("British", "f"), ("British", "m")], 2
    )
    assert "p901" in corpus.genders
    files = [path for path in mini_folder().rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 6_000_000
    assert len(files) == 352 + 5


def test_no_sentence_of_the_embedded_corpus_is_in_two_splits():
    splits: dict[str, set] = {}
    for source in list_mini().sources:
        splits.setdefault(source.text, set()).add(source.split)
    assert all(len(found) == 1 for found in splits.values())


def test_the_phones_of_the_embedded_corpus_tile_its_audio():
    corpus = list_mini()
    assert set(corpus.phones) == {source.id for source in corpus.sources}
    for source in corpus.sources[::20]:
        phones = corpus.phones[source.id]
        seconds = soundfile.info(source.audio).duration
        assert sum(phone.duration_seconds for phone in phones) == pytest.approx(seconds, abs=1e-6)
    labels = {phone.label for phones in corpus.phones.values() for phone in phones}
    assert len(labels) == 40  # CMU's 39 and SIL


def test_a_pattern_limits_the_embedded_corpus_too():
    assert len(list_mini(match="p901_*").sources) == 44
    with pytest.raises(InputError, match="none of 352 utterances matches 'p999'"):
        list_mini(match="p999")


def test_a_damaged_embedded_corpus_is_named(tmp_path):
    with pytest.raises(InputError, match=r"speakers.tsv: cannot be read"):
        list_mini(tmp_path)
    for row in ("p1\tF", "p1\tF\tBritish\tsurplus"):
        (tmp_path / "speakers.tsv").write_text(f"speaker\tgender\taccent\n{row}\n")
        with pytest.raises(InputError, match=r"speakers.tsv:2: the columns speaker, gender"):
            list_mini(tmp_path)


def test_every_corpus_has_a_lister():
    assert set(CORPORA) >= {"folder", "mini"}


def test_what_may_not_be_read_is_named(tmp_path, monkeypatch):
    touch(tmp_path, "mary/a.wav", "mary/a.txt", "mary/" + "x" * 252 + ".au")
    assert len(list_folder(tmp_path).sources) == 2  # no text can stand beside the longest name
    system = os.open

    def refuse(path, *options):
        if str(path).endswith("a.txt"):
            raise PermissionError(13, "Permission denied", path)
        return system(path, *options)

    monkeypatch.setattr(os, "open", refuse)
    (note,) = list_folder(tmp_path).notes
    assert "mary/a.txt: cannot be read (Permission denied); a text file was wanted" in note
    with pytest.raises(InputError, match="cannot be opened"):
        list_folder(tmp_path / ("x" * 300))


@pytest.mark.parametrize("name", sorted(CORPORA))
def test_a_file_or_a_link_to_nothing_in_place_of_a_corpus_is_refused_as_such(tmp_path, name):
    (tmp_path / "corpus.zip").write_bytes(b"PK")
    (tmp_path / "link").symlink_to("gone")
    with pytest.raises(InputError, match=r"corpus.zip: is a file, a folder was wanted; unpack it"):
        CORPORA[name](tmp_path / "corpus.zip")
    with pytest.raises(InputError, match=r"link: a link to gone, which is not there; give "):
        CORPORA[name](tmp_path / "link")
    with pytest.raises(InputError, match=r"nowhere: no such folder; give "):
        CORPORA[name](tmp_path / "nowhere")


def test_links_that_lead_in_circles_are_no_part_of_a_corpus(tmp_path):
    touch(tmp_path, "mary/a.wav")
    (tmp_path / "loop").symlink_to("loop")
    assert len(list_folder(tmp_path, leave_out=tmp_path / "loop").sources) == 1
    with pytest.raises(InputError, match=r"loop: cannot be opened \(Too many levels"):
        list_folder(tmp_path / "loop")


@pytest.mark.parametrize(
    "ids",
    [[("a-1", "b")], [("../a-1", "../a")], [("a-2", "a"), ("a-1", "a")], [("a-1", "a")] * 2],
)
def test_a_lister_that_lets_a_bad_id_through_is_a_mistake(ids):
    with pytest.raises(ValueError, match=r"begin with the speaker|could leave its folder"):
        Corpus(tuple(Source(key, speaker, Path("x")) for key, speaker in ids))
