"""`vqspeech serve` and `demo --web`: what is asked for reaches the page, refusals are one line."""

import signal
import socket
import sys

import pytest

from vqspeech.web import server


@pytest.fixture(autouse=True)
def _signals_as_before():
    before = signal.getsignal(signal.SIGPIPE)
    yield
    signal.signal(signal.SIGPIPE, before)


@pytest.fixture
def asked(monkeypatch):
    """What the server was told, each time."""
    told = []

    def serve(model, *, ready, **options):
        told.append((model, options))
        ready("http://127.0.0.1:81")

    monkeypatch.setattr(server, "serve", serve)
    return told


def test_the_address_is_printed_and_the_options_reach_the_server(run, asked):
    status, out, err = run("serve", "--model", "mine", "--port", "81", "--through", "vocoder")
    assert (status, err) == (0, "")
    assert out == "serving http://127.0.0.1:81  to this machine alone; Ctrl-C ends it\n"
    assert asked == [("mine", {"port": 81, "device": "auto", "through": "vocoder"})]
    assert signal.getsignal(signal.SIGPIPE) == signal.SIG_IGN


def test_the_demo_becomes_a_page_that_begins_with_what_was_asked(run, asked, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = tmp_path / "a.wav"
    options = ("--speaker", "p907", "--seed", 3, "--temperature", 0.5, "--src", source)
    assert run("demo", "--web", "--port", 0, *options)[0] == 0
    ((model, told),) = asked
    assert model is None
    assert told == {
        **{"port": 0, "device": "auto", "source": source},
        **{"speaker": "p907", "seed": 3, "temperature": 0.5, "through": None},
    }
    assert list(tmp_path.iterdir()) == []


def test_a_missing_extra_and_a_taken_port_are_one_line_each(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    status, out, err = run("serve")
    assert (status, out) == (4, "")
    assert err == "error: the page needs the library gradio; pip install 'vqspeech[web]'\n"
    monkeypatch.setattr(server, "_require_gradio", lambda: None)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        status, out, err = run("serve", "--port", taken.getsockname()[1])
    assert (status, out, err.count("\n")) == (7, "", 1)
    assert "in use by another program" in err
