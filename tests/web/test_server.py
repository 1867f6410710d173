"""The server listens to its own machine alone, and ends as it is told to."""

import asyncio
import os
import socket
import sys

import pytest

from vqspeech.errors import BusyError, MissingError, UsageError
from vqspeech.web import server
from vqspeech.web.server import OnlyThisMachine


def answer(headers, kind="http"):
    """What comes of a request: the messages that are sent, and whether the page was reached."""
    sent, reached = [], []

    async def page(scope, receive, send):
        reached.append(scope["type"])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})

    async def send(message):
        sent.append(message)

    scope = {"type": kind, "headers": [(k.encode(), v.encode()) for k, v in headers.items()]}
    asyncio.run(OnlyThisMachine(page)(scope, None, send))
    return sent, bool(reached)


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "127.0.0.1:7860"},
        {"host": "localhost:9000", "origin": "http://localhost:9000"},
        {"host": "127.0.0.1:7860", "origin": "http://127.0.0.1:7860"},
    ],
)
def test_its_own_page_is_answered_and_told_to_fetch_nothing_from_elsewhere(headers):
    sent, is_reached = answer(headers)
    assert is_reached
    told = dict(sent[0]["headers"])
    assert told[b"a"] == b"b"
    assert told[b"content-security-policy"].decode().startswith("default-src 'self';")
    assert b"http" not in told[b"content-security-policy"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": "voices.example:7860"},  # a name that someone points to this machine
        {"host": "127.0.0.1.voices.example"},
        {"host": "127.0.0.1:7860", "origin": "http://voices.example"},
        {"host": "127.0.0.1:7860", "origin": "http://127.0.0.1:8000"},
        {"host": "127.0.0.1:7860", "origin": "null"},
    ],
)
def test_pages_of_others_are_refused(headers):
    sent, is_reached = answer(headers)
    assert (is_reached, sent[0]["status"]) == (False, 403)
    sent, is_reached = answer(headers, "websocket")
    assert (is_reached, sent[0]["type"]) == (False, "websocket.close")


def test_a_port_that_is_taken_is_refused_before_a_model_is_loaded(monkeypatch):
    monkeypatch.setattr(server, "_require_gradio", lambda: None)
    monkeypatch.setattr(server, "load_voice", lambda *_: pytest.fail("loaded a model"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BusyError, match=f"--port {port}: in use by another program; end it"):
            server.serve(port=port)


def test_a_port_that_may_not_be_opened_is_a_matter_of_usage(monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(server, "_require_gradio", lambda: None)
    monkeypatch.setattr(server.socket.socket, "listen", refuse)
    with pytest.raises(UsageError, match=r"cannot be opened \(Permission denied\); give one from"):
        server.serve(port=0)


def test_without_gradio_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    before = dict(os.environ)
    with pytest.raises(MissingError, match=r"gradio; pip install 'vqspeech\[web\]'"):
        server.serve(port=0)
    assert dict(os.environ) == before
