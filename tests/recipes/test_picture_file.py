import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from recipes.images.picture_file import PictureError, read_picture


@pytest.fixture
def scene():
    """A smooth colour picture, 40 wide and 24 high, whose corners all differ."""
    down, right = np.mgrid[0:24, 0:40]
    rgb = np.stack([right * 6, down * 10, (right + down) * 3], axis=-1)
    return Image.fromarray(rgb.astype(np.uint8))


def difference(a, b):
    return np.abs(a.astype(int) - np.asarray(b).astype(int)).max()


def png_header(width, height):
    """A PNG that claims a size and holds no pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunks + struct.pack(">I", 0) + b"IDAT"


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.ppm", "a.tif", "lossless.webp"])
def test_a_picture_comes_back_as_it_was_saved(tmp_path, scene, name):
    scene.save(tmp_path / name, **({"lossless": True} if name.endswith("webp") else {}))
    np.testing.assert_array_equal(read_picture(tmp_path / name), np.asarray(scene))


def test_the_content_and_not_the_name_says_what_a_file_is(tmp_path, scene):
    scene.save(tmp_path / "a.jpg", "PNG")
    np.testing.assert_array_equal(read_picture(tmp_path / "a.jpg"), np.asarray(scene))


def test_grey_becomes_three_equal_channels(tmp_path, scene):
    grey = scene.convert("L")
    grey.save(tmp_path / "a.png")
    picture = read_picture(tmp_path / "a.png")
    for channel in range(3):
        np.testing.assert_array_equal(picture[..., channel], np.asarray(grey))


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P", "RGB with a colour key"])
def test_what_is_transparent_is_white_whatever_it_hides(tmp_path, mode):
    levels = np.full((8, 8, 4), (10, 10, 10, 255), np.uint8)
    levels[2:4, 2:4] = (90, 90, 90, 0)
    image = Image.fromarray(levels)
    if mode == "RGB with a colour key":
        image.convert("RGB").save(tmp_path / "a.png", transparency=(90, 90, 90))
    elif mode == "P":
        image.convert("RGB").quantize(4).save(
            tmp_path / "a.png",
            transparency=image.convert("RGB").quantize(4).getpixel((2, 2)),
        )
    else:
        image.convert(mode).save(tmp_path / "a.png")
    expected = np.full((8, 8, 3), 10)
    expected[2:4, 2:4] = 255
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), expected)


def test_cmyk_keeps_its_colours(tmp_path):
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "red.jpg", quality=95)
    picture = read_picture(tmp_path / "red.jpg", 8)
    assert difference(picture, np.full((8, 8, 3), (255, 0, 0))) <= 6


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.pgm"])
def test_16_bits_are_scaled_and_not_cut_off(tmp_path, name):
    levels = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    if name == "a.pgm":
        (tmp_path / name).write_bytes(b"P5 8 8 65535\n" + levels.astype(">u2").tobytes())
    else:
        Image.fromarray(levels).save(tmp_path / name)
    expected = np.rint(levels / 65535 * 255)
    np.testing.assert_array_equal(read_picture(tmp_path / name)[..., 1], expected)


def test_numbers_of_unknown_range_are_refused(tmp_path):
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "a.tif")
    Image.fromarray(np.ones((4, 4), np.int32)).save(tmp_path / "b.tif")
    for name in ("a.tif", "b.tif"):
        with pytest.raises(PictureError, match=f"{name}: numbers without a known range"):
            read_picture(tmp_path / name)


def test_of_moving_pictures_the_first_is_taken(tmp_path):
    frames = [Image.new("P", (6, 4), 0) for _ in range(3)]
    for frame, color in zip(frames, ((250, 0, 0), (0, 250, 0), (0, 0, 250)), strict=True):
        frame.putpalette(color)
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert read_picture(tmp_path / "a.gif")[0, 0].tolist() == [250, 0, 0]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.png", "a.tif", "packed.tif"])
def test_a_picture_is_turned_as_its_camera_was(tmp_path, scene, orientation, name):
    # By the standard of EXIF: what the first row and the first column of the file show.
    wanted = np.asarray(scene)
    stored = {
        1: wanted,
        2: wanted[:, ::-1],
        3: wanted[::-1, ::-1],
        4: wanted[::-1],
        5: wanted.transpose(1, 0, 2),
        6: wanted.transpose(1, 0, 2)[::-1],  # row 0 is the right side, column 0 the top
        7: wanted.transpose(1, 0, 2)[::-1, ::-1],
        8: wanted.transpose(1, 0, 2)[:, ::-1],  # row 0 is the left side, column 0 the bottom
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    packing = {"compression": "tiff_lzw"} if name == "packed.tif" else {}
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / name, exif=exif, **packing)
    np.testing.assert_array_equal(read_picture(tmp_path / name), wanted)


def test_the_square_is_the_middle_of_the_picture(tmp_path):
    levels = np.zeros((20, 60, 3), np.uint8)
    levels[:, 20:40] = (0, 200, 0)
    Image.fromarray(levels).save(tmp_path / "wide.png")
    Image.fromarray(levels.transpose(1, 0, 2).copy()).save(tmp_path / "high.png")
    for name in ("wide.png", "high.png"):
        np.testing.assert_array_equal(
            read_picture(tmp_path / name, 20), np.full((20, 20, 3), (0, 200, 0))
        )


def test_a_shrunk_jpeg_is_near_the_mean_of_what_each_pixel_covers(tmp_path):
    down, right = np.mgrid[0:512, 0:640]
    waves = 128 + 60 * np.sin(down / 40) + 60 * np.cos(right / 50)
    image = Image.fromarray(np.stack([waves, waves[::-1], 255 - waves], -1).astype(np.uint8))
    image.save(tmp_path / "a.jpg", quality=95)
    square = np.asarray(image)[:, 64:576].astype(float)
    means = square.reshape(32, 16, 32, 16, 3).mean(axis=(1, 3))
    assert difference(read_picture(tmp_path / "a.jpg", 32), means) <= 5


def test_a_small_picture_is_enlarged(tmp_path):
    Image.new("RGB", (3, 5), (7, 8, 9)).save(tmp_path / "a.png")
    np.testing.assert_array_equal(
        read_picture(tmp_path / "a.png", 16)[..., 2], np.full((16, 16), 9)
    )


@pytest.mark.parametrize("side", [9_500, 60_000])  # Pillow by itself warns of one, stops at one
def test_a_huge_picture_is_refused_by_its_header(tmp_path, side):
    (tmp_path / "a.png").write_bytes(png_header(side, side))
    with pytest.raises(PictureError, match=r"a.png: more than 80 million pixels"):
        read_picture(tmp_path / "a.png", 32)


def test_what_cannot_be_read_is_named_with_the_reason(tmp_path, scene):
    scene.save(tmp_path / "whole.jpg")
    whole = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "short.jpg").write_bytes(whole[: len(whole) * 2 // 3])
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.jpg").write_text("no picture at all")
    (tmp_path / "drawing.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    (tmp_path / "folder.jpg").mkdir()
    reasons = {
        "short.jpg": "broken or cut short",
        "empty.png": "an empty file",
        "text.jpg": "no picture of JPEG, PNG, GIF, BMP, WEBP, TIFF, PPM",
        "drawing.jpg": "no picture of JPEG, PNG, GIF, BMP, WEBP, TIFF, PPM",
        "folder.jpg": "no regular file",
        "nowhere.jpg": "cannot be opened (No such file or directory)",
    }
    for name, reason in reasons.items():
        with pytest.raises(PictureError) as error:
            read_picture(tmp_path / name, 8)
        assert error.value.reason == reason
        assert str(error.value) == f"{tmp_path / name}: {reason}; give another picture"
        assert error.value.exit_code == 3


def test_no_change_of_a_file_ends_in_another_error(tmp_path, scene):
    rng = np.random.default_rng(0)
    for name in ("a.jpg", "a.png", "a.gif", "a.bmp", "a.webp", "a.tif", "a.ppm"):
        path = tmp_path / name
        scene.save(path)
        whole = path.read_bytes()
        for _ in range(60):
            changed = bytearray(whole)
            for at in rng.integers(min(len(whole), 300), size=4):
                changed[at] = rng.integers(256)
            path.write_bytes(changed)
            try:
                assert read_picture(path, 8).shape == (8, 8, 3)
            except PictureError as error:
                assert error.reason  # noqa: PT017 - either is right
