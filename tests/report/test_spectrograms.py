"""Spectrograms: levels and places of known sounds, and a picture that shows them."""

import matplotlib
import numpy as np
import pytest
from matplotlib.image import imread

from vqspeech.errors import WriteError
from vqspeech.report.spectrograms import (
    DPI,
    GAP,
    LEFT,
    PANEL,
    RIGHT,
    TOP,
    WIDTH,
    Panel,
    draw_spectrograms,
    spectrogram,
)

RATE = 16000


def tone(hz, amplitude, samples=RATE // 2):
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(samples) / RATE)).astype(np.float32)


def test_a_sine_stands_at_its_level_and_frequency():
    for hz, amplitude in [(1000, 1.0), (3217, 0.1)]:
        levels = spectrogram(tone(hz, amplitude), RATE, hop=100)
        assert levels.shape[1] == 80
        bin_hz = RATE / 2 / (len(levels) - 1)
        column = levels[:, 40]
        assert column.argmax() * bin_hz == pytest.approx(hz, abs=bin_hz)
        assert column.max() == pytest.approx(20 * np.log10(amplitude), abs=0.2)


def test_a_click_is_in_the_column_of_its_time():
    click = np.zeros(RATE)
    click[5000] = 1.0
    levels = spectrogram(click, RATE, hop=100)  # column 50 is centred on the click
    assert levels.mean(axis=0).argmax() == 50
    assert (levels[:, [47, 53]] == -80).all()  # windows of 400 samples reach two columns


def test_silence_is_at_the_floor_and_nothing_is_below():
    assert (spectrogram(np.zeros(3000, np.float32), RATE, 64) == -80).all()
    assert spectrogram(tone(1000, 1e-3), RATE, 64).min() == -80


def test_the_picture_has_a_panel_for_each_recording_on_common_axes(tmp_path):
    low, high = Panel("low", tone(500, 0.1)), Panel("high", tone(7500, 0.1, RATE))
    draw_spectrograms(tmp_path / "two.png", [low, high], RATE)
    picture = imread(tmp_path / "two.png")[:, :, :3].sum(axis=2)  # (H, W): magma goes with level
    assert picture.shape[1] == 1000
    panels = []
    for number in range(2):  # the inside of each frame, its top row first
        top = round(DPI * (TOP + number * (PANEL + GAP)))
        left, right = round(DPI * LEFT), round(DPI * (WIDTH - RIGHT))
        panels.append(picture[top + 3 : top + round(DPI * PANEL) - 3, left + 3 : right - 3])
    loudest = [(panel.mean(axis=1).argmax() + 3.5) / (DPI * PANEL) for panel in panels]
    np.testing.assert_allclose(loudest, [1 - 500 / 8000, 1 - 7500 / 8000], atol=0.015)

    # The first is half as long: its right half is as silent as the floor, that of the other not.
    def ends(panel):
        return [panel[:, part].max() for part in (slice(0, 400), slice(460, None))]

    assert [level > 1 for level in ends(panels[0]) + ends(panels[1])] == [True, False, True, True]
    assert ends(panels[0])[1] < 0.1


def test_the_same_recordings_make_the_same_bytes_whatever_the_reader_set(tmp_path):
    panels = [Panel("a", tone(500, 0.1)), Panel("b", tone(800, 0.1))]
    draw_spectrograms(tmp_path / "1.png", panels, RATE)
    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "red", "savefig.dpi": 30}):
        draw_spectrograms(tmp_path / "2.png", panels, RATE)
        assert matplotlib.rcParams["font.size"] == 20
    content = (tmp_path / "1.png").read_bytes()
    assert (tmp_path / "2.png").read_bytes() == content
    assert b"Software" not in content
    draw_spectrograms(tmp_path / "3.png", panels[::-1], RATE)
    assert (tmp_path / "3.png").read_bytes() != content


@pytest.mark.filterwarnings("error")
def test_a_name_may_hold_a_dollar_or_a_letter_that_no_font_has(tmp_path):
    for number, title in enumerate(["p901 $\\frac", "p$\\frac$", "\u4e00\u4e8c"]):
        draw_spectrograms(tmp_path / f"{number}.png", [Panel(title, tone(500, 0.1))], RATE)
        assert imread(tmp_path / f"{number}.png").shape[1] == 1000


def test_a_long_recording_and_a_single_sample_are_drawn(tmp_path):
    long = np.tile(tone(500, 0.1), 240)  # two minutes
    draw_spectrograms(tmp_path / "long.png", [Panel("long", long), Panel("short", long[:1])], RATE)
    assert imread(tmp_path / "long.png").shape[1] == 1000


def test_nothing_to_draw_is_a_mistake_and_a_full_place_is_named(tmp_path):
    for panels in ([], [Panel("empty", np.zeros(0))]):
        with pytest.raises(ValueError, match="recordings with samples"):
            draw_spectrograms(tmp_path / "a.png", panels, RATE)
    (tmp_path / "file").touch()
    with pytest.raises(WriteError, match=r"a\.png: cannot be written"):
        draw_spectrograms(tmp_path / "file" / "a.png", [Panel("a", tone(500, 0.1))], RATE)
