"""The page: nothing is fetched, everything is escaped, the numbers of a picture are in it."""

import base64
import csv
import io

from page_reader import PageReader, faults

from vqspeech.report.drawing import add_axes, canvas, color, finish
from vqspeech.report.page import (
    Cell,
    Clip,
    Clips,
    Header,
    Heading,
    Missing,
    Raster,
    Section,
    Table,
    Text,
    audio_uri,
    csv_text,
    render_page,
)

EVIL = "<script>alert(1)</script>\"'&$x^2$ \u202eevil\u200f über 音"


def picture(name, title="Squares", rows=(("x", "y"), (1, 1.0), (2, 4.0))):
    with canvas(300, 200) as figure:
        axes = add_axes(figure, 30, 30, 5, 5)
        axes.plot([1, 2], [1, 4], marker="o", color=color("series-1"))
        axes.set_xlabel(title)
        axes.imshow([[0.0, 1.0]], extent=(1, 2, 1, 4), aspect="auto")
        return finish(figure, name, title, f"alt of {title}", rows, title)


def page(words):
    clip = Clip(words, words, picture("clip-1", words), audio_uri(b"fLaC", "audio/flac"))
    blocks = (
        *(picture("first", words), picture("second", words), Heading(words, words)),
        *(
            Raster("small", words, words, b"PNG", words, 64),
            Raster("large", words, "a", b"", "", 900),
        ),
        Table("table", words, ("name", words), ((Cell(words), Cell(words, words)), words), "a\n"),
        Table("folded", words, ("a", "b", "c"), ((Cell("1"),) * 3,), "a\n", words, is_folded=True),
        *(Text(words, words), Missing(words, words), Clips(words, (clip,))),
    )
    header = Header(words, ((words, words),), ((words, words, words),), (Text(words, words),))
    return render_page(header, [Section("part", words, words, blocks)])


def test_a_page_fetches_nothing_and_its_parts_have_names_of_their_own():
    assert faults(page("plain")) == []


def test_text_from_outside_is_never_markup():
    html = page(EVIL)
    assert faults(html) == []
    assert len(PageReader(html).elements) == len(PageReader(page("plain")).elements)
    for sign in "\u202e\u200f":  # marks that would turn the text around them
        assert sign not in html
    assert "\\u202eevil\\u200f über 音" in PageReader(html).words


def test_a_dollar_sign_begins_no_formula():
    assert "$x^2$" in PageReader(picture("p", "$x^2$").svg).words


def test_the_same_picture_has_the_same_bytes():
    assert picture("one").svg == picture("one").svg


def test_colours_of_a_picture_are_the_page_s_own():
    svg = picture("one").svg
    assert "var(--series-1)" in svg
    assert "#0a" not in svg
    template = render_page(Header("t", (), ()), [])
    for name in {part.split(")")[0] for part in svg.split("var(--")[1:]}:
        assert f"--{name}:" in template, name


def test_the_numbers_of_a_picture_can_be_taken_from_the_page():
    html = render_page(
        Header("t", (), ()), [Section("s", "S", "", (picture("squares", rows=_ROWS),))]
    )
    assert list(csv.reader(io.StringIO(PageReader(html).csv("squares")))) == [
        ["x", 'a, "quoted" & 音', ""],
        ["1", "0.333333", ""],
    ]


_ROWS = (("x", 'a, "quoted" & 音', None), (1, 1 / 3, None))


def test_numbers_as_text_keep_their_digits_in_a_picture():
    with canvas(300, 200) as figure:
        add_axes(figure, 30, 30, 5, 5).set_yticks([0.00125], ["0.00125"])
        svg = finish(figure, "p", "t", "a", [("x",)]).svg
    assert "0.00125" in PageReader(svg).words


def test_a_picture_of_pixels_is_in_the_page_once_and_stays_within_it():
    png = bytes(range(256))  # with every byte, so that base64 has all its characters
    raster = Raster("photo", "Photo", "what it shows", png, "how to read it", 600)
    html = render_page(Header("t", (), ()), [Section("s", "S", "", (raster,))])
    page = PageReader(html)
    assert faults(html) == []
    (image,) = page.all("img")
    head, _, body = image["src"].partition(",")
    assert (head, image["alt"]) == ("data:image/png;base64", "what it shows")
    assert base64.b64decode(body, validate=True) == png
    assert html.count(body) == 1
    (figure,) = page.all("figure")
    assert (figure["id"], figure["style"]) == ("photo", "max-width:600px")
    assert "how to read it" in page.words


def test_a_picture_that_moves_is_hidden_from_who_asks_for_less_motion():
    raster = Raster("clip", "Clip", "it moves", b"GIF89a", "", 600, "image/gif", is_moving=True)
    html = render_page(Header("t", (), ()), [Section("s", "S", "", (raster,))])
    page = PageReader(html)
    assert page.all("img")[0]["src"].startswith("data:image/gif;base64,")
    assert page.all("figure")[0]["class"].split() == ["moving", "wide"]
    (reduced,) = [line for line in html.split("\n") if "(prefers-reduced-motion: reduce)" in line]
    assert ".moving { display: none; }" in reduced


def test_pixels_are_squares_unless_a_picture_is_to_be_smooth():
    for is_smooth, classes in ((False, "raster"), (True, "smooth raster")):
        raster = Raster("p", "P", "it", b"", "", 600, is_smooth=is_smooth)
        html = render_page(Header("t", (), ()), [Section("s", "S", "", (raster,))])
        assert PageReader(html).all("img")[0]["class"] == classes


def test_the_page_names_the_program_that_made_it():
    assert "Made by vqspeech report ." in PageReader(page("plain")).words
    html = render_page(Header("t", (), ()), [], "python -m <mine>")
    assert "Made by python -m <mine> ." in PageReader(html).words
    assert "vqspeech report" not in html


def test_the_page_forbids_all_but_what_it_holds():
    (policy,) = [
        meta["content"]
        for meta in PageReader(page("plain")).all("meta")
        if meta.get("http-equiv") == "Content-Security-Policy"
    ]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules == {
        "default-src": "'none'",
        "img-src": "data:",
        "media-src": "data:",
        "style-src": "'unsafe-inline'",
    }


def test_csv_has_six_digits_and_nothing_for_none():
    assert csv_text([("a", "b"), (1 / 3, None), (12, "x,y")]) == 'a,b\n0.333333,\n12,"x,y"\n'
