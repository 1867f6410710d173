"""Reads a page as a browser would, for tests: its elements, what it refers to, its text."""

from html.parser import HTMLParser
from urllib.parse import unquote

VOID = {"meta", "link", "br", "img", "input", "hr"}


class PageReader(HTMLParser):
    """Elements as (tag, attributes), the text outside of styles, and the commands among it."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.elements, self.text, self.open, self.unbalanced = [], [], [], []
        self.commands = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.text.append(data)
        if self.open[-2:] == ["p", "code"]:
            self.commands.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def csv(self, name):
        (link,) = [a for a in self.all("a") if a.get("download") == f"{name}.csv"]
        head, _, body = link["href"].partition(",")
        assert head == "data:text/csv;charset=utf-8"
        return unquote(body)


def faults(html):
    """What would make the page fetch something, or break it."""
    page, found = PageReader(html), []
    ids = [a["id"] for _, a in page.elements if "id" in a]
    found += [f"id twice: {name}" for name in {i for i in ids if ids.count(i) > 1}]
    found += [f"not closed: {tag}" for tag in page.open + page.unbalanced]
    for tag, attributes in page.elements:
        for name, value in attributes.items():
            value = value or ""
            if name in ("src", "href", "xlink:href", "srcset", "data", "action", "poster"):
                if value.startswith("#"):
                    if value[1:] not in ids:
                        found.append(f"{tag} points at nothing: {value}")
                elif not value.startswith("data:"):
                    found.append(f"{tag} {name}: {value}")
            if "url(" in value and not value.split("url(")[1].startswith("#"):
                found.append(f"{tag} {name}: {value}")
            if name.startswith("on"):
                found.append(f"{tag} runs {name}")
        if tag in ("script", "iframe", "object", "embed", "base"):
            found.append(f"element {tag}")
        if tag == "img" and not attributes.get("alt"):
            found.append("img without alt")
        if tag == "svg" and not (attributes.get("role") == "img" and attributes.get("aria-label")):
            found.append("svg without a name")
    if "@import" in html or "url(http" in html or "url(//" in html:
        found.append("style that fetches")
    return found
