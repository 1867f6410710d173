"""What kind of picture a file is and how wide, from its first bytes: PNG, GIF or WebP.

Nothing is decoded, so that a strip of any length is no burden. Where the width stands is told by
the specifications of PNG (section 11.2.1) and GIF89a (section 18), and by RFC 9649 for WebP.
"""

import re
import struct
from typing import NamedTuple


class PictureHeader(NamedTuple):
    """What stands in front of the pixels."""

    kind: str  # PNG, GIF or WebP
    width: int  # pixels

    @property
    def mime(self) -> str:
        return f"image/{self.kind.lower()}"


class _Layout(NamedTuple):
    kind: str
    start: bytes  # a pattern
    place: int  # of the width
    form: str  # as `struct` takes it, the height passed over
    bits: int = 32  # of it that are the width
    less: int = 0  # what the width is larger by


_LAYOUTS = (
    _Layout("PNG", rb"\x89PNG\r\n\x1a\n....IHDR", 16, ">I4x"),
    _Layout("GIF", rb"GIF8[79]a", 6, "<H2x"),
    _Layout("WebP", rb"RIFF....WEBPVP8X", 24, "<I2x", 24, 1),  # an animation
    _Layout("WebP", rb"RIFF....WEBPVP8L", 21, "<H2x", 14, 1),  # one picture, without loss
    _Layout("WebP", rb"RIFF....WEBPVP8 ", 26, "<H2x", 14),  # one picture, with loss
)


def picture_header(content: bytes) -> PictureHeader | None:
    """The header of a file; None of one that is no such picture, or is cut off within it."""
    for layout in _LAYOUTS:
        end = layout.place + struct.calcsize(layout.form)
        if re.match(layout.start, content, re.DOTALL) and len(content) >= end:
            (number,) = struct.unpack_from(layout.form, content, layout.place)
            return PictureHeader(layout.kind, number % (1 << layout.bits) + layout.less)
    return None
