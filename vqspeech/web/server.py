"""The server behind the page: on this machine alone, for this machine alone.

It listens on 127.0.0.1 and answers no page of another site: a browser would let any site send
requests here, or, by a name that it points to 127.0.0.1, read the answers. The page is forbidden
to fetch anything from elsewhere. Recordings lie in a folder that goes when the server does.
"""

import contextlib
import errno
import os
import socket
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from importlib import resources
from pathlib import Path
from typing import Any

from vqspeech.errors import BusyError, MissingError, UsageError
from vqspeech.generation.voice import load_voice
from vqspeech.stages.demo import packaged_recording
from vqspeech.stages.list_models import list_speakers
from vqspeech.stages.speaker_choice import choose_speakers
from vqspeech.web.page import Beginning, build_page

HOST, PORT = "127.0.0.1", 7860
NAMES = (HOST, "localhost")
MOST_UPLOAD = "200mb"  # an hour of 16-bit stereo would be 600
CLOSING_SECONDS = 2  # for open connections, when the server is told to end
# gradio's page has scripts and styles in it, and wants to compile templates.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:;"
    " style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' data: blob:;"
    " font-src 'self' data:; connect-src 'self' data: blob:; worker-src 'self' blob:;"
    " object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
# Read by gradio and by what it imports.
SETTINGS = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
}

Message = MutableMapping[str, Any]


def serve(
    model: str | os.PathLike | None = None,
    *,
    port: int = PORT,
    device: str = "auto",
    source: str | os.PathLike | None = None,
    speaker: str | None = None,
    seed: int = 0,
    temperature: float | None = None,
    through: str | None = None,
    ready: Callable[[str], None] = lambda address: None,
) -> None:
    """Show the page until a signal ends it.

    Args:
        model: the first packaged model without it.
        port: of 127.0.0.1; 0 takes any that is free.
        device: where the model computes.
        source: the recording that the page begins with; the packaged one without it.
        speaker: who is chosen at first; a woman without it.
        seed: that the page begins with.
        temperature: likewise; the model's own without it.
        through: "wavenet" or "vocoder"; the model's own without it.
        ready: told the address, as soon as a browser may open it.

    Raises:
        MissingError: gradio is not installed, no model, or no such device.
        BusyError: the port is in use.
        UsageError: the port may not be opened, an unknown speaker, or no such way to speak.
        InputError: no model where it was said to be.
    """
    with _settings(), contextlib.ExitStack() as stack:
        _require_gradio()
        listening = stack.enter_context(_listen(port))
        voice = load_voice(model, device)
        if through is not None:
            voice.speak_through(through)
        rows = list_speakers(model)
        name = choose_speakers(rows)[0] if speaker is None else speaker
        beginning = Beginning(
            Path(source) if source is not None else packaged_recording(),
            voice.speakers[voice.speaker_index(name)],
            voice.temperature if temperature is None else temperature,
            seed,
        )
        voice.get_ready()
        is_over = threading.Event()
        page = build_page(voice, rows, beginning, is_over.is_set)
        address = f"http://{HOST}:{listening.getsockname()[1]}"
        _run(page, listening, is_over, lambda: ready(address))


def _run(page: Any, listening: socket.socket, is_over: threading.Event, ready: Callable) -> None:
    """Serve the page on the socket until a signal comes, which is raised again at the end."""
    import fastapi
    import gradio as gr
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready()

        def handle_exit(self, sig: int, frame: Any) -> None:
            is_over.set()  # a conversion in a thread of its own asks for it
            super().handle_exit(sig, frame)

    app = gr.mount_gradio_app(
        fastapi.FastAPI(openapi_url=None),
        page,
        path="/",
        server_name=HOST,
        server_port=listening.getsockname()[1],
        footer_links=[],
        run_history=False,
        show_error=True,
        max_file_size=MOST_UPLOAD,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        theme=gr.themes.Base(font=["system-ui", "sans-serif"], font_mono=["monospace"]),
        css=_style(),
    )
    config = uvicorn.Config(
        OnlyThisMachine(app),
        log_level="error",
        access_log=False,
        timeout_graceful_shutdown=CLOSING_SECONDS,
    )
    Server(config).run([listening])


class OnlyThisMachine:
    """An ASGI application that answers nobody but the browser's tab with this server's page."""

    def __init__(self, app: Callable[..., Awaitable[None]]):
        self._app = app

    async def __call__(self, scope: Message, receive: Callable, send: Callable) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        host, origin = headers.get(b"host", ""), headers.get(b"origin")
        if host.split(":")[0] not in NAMES or origin not in (None, f"http://{host}"):
            await _refuse(scope, send)
            return

        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                policy = (b"content-security-policy", POLICY.encode())
                message["headers"] = [*message.get("headers", ()), policy]
            await send(message)

        await self._app(scope, receive, send_with_policy)


async def _refuse(scope: Message, send: Callable) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    plain = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": 403, "headers": plain})
    await send({"type": "http.response.body", "body": b"This page is for its own machine alone.\n"})


@contextlib.contextmanager
def _listen(port: int) -> Iterator[socket.socket]:
    """A bound socket of 127.0.0.1, before the seconds that a model takes to load."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listening:
        if os.name == "posix":  # a server that has just ended keeps nobody from its port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, port))
            listening.listen()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise BusyError(
                    f"--port {port}: in use by another program; end it, or give another port"
                    " (0 takes any that is free)"
                ) from error
            raise UsageError(
                f"--port {port}: cannot be opened ({error.strerror}); give one from 1024 to 65535"
            ) from error
        yield listening


def _require_gradio() -> None:
    try:
        import gradio  # noqa: F401
    except (ImportError, OSError) as error:  # OSError: a library that a wheel links is missing
        raise MissingError(
            "the page needs the library gradio; pip install 'vqspeech[web]'"
        ) from error


@contextlib.contextmanager
def _settings() -> Iterator[None]:
    """The environment that gradio reads, with a folder for recordings, for as long as needed."""
    with tempfile.TemporaryDirectory(prefix="vqspeech-web-") as folder:
        wanted = SETTINGS | {"GRADIO_TEMP_DIR": folder}
        before = {name: os.environ.get(name) for name in wanted}
        os.environ.update(wanted)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def _style() -> str:
    folder = Path(str(resources.files("vqspeech"))) / "assets" / "web"
    return (folder / "page.css").read_text(encoding="utf-8")
