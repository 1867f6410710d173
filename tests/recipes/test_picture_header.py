"""Kind and width of picture files, against those that Pillow writes."""

import io

import numpy as np
import pytest
from PIL import Image

from recipes.frames.picture_header import picture_header

# A width of more than one byte, and pictures that differ, or an animation becomes a still.
PIXELS = np.random.default_rng(0).integers(256, size=(3, 5, 300, 3), dtype=np.uint8)


def written(kind, frames, **options):
    first, *more = map(Image.fromarray, PIXELS[:frames])
    if more:
        options |= {"save_all": True, "append_images": more}
    buffer = io.BytesIO()
    first.save(buffer, kind, **options)
    return buffer.getvalue()


FILES = {
    "png": written("PNG", 1),
    "gif": written("GIF", 1),
    "moving gif": written("GIF", 3),
    "webp without loss": written("WEBP", 1, lossless=True),
    "webp with loss": written("WEBP", 1),
    "moving webp": written("WEBP", 3, lossless=True),
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_kind_and_width_are_those_that_pillow_reads(content):
    header, image = picture_header(content), Image.open(io.BytesIO(content))
    assert header.width == image.width == 300
    assert header.mime == image.get_format_mimetype()
    assert header.kind.upper() == image.format


# Bytes to the end of width and height, by the three specifications.
NEEDED = dict(zip(FILES, (24, 10, 10, 25, 30, 30), strict=True))


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_cut_off_before_the_end_of_its_size_has_no_header(name):
    content, needed = FILES[name], NEEDED[name]
    assert picture_header(content[:needed]) == picture_header(content)
    assert picture_header(content[: needed - 1]) is None


@pytest.mark.parametrize("content", [b"", b"BM" + bytes(60), b"RIFF....WEBPXYZ " + bytes(60)])
def test_other_files_have_no_header(content):
    assert picture_header(content) is None
