import numpy as np
import pytest

from vqspeech.audio.waveform import read_waveform
from vqspeech.data.corpora.mini import list_mini
from vqspeech.errors import MissingError

pytest.importorskip("pocketsphinx")

from vqspeech.data import forced_alignment
from vqspeech.data.forced_alignment import Aligner, UnalignedError


@pytest.fixture(scope="module")
def aligner():
    return Aligner()


@pytest.fixture(scope="module")
def recordings():
    """The four shortest of the test set of the embedded corpus: samples, text, true phones."""
    corpus = list_mini()
    test = [source for source in corpus.sources if source.split == "test"]
    shortest = sorted(test, key=lambda source: source.audio.stat().st_size)[:4]
    return [(read_waveform(s.audio, 16000).samples, s.text, corpus.phones[s.id]) for s in shortest]


def test_most_frames_get_the_phone_that_the_synthesiser_was_given(aligner, recordings):
    agree = []
    for samples, text, true in recordings:
        found = aligner.align(samples, text)
        ends = [phone.start_seconds + phone.duration_seconds for phone in found]
        starts = [phone.start_seconds for phone in found]
        assert starts[0] == 0
        assert starts[1:] == pytest.approx(ends[:-1])
        assert ends[-1] == pytest.approx(len(samples) / 16000, abs=0.03)

        def label_at(phones, seconds):
            return next((p.label for p in phones if seconds < p[0] + p[1]), "SIL")

        times = np.arange(0.005, ends[-1], 0.01)
        agree += [label_at(found, time) == label_at(true, time) for time in times]
    assert np.mean(agree) > 0.75  # 0.83 over its test set


def test_a_used_aligner_finds_the_same_as_a_new_one(aligner, recordings):
    fresh = [Aligner().align(samples, text) for samples, text, _ in recordings]
    with pytest.raises(UnalignedError):  # a search that failed leaves nothing behind either
        aligner.align(np.zeros(1600, np.float32), "hello world")
    assert [aligner.align(samples, text) for samples, text, _ in recordings] == fresh


def test_the_later_rungs_take_over_where_the_first_fails(recordings, monkeypatch, capfd):
    samples, text, _ = recordings[0]
    usual = Aligner().align(samples, text)
    search, rungs = forced_alignment._search, []

    def fail_at_first(decoder, words, pcm, is_grammar):
        rungs.append(is_grammar)
        if len(rungs) < 3:
            raise RuntimeError
        return search(decoder, words, pcm, is_grammar)

    monkeypatch.setattr(forced_alignment, "_search", fail_at_first)
    found = Aligner().align(samples, text)
    assert rungs == [False, True, True]
    assert [p.label for p in found if p.label != "SIL"] == [
        p.label for p in usual if p.label != "SIL"
    ]
    assert capfd.readouterr() == ("", "")  # native code prints nothing


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, World!", "hello world"),
        ("don’t — 'tis sea-green", "don't 'tis sea green"),
        ("‘Rock 'n' roll’", "rock n roll"),
        ("Mr. Smith's e-mail (at 'noon')", "mr smith's e-mail at noon"),
        ("Café, an able-bodied man.", "cafe an able-bodied man"),
        ("yes... no--maybe", "yes no maybe"),
    ],
)
def test_words_are_spelt_as_in_the_dictionary(aligner, text, words):
    assert aligner.words_of(text) == words.split()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("3 dogs and 12 cats", "3, 12"),
        ("zzyzx twice zzyzx", "zzyzx"),
        ("<sil> [noise] read(2)", "<sil>, [noise], read(2)"),
        ("hello; | <x> = privet", "|, <x>, =, privet"),
        ("привет world", "привет"),
        ("rock & roll", "&"),
    ],
)
def test_what_the_dictionary_lacks_is_named_and_never_dropped(aligner, text, named):
    with pytest.raises(UnalignedError) as refused:
        aligner.words_of(text)
    assert (refused.value.reason, refused.value.detail) == (
        "words that are not in the dictionary",
        named,
    )


@pytest.mark.parametrize("text", ["", " ", "...", "' — '"])
def test_a_text_without_words_is_refused(aligner, text):
    with pytest.raises(UnalignedError, match="no words"):
        aligner.words_of(text)


def test_audio_that_is_empty_too_short_or_too_long_is_refused(aligner):
    for seconds, reason in ((0, "no audio"), (0.05, "reached the end"), (121, "longer than 120")):
        with pytest.raises(UnalignedError, match=reason):
            aligner.align(np.zeros(int(16000 * seconds), np.float32), "hello world")


def test_without_the_package_the_message_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pocketsphinx", None)
    with pytest.raises(MissingError, match=r"pip install 'vqspeech\[align\]'"):
        Aligner()
