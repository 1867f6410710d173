"""`vqspeech serve`: a page on this machine, to hear recordings in other voices."""

import signal
from typing import Annotated

import typer

from vqspeech.cli.voices import DeviceOption, ModelOption, ThreadsOption, ThroughOption

PortOption = Annotated[
    int, typer.Option(min=0, max=65535, help="Of 127.0.0.1; 0 takes any that is free.")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(serve)


def serve(
    model: ModelOption = None,
    port: PortOption = 7860,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 1,
    through: ThroughOption = None,
) -> None:
    """Show a page, on this machine alone, that converts recordings (extra: vqspeech[web])."""
    open_page(model, port, device, threads, through=through)


def open_page(model: str | None, port: int, device: str, threads: int = 1, **beginning) -> None:
    """Show the page until a signal ends it; `beginning` is what it begins with."""
    import torch

    from vqspeech.web.server import serve as serve_page

    torch.set_num_threads(threads)
    # A browser that goes away ends its connection, not the server.
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    serve_page(model, port=port, device=device, ready=_print_address, **beginning)


def _print_address(address: str) -> None:
    print(f"serving {address}  to this machine alone; Ctrl-C ends it", flush=True)
