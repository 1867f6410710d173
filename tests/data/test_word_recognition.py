"""Words as PocketSphinx hears them: which of its symbols are words, and that it hears at all."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from vqspeech.data.word_recognition import Word, WordRecognizer
from vqspeech.errors import MissingError

SYMBOLS = ["<s>", "the(2)", "<sil>", "[NOISE]", "++UM++", "don't", "<sil>", "u.", "</s>"]


@pytest.fixture
def decoder(monkeypatch):
    """A PocketSphinx that hears the same in everything, and what it was told."""

    class Decoder:
        heard, calls = SYMBOLS, []

        def __init__(self, **options):
            # Without these bounds random codes, spoken, take five times as long as they sound.
            assert options == {
                "loglevel": "FATAL",
                "maxhmmpf": 3000,
                "maxwpf": 10,
                "fwdflat": False,
            }

        def process_raw(self, pcm, full_utt):
            self.calls.append((np.frombuffer(pcm, "<i2").tolist(), full_utt))

        def hyp(self):
            return SimpleNamespace() if self.heard else None

        def seg(self):
            return [SimpleNamespace(word=w, prob=i / 10) for i, w in enumerate(self.heard)]

        reinit_feat = start_utt = end_utt = lambda self: None

    module = ModuleType("pocketsphinx")
    module.Decoder = Decoder
    monkeypatch.setitem(sys.modules, "pocketsphinx", module)
    monkeypatch.setattr("vqspeech.data.word_recognition.metadata.version", lambda name: "9.9")
    return Decoder


def test_pauses_noises_and_edges_are_no_words(decoder):
    recognizer = WordRecognizer()
    words = recognizer.hear(np.array([0.0, 1.0, -2.0]))
    assert words == [Word("the", 0.1), Word("don't", 0.5), Word("u.", 0.7)]
    assert decoder.calls == [([0, 32767, -32767], True)]
    assert recognizer.version == "9.9"


def test_where_nothing_is_heard_there_are_no_words(decoder):
    assert WordRecognizer().hear(np.zeros(0)) == []
    decoder.heard = []
    assert WordRecognizer().hear(np.zeros(3)) == []


def test_without_pocketsphinx_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    with pytest.raises(MissingError, match=r"pip install 'vqspeech\[align\]'"):
        WordRecognizer()


def test_noise_has_hardly_a_word():
    pytest.importorskip("pocketsphinx")
    noise = 0.1 * np.random.default_rng(0).normal(size=6400)
    assert len(WordRecognizer().hear(noise)) <= 1
