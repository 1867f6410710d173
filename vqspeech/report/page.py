"""One page that needs nothing else: sections of pictures, tables, sound and text.

Everything is inside the file and nothing is fetched; the page itself forbids it. All text is
escaped by the template, characters that cannot be seen included; only the SVG of pictures, made by
`drawing.py`, goes in as it is.
"""

import base64
import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from urllib.parse import quote

from jinja2 import Environment, StrictUndefined

from vqspeech.errors import printable


@dataclass(frozen=True)
class Picture:
    """An SVG with its numbers."""

    name: str  # unique in the page
    title: str
    alt: str
    svg: str
    csv: str
    caption: str
    width: int  # pixels at which its letters have their size

    kind = "picture"


@dataclass(frozen=True)
class Raster:
    """A picture made of pixels, of which each stays a square where it is shown larger."""

    name: str  # unique in the page
    title: str
    alt: str
    content: bytes  # a file
    caption: str
    width: int  # pixels of the page; on a narrower screen it shrinks
    mime: str = "image/png"  # or what else a browser shows
    is_smooth: bool = False  # of more pixels than `width`: none are left out, they are averaged
    is_moving: bool = False  # not shown to who asks for less motion; let others show its frames

    kind = "raster"


@dataclass(frozen=True)
class Cell:
    """A value of a table."""

    text: str
    note: str = ""  # below it and smaller, such as an interval
    strong: bool = False


@dataclass(frozen=True)
class Table:
    """Rows under a caption; the first cell of a row names it, and a row of one text is a heading.

    `csv` is what its link downloads, the same numbers unrounded.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...] | str, ...]
    csv: str
    caption: str = ""
    is_folded: bool = False

    kind = "table"


@dataclass(frozen=True)
class Text:
    """A passage that may be folded away, kept as it is written."""

    title: str
    text: str

    kind = "text"


@dataclass(frozen=True)
class Missing:
    """Material that is not there, and the command that makes it."""

    what: str
    command: str

    kind = "missing"


@dataclass(frozen=True)
class Heading:
    """A title within a section."""

    title: str
    text: str = ""

    kind = "heading"


@dataclass(frozen=True)
class Clip:
    """A recording: its spectrogram and, unless it was left out, its sound."""

    title: str
    note: str
    picture: Picture
    audio: str  # a data URI, or ""


@dataclass(frozen=True)
class Clips:
    """Recordings of the same words, side by side."""

    title: str
    clips: tuple[Clip, ...]

    kind = "clips"


Block = Picture | Raster | Table | Text | Missing | Heading | Clips


@dataclass(frozen=True)
class Section:
    """A part of the page, with a line in the table of contents."""

    name: str
    title: str
    lead: str  # what it shows, in a sentence or two
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Header:
    """What stands on top."""

    title: str
    facts: tuple[tuple[str, str], ...]  # of the run: steps, time, hardware
    scores: tuple[tuple[str, str, str], ...]  # label, value, and what to compare it with
    texts: tuple[Text, ...] = ()


def render_page(
    header: Header, sections: Sequence[Section], program: str = "vqspeech report"
) -> str:
    """The HTML of the page.

    Args:
        program: the command that makes it, named in its footer.
    """
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: plain(value) if type(value) is str else value,
    )
    environment.filters["csv_uri"] = csv_uri
    environment.filters["data_uri"] = _data_uri
    environment.filters["grouped"] = _grouped
    source = resources.files("vqspeech.report").joinpath("template.html")
    template = environment.from_string(source.read_text(encoding="utf-8"))
    return template.render(header=header, sections=sections, program=program)


def plain(text: str) -> str:
    """Text whose characters can all be seen; line breaks and tabs stay.

    A mark that turns the direction of writing, or a byte that is no text, is written out.
    """
    return "\n".join(
        line if line.isprintable() else "\t".join(map(printable, line.split("\t")))
        for line in text.split("\n")
    )


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV; floats have six digits, None is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row in rows:
        writer.writerow([_field(value) for value in row])
    return out.getvalue()


def csv_uri(text: str) -> str:
    """CSV as the target of a link."""
    shown = plain(text)
    return "data:text/csv;charset=utf-8," + quote(shown, safe=",.-_:;/()' ").replace(" ", "%20")


def audio_uri(content: bytes, kind: str) -> str:
    """A sound file as the source of a player; `kind` is its MIME type."""
    return _data_uri(content, kind)


def _data_uri(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _field(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _grouped(blocks: Sequence[Block]) -> list[tuple[str, list[Block]]]:
    """Neighbouring pictures of at most 480 pixels stand side by side, the rest alone."""
    groups: list[tuple[str, list[Block]]] = []
    for block in blocks:
        kind = "small" if block.kind == "picture" and block.width <= 480 else block.kind
        if kind == "small" and groups and groups[-1][0] == "small":
            groups[-1][1].append(block)
        else:
            groups.append((kind, [block]))
    return groups
