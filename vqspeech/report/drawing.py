"""Pictures for a page that is read in light and in dark: SVG whose colours are CSS variables.

A picture is drawn by matplotlib in colours that stand for names, and each is exchanged for
`var(--name)` in the text of the SVG: the page, not the picture, knows what "ink" looks like. Equal
input gives equal bytes. Sizes are in pixels of the page.
"""

import contextlib
import html
import io
import re
import warnings
from collections.abc import Iterator

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from vqspeech.report.page import Picture, csv_text, plain

# The variables that template.html defines.
COLORS = (
    *("ink", "muted", "line", "paper", "wash", "series-1", "series-2", "series-3", "series-4"),
    *("vowel", "approximant", "nasal", "fricative", "affricate", "stop", "silence", "other"),
)
SERIES = ("series-1", "series-2", "series-3", "series-4")
# Colours that nothing else in a picture has, one for each name.
_STANDS_FOR = {f"#0a{number:02x}0f": name for number, name in enumerate(COLORS)}
_COLOR_OF = {name: color for color, name in _STANDS_FOR.items()}
TEXT, SMALL = 11, 9.5  # pixels; the page's own text is 16


def color(name: str) -> str:
    """What to tell matplotlib for a colour of the page.

    Raises:
        KeyError: the page has no such colour.
    """
    return _COLOR_OF[name]


@contextlib.contextmanager
def canvas(width: int, height: int) -> Iterator[Figure]:
    """A figure of that many pixels, under settings that are the page's and not the reader's."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        # Letters are drawn by the browser, so one that matplotlib's font lacks is no matter.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        warnings.filterwarnings("ignore", ".*Matplotlib currently does not support .* natively")
        matplotlib.rcdefaults()
        ink, muted = color("ink"), color("muted")
        matplotlib.rcParams.update(
            {
                "svg.fonttype": "none",
                "svg.hashsalt": "vqspeech",
                "text.parse_math": False,  # a speaker's name may hold a dollar sign
                "font.size": SMALL,
                "text.color": ink,
                "axes.edgecolor": color("line"),
                "axes.labelcolor": muted,
                "axes.labelsize": SMALL,
                "axes.linewidth": 1.0,
                "axes.facecolor": "none",
                "axes.spines.top": False,
                "axes.spines.right": False,
                "axes.grid": False,
                "axes.axisbelow": True,
                "xtick.color": color("line"),
                "ytick.color": color("line"),
                "xtick.labelcolor": muted,
                "ytick.labelcolor": muted,
                "xtick.major.size": 3,
                "ytick.major.size": 0,
                "lines.linewidth": 1.6,
                "legend.frameon": False,
                "legend.fontsize": SMALL,
                "legend.labelcolor": ink,
                "legend.handlelength": 1.4,
            }
        )
        figure = Figure((width / 72, height / 72), dpi=72, facecolor="none")
        FigureCanvasSVG(figure)
        yield figure


def add_axes(figure: Figure, left: float, bottom: float, right: float, top: float) -> Axes:
    """Axes with margins in pixels to the four sides of the figure."""
    width, height = figure.get_size_inches() * 72
    return figure.add_axes(
        (left / width, bottom / height, 1 - (left + right) / width, 1 - (bottom + top) / height)
    )


def rule(axes: Axes) -> None:
    """Faint horizontal lines, and no spine on the left: values are read along them."""
    axes.grid(axis="y", color=color("line"), linewidth=0.8)
    axes.spines["left"].set_visible(False)


def finish(
    figure: Figure,
    name: str,
    title: str,
    alt: str,
    rows: tuple[tuple[object, ...], ...] | list,
    caption: str = "",
) -> Picture:
    """The drawn figure as part of the page; to be called within `canvas`.

    Args:
        name: of the picture, unique in the page: letters, digits and hyphens.
        title: above it.
        alt: what it shows, for who cannot see it.
        rows: its numbers, the first row their names.
        caption: how to read it, below it.
    """
    buffer = io.StringIO()
    figure.savefig(
        buffer,
        format="svg",
        transparent=True,
        metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
    )
    width = round(figure.get_size_inches()[0] * 72)
    svg = _for_page(buffer.getvalue(), name, alt, width)
    return Picture(name, title, alt, svg, csv_text(rows), caption, width)


def _for_page(svg: str, name: str, alt: str, width: int) -> str:
    """The SVG as an element of an HTML page that holds others of its kind."""
    view = re.search(r'viewBox="([^"]+)"', svg)[1]
    body = svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.S)
    body = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", body, flags=re.S)
    body = re.sub(r"<!--.*?-->\s*", "", body, flags=re.S)
    body = body.replace("xlink:href=", "href=")
    # Names are the picture's own, and only those that something refers to stay.
    used = set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', body))
    used = {one or other for one, other in used}
    body = re.sub(r' id="([^"]+)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", body)
    body = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", body)
    body = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', body)
    body = re.sub(r"#0a[0-9a-f]{2}0f", lambda m: f"var(--{_STANDS_FOR[m[0]]})", body)
    body = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", body)
    # A hundredth of a pixel is enough; in text, between tags, digits stay.
    body = plain(body)
    body = re.sub(r"<[^>]*>", lambda m: re.sub(r"(\d\.\d{2})\d+", r"\1", m[0]), body)
    body = re.sub(r"\s*\n\s*", "\n", body).strip()
    label = html.escape(plain(alt))
    return (
        f'<svg viewBox="{view}" role="img" aria-label="{label}" style="--natural:{width}px">\n'
        f"{body}\n</svg>"
    )
